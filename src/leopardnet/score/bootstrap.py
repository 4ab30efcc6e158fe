"""Intervals by drawing whole sites again: clips of one camera resemble each other, so they are not drawn one by one.

A draw is a vector of site weights (how often each site was drawn). Counts per site are summed once; a draw is then one
matrix product, whatever the number of clips. Only AUROC goes back to the clips, as a weighted rank computation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NO_SITE = "(no site)"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; `low` and `high` are None where there are not two sites to draw from.

    >>> print(Estimate(0.8346, 0.7, 0.9), Estimate(0.5))
    0.835 (0.700 to 0.900) 0.500
    """

    value: float
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        interval = "" if self.low is None or self.high is None else f" ({self.low:.3f} to {self.high:.3f})"
        return f"{self.value:.3f}{interval}"

    def to_dict(self) -> dict[str, float | None]:
        """`value`, `low` and `high` for JSON, None where there is no number."""
        value = None if np.isnan(self.value) else self.value
        return {"value": value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True, eq=False)
class SiteDraws:
    """The groups of the clips and the draws of groups.

    codes: int64 [M], the group of each clip; weights: float64 [n_boot, S], how often each draw took each group
    (n_boot is 0 where there are fewer than two groups).
    """

    codes: NDArray[np.int64]
    n_sites: int
    weights: Floats

    @classmethod
    def of(cls, sites: pd.Series[str], *, n_boot: int, seed: int) -> SiteDraws:
        """The draws for these clips. Clips without a site are one group together: nobody knows where they come from."""
        codes, names = pd.factorize(sites.fillna(NO_SITE), sort=True)
        n_sites = len(names)
        n_draws = n_boot if n_sites >= 2 else 0
        equal = np.full(max(n_sites, 1), 1 / max(n_sites, 1))
        weights = np.random.default_rng(seed).multinomial(n_sites, equal, size=n_draws)
        return cls(codes.astype(np.int64), n_sites, weights.astype(np.float64))

    def per_site(self, cells: NDArray[np.int64], n_cells: int, values: Floats | None = None) -> Floats:
        """Sums per site and cell, float64 [S, n_cells], of `values` (1 per clip where None); `cells` is int [M]."""
        flat = np.bincount(self.codes * n_cells + cells, weights=values, minlength=self.n_sites * n_cells)
        return flat.reshape(self.n_sites, n_cells).astype(np.float64)

    def redraw(self, per_site: Floats) -> Floats:
        """The same sums over all clips, for each draw: float64 [n_boot, n_cells]."""
        return self.weights @ per_site


def estimate(value: float, draws: Floats) -> Estimate:
    """The value with the 2.5th and 97.5th percentile of its draws; draws in which it does not exist (nan) are left out."""
    usable = draws[np.isfinite(draws)]
    if len(usable) == 0 or np.isnan(value):
        return Estimate(float(value))
    low, high = np.percentile(usable, [2.5, 97.5])
    return Estimate(float(value), float(low), float(high))


def auroc(score: Floats, is_positive: NDArray[np.bool_]) -> float:
    """The chance that a positive clip scores above a negative one, ties half; nan without both kinds.

    >>> auroc(np.array([0.9, 0.8, 0.1]), np.array([True, False, False]))
    1.0
    """
    from sklearn.metrics import roc_auc_score

    if is_positive.all() or not is_positive.any():
        return float("nan")
    return float(roc_auc_score(is_positive, score))


def auroc_draws(score: Floats, is_positive: NDArray[np.bool_], codes: NDArray[np.int64], weights: Floats) -> Floats:
    """AUROC of each draw, float64 [n_boot], exact with ties: clips are ranked once, draws only change their weights.

    score, is_positive, codes: [M]; weights: [n_boot, S]. nan in draws that hold only one kind.
    """
    order = np.argsort(score, kind="stable")
    ranked, positive, site = score[order], is_positive[order], codes[order]
    negatives, positives = ranked[~positive], ranked[positive]
    site_neg, site_pos = site[~positive], site[positive]
    below = np.searchsorted(negatives, positives, side="left")  # [P] negatives strictly under each positive
    upto = np.searchsorted(negatives, positives, side="right")  # [P] and those that tie with it

    draws = np.full(len(weights), np.nan)
    for i, w in enumerate(weights):
        w_pos = w[site_pos]
        cumulated = np.concatenate(([0.0], np.cumsum(w[site_neg])))  # [Q+1]
        pairs = w_pos.sum() * cumulated[-1]
        if pairs > 0:
            draws[i] = w_pos @ (cumulated[below] + cumulated[upto]) / (2 * pairs)
    return draws
