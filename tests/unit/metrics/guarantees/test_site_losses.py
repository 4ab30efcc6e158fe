"""The level that holds whatever sites do: each site counts alike, and the test is that of Hoeffding and Bentkus."""

import numpy as np
import pytest
from scipy.stats import binom

from leopardnet.metrics.guarantees.site_losses import bound_mean, p_values, support_any_sites


def support(scores, sites, max_miss=0.05):
    order = np.argsort(scores, kind="stable")
    return support_any_sites(
        np.asarray(scores)[order], np.asarray(sites, np.intp)[order], max_miss=max_miss, confidence=0.95
    )


def test_the_p_value_worked_out_by_hand():
    # 100 sites, one of them lost, against 5 %. Hoeffding: 0.01 log 0.2 + 0.99 log(0.99 / 0.95) = 0.02474, and
    # exp(-2.474) = 0.0843. Bentkus: e · P(at most 1 of 100) = 2.718 · 0.0371 = 0.1008.
    assert p_values(np.array([0.01]), 100, 0.05)[0] == pytest.approx(0.0843, abs=2e-4)
    # With half of 10 sites lost, against 90 %, Bentkus is the smaller: e · P(at most 5 of 10) = 2.718 · 0.001635.
    assert p_values(np.array([0.5]), 10, 0.9)[0] == pytest.approx(np.e * binom.cdf(5, 10, 0.9))
    assert p_values(np.array([0.06, 1.0]), 100, 0.05).tolist() == [1.0, 1.0], (
        "a loss above the limit rejects nothing"
    )


@pytest.mark.parametrize(("max_miss", "n"), [(0.05, 59), (0.1, 29), (0.2, 14)])
def test_so_many_sites_without_a_loss_are_just_enough(max_miss, n):
    enough, short = (
        support(np.linspace(0.1, 1, n), np.arange(n), max_miss),
        support(np.ones(n - 1), np.arange(n - 1), max_miss),
    )
    assert enough.threshold == 0.1 and enough.n_missed == 0 and enough.miss_at_most <= max_miss
    assert short.threshold is None and short.n_sites_needed == n and short.miss_at_most > max_miss


def test_misses_are_spent_as_far_as_the_test_allows():
    # 100 sites of 10: with 7 misses R = 0.007 and 0.007 log 0.14 + 0.993 log(0.993 / 0.95) = 0.03019, exp(-3.019) =
    # 0.0489; with 8 it is 0.0594.
    found = support(np.arange(1, 1001) / 1000, np.arange(1000) % 100)
    assert found.n_missed == 7 and found.threshold == pytest.approx(8 / 1000)
    assert 0.0489 < found.miss_at_most <= 0.05


def test_a_site_of_one_clip_weighs_as_much_as_one_of_a_thousand():
    sites = np.concatenate([np.zeros(1000, int), np.arange(1, 100)])
    at_the_busy = np.concatenate([np.linspace(0.01, 0.02, 1000), np.full(99, 0.9)])
    at_the_others = np.concatenate([np.full(1000, 0.9), np.linspace(0.01, 0.02, 99)])
    assert support(at_the_busy, sites).n_missed > 400, "half a site of a hundred"
    assert support(at_the_others, sites).n_missed == 0, "one of them is a hundredth already"


def test_nothing_and_one_site_promise_nothing():
    nothing = support([], [])
    assert nothing.threshold is None and nothing.miss_at_most == 1.0 and nothing.n_sites_needed == 59
    assert support(np.full(500, 0.5), np.zeros(500, int)).threshold is None


def test_the_bound_is_where_the_test_turns():
    bound = bound_mean(0.02, 80, confidence=0.95)
    assert p_values(np.array([0.02]), 80, bound)[0] == pytest.approx(0.05, abs=1e-6)
    assert bound_mean(0.0, 59, confidence=0.95) == pytest.approx(1 - 0.05 ** (1 / 59))
