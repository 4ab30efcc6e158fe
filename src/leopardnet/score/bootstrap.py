"""Intervals by drawing whole sites again: clips of one camera resemble each other, so they are not drawn one by one.

A draw is a vector of site weights (how often each site was drawn). Counts per site are summed once; a draw is then one
matrix product, whatever the number of clips. Figures of a ranking go back to the clips; see `score.ranking`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

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

    def mean(self, values: Floats) -> Estimate:
        """The mean of a number per clip, float64 [M], with its interval.

        >>> draws = SiteDraws.of(pd.Series(["a", "a", "b"]), n_boot=500, seed=0)
        >>> print(draws.mean(np.array([1.0, 0.0, 1.0])))
        0.667 (0.500 to 1.000)
        """
        one_cell = np.zeros(len(values), np.int64)
        sums, n = (self.redraw(self.per_site(one_cell, 1, x))[:, 0] for x in (values, np.ones(len(values))))
        return self.estimate(float(values.mean()), sums / np.maximum(n, 1))

    def estimate(self, value: float, drawn: Floats) -> Estimate:
        """The value with the interval of what was drawn, float64 [n_boot]; see `estimate`."""
        return estimate(value, drawn, self.n_sites)


def estimate(value: float, draws: Floats, n_sites: int) -> Estimate:
    """The value with its 95 % interval: percentiles of its draws; draws in which it does not exist (nan) are left out.

    Plain percentiles are too narrow where there are few sites, so they are moved outwards as far as Student's t stands
    from the normal (the expanded percentile interval of Hesterberg 2015): with 30 sites to the 1.9th and 98.1st, with 5
    to the 0.1st and 99.9th.

    >>> print(estimate(0.5, np.linspace(0, 1, 101), n_sites=100_000))
    0.500 (0.025 to 0.975)
    """
    usable = draws[np.isfinite(draws)]
    if len(usable) == 0 or np.isnan(value):
        return Estimate(float(value))
    tail = 100 * tail_of(n_sites)
    low, high = np.percentile(usable, [tail, 100 - tail])
    return Estimate(float(value), float(low), float(high))


@lru_cache(maxsize=64)
def tail_of(n_sites: int) -> float:
    """The share of draws beyond each end of a 95 % interval over this many sites, at most 0.025.

    >>> round(tail_of(30), 4), round(tail_of(5), 4)
    (0.0188, 0.001)
    """
    from scipy.stats import norm, t

    return float(norm.cdf(-t.ppf(0.975, n_sites - 1) * np.sqrt(n_sites / (n_sites - 1)))) if n_sites > 1 else 0.0


def estimate_columns(name: str, rows: Sequence[Estimate]) -> dict[str, Floats]:
    """Columns `name`, `name_low`, `name_high` of a table, one row per estimate; nan where there is none.

    >>> {k: v.tolist() for k, v in estimate_columns("f1", [Estimate(0.5, 0.25, 0.75)]).items()}
    {'f1': [0.5], 'f1_low': [0.25], 'f1_high': [0.75]}
    """
    values = np.array([[r.value, r.low, r.high] for r in rows], np.float64).reshape(-1, 3)
    return dict(zip(columns_of(name), values.T, strict=True))


def columns_of(name: str) -> tuple[str, str, str]:
    """The three columns of a figure in a table: its value and the ends of its interval."""
    return name, f"{name}_low", f"{name}_high"
