"""Figures of a ranking: by hand, and against scikit-learn on clips written out again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import logsumexp, softmax
from sklearn.metrics import average_precision_score, roc_auc_score

from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.metrics.ranking import Ranking, auroc, average_precision, choose_sum_type


def test_auroc_by_hand():
    score = np.array([0.9, 0.5, 0.5, 0.1])
    # pairs (positive 0.9, 0.5) x (negative 0.5, 0.1): right, right, tie, right = 3.5 of 4
    assert auroc(score, np.array([True, True, False, False])) == 3.5 / 4
    assert np.isnan(auroc(score, np.ones(4, bool))) and np.isnan(auroc(score, np.zeros(4, bool)))


@given(st.integers(0, 2**32 - 1))
def test_figures_of_draws_equal_those_of_clips_written_out_again(seed):
    rng = np.random.default_rng(seed)
    n, n_sites = 40, 5
    score = rng.integers(0, 8, n) / 8  # many ties
    positive, codes = rng.random(n) < 0.4, rng.integers(0, n_sites, n)
    weights = rng.multinomial(n_sites, [1 / n_sites] * n_sites, size=6)
    drawn = Ranking.of(score, positive, codes).measure_draws(weights.astype(float), recalls=(0.95, 0.7))
    for w, (area, precision, *removed) in zip(weights, drawn, strict=True):
        again = np.repeat(np.arange(n), w[codes])
        s, is_positive = score[again], positive[again]
        if len(set(is_positive)) < 2:
            assert np.isnan([area, precision, *removed]).all()
            continue
        assert area == pytest.approx(roc_auc_score(is_positive, s))
        assert precision == pytest.approx(average_precision_score(is_positive, s))
        for recall, share in zip((0.95, 0.7), removed, strict=True):
            fine = [t for t in np.unique(s) if (s[is_positive] >= t).mean() >= recall - 1e-9]
            assert share == pytest.approx((s[~is_positive] < max(fine)).mean())


def test_average_precision_by_hand():
    # found at ranks 1 and 3: precision 1/1 and 2/3
    assert average_precision(np.array([0.9, 0.8, 0.7, 0.1]), np.array([True, False, True, False])) == pytest.approx(
        5 / 6
    )
    assert np.isnan(average_precision(np.ones(3), np.ones(3, bool)))


def test_empties_removed_by_hand():
    """Ten animals, of which the lowest two score 0.1 and 0.3; four empties at 0.05, 0.2, 0.3, 0.5."""
    score = np.array([0.1, 0.3, *[0.9] * 8, 0.05, 0.2, 0.3, 0.5])
    ranking = Ranking.of(score, np.arange(14) < 10, np.zeros(14, np.int64))
    # All animals kept: one empty clip is below 0.1; one of ten lost: two below 0.3; two lost: all four below 0.9.
    assert ranking.measure(np.ones(1), (1.0, 0.95, 0.9, 0.8))[2:].tolist() == [0.25, 0.25, 0.5, 1.0]


def test_animals_of_equal_score_stay_or_go_together():
    score = np.array([0.2, 0.2, 0.8, 0.1, 0.3])
    ranking = Ranking.of(score, np.array([True, True, True, False, False]), np.zeros(5, np.int64))
    # one of three may go, but the two at 0.2 cannot be told apart
    assert ranking.measure(np.ones(1), (0.66,))[2] == 0.5
    assert np.isnan(Ranking.of(score, np.ones(5, bool), np.zeros(5, np.int64)).measure(np.ones(1), (0.9,))).all()


def test_saturated_tables_rank_as_their_logits_do():
    """40 clips whose leopard or empty probability is 1 in float32; the logits differ by 18 to 60."""
    rng = np.random.default_rng(5)
    strength = np.concatenate([rng.uniform(18, 60, 40), rng.uniform(-60, -18, 40)])
    z = np.stack([strength / 2, rng.uniform(-50, -40, 80), -strength / 2], axis=1)  # leopard, tiger, empty
    probs = softmax(z, axis=1).astype(np.float32).astype(np.float64)
    y = np.where(rng.random(80) < 1 / (1 + np.exp(-strength / 25)), 0, 2)
    clips = LabelledClips.from_arrays(("leopard", "tiger", "empty"), probs, y, np.arange(80) % 8)
    assert len(set(probs[:40, 0])) == 1, "saturated"
    rest = {"leopard": 0, "empty": 2}
    for name, i in rest.items():
        exact = z[:, i] - logsumexp(np.delete(z, i, axis=1), axis=1)
        found = evaluate_clips(clips, n_boot=0).per_label.loc[name]
        assert found["auroc"] == pytest.approx(roc_auc_score(y == i, exact), abs=1e-12)
        assert found["auprc"] == pytest.approx(average_precision_score(y == i, exact), abs=1e-12)
        assert found["auroc"] != roc_auc_score(y == i, probs[:, i])
    presence = evaluate_clips(clips, n_boot=0).presence_auroc.value
    assert presence == pytest.approx(roc_auc_score(y != 2, logsumexp(z[:, :2], axis=1) - z[:, 2]), abs=1e-12)


@given(st.integers(0, 2**32 - 1))
def test_whole_numbers_and_fractions_give_the_same_figures_to_the_last_bit(seed):
    rng = np.random.default_rng(seed)
    score, positive, codes = rng.integers(0, 8, 40) / 8, rng.random(40) < 0.4, rng.integers(0, 5, 40)
    weights = rng.multinomial(5, [1 / 5] * 5, size=6).astype(float)
    ones = np.ones(40)
    assert choose_sum_type(weights, 40, None) is np.int32 and choose_sum_type(weights, 40, ones) is np.float64
    whole, each = (Ranking.of(score, positive, codes, x).measure_draws(weights, (0.9,)) for x in (None, ones))
    assert np.array_equal(whole, each, equal_nan=True)


def test_sums_that_integers_cannot_hold_are_made_of_fractions():
    assert choose_sum_type(np.array([[2.0]]), 2**30, None) is np.float64
    assert choose_sum_type(np.array([[0.5, 1.0]]), 3, None) is np.float64
