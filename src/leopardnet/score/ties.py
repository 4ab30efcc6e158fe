"""Ordering by float scores such that equal scores stay in order, whatever the last bits of a processor's floats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DECIMALS = 5


def round_scores(scores: NDArray[np.floating[Any]] | Sequence[float]) -> NDArray[np.float64]:
    """Return scores, float [N], rounded to DECIMALS places, as keys for sorting or for `argmax`."""
    return np.asarray(scores, np.float64).round(DECIMALS)


def order_descending(scores: NDArray[np.floating[Any]] | Sequence[float]) -> NDArray[np.int64]:
    """Return the positions of scores, float [N], from highest to lowest, int64 [N]. Equal scores stay in order.

    >>> order_descending([0.1, 0.7 - 0.4, 0.3, 0.9]).tolist()  # 0.7 - 0.4 is slightly less than 0.3
    [3, 1, 2, 0]
    """
    return np.argsort(-round_scores(scores), kind="stable").astype(np.int64)


def order_by_values(*keys: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return the positions, int64 [N], from highest to lowest key; equal ones by the next key, each float [N].

    Rows that differ in any key are ordered by their values alone, wherever they stand.

    >>> order_by_values(np.array([0.5, 0.9, 0.5]), np.array([1.0, 2.0, 3.0])).tolist()
    [1, 2, 0]
    """
    return np.lexsort([-round_scores(key) for key in reversed(keys)]).astype(np.int64)
