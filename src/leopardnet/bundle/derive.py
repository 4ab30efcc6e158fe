"""The same network with another temperature or other thresholds, as a new bundle. Nothing is changed in place."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leopardnet.bundle.bundle import Bundle, BundleSpec, write_spec
from leopardnet.bundle.promise_watch import read_reference
from leopardnet.bundle.promises import (
    NO_PROMISE,
    Promise,
    describe_dropped,
    describe_promise,
    read_promises,
    release_thresholds,
)
from leopardnet.core.errors import BundleError, ConfigError
from leopardnet.core.labels import ANIMAL
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.core.tables import atomic_folder, write_json
from leopardnet.metrics.guarantees.season_watch import Reference
from leopardnet.score.calibrate import Calibration


def derive_bundle(
    bundle: Bundle,
    out: Path,
    *,
    calibration: Calibration | None = None,
    decide: DecideConfig | None = None,
    note: str = "",
    promises: Sequence[Promise] = (),
    watch: Reference | None = None,
) -> Bundle:
    """Write a bundle to `out` with the same network and labels, but this temperature and these thresholds.

    The new bundle has an id of its own. Its card says at the top what was changed, and `provenance.judged_again`
    names the bundle that it was made from. promises: what the thresholds guarantee (`LossGuarantee.to_dict`). One
    of `bundle` about another label stays only where the temperature and its threshold do. Where the temperature
    changes, it is dropped with its threshold, which meant another one: see `release_thresholds`. watch: what the
    sites behind new promises look like (`describe_sites`); where none is new, that of `bundle` stays. Raises
    BundleError where `out` exists, ConfigError for an alert of a label that is no target.

    >>> ln.derive_bundle(bundle, Path("stricter"), decide=found.decide, note="stricter.")  # doctest: +SKIP
    """
    out = Path(out)
    _refuse(bundle, out, decide)
    before, given = bundle.spec, {p["label"] for p in promises}
    calibration, decide = calibration or before.calibration, decide or before.decide
    is_stale = not has_same_meaning(before.calibration, calibration)
    stale = [p for p in read_promises(before) if is_stale and p["label"] not in given]
    decide = release_thresholds(before, decide, [p["label"] for p in stale])
    dropped = [describe_dropped(p, decide) for p in stale]
    spec = before.model_copy(update={"calibration": calibration, "decide": decide})
    still = [p for p in read_promises(before) if not is_stale and p["label"] not in given]
    held = [*promises, *(p for p in still if _has_same_threshold(before.decide, decide, p["label"]))]
    step: dict[str, Any] = {"from": bundle.id, "note": note, "promises": held}
    step |= {"dropped": dropped} if dropped else {}
    watched = watch if promises else read_reference(before) if held else None
    step |= {"watch": watched} if watched is not None else {}
    ancestors = [*map(_without_watch, before.provenance.get("judged_again") or []), step]
    spec = spec.model_copy(update={"provenance": {**before.provenance, "judged_again": ancestors}})
    with atomic_folder(out) as part:
        ignore = shutil.ignore_patterns("SHA256SUMS", "bundle.json")
        shutil.copytree(bundle.folder, part, ignore=ignore, dirs_exist_ok=True)
        card = (part / "card.md").read_text("utf-8")
        head = (
            f"> **Derived bundle.** The network of bundle {bundle.id} with "
            f"temperature {spec.calibration.temperature:.3f}{_biases_text(spec)} and thresholds "
            f"{_thresholds_text(spec.decide)}. {note}\n"
            f"> **Promise.** {_promises_text(held, dropped)}\n"
            "> Figures and calibration below are those of the bundle that it was made from.\n\n"
        )
        (part / "card.md").write_text(head + _renew_sections(card, spec, held), "utf-8")
        facts = json.loads((part / "card.json").read_text("utf-8"))
        facts |= {"promises": held, "decide": spec.decide.model_dump(mode="json")}
        facts["calibration"] = spec.calibration.to_dict()
        facts["judged_again"] = {
            "from": bundle.id,
            "calibration": spec.calibration.to_dict(),
            "decide": spec.decide.model_dump(mode="json"),
            "note": note,
            "promises": held,
            "dropped": dropped,
        }
        write_json(facts, part / "card.json")
        write_spec(part, spec)
    return Bundle.load(out)


def _refuse(bundle: Bundle, out: Path, decide: DecideConfig | None) -> None:
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


def _renew_sections(card: str, spec: BundleSpec, held: Sequence[Promise]) -> str:
    """Return the card with the promise and the thresholds that are now in force, where it states them."""
    said = " ".join(map(describe_promise, held)) or NO_PROMISE
    card = re.sub(r"(?ms)^## Promise\n\n.*?(?=^## )", lambda _: f"## Promise\n\n{said}\n\n", card)
    return re.sub(r"(?m)^- Thresholds: .*$", lambda _: f"- Thresholds: {_thresholds_text(spec.decide)}.", card)


def _without_watch(step: Mapping[str, Any]) -> dict[str, Any]:
    """Return an earlier step without what only the last one needs."""
    return {key: value for key, value in step.items() if key != "watch"}


def has_same_meaning(one: Calibration, other: Calibration) -> bool:
    """Return whether a probability means the same under both."""
    return (one.temperature, one.biases, one.shift) == (other.temperature, other.biases, other.shift)


def _has_same_threshold(before: DecideConfig, after: DecideConfig, label: str) -> bool:
    """Return whether the same clips of a label are missed under both; names do not matter."""
    if label == ANIMAL:
        return (before.empty, before.never_empty) == (after.empty, after.never_empty)
    return before.alert_threshold(label) == after.alert_threshold(label)


def _promises_text(held: Sequence[Promise], dropped: Sequence[str]) -> str:
    said = [*map(describe_promise, held)] or ["None: these thresholds guarantee nothing."]
    return " ".join([*said, *dropped])


def _biases_text(spec: BundleSpec) -> str:
    biases = ", ".join(f"{x:+.2f}" for x in spec.calibration.biases)
    shift = f", {spec.calibration.shift.describe()}" if spec.calibration.shift else ""
    return (f", biases of its labels {biases}" if biases else "") + shift


def _thresholds_text(decide: DecideConfig) -> str:
    plain = ", ".join(f"{k} {v:g}" for k, v in decide.model_dump(exclude={"alerts"}).items())
    return plain + "".join(f", alert for {k} {v:g}" for k, v in decide.alerts.items())
