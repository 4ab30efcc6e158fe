"""Clocks against the sun: infrared pictures at noon and colour at midnight come of a clock that is hours wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.footage.light import COLOUR, INFRARED
from leopardnet.data.checks.finding import Finding
from leopardnet.data.checks.health.camera_unit import CameraUnit
from leopardnet.data.checks.health.visits import VISIT_GAP_DAYS

BRIGHT_DEG, DARK_DEG = 15.0, -10.0  # above, a camera films in colour, also under trees; below, in infrared
MIN_OF_LIGHT = 6  # visits in infrared, and as many in colour: a camera with one light alone tells nothing
MIN_WRONG = 6  # visits in the wrong light
MIN_WRONG_SHARE = 0.1  # of the visits by full day and in full night
MAX_LEFT = 0.34  # of them, with the clock set right
HOURS = np.arange(-11, 13)


def find_wrong_clocks(unit: CameraUnit) -> Iterator[Finding]:
    """Yield a camera whose light contradicts the sun, if another time explains it; only with `has_place`.

    Errors of less than about two hours do not show. Colour at night with a white flash, or pictures without colour
    by day, are no error, because no other time explains them.
    """
    begins = np.diff(unit.days, prepend=-np.inf) >= VISIT_GAP_DAYS
    light = unit.clips["light"].to_numpy(object)
    is_infrared, is_colour = begins & (light == INFRARED), begins & (light == COLOUR)
    if min(is_infrared.sum(), is_colour.sum()) < MIN_OF_LIGHT or not unit.has_place:
        return
    times = unit.clips["captured_at"]
    wrong = np.array(
        [_is_wrong(unit.find_sun(times + pd.Timedelta(hours=int(h))), is_infrared, is_colour) for h in HOURS]
    )
    n_wrong, now = wrong.sum(axis=1), int(np.flatnonzero(HOURS == 0)[0])
    is_clear = (unit.sun > BRIGHT_DEG) | (unit.sun < DARK_DEG)
    n_judged = int(((is_infrared | is_colour) & is_clear).sum())
    fewest = max(MIN_WRONG, MIN_WRONG_SHARE * n_judged)
    if n_wrong[now] < fewest or n_wrong.min() > MAX_LEFT * n_wrong[now]:
        return
    n_now = int(n_wrong[now])
    best = HOURS[n_wrong == n_wrong.min()]
    i = int(np.flatnonzero(wrong[now])[0])
    yield unit.warn(
        "clock_against_sun",
        f"{n_now} of {n_judged} visits are in infrared by day or in colour at night, and fit a clock that "
        f"is set {_tell_hours(best)}: look for AM and PM, the time zone, and the clock correction",
        i,
    )


def tell_unchecked(units: Sequence[CameraUnit]) -> Iterator[Finding]:
    """Yield a note on the cameras whose clock cannot be held against the sun, as their place is not known."""
    unknown = [u.name for u in units if not u.has_place]
    if unknown:
        few = ", ".join(unknown[:3]) + (", …" if len(unknown) > 3 else "")
        yield Finding(
            "info",
            "clock_not_checked",
            f"the clocks of {len(unknown)} of {len(units)} cameras were not held against the sun ({few}): that "
            "needs latitude, longitude and time_zone in the deployments table",
        )


def _is_wrong(
    sun: NDArray[np.float64], is_infrared: NDArray[np.bool_], is_colour: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    return (is_infrared & (sun > BRIGHT_DEG)) | (is_colour & (sun < DARK_DEG))


def _tell_hours(best: NDArray[np.int64]) -> str:
    """Return the corrections that fit best, in words.

    >>> _tell_hours(np.array([3, 4]))
    '3 to 4 hours forward'
    """
    if 12 in best or len(best) > 8:
        return "about 12 hours off"
    low, high = sorted((abs(int(best[0])), abs(int(best[-1]))))
    span = f"{low} to {high}" if low != high else f"{low}"
    return f"{span} hours forward" if best.mean() > 0 else f"{span} hours back"
