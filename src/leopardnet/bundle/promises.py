"""The promises of a bundle: what its thresholds guarantee, at which level, and on how many sites that rests.

They are in `provenance.judged_again`, with the step that made them, as `LossGuarantee.to_dict` gives them. Only the
last step counts: a bundle whose temperature or thresholds were changed later promises nothing, and neither does one
that was made before promises had levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leopardnet.bundle.bundle import BundleSpec

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
    strongest = p["levels"]["any_sites"]
    if p["level"] == "any_sites" or strongest["threshold"] is not None:
        return said
    more = f"needs {strongest['n_sites_needed']} sites with {p['label']} clips, {p['n_sites']} were there"
    return f'{said} For "{strongest["says"]}": {more}.'
