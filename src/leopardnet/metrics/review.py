"""What a review by people gains: errors among the surest clips, errors left after a review of the least sure.

One curve answers both. Clips are in the order of the model's confidence, the surest first; unreadable clips come
last and count as errors. `errors(c)` is the number of errors among the first share c of the clips.

    risk at coverage c       errors(c) / (c · all clips)       if the model answers only where it is surest
    errors left, r reviewed  errors(1 − r) / errors(1)         if a person looks at the least sure share r

Clips of equal confidence are one block in which errors are spread evenly, so the order of rows does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.metrics.bootstrap import SiteDraws, estimate_columns

Floats = NDArray[np.float64]
SHARES = np.round(np.arange(0.05, 1.001, 0.05), 2)


@dataclass(frozen=True, slots=True, eq=False)
class Confidence:
    """Clips by decreasing confidence: sites, errors, and where blocks of equal confidence end."""

    codes: NDArray[np.int64]  # [M]
    is_error: NDArray[np.bool_]  # [M]
    ends: NDArray[np.int64]  # [B], positions of the last clip of each block
    counts: Floats | None  # [M], for how many clips each stands; None: for itself

    @classmethod
    def of(cls, confidence: Floats, is_error: NDArray[np.bool_], draws: SiteDraws) -> Confidence:
        """Return clips in this order; confidence: float64 [M], nan for unreadable clips, which come last."""
        known = np.where(np.isnan(confidence), -np.inf, confidence)
        order = np.argsort(-known, kind="stable")
        ranked = known[order]
        ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else np.zeros(0, np.int64)
        counts = None if draws.counts is None else draws.counts[order]
        return cls(draws.codes[order], is_error[order], ends, counts)

    def count_errors(self, weights: Floats, shares: Floats) -> tuple[Floats, float]:
        """Return the weight of errors among the surest shares, float64 [len(shares)], and the weight of all clips.

        weights: float64 [S], how often each site counts.
        """
        w = weights[self.codes] if self.counts is None else weights[self.codes] * self.counts
        clips = np.concatenate(([0.0], np.cumsum(w)[self.ends]))
        wrong = np.concatenate(([0.0], np.cumsum(np.where(self.is_error, w, 0.0))[self.ends]))
        return np.interp(shares * clips[-1], clips, wrong), float(clips[-1])


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
    value = _curves(ranked, np.ones(max(draws.n_sites, 1)))
    drawn = np.array([_curves(ranked, w) for w in draws.weights]).reshape(-1, 2, len(SHARES))
    tables = []
    clips, errors = draws.count_events(np.ones(len(is_error))), draws.count_events(is_error)  # [S]
    sizes_of = ([share * clips for share in SHARES], [errors] * len(SHARES))  # what each figure is a share of
    for i, (share, figure) in enumerate((("coverage", "risk"), ("reviewed", "errors_left"))):
        rows = [draws.estimate_share(v, drawn[:, i, k], sizes=sizes_of[i][k]) for k, v in enumerate(value[i])]
        tables.append(pd.DataFrame({share: SHARES, **estimate_columns(figure, rows)}))
    return tables[0], tables[1]


def _curves(ranked: Confidence, weights: Floats) -> Floats:
    """Return risk and errors left at `SHARES`, float64 [2, len(SHARES)]."""
    shares = np.concatenate((SHARES, 1 - SHARES, [1.0]))
    errors, n = ranked.count_errors(weights, shares)
    k = len(SHARES)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack([errors[:k] / (SHARES * n), errors[k : 2 * k] / errors[-1]])
