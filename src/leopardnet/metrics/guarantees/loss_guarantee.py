"""A guarantee on losses and its threshold: "at most 1 % of leopard clips are missed, with 95 % confidence".

The threshold is the score of the (k + 1)-th lowest positive, so k of n positives have a lower score. The exact
one-sided bound of Clopper and Pearson says how large the true share of misses can be; k is the largest number for
which the bound stays within the guarantee. Because misses only grow with the threshold, no correction for the
choice among them is needed.

Clips of one site resemble each other, so n clips carry less information than n independent ones. The clustered
bound counts n / d, with the design effect d = 1 + (m - 1) · r: m is the mean number of positives at the site of a
positive, r the correlation of two misses at one site. There are too few misses to estimate r, so it is derived from
all scores: their intraclass correlation ρ (one-way analysis of variance on normal scores), converted to the tail
where misses lie as for a bivariate normal distribution. `scripts/measure_intervals.py` measures how often such
guarantees hold. With positives from one site only, nothing can be guaranteed for others.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.errors import ConfigError
from leopardnet.metrics.bootstrap import Floats, Ints
from leopardnet.metrics.measures import upper_bound

FEW_SITES = 10  # fewer say hardly anything about the differences between sites


@dataclass(frozen=True, slots=True)
class LossGuarantee:
    """What can be guaranteed for one label, and why.

    threshold: a clip of a lower score may stay unseen; None where the clips do not support the guarantee. n_missed:
    positives below the threshold (0 without one). miss_at_most: the clustered upper bound of the share missed;
    miss_at_most_if_independent: the bound if clips were independent, which is lower. n_missing: how many more
    positives the guarantee needs, none of them missed, from sites like these; 0 where it is given.
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
        """Whether the clips support the guarantee."""
        return self.threshold is not None

    def __str__(self) -> str:
        share, confidence = f"{self.max_miss:.3g}", f"{100 * self.confidence:g}%"
        wanted = f"at most {share} of {self.label} clips missed, with {confidence} confidence"
        basis = f"{self.n_positives} clips from {self.n_sites} sites"
        if not self.n_positives:
            why = "without a labelled clip of it"
            return f"{wanted}: cannot be demonstrated {why}; {self.n_missing} positives missing"
        if self.threshold is None:
            more = "no number of clips from one site" if self.n_sites < 2 else f"{self.n_missing} positives missing"
            return f"{wanted}: cannot be demonstrated with {basis}; {more}"
        few = f". With only {self.n_sites} sites, such guarantees hold less often than stated"
        return (
            f"{wanted}: holds at threshold {self.threshold:.4g} ({self.n_missed} of {basis} missed; "
            f"the true share is at most {self.miss_at_most:.4f}){few if self.n_sites < FEW_SITES else ''}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, `is_kept` included."""
        plain = {k: None if v != v else v for k, v in asdict(self).items()}  # JSON has no nan
        return {**plain, "is_kept": self.is_kept}


def positives_needed(max_miss: float, *, confidence: float = 0.95) -> int:
    """Return how many independent positives without a miss are needed.

    That is the smallest n with (1 − max_miss)^n ≤ 1 − confidence.

    >>> positives_needed(0.01), positives_needed(0.05), positives_needed(0.01, confidence=0.99)
    (299, 59, 459)
    """
    _check_share("max_miss", max_miss)
    _check_share("confidence", confidence)
    return math.ceil(math.log(1 - confidence) / math.log(1 - max_miss) - 1e-9)


def find_loss_threshold(
    label: str,
    score: Floats,
    is_positive: NDArray[np.bool_],
    site_codes: Ints,
    *,
    max_miss: float = 0.01,
    confidence: float = 0.95,
    clustered: bool = True,
) -> LossGuarantee:
    """Return the highest threshold that misses at most `max_miss` of the positives, or what is missing for it.

    score: float64 [M], of calibration clips that the model was not trained on; nan (unreadable) never goes unseen
    and has no part. is_positive: bool [M]; site_codes: int64 [M]. `clustered=False` takes clips as independent.
    Raises ConfigError for shares that are not between 0 and 1.

    >>> guarantee = find_loss_threshold("leopard", np.linspace(0.1, 1, 300), np.ones(300, bool), np.arange(300))
    >>> guarantee.threshold, round(guarantee.miss_at_most, 4)
    (0.1, 0.0099)
    """
    n_independent = positives_needed(max_miss, confidence=confidence)
    use = is_positive & np.isfinite(score)
    ranked, sites = np.sort(score[use]), site_codes[use]
    n, n_sites = len(ranked), len(np.unique(sites))
    effect = design_effect(score[use], sites, tail=max_miss) if clustered else 1.0
    bounds = upper_bound(np.arange(n + 1) / effect, n / effect, confidence=confidence)  # [n + 1], increasing
    n_within = int((bounds <= max_miss).sum())
    is_possible = n_within > 0 and (n_sites > 1 or not clustered)
    k = max(n_within - 1, 0)
    k = int((ranked < ranked[k]).sum()) if n else 0  # of equal scores, none is below the threshold
    return LossGuarantee(
        label,
        max_miss,
        confidence,
        threshold=float(ranked[k]) if is_possible else None,
        n_positives=n,
        n_sites=n_sites,
        n_missed=k if is_possible else 0,
        design_effect=float(effect),
        miss_at_most=float(bounds[k]) if n else float("nan"),
        miss_at_most_if_independent=float(upper_bound(k, n, confidence=confidence)),
        n_missing=0 if is_possible else max(math.ceil(n_independent * effect) - n, 1),
    )


def design_effect(score: Floats, sites: Ints, *, tail: float) -> float:
    """Return how many clips carry as much information as one independent clip, 1 or more; score, sites: [n].

    tail: the share of clips that count as missed, those of the lowest scores. Without two sites it is n (all clips
    together count as one); where every clip has a site of its own, 1.

    >>> pairs = design_effect(np.array([0.1, 0.1, 0.9, 0.9]), np.array([0, 0, 1, 1]), tail=0.5)
    >>> round(pairs, 3)
    2.0
    """
    n = len(score)
    codes, names = pd.factorize(sites)
    if n < 2 or len(names) < 2:
        return float(max(n, 1))
    sizes = np.bincount(codes).astype(np.float64)
    rho = _intraclass_correlation(score, codes, sizes) if n > len(names) else 0.0
    return float(1 + ((sizes**2).sum() / n - 1) * _tail_correlation(rho, tail))


def _intraclass_correlation(score: Floats, codes: NDArray[np.intp], sizes: Floats) -> float:
    """Return the intraclass correlation of the normal scores, 0 to 1."""
    from scipy.stats import norm, rankdata

    n, n_sites = len(score), len(sizes)
    z = norm.ppf((rankdata(score) - 0.5) / n)
    means = np.bincount(codes, weights=z) / sizes
    between = (sizes * (means - z.mean()) ** 2).sum() / (n_sites - 1)
    within = ((z - means[codes]) ** 2).sum() / (n - n_sites)
    n_typical = (n - (sizes**2).sum() / n) / (n_sites - 1)
    spread = between + (n_typical - 1) * within
    if not spread > 0:
        return 1.0  # all scores are equal, so every clip may be a copy of another
    return float(min(max((between - within) / spread, 0.0), 1.0))


def _tail_correlation(rho: float, tail: float) -> float:
    """Return the correlation of "is in the lower tail" for two normal variables of correlation rho.

    At the median it is (2 / pi) · asin(rho), in the tail less.

    >>> round(_tail_correlation(0.5, 0.5), 3), round(_tail_correlation(0.5, 0.01), 3)
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
        raise ConfigError("a guarantee needs a share", where=name, found=value, expected="a number between 0 and 1")
