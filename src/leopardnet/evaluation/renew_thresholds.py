"""Thresholds under a new temperature: those that are asked for, or else those that a bundle had promised."""

from __future__ import annotations

from collections.abc import Mapping

from leopardnet.bundle.bundle import Bundle
from leopardnet.bundle.derive import has_same_meaning
from leopardnet.bundle.promises import read_promises, release_thresholds
from leopardnet.evaluation.recalibrate import Recalibration
from leopardnet.evaluation.thresholds import Thresholds, find_thresholds
from leopardnet.metrics.guarantees.levels import LEVELS, Level


def renew_thresholds(
    result: Recalibration,
    bundle: Bundle,
    losses: Mapping[str, float],
    *,
    confidence: float = 0.95,
    level: Level | None = None,
    keep_names: float | None = None,
) -> Thresholds | None:
    """Return thresholds for a bundle under its new temperature, None where there is nothing to find.

    Without `losses` they are those of the bundle's promises, where the temperature changes: the same labels, shares
    and confidence, at the same level. No other threshold of its promises is in the result, since these meant
    another temperature. Other arguments and errors as in `find_thresholds`.

    >>> renew_thresholds(recalibrate(predictions, manifest, bundle), bundle, {})  # doctest: +SKIP
    """
    held, decide = read_promises(bundle.spec), bundle.spec.decide
    if held and not has_same_meaning(bundle.spec.calibration, result.calibration):
        decide = release_thresholds(bundle.spec, decide, [p["label"] for p in held])
        if not losses:
            losses = {p["label"]: p["max_miss"] for p in held}
            confidence = max(p["confidence"] for p in held)
            level = next(x for x in reversed(LEVELS) if x in {p["level"] for p in held})
    if not losses and keep_names is None:
        return None
    return find_thresholds(
        result.clips, losses, confidence=confidence, level=level, keep_names=keep_names, decide=decide
    )
