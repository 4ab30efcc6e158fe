"""Sums of logarithms: to the last bit those of scipy, so that no result changes with the library."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special

from leopardnet.score.log_sums import log_softmax, logsumexp, softmax

SHAPES = [(1,), (2,), (7,), (1, 4), (7, 4), (60, 30)]
INF = np.inf


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1e4])
def test_sums_are_those_of_scipy(rng, shape, scale):
    for _ in range(50):
        x = rng.normal(0, scale, shape).round(int(rng.integers(0, 4)))  # with ties
        for axis in (None, *range(len(shape))):
            np.testing.assert_array_equal(log_softmax(x, axis), scipy.special.log_softmax(x, axis))
            np.testing.assert_array_equal(softmax(x, axis), scipy.special.softmax(x, axis))
            np.testing.assert_array_equal(logsumexp(x, axis), scipy.special.logsumexp(x, axis))
            kept = scipy.special.logsumexp(x, axis, keepdims=True)
            np.testing.assert_array_equal(logsumexp(x, axis, keepdims=True), kept)


def test_weighted_sums_are_those_of_scipy(rng):
    for _ in range(200):
        x, weights = rng.normal(0, 5, (6, 3)), rng.dirichlet(np.ones(6))[:, None]
        weights[rng.integers(6)] *= rng.integers(2)
        found = logsumexp(x, axis=0, b=weights)
        np.testing.assert_array_equal(found, scipy.special.logsumexp(x, axis=0, b=weights))


@pytest.mark.parametrize("x", [[0.0, -INF], [-INF, -INF], [INF, 0.0], [np.nan, 1.0]], ids=str)
def test_infinite_terms_are_those_of_scipy(x):
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(logsumexp(x), scipy.special.logsumexp(x))
        np.testing.assert_array_equal(log_softmax(x), scipy.special.log_softmax(x))


def test_one_half_and_one_half_make_one():
    assert logsumexp(np.log([0.5, 0.5])) == pytest.approx(0.0, abs=1e-15)
    assert logsumexp([[0.0, 0.0], [0.0, -INF]], axis=1) == pytest.approx([np.log(2), 0.0])
