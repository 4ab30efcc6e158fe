"""Bets against "the new sites are like those of the promise": an e-process that may be looked at after every site.

The hypothesis is that sites, those behind the promise and the new ones in their order, are exchangeable. Clips are
not: those of one site resemble each other, so a test on clips would alarm at every new site. Each site gives one
number. The K numbers behind the promise divide the line into K + 1 gaps, and the j-th new site falls into one.

Under the hypothesis all orders of the numbers are equally likely, so each of the K + j places that the j-th new
number may take among those before it is equally likely; a gap that holds c new sites has c + 1 of them (Pólya's
urn):

    P(the j-th new site falls into gap i | the gaps of those before) = (1 + c_i) / (K + j)

Ties are broken by random numbers that have nothing to do with the sites, which leaves them exchangeable. A bettor
who starts with 1 and holds that the next gap has the probability q_i is paid q_i / P. The money is a likelihood
ratio, hence a martingale under the hypothesis, and by Ville's inequality (1939) it ever reaches 1 / a with a chance
of at most a, however often one looks. Such money is called an e-process, here a conformal test martingale: Vovk,
Nouretdinov and Gammerman 2003, Testing exchangeability on-line; Vovk 2021, Testing randomness online; Ramdas,
Grünwald, Vovk and Shafer 2023, Game-theoretic statistics and safe anytime-valid inference.

Several bettors play with parts of the money, one for each of LAWS, how new sites might differ. A reserve joins them
little by little, so that a change after many ordinary sites is seen too: a mixture over the time of the change, as
in the e-detectors of Shin, Ramdas and Rinaldo 2024, but with one bound for all looks together. Bettors who see the
same gaps may share a purse, because a sum of martingales is one. Bettors on *different* numbers of a site see other
gaps: their sum need not be a martingale (Choe and Ramdas 2024, Combining evidence across filtrations), so
`season_watch` divides the chance of a false alarm among them instead.

No method can do with fewer sites: of K + J numbers the J new ones are the largest with a chance of
1 / C(K + J, J), so that 8 sites and 2 new ones never give evidence beyond 45 to 1.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
LAWS = ((-2.2, 1.0), (2.2, 1.0), (0.0, 3.0))
"""New sites as the bettors imagine them, where the others are standard normal: mean and standard deviation."""
PARTS = np.array([0.45, 0.45, 0.1])
"""The part of the money that each bettor gets."""
RESERVE = 0.3  # the part that is not bet at first
JOINING = 0.1  # the part of the reserve that joins the bettors at each new site
SEED = 7


def follow_money(reference: Floats, new: Floats) -> tuple[Floats, Floats]:
    """Return the money after each new site, float64 [J], and what each bettor is paid, float64 [J, L], for 1.

    reference: float64 [K], one number for each site behind the promise, in any order; new: float64 [J], of new
    sites in the order in which they are looked at; no nan. Later sites do not change what was before. Without a
    reference there is one gap, and the money stays 1.

    >>> money, _ = follow_money(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.9, 0.8, 0.7]))
    >>> money.round(2).tolist()
    [1.88, 4.41, 8.88]
    """
    k, n_new = len(reference), len(new)
    gaps = _find_gaps(reference, new)
    is_same = gaps[:, None] == gaps[None, :]
    n_within = np.tril(is_same, -1).sum(axis=1)  # earlier new sites in the gap of each
    paid = _find_gap_laws(k)[:, gaps].T * ((k + 1 + np.arange(n_new)) / (1 + n_within))[:, None]
    reserve, bettors, money = RESERVE, (1 - RESERVE) * PARTS, np.empty(n_new)
    for j in range(n_new):
        bettors = bettors * paid[j]
        money[j] = reserve + bettors.sum()
        bettors, reserve = bettors + JOINING * reserve * PARTS, (1 - JOINING) * reserve
    return money, paid


def _find_gaps(reference: Floats, new: Floats) -> NDArray[np.intp]:
    """Return how many sites of the reference lie below each new one, int [J]; ties are broken at random."""
    ties = np.random.default_rng(SEED).random(len(reference) + len(new))
    own, others = ties[: len(reference)], ties[len(reference) :]
    is_below = (reference < new[:, None]) | ((reference == new[:, None]) & (own < others[:, None]))
    return np.asarray(is_below.sum(axis=1))


@lru_cache(maxsize=1024)
def most_money(n_reference: int, n_new: int) -> float:
    """Return the most money there can be: that of new sites which all lie above the others.

    >>> round(most_money(8, 1), 1), round(most_money(8, 3), 1), round(most_money(30, 2), 1)
    (2.9, 31.3, 66.4)
    """
    money, _ = follow_money(np.zeros(n_reference), np.ones(n_new))
    return float(money.max(initial=1.0))


@lru_cache(maxsize=1024)
def _find_gap_laws(k: int) -> Floats:
    """Return the probability of each of k + 1 gaps under each of LAWS, float64 [L, k + 1]."""
    edges = ndtri(np.arange(k + 2) / (k + 1))
    return np.array([np.diff(ndtr((edges - mean) / sd)) for mean, sd in LAWS])
