"""The calibration error, and what its interval says of few clips."""

import numpy as np
import pytest

from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.metrics.reliability import reliability


def clips(n, *, boast, seed):
    """Probabilities of two labels, and truths that come true as often as said, less `boast`."""
    rng = np.random.default_rng(seed)
    top = rng.uniform(0.6, 1.0, n)
    y = (rng.random(n) >= top - boast).astype(np.int64)
    return np.column_stack([top, 1 - top]), y


def ece_of(probs, y, n_sites=20):
    clips = LabelledClips.from_arrays(("tiger", "empty"), probs, y, np.arange(len(y)) % n_sites)
    return reliability(clips, clips.draw_sites(n_boot=400, seed=7))[1]


def test_the_interval_of_a_calibrated_model_reaches_down_to_its_true_error():
    """The true ECE is 0; that of 300 clips is not, because every bin lies beside its diagonal by chance."""
    found = [ece_of(*clips(300, boast=0.0, seed=seed)) for seed in range(20)]
    assert min(x.value for x in found) > 0.02
    assert sum(x.low == 0 for x in found) >= 18


def test_the_interval_of_a_boastful_model_stays_away_from_zero_and_holds_the_truth():
    found = [ece_of(*clips(2000, boast=0.15, seed=seed)) for seed in range(20)]
    assert all(x.low > 0.1 for x in found)
    assert sum(x.low <= 0.15 <= x.high for x in found) >= 18


def test_a_value_is_the_plain_calibration_error():
    probs = np.array([[0.9, 0.1]] * 10)
    found = ece_of(probs, np.array([0] * 8 + [1] * 2), n_sites=2)  # one bin: 0.9 said, 0.8 true
    assert found.value == pytest.approx(0.1) and found.low <= 0.1 <= found.high
