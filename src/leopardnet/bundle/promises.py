"""The promises of a bundle: what its thresholds guarantee, at which level, and on how many sites that rests.

They are in `provenance.judged_again`, with the step that made them, as `LossGuarantee.to_dict` gives them. Only the
last step counts: a bundle whose temperature or thresholds were changed later promises nothing, and neither does one
that was made before promises had levels.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from leopardnet.core.labels import ANIMAL
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.core.settings.validate import validate

if TYPE_CHECKING:
    from leopardnet.bundle.bundle import BundleSpec

WATCH = "watch.json"  # in a results folder: whether the promise applies to it
NO_PROMISE = (
    "None. The thresholds were not set on labelled clips of yours: nobody knows what is lost if clips are archived "
    "unseen. `leopardnet thresholds` answers that."
)
Promise = Mapping[str, Any]


def read_promises(spec: BundleSpec) -> list[Promise]:
    """Return the promises under which the bundle decides; none for bundles without any."""
    steps = spec.provenance.get("judged_again") or [{}]
    return list(steps[-1].get("promises") or [])


def describe_promise(promise: Promise) -> str:
    """Return a promise in words: what, the level, what it rests on, and what the stronger level needs.

    >>> any_sites = {"threshold": None, "n_sites_needed": 59, "says": "holds whatever sites do"}
    >>> describe_promise({"label": "leopard", "max_miss": 0.05, "confidence": 0.95, "n_positives": 600,
    ...     "n_sites": 30, "level": "like_sites", "says": "holds if no site is unlike those labelled",
    ...     "levels": {"any_sites": any_sites}})  # doctest: +NORMALIZE_WHITESPACE
    'At most 0.05 of leopard clips missed, with 95% confidence: holds if no site is unlike those labelled (600 clips
    from 30 sites). For "holds whatever sites do": needs 59 sites with leopard clips, 30 were there.'
    """
    p = promise
    said = (
        f"At most {p['max_miss']:.3g} of {p['label']} clips missed, with {100 * p['confidence']:g}% confidence: "
        f"{p['says']} ({p['n_positives']} clips from {p['n_sites']} sites)."
    )
    if judged := (p.get("labels_chosen") or {}).get("says"):
        said = f"{said} {judged[:1].upper()}{judged[1:]}."
    strongest = p["levels"]["any_sites"]
    if p["level"] == "any_sites" or strongest["threshold"] is not None:
        return said
    more = f"needs {strongest['n_sites_needed']} sites with {p['label']} clips, {p['n_sites']} were there"
    return f'{said} For "{strongest["says"]}": {more}.'


def release_thresholds(before: BundleSpec, decide: DecideConfig, labels: Collection[str]) -> DecideConfig:
    """Return `decide` without the thresholds that promises of a bundle set for these labels.

    They are again what the network was packed with. A threshold that is no longer that of the bundle stays. Raises
    ConfigError where the settings that the network was packed with cannot be read.
    """
    packed = validate(DecideConfig, (before.provenance.get("config") or {}).get("decide") or {}, where="decide")
    alerts, changes = dict(decide.alerts), dict[str, Any]()
    if labels:
        changes["decides"] = packed.decides
    for label in labels:
        if label in alerts and alerts[label] == before.decide.alerts.get(label):
            del alerts[label]
            alerts |= {x: t for x, t in packed.alerts.items() if x == label}
    if ANIMAL in labels:
        for name in ("empty", "never_empty"):
            if getattr(decide, name) == getattr(before.decide, name):
                changes[name] = getattr(packed, name)
    return decide.model_copy(update={"alerts": alerts, **changes})


def describe_dropped(promise: Promise, decide: DecideConfig) -> str:
    """Return in words that a promise is dropped with its threshold. decide: the settings without it.

    >>> describe_dropped({"label": "deer", "max_miss": 0.1, "threshold": 0.2}, DecideConfig())
    'Dropped: at most 0.1 of deer clips missed. Its threshold 0.2 meant another temperature; the alert is at 0.1.'
    """
    label = promise["label"]
    now = (
        f"`empty` is {decide.empty:g}" if label == ANIMAL else f"the alert is at {decide.alert_threshold(label):g}"
    )
    return (
        f"Dropped: at most {promise['max_miss']:.3g} of {label} clips missed. Its threshold "
        f"{promise['threshold']:.3g} meant another temperature; {now}."
    )
