"""What a review by people gains: errors among the surest clips, errors left after a review of the least sure.

One curve answers both. Clips are in the order of the model's confidence, the surest first; unreadable clips come
last and count as errors. `errors(c)` is the number of errors among the first share c of the clips.

    risk at coverage c       errors(c) / (c · all clips)       if the model answers only where it is surest
    errors left, r reviewed  errors(1 − r) / errors(1)         if a person looks at the least sure share r

Clips of equal confidence are one block in which errors are spread evenly, so the order of rows does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.metrics.bootstrap import SiteDraws, estimate_columns
from leopardnet.metrics.ranking import choose_sum_type

Floats = NDArray[np.float64]
SHARES = np.round(np.arange(0.05, 1.001, 0.05), 2)


@dataclass(frozen=True, slots=True, eq=False)
class Confidence:
    """Clips by decreasing confidence: sites, errors, and where blocks of equal confidence begin."""

    codes: NDArray[np.int64]  # [M]
    bounds: NDArray[np.int64]  # [B + 1], how many clips come before each block, and all of them
    errors: NDArray[np.int64]  # [E], positions of errors
    n_wrong: NDArray[np.int64]  # [B + 1], how many errors come before each block, and all of them
    counts: Floats | None  # [M], for how many clips each stands; None: for itself

    @classmethod
    def of(cls, confidence: Floats, is_error: NDArray[np.bool_], draws: SiteDraws) -> Confidence:
        """Return clips in this order; confidence: float64 [M], nan for unreadable clips, which come last."""
        known = np.where(np.isnan(confidence), -np.inf, confidence)
        order = np.argsort(-known, kind="stable")
        ranked = known[order]
        is_end = np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)]
        bounds, errors = np.append(0, np.flatnonzero(is_end) + 1), np.flatnonzero(is_error[order])
        counts = None if draws.counts is None else draws.counts[order]
        return cls(draws.codes[order], bounds, errors, np.searchsorted(errors, bounds), counts)

    def count_errors(self, weights: Floats, shares: Floats) -> tuple[Floats, Floats]:
        """Return the weight of errors among the surest shares, float64 [n_boot, shares], and that of all clips.

        weights: float64 [n_boot, S], how often each site counts.
        """
        dtype = choose_sum_type(weights, len(self.codes), self.counts)
        clips, wrong = np.zeros(len(self.codes) + 1, dtype), np.zeros(len(self.errors) + 1, dtype)
        found, total = np.zeros((len(weights), len(shares))), np.zeros(len(weights))
        each = np.zeros(len(self.codes), dtype)
        for i, weight in enumerate(weights.astype(dtype)):
            np.take(weight, self.codes, out=each, mode="clip")
            if self.counts is not None:
                each *= self.counts
            np.cumsum(each, out=clips[1:], dtype=dtype)
            np.cumsum(each[self.errors], out=wrong[1:], dtype=dtype)
            total[i] = clips[-1]
            found[i] = self._interpolate(clips, wrong, shares * total[i])
        return found, total

    def _interpolate(self, clips: NDArray[Any], wrong: NDArray[Any], at: Floats) -> Floats:
        """Return the weight of errors among clips of these weights, as `np.interp` without all blocks."""
        whole = np.floor(at).astype(clips.dtype) if clips.dtype.kind == "i" else at  # else all would be converted
        last = np.searchsorted(clips, whole, side="right") - 1
        block = np.minimum(np.searchsorted(self.bounds, last, side="right") - 1, len(self.bounds) - 1)
        after = np.minimum(block + 1, len(self.bounds) - 1)
        (x, x_after), (y, y_after) = (
            (sums[places[block]].astype(np.float64), sums[places[after]].astype(np.float64))
            for sums, places in ((clips, self.bounds), (wrong, self.n_wrong))
        )
        slope = np.divide(y_after - y, x_after - x, out=np.zeros_like(at), where=x_after > x)
        return np.asarray(slope * (at - x) + y)


def review_curves(
    confidence: Floats, is_error: NDArray[np.bool_], draws: SiteDraws
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return tables with 95 % intervals: `coverage, risk`, and `reviewed, errors_left` (nan without an error).

    confidence: float64 [M], nan for unreadable clips; is_error: bool [M].

    >>> sure, wrong = np.array([0.9, 0.8, 0.7, 0.6]), np.array([False, False, False, True])
    >>> one_site = SiteDraws.of(np.zeros(4, np.int64), n_boot=0, seed=0)
    >>> coverage, review = review_curves(sure, wrong, one_site)
    >>> coverage["risk"].iloc[[14, 19]].tolist(), review["errors_left"].iloc[4].round(9)  # 75 %, all; 25 % reviewed
    ([0.0, 0.25], np.float64(0.0))
    """
    ranked = Confidence.of(confidence, is_error, draws)
    value = _curves(ranked, np.ones((1, max(draws.n_sites, 1))))[0]
    drawn = _curves(ranked, draws.weights)
    tables = []
    clips, errors = draws.count_events(np.ones(len(is_error))), draws.count_events(is_error)  # [S]
    sizes_of = ([share * clips for share in SHARES], [errors] * len(SHARES))  # what each figure is a share of
    for i, (share, figure) in enumerate((("coverage", "risk"), ("reviewed", "errors_left"))):
        rows = [draws.estimate_share(v, drawn[:, i, k], sizes=sizes_of[i][k]) for k, v in enumerate(value[i])]
        tables.append(pd.DataFrame({share: SHARES, **estimate_columns(figure, rows)}))
    return tables[0], tables[1]


def _curves(ranked: Confidence, weights: Floats) -> Floats:
    """Return risk and errors left at `SHARES` for each draw, float64 [n_boot, 2, len(SHARES)]."""
    shares = np.concatenate((SHARES, 1 - SHARES, [1.0]))
    errors, n = ranked.count_errors(weights, shares)
    k = len(SHARES)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([errors[:, :k] / (SHARES * n[:, None]), errors[:, k : 2 * k] / errors[:, -1:]], axis=1)
