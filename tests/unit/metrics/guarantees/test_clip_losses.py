"""The level that holds if no site is unlike those labelled: how many clips a correlated clip is worth."""

import numpy as np
import pytest
from scipy.stats import t

from leopardnet.metrics.guarantees.clip_losses import (
    correlate_misses,
    count_effective,
    support_like_sites,
    weigh_events,
)


def support(scores, sites, max_miss=0.05):
    order = np.argsort(scores, kind="stable")
    return support_like_sites(
        np.asarray(scores)[order], np.asarray(sites, np.intp)[order], max_miss=max_miss, confidence=0.95
    )


def test_the_effective_number_worked_out_by_hand():
    # 15 sites of 40: 600 / (1 + 39 · 0.1) = 122.4, times (1.9639 / 2.1448)² = 0.8385
    assert count_effective(np.full(15, 40.0), 0.1, confidence=0.95) == pytest.approx(122.449 * 0.83848, rel=1e-4)
    # sites of 10 and 30: a positive has (100 + 900) / 40 = 25 at its site
    ratio = (t.ppf(0.975, 39) / t.ppf(0.975, 1)) ** 2
    assert count_effective(np.array([10.0, 30.0]), 0.5, confidence=0.95) == pytest.approx(40 / 13 * ratio)
    assert count_effective(np.ones(200), 1.0, confidence=0.95) == 200, "a site of its own for every clip"
    assert (
        count_effective(np.array([500.0]), 0.1, confidence=0.95)
        == 0
        == count_effective(np.zeros(0), 0.1, confidence=0.95)
    )


def test_twins_are_worth_one_clip_and_strangers_never_a_whole_one():
    """Fifty pairs of equal scores: the pair is one observation. Scores that ignore the site count as the floor."""
    pairs, rng = np.repeat(np.arange(50), 2), np.random.default_rng(1)
    assert correlate_misses(rng.random(50)[pairs], pairs, tail=0.01) == pytest.approx(1.0)
    assert correlate_misses(rng.random(4000), np.repeat(np.arange(40), 100), tail=0.01) == 0.1
    assert correlate_misses(rng.random(4000), np.repeat(np.arange(40), 100), tail=0.01, floor=0.0) < 0.01
    assert correlate_misses(np.full(10, 0.5), np.repeat([0, 1], 5), tail=0.1) == 1.0, (
        "equal scores tell nothing apart"
    )
    assert correlate_misses(rng.random(10), np.zeros(10, int), tail=0.1) == 1.0, "one site says nothing of others"


def test_misses_are_less_alike_than_scores():
    """Halves of a normal pair of correlation rho go together with 2/pi · asin(rho); its far tails with far less."""
    site = np.repeat(np.arange(30_000), 2)
    rng = np.random.default_rng(4)
    score = rng.normal(size=30_000)[site] + rng.normal(size=60_000)  # rho = 1/2
    assert correlate_misses(score, site, tail=0.5) == pytest.approx(1 / 3, abs=0.03)
    missed = score < np.quantile(score, 0.05)
    both = missed.reshape(-1, 2).all(axis=1).mean()
    measured = (both - 0.05**2) / (0.05 * 0.95)
    assert correlate_misses(score, site, tail=0.05) == pytest.approx(measured, abs=0.03)


def test_independent_clips_have_the_exact_bound():
    # at 5 % and 200 clips: 5 misses give 5.18 %, 4 give 4.52 %
    found = support(np.arange(1, 201) / 200, np.arange(200))
    assert found.n_missed == 4 and found.threshold == pytest.approx(5 / 200)
    assert found.miss_at_most == pytest.approx(0.0452, abs=1e-4)
    assert (
        support(np.ones(59), np.arange(59)).threshold == 1.0
        and support(np.ones(58), np.arange(58)).threshold is None
    )


@pytest.mark.parametrize("n_sites", [3, 8])
def test_few_sites_are_refused_however_many_clips_they_have(n_sites):
    rng = np.random.default_rng(n_sites)
    found = support(rng.random(600), np.arange(600) % n_sites)
    assert found.threshold is None and found.n_sites_needed > n_sites


def test_as_many_sites_as_it_says_are_enough_and_one_less_is_not():
    rng = np.random.default_rng(5)
    needed = support(rng.random(90), np.arange(90) % 6).n_sites_needed  # 15 positives at each
    for n_sites, is_enough in ((needed, True), (needed - 1, False)):
        scores = rng.random(15 * n_sites)
        assert (support(scores, np.arange(15 * n_sites) % n_sites).threshold is not None) is is_enough


def test_nothing_and_one_site_promise_nothing():
    nothing, lonely = support([], []), support(np.linspace(0.1, 1, 2000), np.zeros(2000, int))
    assert nothing.threshold is None and nothing.miss_at_most == 1.0 and nothing.n_sites_needed == 59
    assert lonely.threshold is None and lonely.miss_at_most == 1.0 and lonely.n_sites_needed >= 59


def test_clips_that_stand_for_others_move_the_share_missed_and_cost_information():
    """Of 400 positives at 40 sites the lowest 4 stand for 10 times as many: 40 of 436 are missed, not 4 of 400."""
    ranked, sites = np.linspace(0.1, 1, 400), np.arange(400) % 40
    counts = np.where(np.arange(400) < 4, 10.0, 1.0)
    plain = support_like_sites(ranked, sites, max_miss=0.1, confidence=0.95)
    weighed = support_like_sites(ranked, sites, max_miss=0.1, confidence=0.95, counts=counts)
    assert plain.n_missed > 4 and weighed.n_missed <= 4 and weighed.miss_at_most > 10 * weighed.n_missed / 436


def test_unlike_weights_are_worth_as_many_equal_events_as_kish_says():
    score, sites = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0, 1, 2, 3])
    sizes, _ = weigh_events(score, sites, None, tail=0.1, counts=np.array([3.0, 1.0, 1.0, 1.0]))
    assert sizes.sum() == pytest.approx(36 / 12) and sizes[0] == pytest.approx(1.5)  # (3+1+1+1)² / (9+1+1+1)
    alike, _ = weigh_events(score, sites, None, tail=0.1, counts=np.full(4, 2.0))
    assert alike.tolist() == [1, 1, 1, 1]
