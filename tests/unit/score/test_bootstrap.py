"""Drawing sites again: the weighted AUROC against scikit-learn, and intervals against what theory says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from leopardnet.score.bootstrap import Estimate, SiteDraws, auroc, auroc_draws, estimate


def test_auroc_by_hand():
    score = np.array([0.9, 0.5, 0.5, 0.1])
    # pairs (positive 0.9, 0.5) x (negative 0.5, 0.1): right, right, tie, right = 3.5 of 4
    assert auroc(score, np.array([True, True, False, False])) == 3.5 / 4
    assert np.isnan(auroc(score, np.ones(4, bool))) and np.isnan(auroc(score, np.zeros(4, bool)))


@given(st.integers(0, 2**32 - 1))
def test_auroc_draws_equal_the_auroc_of_clips_written_out_again(seed):
    rng = np.random.default_rng(seed)
    n, n_sites = 40, 5
    score = rng.integers(0, 8, n) / 8  # many ties
    positive, codes = rng.random(n) < 0.4, rng.integers(0, n_sites, n)
    weights = rng.multinomial(n_sites, [1 / n_sites] * n_sites, size=6)
    for w, value in zip(weights, auroc_draws(score, positive, codes, weights.astype(float)), strict=True):
        again = np.repeat(np.arange(n), w[codes])
        if len(set(positive[again])) < 2:
            assert np.isnan(value)
        else:
            assert value == pytest.approx(roc_auc_score(positive[again], score[again]))


def test_draws_take_whole_sites_and_keep_the_number_of_sites():
    draws = SiteDraws.of(pd.Series(["a", "b", "a", None, None]), n_boot=50, seed=1)
    assert draws.n_sites == 3  # a, b, and the clips without a site together
    assert draws.codes[3] == draws.codes[4] and draws.codes[0] == draws.codes[2]
    assert draws.weights.shape == (50, 3) and (draws.weights.sum(axis=1) == 3).all()
    again = SiteDraws.of(pd.Series(["a", "b", "a", None, None]), n_boot=50, seed=1)
    assert (draws.weights == again.weights).all()


def test_sums_per_site_and_redrawn():
    draws = SiteDraws.of(pd.Series(["a", "b", "b"]), n_boot=20, seed=0)
    per_site = draws.per_site(np.array([0, 1, 1]), 2, np.array([5.0, 1.0, 2.0]))
    assert per_site.tolist() == [[5, 0], [0, 3]]
    assert (draws.redraw(per_site) == draws.weights * [5, 3]).all()


def test_one_site_or_none_has_no_interval():
    assert SiteDraws.of(pd.Series(["a", "a"]), n_boot=10, seed=0).weights.shape == (0, 1)
    assert SiteDraws.of(pd.Series([], dtype=str), n_boot=10, seed=0).n_sites == 0
    assert estimate(0.5, np.empty(0)) == Estimate(0.5, None, None)
    assert estimate(0.5, np.array([np.nan, np.nan])) == Estimate(0.5, None, None)
    assert Estimate(float("nan")).to_dict() == {"value": None, "low": None, "high": None}


def test_percentiles_leave_out_draws_without_a_value():
    assert estimate(1.0, np.array([0.0, 100.0, np.nan])) == Estimate(1.0, 2.5, 97.5)
