"""Intervals from a bootstrap over sites: clips of one camera are alike, so whole sites are drawn, not clips.

A draw is a vector of site weights: how often each site was drawn. Counts per site are summed once; a draw is then
one matrix product, whatever the number of clips. Figures of a ranking need the clips themselves; see
`metrics.ranking`.

Shares get the interval of Wilson (1927) for an effective number of clips, their number over the design effect
(Kish 1965). The draws of few sites are a poor estimate of that effect, and where no clip is wrong they say nothing
about it. So the one that a correlation of CORRELATION within sites would give is averaged in, weighing as much as
SITES_ASSUMED sites; such a moderated variance has Student's t with the degrees of freedom of both (Smyth 2004).
Those of the draws follow from how unevenly sites contribute to them. `scripts/measure_intervals.py` and
`scripts/measure_rendered.py` measure how often the intervals hold the true value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.footage.site_names import normalise_site
from leopardnet.metrics.measures import CORRELATION, count_independent, count_whole_events

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NO_SITE = "(no site)"
FEW_SITES = 10  # fewer say little about how sites differ
SITES_ASSUMED = 4  # how many sites that assumption is worth
PER_SCORE = 6  # a ranking or a probability is known as well as a share of so many times the clips, or better
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

    Clips without a site share one code, that of `NO_SITE`: nobody knows where they come from. Spellings of one name
    are one site (`normalise_site`).

    >>> codes, names = encode_sites(pd.Series(["b", "a", "b"]))
    >>> codes.tolist(), names
    ([1, 0, 1], ('a', 'b'))
    """
    codes, written = pd.factorize(sites.astype(object).fillna(NO_SITE), sort=True)
    places = np.array([x if x == NO_SITE else normalise_site(str(x)) for x in written], object)
    of_written = pd.factorize(places)[0]  # in the order of the first spelling
    _, first = np.unique(of_written, return_index=True)
    return of_written.astype(np.int64)[codes], tuple(str(written[i]) for i in first)


def count_known(sites: Iterable[str | None]) -> int:
    """Return the number of different sites, of clips whose site is known.

    >>> count_known(["b", None, "b"])
    1
    """
    return len(set(sites) - {None})


@dataclass(frozen=True, slots=True, eq=False)
class SiteDraws:
    """The site of each clip, and the draws of sites.

    codes: int64 [M], the site of each clip, 0 to S - 1; weights: float64 [n_boot, S], how often each draw took each
    site (n_boot is 0 where there are fewer than two sites). event_codes: int64 [M], the event of each clip; None:
    each is one of its own. counts: float64 [M], for how many clips each stands, 1 on average; None: for itself.
    """

    codes: Ints
    n_sites: int
    weights: Floats
    event_codes: Ints | None = None
    counts: Floats | None = None

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
        if self.counts is not None:
            values = self.counts if values is None else values * self.counts
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
        0.900 (0.657 to 0.977)
        """
        ones = np.ones(len(values))
        _, drawn = self.sum_columns(values, ones)
        shares = drawn[:, 0] / np.maximum(drawn[:, 1], 1)
        value = float(np.average(values, weights=self.counts))
        return self.estimate_share(value, shares, sizes=self.count_events(ones))

    def count_clips(self, of: NDArray[np.generic]) -> Floats:
        """Return for how many clips those of each site stand that are true in `of`, bool [M]: float64 [S]."""
        return self.sum_per_site(np.zeros(len(self.codes), np.int64), 1, of.astype(np.float64))[:, 0]

    def count_events(self, of: NDArray[np.generic]) -> Floats:
        """Return of how many events of equal size the clips that are true in `of`, bool [M], are: float64 [S].

        The sum over sites is that of `count_whole_events`; without events it is the number of clips.
        """
        sizes, use = self.count_clips(of), of.astype(bool)
        if not sizes.any():
            return sizes
        events = np.ones(use.sum()) if self.counts is None else self.counts[use]
        if self.event_codes is not None:
            events = np.bincount(self.event_codes[use], weights=events)
        return np.asarray(sizes * count_whole_events(events) / sizes.sum())

    def n_events(self, of: NDArray[np.generic]) -> int:
        """Return how many events have a clip that is true in `of`, bool [M]."""
        is_it = of.astype(bool)
        return int(is_it.sum()) if self.event_codes is None else len(np.unique(self.event_codes[is_it]))

    def estimate(self, value: float, drawn: Floats) -> Estimate:
        """Return the value with the interval of its draws, float64 [n_boot]; see the function `estimate`."""
        return estimate(value, drawn, self.n_sites)

    def estimate_share(
        self, value: float, drawn: Floats, *, sizes: Floats, correlation: float = CORRELATION, per_clip: float = 1.0
    ) -> Estimate:
        """Return the same for a value from 0 to 1.

        sizes: the clips or events of each site that the value is a share of, float64 [S], see `count_events`; sites
        without any say nothing. correlation: of their results within a site, as assumed. per_clip: how many results
        each is worth, PER_SCORE for figures of a score.
        """
        n_clips = per_clip * count_independent(sizes, correlation)
        return self.estimate_fraction(value, drawn, n_sites=int(np.count_nonzero(sizes)), n_clips=n_clips)

    def estimate_fraction(self, value: float, drawn: Floats, *, n_sites: int, n_clips: float) -> Estimate:
        """Return the same for a value that is known as well as a share of n_clips independent clips.

        n_sites: how many sites say something about it.
        """
        freedom = min(self._count_freedom(drawn), n_sites - 1.0)
        return estimate_share(value, drawn, n_sites, freedom=freedom, n_clips=n_clips)

    def _count_freedom(self, drawn: Floats) -> float:
        """Return the degrees of freedom of the variance of draws, 2 S / (κ - 1); inf where all are alike.

        κ is the kurtosis of what sites contribute, estimated from the draws (infinitesimal jackknife, Efron 2014):
        a few large sites, or few that hold a rare label, leave few degrees of freedom.
        """
        usable = np.isfinite(drawn)
        if not usable.any():
            return 0.0
        shares = self.weights[usable].T @ (drawn[usable] - drawn[usable].mean())  # [S], of sites
        spread = (shares**2).sum()
        kurtosis = self.n_sites * (shares**4).sum() / spread**2 if spread > 0 else 1.0
        return float(2 * self.n_sites / (kurtosis - 1)) if kurtosis > 1 else float("inf")


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
    tail = 100 * tail_share(n_sites)
    low, high = np.percentile(usable, [tail, 100 - tail])
    return Estimate(float(value), float(low), float(high))


def estimate_share(
    value: float, draws: Floats, n_sites: int, *, freedom: float | None = None, n_clips: float | None = None
) -> Estimate:
    """Return a value from 0 to 1 with its 95 % interval of Wilson, which holds the value and ends within 0 and 1.

    n_sites: how many sites say something about it; with one none is known to differ, and there is no interval.
    freedom: of the variance of the draws, n_sites - 1 or less. n_clips: how many independent clips it is assumed to
    be a share of (see `count_independent`), with the weight of SITES_ASSUMED. Without it the draws alone count,
    and a value of 0 or 1 has no width.

    >>> draws = np.random.default_rng(0).normal(0.96, 0.02, 2000)
    >>> print(estimate_share(0.96, draws, 30, n_clips=100), estimate_share(1.0, np.ones(2000), 30, n_clips=100))
    0.960 (0.896 to 0.985) 1.000 (0.960 to 1.000)
    """
    usable = draws[np.isfinite(draws)]
    if len(usable) == 0 or np.isnan(value) or n_sites <= 1:
        return Estimate(float(value))
    freedom = n_sites - 1.0 if freedom is None else freedom
    weight, per_result = (SITES_ASSUMED, 1 / n_clips) if n_clips else (0, 0.0)  # 1 / the effective number of clips
    variance = value * (1 - value)  # of one result
    if variance > 0:
        drawn = usable.var() * n_sites / (n_sites - 1) / variance  # draws vary less than other sites would
        per_result = (weight * per_result + freedom * drawn) / (weight + freedom)
    q = _t_quantile(weight + freedom) ** 2 * per_result
    middle, reach = value + q / 2, np.sqrt(q * variance + q**2 / 4)
    low, high = (float((middle + x) / (1 + q)) for x in (-reach, reach))
    return Estimate(float(value), max(min(low, value), 0.0), min(max(high, value), 1.0))


@lru_cache(maxsize=1024)
def _t_quantile(freedom: float) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, freedom))


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
    return float(_t_quantile(n_sites - 1) * np.sqrt(n_sites / (n_sites - 1)))


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
