"""Errors among the surest clips: against clips that are written out again for each draw of sites."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leopardnet.metrics.bootstrap import SiteDraws
from leopardnet.metrics.review import Confidence

SHARES = np.array([0.0, 0.1, 0.25, 0.5, 0.77, 1.0])


def test_errors_of_equal_confidence_are_spread_evenly():
    draws = SiteDraws.of(np.array([0, 0, 1, 1]), n_boot=0, seed=0)
    ranked = Confidence.of(np.array([0.9, 0.5, 0.5, np.nan]), np.array([False, True, False, True]), draws)
    found, total = ranked.count_errors(np.array([[1.0, 1.0], [2.0, 0.0]]), np.array([0.25, 0.5, 0.75, 1.0]))
    # all clips once: none of 1, half of 1 of the two at 0.5, 1, 2; the first site twice: the 3rd and 4th are wrong
    assert found.tolist() == [[0.0, 0.5, 1.0, 2.0], [0.0, 0.0, 1.0, 2.0]] and total.tolist() == [4.0, 4.0]


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.booleans())
def test_counts_equal_those_of_clips_written_out_again(seed, n, by_counts):
    rng = np.random.default_rng(seed)
    codes, sure, wrong = rng.integers(0, 5, n), rng.integers(0, 6, n) / 6, rng.random(n) < 0.3
    weights = rng.multinomial(5, [1 / 5] * 5, size=4)
    ranked = Confidence.of(sure, wrong, SiteDraws(codes, 5, weights, counts=np.ones(n) if by_counts else None))
    found, total = ranked.count_errors(weights.astype(float), SHARES)
    for w, errors, n_clips in zip(weights, found, total, strict=True):
        again = np.repeat(np.arange(n), w[codes])
        assert n_clips == len(again)
        blocks = [again[sure[again] == x] for x in np.unique(sure)[::-1]]
        clips, n_wrong = ([0, *np.cumsum(x)] for x in ([len(b) for b in blocks], [wrong[b].sum() for b in blocks]))
        assert errors == pytest.approx(np.interp(SHARES * len(again), clips, n_wrong), abs=1e-9)


def test_no_clip_has_no_error():
    nothing = np.zeros(0)
    ranked = Confidence.of(nothing, nothing.astype(bool), SiteDraws.of(nothing.astype(int), n_boot=0, seed=0))
    found, total = ranked.count_errors(np.ones((1, 1)), SHARES)
    assert not found.any() and total.tolist() == [0.0]
