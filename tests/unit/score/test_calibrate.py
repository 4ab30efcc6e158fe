"""Temperature scaling: recovery of a known temperature, and data that cannot tell one."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, softmax

from leopardnet.core.errors import BundleError
from leopardnet.score.calibrate import (
    Calibration,
    apply_calibration,
    fit_independent,
    fit_temperature,
    undo_calibration,
)


def drawn(n, temperature, rng):
    """Logits of a model that is wrong by `temperature`: the truth is drawn from softmax(logits / temperature)."""
    logits = rng.normal(0, 3, (n, 3))
    y = np.array([rng.choice(3, p=p) for p in softmax(logits / temperature, axis=1)])
    return logits, y


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.5])
def test_finds_the_temperature_that_made_the_labels(temperature):
    logits, y = drawn(6000, temperature, np.random.default_rng(1))
    found = fit_temperature(logits, y)
    assert found.temperature == pytest.approx(temperature, rel=0.1)  # three standard errors of 6000 draws
    assert found.n_clips == 6000 and found.reason == ""


def test_two_kinds_of_clips_have_an_exact_solution():
    """30 of 40 clips right at log-odds 2: the best log-odds is ln 3, so T = 2 / ln 3."""
    logits = np.tile([2.0, 0.0], (40, 1))
    found = fit_temperature(logits, np.array([0] * 30 + [1] * 10))
    assert found.temperature == pytest.approx(2 / np.log(3), rel=1e-4)
    np.testing.assert_allclose(apply_calibration(logits[0], found), [0.75, 0.25], atol=1e-5)


def test_data_that_cannot_tell_leave_the_temperature_at_one():
    few = fit_temperature(np.zeros((19, 2)), np.arange(19) % 2)
    assert (few.temperature, few.reason) == (1.0, "only 19 clips; at least 20 are needed")
    assert fit_temperature(np.zeros((0, 2)), np.zeros(0, int)).n_clips == 0
    one = fit_temperature(np.random.default_rng(0).normal(size=(50, 2)), np.ones(50, int))
    assert (one.temperature, one.reason) == (1.0, "all clips have the same label")
    flat = fit_temperature(np.zeros((40, 2)), np.arange(40) % 2)
    assert (flat.temperature, flat.reason) == (1.0, "")


def test_bounds_hold_and_are_named():
    y = np.arange(40) % 2
    right = np.eye(2)[y]
    easy = fit_temperature(right, y)
    assert easy.temperature == pytest.approx(0.25) and easy.reason.startswith(
        "the fit is at its lower bound (40 of 40 clips are right)"
    )
    wrong = fit_temperature(-5 * right, y)
    assert wrong.temperature == pytest.approx(20) and wrong.reason.startswith("at the upper bound")


def test_sites_are_counted_without_the_missing_ones():
    y = np.arange(40) % 2
    assert fit_temperature(np.zeros((40, 2)), y, sites=["a", "b", None, float("nan")] * 10).n_sites == 2


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=5), st.floats(0.25, 20))
def test_apply_gives_probabilities_and_keeps_the_order(logits, temperature):
    logits = np.array(logits)
    p = apply_calibration(logits, Calibration(temperature))
    assert p.dtype == np.float32 and p.sum() == pytest.approx(1, abs=1e-5)
    assert p[logits.argmax()] == p.max()


def test_uncalibrated_undoes_apply():
    calibration = Calibration(1.7)
    logits = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, 1.0]])
    back = undo_calibration(apply_calibration(logits, calibration), calibration)
    np.testing.assert_allclose(back - back[:, :1], logits - logits[:, :1], atol=1e-4)
    assert np.isfinite(undo_calibration(np.array([0.0, 1.0]), calibration)).all()


@given(st.floats(0.25, 20), st.integers(0, 10**6), st.integers(0, 1000), st.text())
def test_json_round_trip(temperature, n_clips, n_sites, reason):
    calibration = Calibration(temperature, n_clips, n_sites, reason)
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration


def test_wrong_input_is_refused():
    with pytest.raises(BundleError, match="temperature, n_clips, n_sites, reason"):
        Calibration.from_dict({"temperature": 1.0})
    with pytest.raises(BundleError, match="no valid temperature"):
        Calibration.from_dict({"temperature": 0, "n_clips": 1, "n_sites": 1, "reason": ""})
    with pytest.raises(ValueError, match="1 of 2 clips have logits that are not finite"):
        fit_temperature(np.array([[0, 1], [np.nan, 0]]), np.array([0, 1]))
    with pytest.raises(ValueError, match=r"y has classes 0 to 2; the logits have 2"):
        fit_temperature(np.zeros((2, 2)), np.array([0, 2]))
    with pytest.raises(ValueError, match=r"got \[2, 2\] and \[3\]"):
        fit_temperature(np.zeros((2, 2)), np.array([0, 1, 1]))


# --- independent labels ---


def test_a_bias_for_each_label_and_one_temperature_are_found_again(rng):
    z = rng.normal(0, 2, (4000, 3))
    shows = rng.random((4000, 3)) < expit(z / 1.6 + np.array([-1.0, 0.5, 0.0]))
    fitted = fit_independent(z, shows, sites=[f"s{i % 20}" for i in range(4000)])
    assert fitted.temperature == pytest.approx(1.6, abs=0.1) and fitted.n_sites == 20
    assert fitted.biases == pytest.approx((-1.0, 0.5, 0.0), abs=0.15)
    probs = apply_calibration(z, fitted, multi=True)
    assert probs.mean(axis=0).tolist() == pytest.approx(shows.mean(axis=0).tolist(), abs=0.02)


def test_the_bias_of_few_clips_is_drawn_to_zero_by_the_prior():
    shows = np.repeat([[True, False], [False, True]], [12, 12], axis=0)
    shows[:, 0] = True  # 24 of 24 clips, at log-odds of 0
    bias = fit_independent(np.zeros((24, 2)), shows).biases[0]
    assert bias == pytest.approx(24 * (1 - expit(bias)), abs=1e-6), "the slope of likelihood and prior cancel out"


def test_calibration_of_independent_labels_is_undone_exactly(rng):
    calibration = Calibration(1.5, 100, 8, "", (-0.5, 0.25))
    z = rng.normal(0, 3, (50, 2))
    back = undo_calibration(apply_calibration(z, calibration, multi=True), calibration, multi=True)
    np.testing.assert_allclose(back, z, atol=1e-3)
    assert Calibration.from_dict(calibration.to_dict()) == calibration
    assert "biases" not in Calibration(1.5, 100, 8, "").to_dict(), "bundles of one label per clip stay as they were"
    assert np.isfinite(undo_calibration(np.array([[0.0, 1.0]], np.float32), calibration, multi=True)).all()
