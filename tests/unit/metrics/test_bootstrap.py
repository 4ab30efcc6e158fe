"""Drawing sites again: sums per site, and intervals against what theory says."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.metrics.bootstrap import (
    Estimate,
    SiteDraws,
    encode_sites,
    estimate,
    estimate_columns,
    estimate_share,
    tail_share,
)
from leopardnet.metrics.measures import count_independent


def draws_of(sites, **options):
    return SiteDraws.of(encode_sites(pd.Series(sites, dtype=object))[0], **options)


def test_draws_take_whole_sites_and_keep_the_number_of_sites():
    draws = draws_of(["a", "b", "a", None, None], n_boot=50, seed=1)
    assert draws.n_sites == 3  # a, b, and the clips without a site together
    assert draws.codes[3] == draws.codes[4] and draws.codes[0] == draws.codes[2]
    assert draws.weights.shape == (50, 3) and (draws.weights.sum(axis=1) == 3).all()
    again = draws_of(["a", "b", "a", None, None], n_boot=50, seed=1)
    assert (draws.weights == again.weights).all()


def test_sums_per_site_and_redrawn():
    draws = draws_of(["a", "b", "b"], n_boot=20, seed=0)
    per_site = draws.sum_per_site(np.array([0, 1, 1]), 2, np.array([5.0, 1.0, 2.0]))
    assert per_site.tolist() == [[5, 0], [0, 3]]
    assert (draws.redraw(per_site) == draws.weights * [5, 3]).all()


def test_one_site_or_none_has_no_interval():
    assert draws_of(["a", "a"], n_boot=10, seed=0).weights.shape == (0, 1)
    assert draws_of([], n_boot=10, seed=0).n_sites == 0
    assert estimate(0.5, np.empty(0), 3) == Estimate(0.5, None, None)
    assert estimate(0.5, np.array([np.nan, np.nan]), 3) == Estimate(0.5, None, None)
    assert Estimate(float("nan")).to_dict() == {"value": None, "low": None, "high": None}


def test_percentiles_leave_out_draws_without_a_value():
    found = estimate(1.0, np.array([0.0, 100.0, np.nan]), n_sites=10**9)
    assert (found.value, found.low, found.high) == pytest.approx((1.0, 2.5, 97.5))


def test_few_sites_widen_the_interval_as_students_t_does():
    # 4 sites: t of 3 degrees of freedom is 3.18245; times sqrt(4/3) 3.67477, beyond which the normal has 0.000119
    assert tail_share(4) == pytest.approx(0.000119, abs=1e-6)
    assert tail_share(2) < tail_share(10) < tail_share(1000) < 0.025
    draws = np.linspace(0, 1, 10_001)
    narrow, wide = estimate(0.5, draws, 1000), estimate(0.5, draws, 10)
    assert wide.low < narrow.low < 0.5 < narrow.high < wide.high


def test_the_interval_of_a_share_is_wilsons_for_the_effective_number_of_clips():
    # Draws of 0.7 and 0.9 have a variance of 0.01, times 4/3 for 4 sites; over 0.8 · 0.2 that is 1/12, as of 12.
    # t of 3 degrees of freedom is 3.18245, so q = 3.18245² / 12 = 0.84400 takes the place of z² / n.
    found = estimate_share(0.8, np.array([0.7, 0.9, np.nan]), 4)
    assert (found.low, found.high) == pytest.approx((0.35923, 0.96615), abs=1e-5)


def test_what_is_assumed_about_sites_counts_as_four_of_them():
    # Draws say 12 clips, and 12 are assumed: only the degrees of freedom change, 3 + 4 = 7, t = 2.36462.
    same = estimate_share(0.8, np.array([0.7, 0.9]), 4, n_clips=12)
    assert (same.low, same.high) == pytest.approx((0.45980, 0.94949), abs=1e-5)
    # 3 clips are assumed: (4 · 1/3 + 3 · 1/12) / 7 = 0.22619, as of 4.4211 clips.
    fewer = estimate_share(0.8, np.array([0.7, 0.9]), 4, n_clips=3)
    q = 2.36462**2 * 0.226190
    assert fewer.low == pytest.approx((0.8 + q / 2 - np.sqrt(q * 0.16 + q**2 / 4)) / (1 + q), abs=1e-5)


def test_a_share_without_a_mistake_is_as_open_as_its_number_of_clips():
    # 20 sites: t of 19 + 4 degrees of freedom is 2.06866; 1 / (1 + 2.06866² / 80) = 0.94922
    faultless = estimate_share(1.0, np.ones(50), 20, n_clips=80)
    assert (faultless.value, faultless.high) == (1.0, 1.0) and faultless.low == pytest.approx(0.94922, abs=1e-5)
    none = estimate_share(0.0, np.zeros(50), 20, n_clips=80)
    assert (none.value, none.low) == (0.0, 0.0) and none.high == pytest.approx(1 - 0.94922, abs=1e-5)
    assert estimate_share(1.0, np.ones(50), 20) == Estimate(1.0, 1.0, 1.0)  # nobody said of how many clips


@pytest.mark.parametrize("value", [0.0, 1e-12, 0.003, 0.3, 0.5, 0.97, 1 - 1e-12, 1.0])
@pytest.mark.parametrize("n_clips", [None, 0.3, 2.0, 1e6])
def test_an_interval_holds_its_own_value_and_stays_between_zero_and_one(value, n_clips):
    for draws in (np.zeros(9), np.ones(9), np.linspace(0, 1, 9), np.full(9, value)):
        for n_sites in (2, 3, 400):
            found = estimate_share(value, draws, n_sites, n_clips=n_clips)
            assert 0 <= found.low <= value <= found.high <= 1


def test_a_few_sites_that_decide_leave_few_degrees_of_freedom():
    # Of 10 sites two pull apart and eight do nothing: κ = 10 · 2 / 2² = 5, so 2 · 10 / (5 - 1) = 5 degrees.
    draws = SiteDraws.of(np.arange(10), n_boot=20_000, seed=0)
    drawn = 0.8 + 0.01 * draws.redraw(np.array([[1.0], [-1.0], *[[0.0]] * 8]))[:, 0]
    found = draws.estimate_fraction(0.8, drawn, n_sites=10, n_clips=40)
    expected = estimate_share(0.8, drawn, 10, freedom=5, n_clips=40)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-3)
    # If all sites pull alike, κ is 1, and the number of sites is the limit.
    drawn = 0.8 + 0.01 * draws.redraw(np.array([[1.0], [-1.0]] * 5))[:, 0]
    found = draws.estimate_fraction(0.8, drawn, n_sites=10, n_clips=40)
    assert found == estimate_share(0.8, drawn, 10, freedom=9, n_clips=40)


def test_a_share_without_draws_or_value_has_no_interval():
    assert estimate_share(0.5, np.empty(0), 3, n_clips=10) == Estimate(0.5, None, None)
    assert estimate_share(0.5, np.array([0.4, 0.6]), 1, n_clips=10) == Estimate(0.5, None, None), "one site"
    assert np.isnan(estimate_share(float("nan"), np.array([0.5]), 3, n_clips=0).value)


def test_columns_of_estimates_keep_a_missing_interval_as_nan():
    columns = estimate_columns("f1", [Estimate(0.5), Estimate(0.25, 0.0, 1.0)])
    assert list(columns) == ["f1", "f1_low", "f1_high"] and columns["f1"].tolist() == [0.5, 0.25]
    assert np.isnan(columns["f1_low"][0]) and columns["f1_high"][1] == 1.0
    assert [len(x) for x in estimate_columns("f1", []).values()] == [0, 0, 0]


def test_three_hundred_faultless_clips_of_two_sites_are_worth_ten():
    # 300 / (1 + 149 · 0.2) = 9.74026; t of 1 + 4 degrees is 2.57058; 1 / (1 + 2.57058² / 9.74026) = 0.59580
    sizes = np.array([150.0, 150.0])
    assert count_independent(sizes) == pytest.approx(9.74026, abs=1e-5)
    draws = SiteDraws.of(np.repeat([0, 1], 150), n_boot=50, seed=0)
    found = draws.estimate_share(1.0, np.ones(50), sizes=sizes)
    assert found.low == pytest.approx(0.59580, abs=1e-5) and found.high == 1.0
    assert draws.estimate_mean(np.ones(300)) == found
    assert count_independent(np.ones(30)) == 30 and count_independent(np.zeros(3)) == 0
    assert count_independent(sizes, 1.0) == pytest.approx(2), "copies of one clip"


def test_sites_without_a_clip_of_the_label_say_nothing_about_it():
    draws, drawn = SiteDraws.of(np.arange(40), n_boot=50, seed=0), np.tile([0.7, 0.9], 25)
    everywhere = draws.estimate_share(0.8, drawn, sizes=np.ones(40))
    rare = draws.estimate_share(0.8, drawn, sizes=np.repeat([1.0, 0.0], [4, 36]))
    assert rare == estimate_share(0.8, drawn, 4, n_clips=4.0) and rare.low < everywhere.low
    assert draws.estimate_share(0.8, drawn, sizes=np.repeat([9.0, 0.0], [1, 39])) == Estimate(0.8), "one site"
    assert draws.estimate_share(0.8, drawn, sizes=np.zeros(40)) == Estimate(0.8), "no site"


def test_an_interval_that_says_nothing_is_not_shown():
    assert str(Estimate(0.8, 0.31, 0.9)) == "0.800 (0.310 to 0.900)"
    assert str(Estimate(0.8, 0.29, 0.9)) == "0.800 (not demonstrated)"
    assert Estimate(0.8, 0.1, 0.9).to_dict() == {"value": 0.8, "low": 0.1, "high": 0.9}, "programs get the numbers"
    assert Estimate(float("nan"), 0.1, 0.9).format(2) == "–" and Estimate(0.5).is_demonstrated
