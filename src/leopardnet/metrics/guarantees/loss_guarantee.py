"""A promise about losses, and the threshold that keeps it: "at most 1 % of leopard clips go unseen, with 95 % confidence".

The threshold stands at the score of the (k + 1)-th lowest positive, so k of n positives lie under it. The exact one-sided
bound of Clopper and Pearson says how large the true share of misses can be; k is the largest one for which it keeps the
promise. Because misses only grow with the threshold, one bound per k is enough: the choice among them costs nothing.

Clips of one site resemble each other, so n clips are worth less than n. The clustered bound counts n / d, with the design
effect d = 1 + (m − 1) · r: m is the mean number of positives at the site of a positive, r the correlation of two misses at
one site. So few misses say nothing of r, so it is taken from all scores: their intraclass correlation ρ (one-way analysis of
variance on normal scores), carried over to the tail in which misses lie as for a bivariate normal distribution.
`scripts/measure_intervals.py` measures how often such promises are kept. With positives from one site only, nothing can be
promised for others.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.errors import ConfigError
from leopardnet.metrics.bootstrap import NO_SITE
from leopardnet.metrics.measures import at_most

Floats = NDArray[np.float64]
FEW_SITES = 10  # from fewer, how much sites differ is hardly known


@dataclass(frozen=True, slots=True)
class Promise:
    """What may be promised of one label, and why.

    threshold: a clip with a lower score may go unseen; None where the clips cannot support the promise. n_missed: positives
    under the threshold (under the lowest possible one where there is none). miss_at_most: the clustered bound, and
    miss_at_most_if_independent the kinder one. n_missing: how many more positives without a miss the promise would take,
    from sites like these; 0 where it is kept.
    """

    label: str
    max_miss: float
    confidence: float
    threshold: float | None
    n_positives: int
    n_sites: int
    n_missed: int
    design_effect: float
    miss_at_most: float
    miss_at_most_if_independent: float
    n_missing: int

    @property
    def is_kept(self) -> bool:
        """Whether the clips support the promise."""
        return self.threshold is not None

    def __str__(self) -> str:
        wanted = (
            f"at most {self.max_miss:.3g} of {self.label} clips missed, with {100 * self.confidence:g}% confidence"
        )
        basis = f"{self.n_positives} clips from {self.n_sites} sites"
        if not self.n_positives:
            return f"{wanted}: cannot be demonstrated, there is no labelled clip of it; {self.n_missing} positives missing"
        if self.threshold is None:
            more = "no number of clips from one site" if self.n_sites < 2 else f"{self.n_missing} positives missing"
            return f"{wanted}: cannot be demonstrated with {basis}; {more}"
        few = (
            f". {self.n_sites} sites are few: such promises hold less often than they say"
            if self.n_sites < FEW_SITES
            else ""
        )
        return (
            f"{wanted}: kept at {self.threshold:.4g} ({self.n_missed} of {basis} missed; "
            f"the true share is at most {self.miss_at_most:.4f}){few}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, `is_kept` among them."""
        plain = {k: None if v != v else v for k, v in asdict(self).items()}  # JSON has no nan
        return {**plain, "is_kept": self.is_kept}


def positives_needed(max_miss: float, *, confidence: float = 0.95) -> int:
    """How many independent positives without a miss it takes: the smallest n with (1 − max_miss)^n ≤ 1 − confidence.

    >>> positives_needed(0.01), positives_needed(0.05), positives_needed(0.01, confidence=0.99)
    (299, 59, 459)
    """
    _check_share("max_miss", max_miss)
    _check_share("confidence", confidence)
    return math.ceil(math.log(1 - confidence) / math.log(1 - max_miss) - 1e-9)


def promise(
    label: str,
    score: Floats,
    is_positive: NDArray[np.bool_],
    sites: pd.Series[str],
    *,
    max_miss: float = 0.01,
    confidence: float = 0.95,
    clustered: bool = True,
) -> Promise:
    """The highest threshold that loses at most `max_miss` of the positives, or how many positives are missing.

    score: float64 [M], calibration clips that the model was not trained on; nan (unreadable) never goes unseen and has no
    part. is_positive: bool [M]; sites: [M], clips without one count as one site together. `clustered=False` takes clips as
    independent.

    >>> scores, sites = np.linspace(0.1, 1, 300), pd.Series(np.arange(300).astype(str))
    >>> print(promise("leopard", scores, np.ones(300, bool), sites))
    at most 0.01 of leopard clips missed, with 95% confidence: kept at 0.1 (0 of 300 clips from 300 sites missed; the true share is at most 0.0099)
    """
    n_alone = positives_needed(max_miss, confidence=confidence)
    use = is_positive & np.isfinite(score)
    ranked = np.sort(score[use])
    n, groups = len(ranked), sites.fillna(NO_SITE).to_numpy()[use]
    n_sites = len(np.unique(groups.astype(str)))
    effect = design_effect(score[use], groups, tail=max_miss) if clustered else 1.0
    worth = n / effect
    bounds = at_most(np.arange(n + 1) / effect, worth, confidence=confidence)  # [n + 1], rising
    n_fine = int((bounds <= max_miss).sum())
    k = max(n_fine - 1, 0)
    can = n_fine > 0 and (n_sites > 1 or not clustered)
    k = int((ranked < ranked[k]).sum()) if n else 0  # of equal scores, none lies under the threshold
    alone = at_most(k, n, confidence=confidence)
    missing = 0 if can else max(math.ceil(n_alone * effect) - n, 1)
    return Promise(
        label,
        max_miss,
        confidence,
        float(ranked[k]) if can else None,
        n,
        n_sites,
        k if can else 0,
        float(effect),
        float(bounds[k]) if n else float("nan"),
        float(alone),
        missing,
    )


def design_effect(score: Floats, groups: NDArray[Any], *, tail: float) -> float:
    """How many clips it takes to be worth one independent clip, 1 or more; `score` and `groups`: [n].

    tail: the share of clips that count as missed, those of the lowest scores. Without two sites it is n (they are worth one
    clip); where every clip has a site of its own, 1.

    >>> round(design_effect(np.array([0.1, 0.1, 0.9, 0.9]), np.array(["a", "a", "b", "b"]), tail=0.5), 3)  # twins
    2.0
    """
    n = len(score)
    codes, names = pd.factorize(groups.astype(str))
    if n < 2 or len(names) < 2:
        return float(max(n, 1))
    sizes = np.bincount(codes).astype(np.float64)
    rho = _correlation(score, codes, sizes) if n > len(names) else 0.0
    return float(1 + ((sizes**2).sum() / n - 1) * _tail_correlation(rho, tail))


def _correlation(score: Floats, codes: NDArray[np.int64], sizes: Floats) -> float:
    """The intraclass correlation of the normal scores, 0 to 1."""
    from scipy.stats import norm, rankdata

    n, n_sites = len(score), len(sizes)
    z = norm.ppf((rankdata(score) - 0.5) / n)
    means = np.bincount(codes, weights=z) / sizes
    between = (sizes * (means - z.mean()) ** 2).sum() / (n_sites - 1)
    within = ((z - means[codes]) ** 2).sum() / (n - n_sites)
    n_typical = (n - (sizes**2).sum() / n) / (n_sites - 1)
    spread = between + (n_typical - 1) * within
    if not spread > 0:
        return 1.0  # all scores alike: nothing tells clips from twins
    return float(min(max((between - within) / spread, 0.0), 1.0))


def _tail_correlation(rho: float, tail: float) -> float:
    """The correlation of "lies in the lower tail" for two normal variables of correlation rho.

    >>> round(_tail_correlation(0.5, 0.5), 3), round(_tail_correlation(0.5, 0.01), 3)  # (2 / pi) · asin(0.5), and less
    (0.333, 0.121)
    """
    from scipy.stats import multivariate_normal, norm

    if rho <= 0 or rho >= 1:
        return rho
    q = norm.ppf(tail)
    both = float(multivariate_normal.cdf([q, q], cov=[[1, rho], [rho, 1]]))
    return (both - tail**2) / (tail * (1 - tail))


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ConfigError("a promise needs a share", where=name, found=value, expected="a number between 0 and 1")
