"""The scan statistic: whether captures at a station crowd in a short time more than chance alone makes them.

Of N captures in T days of work, k lie within some days s. By chance, one of the N is followed by k - 1 others
within s days with a probability of at most N x P(Binomial(N - 1, s / T) >= k - 1). The least of these bounds, over
all k and all stretches of at most `max_days`, is the score of a station: the smaller, the more crowded. What the
smallest score of all stations would be by chance is found by drawing: every station keeps its number of captures,
which fall anywhere in its days of work. The share of draws whose smallest score is as small is the p-value of a
station. So the probability of one false finding or more, over all stations and stretches, is the level.
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
    """The most crowded stretch of a station: its n captures from `first` on (0: no crowd), and its p-value."""

    first: int
    n: int
    p_value: float


def find_crowds(
    histories: Sequence[History],
    *,
    max_days: float,
    min_captures: int,
    n_shuffles: int,
    level: float,
    seed: int,
    gap_days: float = 0.0,
) -> list[Crowd]:
    """Return the most crowded stretch of each history, with p-values that hold over all of them together.

    Fewer than `min_captures` are no crowd. With very many captures fewer histories are drawn than `n_shuffles`; the
    p-value stays valid, since the observed history counts as one of the draws. gap_days: see `draw_times`.
    """
    n_draws = _count_draws(sum(len(h.times) for h in histories), n_shuffles, level)
    found, least = [], np.zeros(n_draws)
    for history in histories:
        found.append(score_captures(history.times[None], history.days, max_days, min_captures))
        if len(history.times) >= min_captures:
            drawn = draw_times(history, n_draws, seed, gap_days=gap_days)
            least = np.minimum(least, score_captures(drawn, history.days, max_days, min_captures)[0])
    least = np.sort(least)
    p_values = [(1 + int(np.searchsorted(least, scores[0], side="right"))) / (n_draws + 1) for scores, *_ in found]
    return [Crowd(int(i[0]), int(n[0]), p if n[0] else 1.0) for (_, i, n), p in zip(found, p_values, strict=True)]


def score_captures(
    times: Floats, days: float, max_days: float, min_captures: int
) -> tuple[Floats, NDArray[np.int64], NDArray[np.int64]]:
    """Return the score of each history, and the first and the number of its most crowded captures, each [M].

    times: float64 [M, N], days, each row sorted. days: of work. The score is 0 and the number 0 without a crowd.
    """
    m, n = times.shape
    best, first, count = np.zeros(m), np.zeros(m, np.int64), np.zeros(m, np.int64)
    for k in range(min_captures, n + 1):
        spans = times[:, k - 1 :] - times[:, : n - k + 1]
        i = spans.argmin(axis=1)
        span = spans[np.arange(m), i]
        if span.min() > max_days:
            break
        with np.errstate(divide="ignore"):
            score = np.maximum(np.log(n * bdtrc(float(k - 2), n - 1, np.minimum(span / days, 1.0))), -700.0)
        is_better = (score < best) & (span <= max_days)
        best = np.where(is_better, score, best)
        first, count = np.where(is_better, i, first), np.where(is_better, k, count)
    return np.round(best, 9), first, count


def draw_times(history: History, n_draws: int, seed: int, *, gap_days: float = 0.0) -> Floats:
    """Return captures that fall anywhere in the days of work, float64 [n_draws, N], each row sorted.

    gap_days: the least time between two, as events have; less where the days do not hold so many.
    """
    rng = np.random.default_rng([seed, zlib.crc32(history.name.encode())])
    n = len(history.times)
    gaps = np.arange(n) * min(gap_days, history.days / (2 * max(n, 1)))
    lengths = history.ends - history.begins
    passed = np.cumsum(lengths) - lengths  # days of work before each period
    # Evenly spread captures with a least gap are evenly spread ones in the time without the gaps.
    worked = np.sort(rng.uniform(0.0, history.days - gaps.max(initial=0.0), (n_draws, n)), axis=1) + gaps
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


def _count_draws(n_captures: int, n_shuffles: int, level: float) -> int:
    """Return how many histories are drawn: so many that the level is among the possible p-values."""
    per_level = math.ceil(1 / level)
    affordable = max(_MOST_DRAWN // max(n_captures, 1), 5 * per_level - 1)
    return max((min(n_shuffles, affordable) + 1) // per_level, 1) * per_level - 1
