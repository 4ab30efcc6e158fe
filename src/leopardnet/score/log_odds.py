"""Log-odds of labels from stored probabilities: they still differ where a probability rounds to 1.

Probabilities are stored with the precision of float32, in which 1 - 1e-9 is 1, but 1e-9 and 1e-20 are two numbers.
The log-odds of a label, log p - log (sum of all others), use these small numbers, so they rank clips as the logits
do. That is for labels that exclude each other; each independent label has only its own probability.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leopardnet.score.ties import round_scores

LEAST = 1e-300  # a probability of 0 counts as this


def log_odds(probs: NDArray[np.floating[Any]], members: int | Sequence[int]) -> NDArray[np.float64]:
    """Return the log-odds of one label, or of any of several, against all others.

    probs: float [..., C], of labels that exclude each other; members: positions on the last axis. The result is
    float64 [...], rounded as scores are for an order, and nan where a probability is.

    >>> log_odds(np.array([[0.8, 0.2, 0.0], [1.0, 1e-9, 1e-20]]), 0).tolist()
    [1.38629, 20.72327]
    """
    p, chosen = np.asarray(probs, np.float64), np.atleast_1d(members)
    own, rest = p[..., chosen].sum(axis=-1), np.delete(p, chosen, axis=-1).sum(axis=-1)
    return round_scores(np.log(np.maximum(own, LEAST)) - np.log(np.maximum(rest, LEAST)))
