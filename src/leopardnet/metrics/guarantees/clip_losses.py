"""The level "holds if no site is unlike those labelled": a bound on the share of clips lost, from a model of sites.

Clips of one site resemble each other, so n clips carry less information than n independent ones. The bound is the
exact one-sided one of Clopper and Pearson for an effective number of clips (Korn and Graubard 1998):

    n* = n / d · (t(n − 1) / t(K − 1))²,  at most n

K is the number of sites; t the two-sided quantile of Student's distribution, which answers for not knowing how
sites differ where there are few. d = 1 + (m − 1) · r is the design effect: m the mean number of positives at the
site of a positive, r the correlation of two misses at one site. There are too few misses to estimate r, so it is
derived from all scores: their intraclass correlation ρ (one-way analysis of variance on normal scores),
converted to the tail where misses lie as for a bivariate normal distribution. Correlation that sits in the tail
alone is invisible there; therefore r counts as at least MIN_CORRELATION.

Clips of one event count as copies of each other: n is then the number of events of equal size, n² / Σ m², and ρ the
correlation of the mean scores of events. So the bound does not gain from clips that are split into stills.

Clips of a random audit may have had unlike chances (a small site gives one clip at least). Each then stands for
1 / chance clips: the share missed is that of these sums, and n* answers for the unlike weights too. Clips of the
weights w, whose results are alike by r within a site, know a share as well as

    (Σ w)² / (Σ w² + r · (Σ W² − Σ w²)),  W the sum of the weights of a site

independent ones; with equal weights it is n / d. The exact bound for such an n* is the method of Korn and Graubard
for samples from surveys. `scripts/measure_audit_promises.py` measures it.

This is a model and no theorem: `scripts/measure_promises.py` measures in which worlds it holds. It does not hold
where some sites fail as none of the labelled ones does. Because misses only grow with the threshold, no correction
for the choice among thresholds is needed; `site_losses` has the proof.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leopardnet.metrics.guarantees.levels import Support, choose_threshold
from leopardnet.metrics.measures import count_independent, count_whole_events, upper_bound

Floats = NDArray[np.float64]
MIN_CORRELATION = 0.1  # two misses of one site are never taken as less alike than this


def support_like_sites(
    ranked: Floats,
    sites: NDArray[np.intp],
    *,
    max_miss: float,
    confidence: float,
    events: NDArray[np.intp] | None = None,
    counts: Floats | None = None,
) -> Support:
    """Return the highest threshold at which the share of clips missed is at most `max_miss`.

    ranked: float64 [n], the scores of positives, lowest first; sites: int [n], their sites, 0 to K - 1; events: int
    [n], their events, 0 to E - 1; without them each clip is one. counts: float64 [n], for how many clips each
    stands; None: for itself.
    """
    sizes, r = weigh_events(ranked, sites, events, tail=max_miss, counts=counts)
    n_effective = count_effective(sizes, r, confidence=confidence)
    each = np.ones(len(ranked)) if counts is None else counts
    missed = np.concatenate(([0.0], np.cumsum(each)[:-1])) / each.sum() if len(ranked) else np.zeros(0)
    n_within = 0
    if n_effective > 0:
        few = missed[missed <= max_miss]  # the bound is above the share itself
        bounds = upper_bound(few * n_effective, n_effective, confidence=confidence)
        n_within = int((bounds <= max_miss).sum())
    threshold, k, is_saturated = choose_threshold(ranked, n_within)
    bound = float(upper_bound(missed[k] * n_effective, n_effective, confidence=confidence)) if n_effective else 1.0
    needed = _count_sites_needed(sizes, r, max_miss=max_miss, confidence=confidence)
    return Support("like_sites", threshold, k, bound, needed, is_saturated)


def weigh_events(
    score: Floats,
    sites: NDArray[np.intp],
    events: NDArray[np.intp] | None,
    *,
    tail: float,
    counts: Floats | None = None,
) -> tuple[Floats, float]:
    """Return the events of each site, float64 [K], and the correlation of misses of two events of one site.

    The events sum up to `count_whole_events`, of events that stand for unlike numbers too. score, sites, events,
    tail, counts: as in `support_like_sites`.

    >>> twice = np.array([0.2, 0.2, 0.9, 0.9])
    >>> weigh_events(twice, np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), tail=0.1)[0].tolist()
    [1.0, 1.0]
    """
    sizes = np.bincount(sites, weights=counts).astype(np.float64)
    if not len(score):
        return sizes, correlate_misses(score, sites, tail=tail)
    if events is None:
        n = len(score) if counts is None else count_whole_events(counts)
        return sizes * n / sizes.sum(), correlate_misses(score, sites, tail=tail)
    first = np.unique(events, return_index=True)[1]
    means = np.bincount(events, weights=score) / np.bincount(events)
    r = correlate_misses(means, sites[first], tail=tail)
    return sizes * count_whole_events(np.bincount(events, weights=counts)) / sizes.sum(), r


def count_effective(sizes: Floats, r: float, *, confidence: float, n_sites: int | None = None) -> float:
    """Return how many independent clips carry as much information, 0 for fewer than two sites.

    sizes: float64 [K], positives or events per site; r: the correlation of two misses at one site; n_sites: as if
    there were so many sites with positives spread like these.

    >>> round(count_effective(np.full(15, 40.0), 0.1, confidence=0.95), 1)
    102.7
    """
    from scipy.stats import t

    k = n_sites or len(sizes)
    if k < 2:
        return 0.0
    n, at = sizes.sum() * k / len(sizes), (1 + confidence) / 2
    independent = count_independent(sizes, r) * k / len(sizes)
    return float(min(independent * (t.ppf(at, n - 1) / t.ppf(at, k - 1)) ** 2, n))


def _count_sites_needed(sizes: Floats, r: float, *, max_miss: float, confidence: float) -> int:
    """Return how many sites like these the guarantee needs where no positive is missed."""
    spread = sizes if len(sizes) else np.ones(1)
    fewest, enough = 1, 2
    zero = np.log(1 - confidence) / np.log(1 - max_miss)  # so many independent clips, none missed
    while count_effective(spread, r, confidence=confidence, n_sites=enough) < zero:
        fewest, enough = enough, 2 * enough
    while enough - fewest > 1:
        middle = (fewest + enough) // 2
        is_enough = count_effective(spread, r, confidence=confidence, n_sites=middle) >= zero - 1e-9
        fewest, enough = (fewest, middle) if is_enough else (middle, enough)
    return enough


def correlate_misses(
    score: Floats, sites: NDArray[np.intp], *, tail: float, floor: float = MIN_CORRELATION
) -> float:
    """Return the correlation of two misses at one site, from `floor` to 1; 1 where there is only one site.

    score: float64 [n], of positives; sites: int [n], 0 to K - 1; tail: the share that counts as missed, those of
    the lowest scores.

    >>> correlate_misses(np.array([0.1, 0.1, 0.9, 0.9]), np.array([0, 0, 1, 1]), tail=0.5)
    1.0
    """
    sizes = np.bincount(sites).astype(np.float64)
    if len(score) == len(sizes):
        return floor  # no two clips of one site: it makes no difference
    if len(sizes) < 2:
        return 1.0
    return max(_convert_to_tail(_correlate_scores(score, sites, sizes), tail), floor)


def _correlate_scores(score: Floats, codes: NDArray[np.intp], sizes: Floats) -> float:
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


def _convert_to_tail(rho: float, tail: float) -> float:
    """Return the correlation of "is in the lower tail" for two normal variables of correlation rho.

    At the median it is (2 / pi) · asin(rho), in the tail less.

    >>> round(_convert_to_tail(0.5, 0.5), 3), round(_convert_to_tail(0.5, 0.01), 3)
    (0.333, 0.121)
    """
    from scipy.stats import multivariate_normal, norm

    if rho <= 0 or rho >= 1:
        return rho
    q = norm.ppf(tail)
    both = float(multivariate_normal.cdf([q, q], cov=[[1, rho], [rho, 1]]))
    return (both - tail**2) / (tail * (1 - tail))
