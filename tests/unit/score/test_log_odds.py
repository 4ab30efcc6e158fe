"""Log-odds from stored probabilities: the order of the logits, also where probabilities round to 0 or 1."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import log_softmax, logsumexp, softmax

from leopardnet.score.log_odds import log_odds


def test_log_odds_by_hand():
    p = np.array([[0.5, 0.25, 0.25], [1.0, 1e-9, 0.0], [1.0, 0.0, 0.0], [np.nan] * 3])
    found = log_odds(p, 0)
    assert found[:2] == pytest.approx([0.0, np.log(1e9)], abs=1e-5) and found[2] > 600 and np.isnan(found[3])
    assert log_odds(p, [1, 2])[:2] == pytest.approx([0.0, -np.log(1e9)], abs=1e-5)
    assert log_odds(p[0], 2) == pytest.approx(np.log(1 / 3), abs=1e-5)


@given(arrays(np.float64, 4, elements=st.floats(-40, 40)))
def test_they_are_those_of_the_logits_though_the_probabilities_are_stored_in_float32(logits):
    log_p = log_softmax(logits)
    exact = log_p[0] - logsumexp(log_p[1:])
    assert log_odds(softmax(logits).astype(np.float32), 0) == pytest.approx(exact, abs=2e-5)
