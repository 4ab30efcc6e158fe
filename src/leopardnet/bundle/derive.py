"""The same network under another temperature or other thresholds, as a new bundle. Never in place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from leopardnet.bundle.bundle import Bundle, write_spec
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
    """A new bundle in `out`: the same network and labels, another temperature, other thresholds. It has an id of its own.

    The card says so above everything else, and `provenance.judged_again` names the bundle it was made from. Raises
    BundleError where `out` exists.
    """
    out = Path(out)
    if out.exists():
        raise BundleError(
            "there is something already",
            where=out.name,
            todo="name a folder that does not exist; no bundle is changed in place",
        )
    silent = [name for name in (decide.alerts if decide else {}) if name not in bundle.labels.targets]
    if silent:
        raise ConfigError(
            "only a target of the model can have an alert",
            where="decide.alerts",
            found=", ".join(silent),
            expected="one of " + ", ".join(bundle.labels.targets),
        )
    again = [*bundle.spec.provenance.get("judged_again", []), {"from": bundle.id, "note": note}]
    provenance = {**bundle.spec.provenance, "judged_again": again}
    change = {"calibration": calibration, "decide": decide}
    spec = bundle.spec.model_copy(
        update={k: v for k, v in change.items() if v is not None} | {"provenance": provenance}
    )
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(bundle.folder, part, ignore=shutil.ignore_patterns("SHA256SUMS", "bundle.json"))
    card = (part / "card.md").read_text("utf-8")
    head = f"> **Judged again.** Network of bundle {bundle.id}; temperature {spec.calibration.temperature:.3f}, thresholds {_words(spec.decide)}. {note}\n> What follows describes the bundle it was made from.\n\n"
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


def _words(decide: DecideConfig) -> str:
    plain = ", ".join(f"{k} {v:g}" for k, v in decide.model_dump(exclude={"alerts"}).items())
    return plain + "".join(f", alert of {k} {v:g}" for k, v in decide.alerts.items())
