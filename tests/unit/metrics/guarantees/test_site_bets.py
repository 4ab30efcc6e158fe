"""Bets on new sites: paid as worked out by hand, fair under exchangeability, never taken back."""

import numpy as np
import pytest
from scipy.stats import norm

from leopardnet.metrics.guarantees.site_bets import (
    JOINING,
    LAWS,
    PARTS,
    RESERVE,
    _find_gap_laws,
    follow_money,
    most_money,
)

REFERENCE = np.array([0.3, 0.1, 0.4, 0.2])


def test_two_new_sites_are_paid_as_worked_out_by_hand():
    """One site of the promise: two gaps of 1/2. The first new site lies above it, the second as well: 2/3."""
    high = np.array([1 - norm.cdf(-mean / sd) for mean, sd in LAWS])  # the gap above, under each law
    money, paid = follow_money(np.array([5.0]), np.array([6.0, 7.0]))
    assert paid == pytest.approx(np.array([high / (1 / 2), high / (2 / 3)]))
    first = (1 - RESERVE) * PARTS * paid[0]
    second = (first + JOINING * RESERVE * PARTS) * paid[1]
    assert money.tolist() == pytest.approx([RESERVE + first.sum(), RESERVE * (1 - JOINING) + second.sum()])
    assert PARTS.sum() == pytest.approx(1)


def test_money_is_fair_whatever_gaps_came_before():
    """The mean of the money over the gaps of the next site, each with its chance, is the money that is there."""
    before = np.array([0.45, 0.15, 0.5])  # gaps 4, 1 and 4, which leave chances of 1, 2, 1, 1 and 3 in 8
    here = follow_money(REFERENCE, before)[0][-1]
    nexts = [follow_money(REFERENCE, np.append(before, x))[0][-1] for x in (0.05, 0.11, 0.25, 0.35, 0.9)]
    assert np.average(nexts, weights=[1, 2, 1, 1, 3]) == pytest.approx(here)
    assert _find_gap_laws(4).sum(axis=1) == pytest.approx(1)


def test_exchangeable_sites_rarely_make_money_and_never_on_average():
    rng = np.random.default_rng(3)
    paths = [follow_money(rng.normal(size=9), rng.normal(size=12))[0] for _ in range(1500)]
    assert np.mean([p.max() >= 20 for p in paths]) <= 0.05
    assert np.mean([p[2] for p in paths]) == pytest.approx(1, abs=0.15)


def test_equal_numbers_are_no_evidence():
    rng = np.random.default_rng(4)
    rounded = [follow_money(rng.integers(0, 2, 9) * 1.0, rng.integers(0, 2, 12) * 1.0)[0] for _ in range(500)]
    assert np.mean([p.max() >= 20 for p in rounded]) <= 0.05
    assert follow_money(np.full(20, 3.0), np.full(20, 3.0))[0].max() < 20


def test_what_comes_later_and_the_order_of_the_reference_change_nothing():
    new = np.array([0.9, 0.15, 0.8, 0.95])
    money, _ = follow_money(REFERENCE, new)
    assert follow_money(REFERENCE, new[:2])[0].tolist() == money[:2].tolist()
    assert follow_money(np.sort(REFERENCE), new)[0].tolist() == money.tolist()


def test_a_change_after_many_ordinary_sites_is_seen():
    rng = np.random.default_rng(5)
    money, _ = follow_money(rng.normal(size=30), np.concatenate([rng.normal(size=15), rng.normal(5, 1, 6)]))
    assert money[:15].max() < 20 < money[-1]


def test_no_bet_makes_more_than_the_sites_allow():
    """Eight sites and two new ones above them all have a chance of 1 in 45."""
    assert 1 < most_money(8, 1) < 9 and most_money(8, 2) < 45 and most_money(30, 2) < 32 * 31 / 2
    assert most_money(0, 10) == pytest.approx(1) == most_money(5, 0)
    assert most_money(8, 4) == follow_money(np.arange(8.0), np.full(4, 99.0))[0].max()
    assert most_money(8, 4) == pytest.approx(follow_money(np.arange(8.0), np.full(4, -99.0))[0].max())
    assert follow_money(REFERENCE, np.zeros(0))[0].shape == (0,)
