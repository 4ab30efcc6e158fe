"""Intervals from a bootstrap over sites: clips of one camera are alike, so whole sites are drawn, not clips.

A draw is a vector of site weights: how often each site was drawn. Counts per site are summed once; a draw is then
one matrix product, whatever the number of clips. Figures of a ranking need the clips themselves; see
`metrics.ranking`.

Most figures are shares, often close to 1, where a few sites give a skewed distribution of draws and percentiles
end too early. Shares therefore get Student's t on the logit scale. Only sites that hold a clip which the figure
is a share of say anything about it, so t has their number. Where every clip is right no draw is wrong, and the
exact interval of an effective number of clips is all there is. `scripts/measure_intervals.py` and
`scripts/measure_rendered.py` measure how often the intervals hold the true value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.metrics.measures import lower_bound, upper_bound

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NO_SITE = "(no site)"
FEW_SITES = 10  # fewer say little about how sites differ
MIN_CORRELATION = 0.1  # the results of two clips of one site are never taken as less alike than this
WIDEST, NOT_DEMONSTRATED = 0.6, "not demonstrated"  # a wider interval of a share says nothing


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval; `low` and `high` are None where there are fewer than two sites to draw from.

    An interval wider than WIDEST is kept as numbers, but shown as "not demonstrated".

    >>> print(Estimate(0.8346, 0.7, 0.9), Estimate(0.5), Estimate(0.8, 0.2, 0.9))
    0.835 (0.700 to 0.900) 0.500 0.800 (not demonstrated)
    """

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def is_demonstrated(self) -> bool:
        """Whether the interval, if there is one, is narrow enough to say something."""
        return self.low is None or self.high is None or not self.high - self.low > WIDEST

    def __str__(self) -> str:
        return self.format(3)

    def format(self, n_decimals: int) -> str:
        """Return value and interval as text; "–" for nan.

        >>> Estimate(0.8346, 0.7, 0.9).format(2)
        '0.83 (0.70 to 0.90)'
        """
        if np.isnan(self.value):
            return "–"
        value, *ends = (None if x is None else f"{x:.{n_decimals}f}" for x in (self.value, self.low, self.high))
        if None in ends:
            return f"{value}"
        return f"{value} (" + (" to ".join(map(str, ends)) if self.is_demonstrated else NOT_DEMONSTRATED) + ")"

    def to_dict(self) -> dict[str, float | None]:
        """Return `value`, `low` and `high` for JSON, None where there is no number."""
        value = None if np.isnan(self.value) else self.value
        return {"value": value, "low": self.low, "high": self.high}


def encode_sites(sites: pd.Series[str]) -> tuple[Ints, tuple[str, ...]]:
    """Return the code of each clip's site, int64 [M], and the names in the order of the codes (alphabetical).

    Clips without a site share one code, that of `NO_SITE`: nobody knows where they come from.

    >>> codes, names = encode_sites(pd.Series(["b", "a", "b"]))
    >>> codes.tolist(), names
    ([1, 0, 1], ('a', 'b'))
    """
    codes, names = pd.factorize(sites.astype(object).fillna(NO_SITE), sort=True)
    return codes.astype(np.int64), tuple(map(str, names))


@dataclass(frozen=True, slots=True, eq=False)
class SiteDraws:
    """The site of each clip, and the draws of sites.

    codes: int64 [M], the site of each clip, 0 to S - 1; weights: float64 [n_boot, S], how often each draw took each
    site (n_boot is 0 where there are fewer than two sites). event_codes: int64 [M], the event of each clip; None
    where each clip is one of its own.
    """

    codes: Ints
    n_sites: int
    weights: Floats
    event_codes: Ints | None = None

    @classmethod
    def of(cls, site_codes: Ints, *, n_boot: int, seed: int, event_codes: Ints | None = None) -> SiteDraws:
        """Return the draws for clips of these sites, int64 [M]; the codes may have gaps, their order counts."""
        codes, present = pd.factorize(site_codes, sort=True)
        n_sites = len(present)
        n_draws = n_boot if n_sites >= 2 else 0
        equal = np.full(max(n_sites, 1), 1 / max(n_sites, 1))
        weights = np.random.default_rng(seed).multinomial(n_sites, equal, size=n_draws)
        return cls(codes.astype(np.int64), n_sites, weights.astype(np.float64), event_codes)

    def sum_per_site(self, cells: Ints, n_cells: int, values: Floats | None = None) -> Floats:
        """Return sums of `values` (None: 1 per clip) per site and cell, float64 [S, n_cells]; cells: int64 [M]."""
        flat = np.bincount(self.codes * n_cells + cells, weights=values, minlength=self.n_sites * n_cells)
        return flat.reshape(self.n_sites, n_cells).astype(np.float64)

    def sum_columns(self, *columns: NDArray[np.generic]) -> tuple[Floats, Floats]:
        """Return the sums of n columns of numbers per clip, float64 [n], and of each draw, float64 [n_boot, n]."""
        one_cell = np.zeros(len(self.codes), np.int64)
        per_site = [self.sum_per_site(one_cell, 1, x.astype(np.float64)) for x in columns]  # n times [S, 1]
        return np.array([x.sum() for x in per_site]), np.hstack([self.redraw(x) for x in per_site])

    def redraw(self, per_site: Floats) -> Floats:
        """Return the same sums over all clips, for each draw: float64 [n_boot, n_cells]."""
        return self.weights @ per_site

    def estimate_mean(self, values: Floats) -> Estimate:
        """Return the mean of numbers from 0 to 1, float64 [M]; of zeros and ones alone it is a share of clips.

        >>> draws = SiteDraws.of(np.arange(20), n_boot=500, seed=0)
        >>> print(draws.estimate_mean(np.repeat([1.0, 0.0], [18, 2])))
        0.900 (0.639 to 0.988)
        """
        _, drawn = self.sum_columns(values, np.ones(len(values)))
        sizes = self.count_events(np.ones(len(values))) if np.isin(values, (0, 1)).all() else None
        return self.estimate_share(float(values.mean()), drawn[:, 0] / np.maximum(drawn[:, 1], 1), sizes=sizes)

    def count_clips(self, of: NDArray[np.generic]) -> Floats:
        """Return how many clips of each site are true in `of`, bool [M]: float64 [S]."""
        return self.sum_per_site(np.zeros(len(self.codes), np.int64), 1, of.astype(np.float64))[:, 0]

    def count_events(self, of: NDArray[np.generic]) -> Floats:
        """Return of how many events of equal size the clips that are true in `of`, bool [M], are: float64 [S].

        The sum over sites is that of `count_whole_events`; without events it is the number of clips.
        """
        sizes = self.count_clips(of)
        if self.event_codes is not None and sizes.any():
            sizes *= count_whole_events(np.bincount(self.event_codes[of.astype(bool)])) / sizes.sum()
        return sizes

    def n_events(self, of: NDArray[np.generic]) -> int:
        """Return how many events have a clip that is true in `of`, bool [M]."""
        is_it = of.astype(bool)
        return int(is_it.sum()) if self.event_codes is None else len(np.unique(self.event_codes[is_it]))

    def estimate(self, value: float, drawn: Floats) -> Estimate:
        """Return the value with the interval of its draws, float64 [n_boot]; see the function `estimate`."""
        return estimate(value, drawn, self.n_sites)

    def estimate_share(self, value: float, drawn: Floats, *, sizes: Floats | None = None) -> Estimate:
        """Return the same for a value from 0 to 1; see the function `estimate_share`.

        sizes: the clips or events of each site that the value is a share of, float64 [S], see `count_events`; sites
        without any do not count.
        Where none of them is wrong, or none right, they count as independent clips of `count_independent`.
        """
        if sizes is None:
            return estimate_share(value, drawn, self.n_sites)
        n_clips = count_independent(sizes) if value in (0, 1) else float(sizes.sum())
        return estimate_share(value, drawn, int(np.count_nonzero(sizes)), n_clips=n_clips)

    def estimate_ranking(self, value: float, drawn: Floats, sizes: Floats) -> Estimate:
        """Return the same for a figure of a ranking; sizes: the positives of each site, float64 [S].

        A site with many positives has much weight, so t has the effective number of sites, (Σ m)² / Σ m² (Kish
        1965). If the ranking is perfect so is every draw; then the positives give the interval.
        """
        n_sites = count_effective_sites(sizes)
        n_clips = count_independent(sizes) if value in (0, 1) else None
        return estimate_share(value, drawn, n_sites, n_clips=n_clips)


def estimate(value: float, draws: Floats, n_sites: int) -> Estimate:
    """Return the value with its 95 % interval: percentiles of its draws, of which nan are left out.

    Plain percentiles are too narrow where there are few sites, so they are moved outwards by the ratio of Student's
    t to the normal (the expanded percentile interval of Hesterberg 2015): with 30 sites to the 1.9th and 98.1st
    percentile, with 5 to the 0.1st and 99.9th.

    >>> print(estimate(0.5, np.linspace(0.3, 0.7, 101), n_sites=100_000))
    0.500 (0.310 to 0.690)
    """
    usable = draws[np.isfinite(draws)]
    if len(usable) == 0 or np.isnan(value):
        return Estimate(float(value))
    return Estimate(float(value), *_percentiles(usable, n_sites))


def _percentiles(usable: Floats, n_sites: float) -> tuple[float, float]:
    tail = 100 * tail_share(n_sites)
    low, high = np.percentile(usable, [tail, 100 - tail])
    return float(low), float(high)


def count_independent(sizes: Floats, correlation: float = MIN_CORRELATION) -> float:
    """Return how many independent clips carry as much information as clips of sites, n / d (Kish 1965).

    sizes: float64 [S], clips per site. d = 1 + (m - 1) · correlation is the design effect, m the mean number of
    clips at the site of a clip.

    >>> round(count_independent(np.array([150.0, 150.0])), 1), count_independent(np.ones(30))
    (18.9, 30.0)
    """
    n = sizes.sum()
    return float(n / (1 + ((sizes**2).sum() / n - 1) * correlation)) if n else 0.0


def count_whole_events(sizes: NDArray[np.generic]) -> float:
    """Return how many events of equal size carry as much weight, n² / Σ m² (Kish 1965); sizes: [E], clips of each.

    Two clips of an event count as equal, those of two events of a site as correlated by ρ. The effective number of
    clips is then n² / (Σ m² + ρ · (Σ M² - Σ m²)), M the clips of each site: exactly what `count_independent`
    returns for sizes of sites that are scaled so that their sum is n² / Σ m².

    >>> count_whole_events(np.array([3, 3, 3])), round(count_whole_events(np.array([100, 1, 1])), 2)
    (3.0, 1.04)
    """
    squares = float((sizes.astype(np.float64) ** 2).sum())
    return float(sizes.sum()) ** 2 / squares if squares else 0.0


def count_effective_sites(sizes: Floats) -> float:
    """Return how many sites of equal size carry as much weight, 2 or more; 1 or 0 where so few have any clip.

    >>> count_effective_sites(np.array([10.0, 10.0, 10.0, 0.0])), count_effective_sites(np.array([7.0, 0.0]))
    (3.0, 1.0)
    """
    n_holding = int(np.count_nonzero(sizes))
    return float(max(sizes.sum() ** 2 / (sizes**2).sum(), 2.0)) if n_holding > 1 else float(n_holding)


def estimate_share(value: float, draws: Floats, n_sites: float, *, n_clips: float | None = None) -> Estimate:
    """Return a value from 0 to 1 with its 95 % interval: Student's t on the logit scale, from the spread of draws.

    n_sites: how many sites say something about it, with one none is known to differ, and there is no interval.
    n_clips: the effective number of clips that the value is a share of, see `count_independent`. The interval is
    then at least as wide as that of so many independent clips (Clopper and Pearson). Where no clip is wrong no draw
    is either, and this bound is all there is. Without it, a value of 0 or 1 has the percentiles of `estimate`.

    >>> draws = np.random.default_rng(0).normal(0.96, 0.02, 2000)
    >>> print(estimate_share(0.96, draws, 30), estimate_share(1.0, np.ones(2000), 30, n_clips=100))
    0.960 (0.890 to 0.986) 1.000 (0.964 to 1.000)
    """
    usable = draws[np.isfinite(draws)]
    if len(usable) == 0 or np.isnan(value) or n_sites <= 1:
        return Estimate(float(value))
    if 0 < value < 1:
        from scipy.special import expit, logit

        reach = t_factor(n_sites) * usable.std() / (value * (1 - value))
        low, high = (float(expit(logit(value) + x)) for x in (-reach, reach))
    else:
        low, high = _percentiles(usable, n_sites)
    if n_clips:
        low = min(low, float(lower_bound(value * n_clips, n_clips, confidence=0.975)))
        high = max(high, float(upper_bound(value * n_clips, n_clips, confidence=0.975)))
    return Estimate(float(value), low, high)


@lru_cache(maxsize=64)
def tail_share(n_sites: float) -> float:
    """Return the share of draws beyond each end of a 95 % interval over this many sites, at most 0.025.

    >>> round(tail_share(30), 4), round(tail_share(5), 4)
    (0.0188, 0.001)
    """
    from scipy.stats import norm

    return float(norm.cdf(-t_factor(n_sites))) if n_sites > 1 else 0.0


@lru_cache(maxsize=64)
def t_factor(n_sites: float) -> float:
    """Return how many standard deviations of its draws a figure may be from the truth, at 95 %; two sites or more.

    Draws vary less than figures of other sites would, by the square root of (n - 1) / n.

    >>> round(t_factor(30), 3), round(t_factor(5), 3)
    (2.08, 3.104)
    """
    from scipy.stats import t

    return float(t.ppf(0.975, n_sites - 1) * np.sqrt(n_sites / (n_sites - 1)))


def estimate_columns(name: str, rows: Sequence[Estimate]) -> dict[str, Floats]:
    """Return the columns `name`, `name_low`, `name_high` of a table, one row per estimate; nan where there is none.

    >>> {k: v.tolist() for k, v in estimate_columns("f1", [Estimate(0.5, 0.25, 0.75)]).items()}
    {'f1': [0.5], 'f1_low': [0.25], 'f1_high': [0.75]}
    """
    values = np.array([[r.value, r.low, r.high] for r in rows], np.float64).reshape(-1, 3)
    return dict(zip(interval_columns(name), values.T, strict=True))


def estimate_row(estimates: Mapping[str, Estimate]) -> dict[str, float]:
    """Return one row of a table: each estimate as three values, `name`, `name_low` and `name_high`.

    >>> estimate_row({"f1": Estimate(0.5, 0.25, 0.75)})
    {'f1': 0.5, 'f1_low': 0.25, 'f1_high': 0.75}
    """
    columns = [estimate_columns(name, [value]) for name, value in estimates.items()]
    return {key: float(values[0]) for part in columns for key, values in part.items()}


def interval_columns(name: str) -> tuple[str, str, str]:
    """Return the three columns of a figure in a table: its value and the ends of its interval."""
    return name, f"{name}_low", f"{name}_high"
