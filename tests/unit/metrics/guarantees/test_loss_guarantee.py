"""Guarantees on losses: which level holds, what is missing for the next, and what has no part."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from leopardnet.metrics.guarantees.loss_guarantee import find_loss_threshold
from leopardnet.metrics.measures import lower_bound, upper_bound


def leopards(n, **options):
    """n leopards of scores 1/n … 1, each at a site of its own."""
    return find_loss_threshold("leopard", np.arange(1, n + 1) / n, np.ones(n, bool), np.arange(n), **options)


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


def test_three_hundred_sites_without_a_miss_keep_one_per_cent_whatever_sites_do():
    kept = leopards(300)
    assert kept.level == "any_sites" and kept.threshold == pytest.approx(1 / 300)
    assert leopards(299).level == "any_sites" and leopards(298).level is None


def test_few_sites_with_many_clips_hold_if_no_site_is_unlike_them():
    rng = np.random.default_rng(0)
    found = find_loss_threshold("leopard", rng.random(600), np.ones(600, bool), np.arange(600) % 30, max_miss=0.05)
    assert found.level == "like_sites" and found.threshold == found.at("like_sites").threshold
    said = str(found)
    assert "holds whatever sites do: cannot be demonstrated with 600 clips from 30 sites; needs 59 sites" in said
    assert "with leopard clips, you have 30" in said and "unlike those labelled: yes, at threshold" in said
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["level"] == "like_sites" and plain["levels"]["any_sites"]["n_sites_needed"] == 59
    assert plain["says"] == "holds if no site is unlike those labelled" and plain["is_kept"]


def test_a_level_that_was_asked_for_is_that_or_a_stronger_one():
    both = leopards(300)
    assert both.choose("like_sites").level == "like_sites" and both.choose("any_sites").level == "any_sites"
    assert not both.choose(None).is_kept and both.choose(None).threshold is None
    weak = leopards(120)
    assert weak.choose("any_sites").level is None and not weak.is_kept
    # One site with most clips: worth few clips, but one site of 60, so only the stronger level can be shown.
    sites = np.concatenate([np.arange(60), np.zeros(900, int)])
    uneven = find_loss_threshold("x", np.linspace(0.1, 1, 960), np.ones(960, bool), sites, max_miss=0.05)
    assert uneven.at("like_sites").threshold is None and uneven.choose("like_sites").level == "any_sites"


def test_where_it_cannot_be_kept_it_says_what_is_missing():
    nothing = find_loss_threshold("leopard", np.array([0.5]), np.array([False]), np.zeros(1, np.int64))
    assert nothing.threshold is None and nothing.n_positives == 0 and nothing.n_sites == 0
    assert str(nothing).count("needs 299 sites with leopard clips, you have 0") == 2
    assert json.loads(json.dumps(nothing.to_dict()))["levels"]["like_sites"]["miss_at_most"] == 1.0


def test_what_cannot_be_read_and_what_is_something_else_have_no_part():
    score = np.concatenate([np.full(300, 0.7), [np.nan, 0.01]])
    positive = np.append(np.ones(301, bool), False)
    kept = find_loss_threshold("leopard", score, positive, np.arange(302))
    assert kept.n_positives == 300 and kept.threshold == 0.7 and kept.at("any_sites").n_missed == 0


def test_a_probability_of_nothing_is_refused_and_said():
    """Four hundred animals, of which ten have p_empty = 1 in float32: no threshold on it can keep them."""
    score = np.concatenate([np.zeros(10), np.linspace(0.1, 1, 390)])
    found = find_loss_threshold("animal", score, np.ones(400, bool), np.arange(400))
    assert found.level is None and all(s.is_saturated and s.n_missed == 0 for s in found.supports)
    assert "no threshold keeps those whose probability is 0" in str(found)
    laxer = find_loss_threshold("animal", score, np.ones(400, bool), np.arange(400), max_miss=0.1)
    assert laxer.is_kept and laxer.at("any_sites").n_missed >= 10, "ten may be missed there"


def test_clips_without_a_site_are_no_site():
    score, sites = np.linspace(0.1, 1, 59), np.arange(59)
    yes = np.ones(59, bool)
    assert find_loss_threshold("leopard", score, yes, sites, max_miss=0.05).level == "any_sites"  # 0.95^59 < 0.05
    placed = np.arange(59) > 0
    found = find_loss_threshold("leopard", score, yes, sites, has_site=placed, max_miss=0.05)
    assert found.n_sites == 58 and found.n_positives == 59 and found.at("any_sites").threshold is None
    none = find_loss_threshold("leopard", score, yes, np.zeros(59, np.int64), has_site=~yes, max_miss=0.05)
    assert none.n_sites == 0 and none.level is None


def test_a_miss_without_a_site_counts_against_the_promise():
    score, sites = np.linspace(0.2, 1, 80), np.arange(80)
    score[0] = 0.01  # of no known site
    placed = np.arange(80) > 0
    without = find_loss_threshold("leopard", score[1:], placed[1:], sites[1:], max_miss=0.05)
    found = find_loss_threshold("leopard", score, np.ones(80, bool), sites, has_site=placed, max_miss=0.05)
    assert without.threshold == score[1] and found.threshold == 0.01 and found.n_sites == 79
