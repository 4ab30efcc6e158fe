"""Guarantees on losses: the exact bound, what is missing, and sites that are worth less than their clips."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from leopardnet.core.errors import ConfigError
from leopardnet.metrics.guarantees.loss_guarantee import design_effect, find_loss_threshold, positives_needed
from leopardnet.metrics.measures import lower_bound, upper_bound


def own_sites(n):
    return np.arange(n)


def leopards(n, **options):
    """n leopards of scores 1/n … 1, each at a site of its own."""
    return find_loss_threshold("leopard", np.arange(1, n + 1) / n, np.ones(n, bool), own_sites(n), **options)


@pytest.mark.parametrize(
    ("right", "n", "bound"),
    # what the books say: 59/59, 100/100, 99/100, 300/300, 298/300, 30/30, 20/20
    [
        (59, 59, 0.950),
        (100, 100, 0.970),
        (99, 100, 0.953),
        (300, 300, 0.990),
        (298, 300, 0.979),
        (30, 30, 0.905),
        (20, 20, 0.861),
    ],
)
def test_the_bound_is_that_of_clopper_and_pearson(right, n, bound):
    assert lower_bound(right, n) == pytest.approx(bound, abs=5e-4)
    assert upper_bound(n - right, n) == pytest.approx(1 - bound, abs=5e-4)


@given(st.integers(1, 200), st.data())
def test_the_bound_is_where_so_few_misses_become_too_unlikely(n, data):
    k = data.draw(st.integers(0, n - 1))
    bound = float(upper_bound(k, n))
    assert binom.cdf(k, n, bound) == pytest.approx(0.05, abs=1e-6)


def test_none_of_none_is_nothing():
    assert np.isnan(lower_bound(0, 0)) and lower_bound(0, 7) == 0 and upper_bound(7, 7) == 1


def test_three_hundred_without_a_miss_keep_one_per_cent():
    assert positives_needed(0.01) == 299 and positives_needed(0.05) == 59
    kept = leopards(300)
    assert kept.is_kept and kept.threshold == pytest.approx(1 / 300) and kept.n_missed == 0
    assert kept.n_missing == 0 and kept.miss_at_most <= 0.01
    assert leopards(299).is_kept and not leopards(298).is_kept


def test_where_it_cannot_be_kept_it_says_how_many_are_missing():
    short = leopards(120)
    assert short.threshold is None and short.n_missing == 179
    assert "cannot be demonstrated" in str(short) and "179 positives missing" in str(short)
    nothing = find_loss_threshold("leopard", np.array([0.5]), np.array([False]), np.zeros(1, np.int64))
    assert nothing.threshold is None and nothing.n_positives == 0 and nothing.n_missing >= 299


def test_misses_are_spent_as_far_as_the_bound_allows():
    # at 5 % and 200 clips: 5 misses give 5.18 %, 4 give 4.52 %
    kept = leopards(200, max_miss=0.05)
    assert kept.n_missed == 4 and kept.threshold == pytest.approx(5 / 200)
    assert upper_bound(4, 200) <= 0.05 < upper_bound(5, 200)


def test_what_cannot_be_read_and_what_is_something_else_have_no_part():
    score = np.concatenate([np.full(300, 0.7), [np.nan, 0.01]])
    positive = np.append(np.ones(301, bool), False)
    kept = find_loss_threshold("leopard", score, positive, own_sites(302))
    assert kept.n_positives == 300 and kept.threshold == 0.7 and kept.n_missed == 0


def test_one_site_promises_nothing_for_others():
    rng = np.random.default_rng(0)
    lonely = find_loss_threshold("leopard", rng.random(2000), np.ones(2000, bool), np.zeros(2000, np.int64))
    assert not lonely.is_kept and "no number of clips from one site" in str(lonely)
    assert find_loss_threshold(
        "leopard", rng.random(2000), np.ones(2000, bool), np.zeros(2000, np.int64), clustered=False
    ).is_kept


def test_twins_are_worth_one_clip_and_strangers_two():
    """Fifty pairs of equal scores: the pair is one observation. Scores that ignore the site: every clip counts."""
    pairs, rng = np.repeat(np.arange(50), 2), np.random.default_rng(1)
    assert design_effect(rng.random(50)[pairs], pairs, tail=0.01) == pytest.approx(2.0)
    assert design_effect(rng.random(4000), np.repeat(np.arange(40), 100), tail=0.01) < 1.2
    assert design_effect(np.full(10, 0.5), np.repeat([0, 1], 5), tail=0.1) == 5.0, "equal scores tell nothing apart"
    assert design_effect(rng.random(7), np.arange(7), tail=0.1) == 1.0
    assert design_effect(np.zeros(0), np.zeros(0), tail=0.1) == 1.0


def test_misses_are_less_alike_than_scores():
    """Halves of a normal pair of correlation rho go together with 2/pi · asin(rho); its far tails with far less."""
    site = np.repeat(np.arange(30_000), 2)
    rng = np.random.default_rng(4)
    score = rng.normal(size=30_000)[site] + rng.normal(size=60_000)  # rho = 1/2
    assert design_effect(score, site, tail=0.5) == pytest.approx(1 + 1 / 3, abs=0.03)
    missed = score < np.quantile(score, 0.05)
    both = missed.reshape(-1, 2).all(axis=1).mean()
    measured = (both - 0.05**2) / (0.05 * 0.95)
    assert design_effect(score, site, tail=0.05) == pytest.approx(1 + measured, abs=0.03)


def test_clips_that_resemble_each_other_need_more_of_them():
    site = np.repeat(np.arange(60), 10)
    rng = np.random.default_rng(2)
    score = 1 / (1 + np.exp(-(3 + 1.5 * rng.normal(size=60)[site] + rng.normal(size=600))))
    clustered = find_loss_threshold("leopard", score, np.ones(600, bool), site)
    alone = find_loss_threshold("leopard", score, np.ones(600, bool), site, clustered=False)
    assert alone.is_kept and clustered.design_effect > 1.5
    assert clustered.miss_at_most > clustered.miss_at_most_if_independent
    assert not clustered.is_kept and clustered.n_missing == int(np.ceil(299 * clustered.design_effect)) - 600


def test_the_promise_is_kept_by_nineteen_of_twenty_worlds_of_independent_clips():
    """Scores uniform on 0 … 1: the true miss rate of a threshold is the threshold itself."""
    rng = np.random.default_rng(3)
    kept = [
        find_loss_threshold("x", rng.random(400), np.ones(400, bool), own_sites(400), max_miss=0.03)
        for _ in range(400)
    ]
    assert np.mean([p.threshold <= 0.03 for p in kept]) >= 0.95 - 0.02  # 0.02: two standard errors of 400 worlds


@pytest.mark.parametrize("wrong", [{"max_miss": 0.0}, {"max_miss": 1.0}, {"confidence": 95}])
def test_shares_that_are_none_are_refused(wrong):
    with pytest.raises(ConfigError, match="a guarantee needs a share"):
        leopards(10, **wrong)
