"""Intervals by drawing whole sites again: clips of one camera resemble each other, so they are not drawn one by one.

A draw is a vector of site weights (how often each site was drawn). Counts per site are summed once; a draw is then one
matrix product, whatever the number of clips. Figures of a ranking go back to the clips; see `metrics.ranking`.

From the draws comes how far a figure spreads; from the spread, its interval. Most figures are shares, often near 1, where few
sites draw to one side only: their percentiles end too early, so shares get Student's t on the logit scale.
`scripts/measure_intervals.py` and `scripts/measure_rendered.py` measure how often such intervals hold the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.metrics.measures import at_least, at_most

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
        """The mean of a number from 0 to 1 per clip, float64 [M], with its interval; of zeros and ones alone it is a share.

        >>> draws = SiteDraws.of(pd.Series(["a", "a", "b", "c"]), n_boot=500, seed=0)
        >>> print(draws.mean(np.array([1.0, 0.0, 1.0, 1.0])))
        0.750 (0.036 to 0.996)
        """
        one_cell = np.zeros(len(values), np.int64)
        sums, n = (self.redraw(self.per_site(one_cell, 1, x))[:, 0] for x in (values, np.ones(len(values))))
        counted = len(values) if np.isin(values, (0, 1)).all() else None
        return self.share(float(values.mean()), sums / np.maximum(n, 1), n_clips=counted)

    def estimate(self, value: float, drawn: Floats) -> Estimate:
        """The value with the interval of what was drawn, float64 [n_boot]; see `estimate`."""
        return estimate(value, drawn, self.n_sites)

    def share(self, value: float, drawn: Floats, *, n_clips: float | None = None) -> Estimate:
        """The same for a value from 0 to 1; see `estimate_share`."""
        return estimate_share(value, drawn, self.n_sites, n_clips=n_clips)


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
    return Estimate(float(value), *_percentiles(usable, n_sites))


def _percentiles(usable: Floats, n_sites: int) -> tuple[float, float]:
    tail = 100 * tail_of(n_sites)
    low, high = np.percentile(usable, [tail, 100 - tail])
    return float(low), float(high)


def estimate_share(value: float, draws: Floats, n_sites: int, *, n_clips: float | None = None) -> Estimate:
    """The value, from 0 to 1, with its 95 % interval: Student's t on the logit scale, with the spread of its draws.

    n_clips: of how many clips the value is a share. The interval then holds at least what so many independent clips leave
    open (Clopper and Pearson): clips of one site are worth less than that, never more. Where no clip is wrong no draw is,
    and this bound is all there is. Without it, a value of 0 or 1 has the percentiles of `estimate`.

    >>> draws = np.random.default_rng(0).normal(0.96, 0.02, 2000)
    >>> print(estimate_share(0.96, draws, 30), estimate_share(1.0, np.ones(2000), 30, n_clips=100))
    0.960 (0.890 to 0.986) 1.000 (0.964 to 1.000)
    """
    usable = draws[np.isfinite(draws)]
    if len(usable) == 0 or np.isnan(value):
        return Estimate(float(value))
    if 0 < value < 1:
        from scipy.special import expit, logit

        reach = t_of(n_sites) * usable.std() / (value * (1 - value))
        low, high = (float(expit(logit(value) + x)) for x in (-reach, reach))
    else:
        low, high = _percentiles(usable, n_sites)
    if n_clips:
        low = min(low, float(at_least(value * n_clips, n_clips, confidence=0.975)))
        high = max(high, float(at_most(value * n_clips, n_clips, confidence=0.975)))
    return Estimate(float(value), low, high)


@lru_cache(maxsize=64)
def tail_of(n_sites: int) -> float:
    """The share of draws beyond each end of a 95 % interval over this many sites, at most 0.025.

    >>> round(tail_of(30), 4), round(tail_of(5), 4)
    (0.0188, 0.001)
    """
    from scipy.stats import norm

    return float(norm.cdf(-t_of(n_sites))) if n_sites > 1 else 0.0


@lru_cache(maxsize=64)
def t_of(n_sites: int) -> float:
    """How many times the spread of its draws a figure of two sites or more may lie from the truth, at 95 %.

    Draws spread less than figures of other sites would, by the square root of (n − 1) / n.

    >>> round(t_of(30), 3), round(t_of(5), 3)
    (2.08, 3.104)
    """
    from scipy.stats import t

    return float(t.ppf(0.975, n_sites - 1) * np.sqrt(n_sites / (n_sites - 1)))


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
