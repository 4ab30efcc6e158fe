"""The same network with another temperature or other thresholds, as a new bundle. Nothing is changed in place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from leopardnet.bundle.bundle import Bundle, BundleSpec, write_spec
from leopardnet.core.errors import BundleError, ConfigError
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.core.tables import write_json
from leopardnet.score.calibrate import Calibration


def derive_bundle(
    bundle: Bundle,
    out: Path,
    *,
    calibration: Calibration | None = None,
    decide: DecideConfig | None = None,
    note: str = "",
) -> Bundle:
    """Write a bundle to `out` with the same network and labels, but this temperature and these thresholds.

    The new bundle has an id of its own. Its card says at the top what was changed, and `provenance.judged_again`
    names the bundle that it was made from. Raises BundleError where `out` exists, ConfigError for an alert of a
    label that is no target.
    """
    out = Path(out)
    if out.exists():
        raise BundleError(
            "this folder exists already",
            where=out.name,
            todo="choose a folder that does not exist; no bundle is changed in place",
        )
    no_target = [name for name in (decide.alerts if decide else {}) if name not in bundle.labels.targets]
    if no_target:
        raise ConfigError(
            "only a target of the model can have an alert",
            where="decide.alerts",
            found=", ".join(no_target),
            expected="one of " + ", ".join(bundle.labels.targets),
        )
    ancestors = [*bundle.spec.provenance.get("judged_again", []), {"from": bundle.id, "note": note}]
    changes = {
        "calibration": calibration or bundle.spec.calibration,
        "decide": decide or bundle.spec.decide,
        "provenance": {**bundle.spec.provenance, "judged_again": ancestors},
    }
    spec = bundle.spec.model_copy(update=changes)
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(bundle.folder, part, ignore=shutil.ignore_patterns("SHA256SUMS", "bundle.json"))
    card = (part / "card.md").read_text("utf-8")
    head = (
        f"> **Derived bundle.** The network of bundle {bundle.id} with "
        f"temperature {spec.calibration.temperature:.3f}{_biases_text(spec)} and thresholds "
        f"{_thresholds_text(spec.decide)}. {note}\n"
        "> The rest of this card describes the bundle that it was made from.\n\n"
    )
    (part / "card.md").write_text(head + card, "utf-8")
    facts = json.loads((part / "card.json").read_text("utf-8"))
    facts["judged_again"] = {
        "from": bundle.id,
        "calibration": spec.calibration.to_dict(),
        "decide": spec.decide.model_dump(mode="json"),
        "note": note,
    }
    write_json(facts, part / "card.json")
    write_spec(part, spec)
    part.replace(out)
    return Bundle.load(out)


def _biases_text(spec: BundleSpec) -> str:
    biases = ", ".join(f"{x:+.2f}" for x in spec.calibration.biases)
    return f", biases of its labels {biases}" if biases else ""


def _thresholds_text(decide: DecideConfig) -> str:
    plain = ", ".join(f"{k} {v:g}" for k, v in decide.model_dump(exclude={"alerts"}).items())
    return plain + "".join(f", alert for {k} {v:g}" for k, v in decide.alerts.items())
