"""Visits of a camera and how evenly they come: what silence is unusual depends on both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.float64]
VISIT_GAP_DAYS = 30 / 1440  # clips that follow each other sooner are one visit
_WINDOWS_DAYS = (1.0, 3.0, 10.0, 30.0)
_MIN_WINDOWS = 4


def find_visits(days: Days) -> Days:
    """Return the begin of each visit, from the sorted times of clips in days, float64 [N].

    >>> find_visits(np.array([0.0, 0.01, 0.02, 1.0])).tolist()
    [0.0, 1.0]
    """
    return days[np.concatenate([[True], np.diff(days) >= VISIT_GAP_DAYS])] if len(days) else days


def measure_clumping(visits: Days, begin: float, end: float) -> float:
    """Return how much more the number of visits varies than that of a steady camera by chance, 1 or more.

    It is the variance over the mean of the counts in windows of 1, 3, 10 and 30 days, the largest of them: animals
    come in groups, and seasons and weather change all.

    >>> measure_clumping(np.arange(40.0) + 0.5, 0.0, 40.0)
    1.0
    """
    found = [1.0]
    for width in _WINDOWS_DAYS:
        n = int((end - begin) / width)
        if n >= _MIN_WINDOWS:
            counts = np.histogram(visits, bins=begin + width * np.arange(n + 1))[0]
            if counts.mean() > 0:
                found.append(float(counts.var(ddof=1) / counts.mean()))
    return max(found)


def chance_of_silence(n_visits: int, silence: float, length: float, clumping: float, *, anywhere: bool) -> float:
    """Return a bound of the chance that a sound camera is silent for so long.

    silence: in days, of a time of `length` days with `n_visits`, of which each `clumping` count as one. anywhere:
    the longest silence of many, rather than that at one end. For visits that come independently, the share s of the
    time is free of n of them with the chance (1 - s)^n.

    >>> chance_of_silence(10, 50.0, 100.0, 1.0, anywhere=False) == 0.5**10
    True
    """
    n = n_visits / clumping
    chance = float((1 - min(silence / length, 1.0)) ** n)
    return min(1.0, (n + 1) * chance) if anywhere else chance
