"""Cameras that do not see the night: none of their clips is from it, or those that are show nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.data.checks.finding import Finding
from leopardnet.data.checks.health.camera_unit import CameraUnit
from leopardnet.data.checks.health.visits import VISIT_GAP_DAYS

NIGHT_SUN_DEG = -6.0  # below, it is dark
NIGHT_HOURS = (22, 23, 0, 1, 2, 3)  # where the sun is not known
MIN_DAYS = 14.0
LEVEL = 0.01
USUAL_SHARE = (
    0.05  # of visits at night, where too few other cameras say more: few places have only animals of the day
)
OF_OTHERS, MOST_SHARE = 0.25, 0.1  # of the night share of other cameras that a sound one has at least
MIN_OTHERS = 3
GROUP_GAP_DAYS = 0.125  # visits that follow each other sooner may be of one group of animals
MIN_DARK_VISITS = 8
MIN_DARK_SHARE = 0.8


def is_at_night(unit: CameraUnit) -> NDArray[np.bool_]:
    """Return for each clip whether it is from the night: by the sun if the place is known, else by the hour."""
    if unit.has_place:
        return unit.sun < NIGHT_SUN_DEG
    return np.asarray(unit.clips["captured_at"].dt.hour.isin(NIGHT_HOURS), bool)


def find_blind_nights(unit: CameraUnit, others: Sequence[float]) -> Iterator[Finding]:
    """Yield a camera without any clip of the night, or whose clips of the night are black.

    others: the shares of visits at night of the other cameras. None is unusual if it would happen to one in a
    hundred sound cameras whose share is a quarter of the usual one of the others, at most 10 %.
    """
    at_night, begins = is_at_night(unit), _begin_visits(unit)
    n_visits, n_night = int(begins.sum()), int((begins & at_night).sum())
    share = min(MOST_SHARE, OF_OTHERS * float(np.median(others))) if len(others) >= MIN_OTHERS else USUAL_SHARE
    share *= _night_share(unit)
    if n_night == 0 and not at_night.any() and unit.days[-1] >= MIN_DAYS:
        n = int((np.diff(unit.visits, prepend=-np.inf) >= GROUP_GAP_DAYS).sum())
        if (1 - share) ** n < LEVEL:
            yield unit.warn(
                "no_night",
                f"none of {n_visits} visits in {unit.days[-1]:.0f} days is from the night: the camera may be set "
                "to the day, or its infrared light or sensor does not work",
            )
    is_dark = unit.clips["is_dark"].fillna(False).to_numpy(bool) & at_night
    known = begins & at_night & unit.clips["is_dark"].notna().to_numpy()
    if known.sum() >= MIN_DARK_VISITS and (is_dark & known).sum() >= MIN_DARK_SHARE * known.sum():
        n_dark, n_known = int((is_dark & known).sum()), int(known.sum())
        yield unit.warn(
            "dark_nights",
            f"{n_dark} of {n_known} visits at night show a black picture: its infrared light does not work",
            int(np.flatnonzero(is_dark)[0]),
        )


def measure_night_share(unit: CameraUnit) -> float:
    """Return the share of a camera's visits that are from the night."""
    begins = _begin_visits(unit)
    return float((begins & is_at_night(unit)).sum() / begins.sum())


def _begin_visits(unit: CameraUnit) -> NDArray[np.bool_]:
    return np.diff(unit.days, prepend=-np.inf) >= VISIT_GAP_DAYS


def _night_share(unit: CameraUnit) -> float:
    """Return how much of a camera's time is night, by the measure of a third of it; 1 at most."""
    if not unit.has_place:
        return 1.0
    hours = pd.Series(pd.date_range(unit.first, periods=max(int(unit.days[-1] * 24), 24), freq="7h"))
    return min(1.0, 3.0 * float((unit.find_sun(hours) < NIGHT_SUN_DEG).mean()))
