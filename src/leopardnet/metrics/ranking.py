"""How well a score puts positive clips above the others: AUROC, average precision, and what a threshold removes.

Clips are ranked once. A draw of sites only changes how much each clip weighs, so one pass of cumulated weights gives all
figures of that draw, exactly and with ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Clips in the order of a score, positives apart from negatives; `site` is the group of each, int64.

    `below` and `upto` say for each positive how many negatives lie strictly under it, and how many not above it.
    `first` says for each positive which is the first of those that tie with it.
    """

    site_pos: Ints  # [P], by increasing score
    site_neg: Ints  # [Q]
    below: Ints  # [P]
    upto: Ints  # [P]
    first: Ints  # [P]

    @classmethod
    def of(cls, score: Floats, is_positive: NDArray[np.bool_], codes: Ints) -> Ranking:
        """The ranking of these clips; score, is_positive, codes: [M]."""
        order = np.argsort(score, kind="stable")
        ranked, positive, site = score[order], is_positive[order], codes[order]
        negatives, positives = ranked[~positive], ranked[positive]
        return cls(
            site[positive],
            site[~positive],
            np.searchsorted(negatives, positives, side="left"),
            np.searchsorted(negatives, positives, side="right"),
            np.searchsorted(positives, positives, side="left"),
        )

    def figures(self, weights: Floats, recalls: Sequence[float] = ()) -> Floats:
        """AUROC, average precision, and the share of negatives removed at each recall: float64 [2 + R].

        weights: float64 [S], how often each site counts. nan without both kinds.
        """
        w_pos, w_neg = weights[self.site_pos], weights[self.site_neg]
        negatives = np.concatenate(([0.0], np.cumsum(w_neg)))  # [Q + 1]
        positives = np.concatenate(([0.0], np.cumsum(w_pos)))  # [P + 1]
        n_pos, n_neg = positives[-1], negatives[-1]
        if not (n_pos > 0 and n_neg > 0):
            return np.full(2 + len(recalls), np.nan)
        under = negatives[self.below]
        auroc = w_pos @ (under + negatives[self.upto]) / (2 * n_pos * n_neg)
        found = n_pos - positives[self.first]  # weight of positives at or above each
        precision = np.divide(found, found + n_neg - under, out=np.zeros_like(found), where=found > 0)
        removed = [under[self._lowest_kept(positives, recall)] / n_neg for recall in recalls]
        return np.array([auroc, w_pos @ precision / n_pos, *removed])

    def draws(self, weights: Floats, recalls: Sequence[float] = ()) -> Floats:
        """`figures` for each row of weights [n_boot, S]: float64 [n_boot, 2 + R]."""
        rows = [self.figures(w, recalls) for w in weights]
        return np.array(rows).reshape(len(weights), 2 + len(recalls))

    def _lowest_kept(self, positives: Floats, recall: float) -> int:
        """Position of the lowest positive that must be kept for this recall; those under it may be lost."""
        may_lose = (1 - recall) * positives[-1] * (1 + 1e-12)  # 5 of 100 are 5, not 4.999
        return min(int(np.searchsorted(positives, may_lose, side="right")) - 1, len(self.site_pos) - 1)


def auroc(score: Floats, is_positive: NDArray[np.bool_]) -> float:
    """The chance that a positive clip scores above a negative one, ties half; nan without both kinds.

    >>> auroc(np.array([0.9, 0.8, 0.1]), np.array([True, False, False]))
    1.0
    """
    from sklearn.metrics import roc_auc_score

    if is_positive.all() or not is_positive.any():
        return float("nan")
    return float(roc_auc_score(is_positive, score))


def average_precision(score: Floats, is_positive: NDArray[np.bool_]) -> float:
    """Precision averaged over the recalls that are reached (the area under the steps); nan without both kinds.

    >>> round(average_precision(np.array([0.9, 0.8, 0.7]), np.array([True, False, True])), 3)
    0.833
    """
    from sklearn.metrics import average_precision_score

    if is_positive.all() or not is_positive.any():
        return float("nan")
    return min(float(average_precision_score(is_positive, score)), 1.0)  # sums of shares end a little above it
