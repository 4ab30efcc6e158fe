"""The scan statistic: whether captures at a station crowd in a short time more than chance alone would crowd them.

Of N captures in T days of work, the most within any w days are counted, for several w. By chance, one of the N is
followed by k - 1 others within w days with a probability of at most N x P(Binomial(N - 1, w / T) >= k - 1). This
bound is the score of a station, the smaller the more crowded, the least over its windows. What the smallest score
of all stations would be by chance is found by drawing: every station keeps its number of captures, which fall
anywhere in its days of work. The share of draws whose smallest score is as small is the p-value of a station. So
the probability of one false finding or more, over all stations and windows, is the level.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

Floats = NDArray[np.float64]
_MOST_DRAWN = 30_000_000  # captures in all draws of a call


@dataclass(frozen=True, slots=True)
class History:
    """Captures of one station in its days of work.

    name: seeds its draws. times: float64 [N], days, sorted, each in a period. begins, ends: float64 [K], days,
    periods of work, sorted and disjoint.
    """

    name: str
    times: Floats
    begins: Floats
    ends: Floats

    @property
    def days(self) -> float:
        """Days of work."""
        return float((self.ends - self.begins).sum())


@dataclass(frozen=True, slots=True)
class Crowd:
    """The most crowded window of a station: its length in days, its captures from `first` on, and its p-value."""

    window_days: float
    first: int
    n: int
    p_value: float


def find_crowds(
    histories: Sequence[History],
    *,
    windows_days: Sequence[float],
    min_captures: int,
    n_shuffles: int,
    level: float,
    seed: int,
) -> list[Crowd]:
    """Return the most crowded window of each history, with p-values that hold over all of them together.

    A window with fewer than `min_captures` has the p-value 1. With very many captures fewer histories are drawn
    than `n_shuffles`; the p-value stays valid, since the observed history counts as one of the draws.
    """
    n_draws = _count_draws(sum(len(h.times) for h in histories), n_shuffles, level)
    found, least = [], np.zeros(n_draws)
    for history in histories:
        tables = [_score_counts(history, w, min_captures) for w in windows_days]
        counts = [count_ahead(history.times[None], w)[0] for w in windows_days]
        scores = [table[n.max(initial=0)] for table, n in zip(tables, counts, strict=True)]
        i = int(np.argmin(scores))
        found.append((scores[i], windows_days[i], int(counts[i].argmax()) if len(counts[i]) else 0, counts[i]))
        if len(history.times) < min_captures:
            continue  # no draw of it can score
        drawn = draw_times(history, n_draws, seed)
        for w, table in zip(windows_days, tables, strict=True):
            least = np.minimum(least, table[count_ahead(drawn, w).max(axis=1)])
    least = np.sort(least)
    crowds = []
    for score, window, first, counts in found:
        p = (1 + int(np.searchsorted(least, score, side="right"))) / (n_draws + 1)
        crowds.append(Crowd(window, first, int(counts.max(initial=0)), p if score < 0 else 1.0))
    return crowds


def count_ahead(times: Floats, width: float) -> NDArray[np.int64]:
    """Return how many captures lie from each one up to `width` later, itself included, int64 [M, N].

    times: float64 [M, N], each row sorted.

    >>> count_ahead(np.array([[0.0, 0.5, 1.0, 9.0]]), 1.0)
    array([[3, 2, 1, 1]])
    """
    m, n = times.shape
    if not times.size:
        return np.zeros((m, n), np.int64)
    step = float(np.ptp(times)) + 2 * width + 1
    flat = (times - times.min() + np.arange(m)[:, None] * step).ravel()
    # Rounding must not decide whether a capture exactly `width` later counts.
    after = np.searchsorted(flat, flat + width + 1e-7, side="right")
    ahead: NDArray[np.int64] = (after - np.arange(m * n)).reshape(m, n)
    return ahead


def draw_times(history: History, n_draws: int, seed: int) -> Floats:
    """Return captures that fall anywhere in the days of work, float64 [n_draws, N], each row sorted."""
    rng = np.random.default_rng([seed, zlib.crc32(history.name.encode())])
    lengths = history.ends - history.begins
    passed = np.cumsum(lengths) - lengths  # days of work before each period
    worked = np.sort(rng.uniform(0.0, history.days, (n_draws, len(history.times))), axis=1)
    i = np.searchsorted(passed, worked, side="right") - 1
    times: Floats = worked - passed[i] + history.begins[i]
    return times


def unite_periods(begins: Floats, ends: Floats) -> tuple[Floats, Floats]:
    """Return the union of periods, sorted and disjoint.

    >>> unite_periods(np.array([5.0, 0.0, 1.0]), np.array([6.0, 2.0, 3.0]))
    (array([0., 5.]), array([3., 6.]))
    """
    order = np.argsort(begins, kind="stable")
    begins, latest = begins[order], np.maximum.accumulate(ends[order])
    is_new = np.append(True, begins[1:] > latest[:-1])[: len(begins)]
    is_last = np.append(is_new[1:], True)[: len(begins)]
    return begins[is_new], latest[is_last]


def _score_counts(history: History, width: float, min_captures: int) -> Floats:
    """Return the log of the bound for 0, 1, … N captures within `width` days, rounded, float64 [N + 1]."""
    n = len(history.times)
    share = min(width / history.days, 1.0) if n else 1.0
    counts = np.arange(n + 1)
    with np.errstate(divide="ignore"):
        scores: Floats = np.log(n * bdtrc(np.maximum(counts - 2.0, -1.0), max(n - 1, 0), share))
    scores = np.where(counts < min_captures, 0.0, np.clip(scores, -700.0, 0.0))
    rounded: Floats = np.round(scores, 9)
    return rounded


def _count_draws(n_captures: int, n_shuffles: int, level: float) -> int:
    """Return how many histories are drawn: so many that the level is among the possible p-values."""
    per_level = math.ceil(1 / level)
    affordable = max(_MOST_DRAWN // max(n_captures, 1), 5 * per_level - 1)
    return max((min(n_shuffles, affordable) + 1) // per_level, 1) * per_level - 1
