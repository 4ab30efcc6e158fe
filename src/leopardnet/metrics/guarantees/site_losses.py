"""The level "holds whatever sites do": a bound on the mean loss over sites, free of any assumption about sites.

The loss of a site is the share of its positives that have a lower score than the threshold, a number from 0 to 1.
Sites are the independent units, each counted alike, so nothing has to be known about how clips of a site resemble
each other. The guarantee: of all sets of labelled sites, drawn at random like those to come, at least the share
`confidence` gives a threshold at which the mean loss over all sites with positives is at most `max_miss`.

Test (Learn then Test: Angelopoulos, Bates, Candès, Jordan and Lei 2021). For K sites of mean loss R, the hypothesis
"the true mean exceeds a" is rejected where the p-value of Hoeffding and Bentkus is at most 1 − confidence:

    p = min( exp(−K · h(min(R, a), a)),  e · P(Binomial(K, a) ≤ ⌈K · R⌉) )
    h(r, a) = r · log(r / a) + (1 − r) · log((1 − r) / (1 − a))

The first is Hoeffding's (1963) inequality for means of variables from 0 to 1, the second Bentkus' (2004); Bates,
Angelopoulos, Lei, Malik and Jordan (2021) combine them. Without a loss p = (1 − a)^K, and no test can do better.

No correction for the choice of the threshold is needed, because losses only grow with it. Proof: let t* be the
largest threshold of a true mean at most a; that mean is continuous from the left, since lost is what lies
*below*. If the threshold chosen, T, exceeds t*, take t* < s ≤ T. The losses at s are at most those at T, and p
grows with R, so the test also rejects at s, wrongly, since the mean at s exceeds a. For any fixed s the chance
of that is at most 1 − confidence, and P(T > t*) is the limit of P(T ≥ s) as s falls to t*. ∎

Labels of a random audit need no weights here, whatever the chances of the sites are: within a site all clips have
the same chance, so the share lost of its drawn positives is on average the share lost of all its positives, and it
is a number from 0 to 1 that is independent of other sites. But a site takes part only if a positive of it was
drawn. The mean is then over sites where an audit of this kind meets the animal: one that it rarely visits counts
less.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leopardnet.metrics.guarantees.levels import Support, choose_threshold, sites_needed

Floats = NDArray[np.float64]


def support_any_sites(ranked: Floats, sites: NDArray[np.intp], *, max_miss: float, confidence: float) -> Support:
    """Return the highest threshold at which the mean loss over sites is at most `max_miss`.

    ranked: float64 [n], the scores of positives, lowest first; sites: int [n], their sites, 0 to K - 1.
    """
    sizes = np.bincount(sites)
    n_sites = len(sizes)
    # Mean loss over sites if the first i positives are missed, float64 [n].
    losses = np.concatenate(([0.0], np.cumsum(1 / (n_sites * sizes[sites]))[:-1])) if n_sites else np.zeros(0)
    n_within = int((p_values(losses, n_sites, max_miss) <= 1 - confidence).sum())  # they grow with the loss
    threshold, k, is_saturated = choose_threshold(ranked, n_within)
    return Support(
        "any_sites",
        threshold,
        n_missed=k,
        miss_at_most=bound_mean(float(losses[k]) if n_sites else 0.0, n_sites, confidence=confidence),
        n_sites_needed=sites_needed(max_miss, confidence=confidence),
        is_saturated=is_saturated,
    )


def p_values(losses: Floats, n_sites: int, max_miss: float) -> Floats:
    """Return the p-values of "the true mean loss exceeds `max_miss`" for mean losses over sites, float64 [n].

    >>> round(float(p_values(np.zeros(1), 59, 0.05)[0]), 4)
    0.0485
    """
    from scipy.special import bdtr, rel_entr

    r = np.minimum(losses, max_miss)
    hoeffding = np.exp(-n_sites * (rel_entr(r, max_miss) + rel_entr(1 - r, 1 - max_miss)))
    n_whole = np.ceil(n_sites * losses - 1e-9)  # sums of 1 / 3 are not exact
    return np.asarray(np.minimum(hoeffding, math.e * bdtr(n_whole, n_sites, max_miss)))


def bound_mean(loss: float, n_sites: int, *, confidence: float) -> float:
    """Return the upper bound of the true mean loss: the smallest `max_miss` that this mean over sites rejects.

    >>> round(bound_mean(0.0, 59, confidence=0.95), 4)
    0.0495
    """
    low, high = loss, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        is_rejected = p_values(np.array([loss]), n_sites, middle)[0] <= 1 - confidence
        low, high = (low, middle) if is_rejected else (middle, high)
    return high
