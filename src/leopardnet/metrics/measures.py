"""Figures that follow from counts: precision, recall and F1 of confusions, exact bounds, precision at another prevalence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def ratio(a: Floats, b: Floats) -> Floats:
    """a / b, nan where b is 0.

    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    out: Floats = np.full(np.broadcast(a, b).shape, np.nan)
    np.divide(a, b, out=out, where=b > 0)
    return out


def label_measures(confusion: Floats) -> dict[str, Floats]:
    """precision, recall and f1 per label, [..., C], macro_f1 and top1, [...], from confusions [..., C, C + 1].

    Rows are the truth; the last column is what could not be read. A label that does not occur has no part in macro_f1.
    """
    n_labels = confusion.shape[-2]
    right = np.diagonal(confusion, axis1=-2, axis2=-1)  # [..., C]
    support, n_said = confusion.sum(axis=-1), confusion[..., :n_labels].sum(axis=-2)
    f1 = np.where(support > 0, ratio(2 * right, support + n_said), np.nan)
    return {
        "precision": ratio(right, n_said),
        "recall": ratio(right, support),
        "f1": f1,
        "macro_f1": ratio(np.nansum(f1, axis=-1), (support > 0).sum(axis=-1)),
        "top1": ratio(right.sum(axis=-1), support.sum(axis=-1)),
    }


def precision_at(confusion: Floats, prevalence: float) -> Floats:
    """Precision per label, [..., C], where this share of the clips is that label, from confusions [..., C, C + 1].

    Recall and the share of other clips that are mistaken for the label stay as they were measured; nan where either of
    them was not. Of a label mistaken for by 1 % of the others and found in 90 %, at a prevalence of 1 %:

    >>> counts = np.array([[90.0, 10.0, 0.0], [10.0, 990.0, 0.0]])
    >>> round(float(precision_at(counts, 0.01)[0]), 3)
    0.476
    """
    n_labels = confusion.shape[-2]
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    support, n_said = confusion.sum(axis=-1), confusion[..., :n_labels].sum(axis=-2)
    recall = ratio(right, support)
    mistaken = ratio(n_said - right, support.sum(axis=-1, keepdims=True) - support)
    return ratio(prevalence * recall, prevalence * recall + (1 - prevalence) * mistaken)


def precision_between(confusion: Floats, i: int, prevalence: float) -> tuple[float, float]:
    """What as many independent clips leave open of `precision_at` of class i: both of its shares at their exact bounds.

    No mistake among 27 other clips is little to go by where only one clip in a hundred is the label:

    >>> low, high = precision_between(np.array([[9.0, 0.0, 0.0], [0.0, 27.0, 0.0]]), 0, 0.01)
    >>> round(low, 3), high
    (0.05, 1.0)
    """
    n, n_right = confusion[i].sum(), confusion[i, i]
    n_others, n_mistaken = confusion.sum() - n, confusion[:, i].sum() - n_right
    ends = []
    for bound, opposite in ((at_least, at_most), (at_most, at_least)):
        recall = float(bound(n_right, n, confidence=0.975))
        mistaken = float(opposite(n_mistaken, n_others, confidence=0.975))
        hits = prevalence * recall
        ends.append(hits / (hits + (1 - prevalence) * mistaken) if hits + mistaken > 0 else float("nan"))
    return ends[0], ends[1]


def at_least(n_right: Any, n: Any, *, confidence: float = 0.95) -> Any:
    """The one-sided exact bound (Clopper and Pearson) under a share: what n_right of n allow to claim; nan for none of none.

    Counts may be fractions (effective numbers of clips). 20 of 20 found support "at least 86 %", not "all".

    >>> round(float(at_least(20, 20)), 3), float(at_least(0, 5))
    (0.861, 0.0)
    """
    from scipy.stats import beta

    right, total = np.asarray(n_right, np.float64), np.asarray(n, np.float64)
    tiny = np.finfo(float).tiny  # the distribution wants a positive count
    low = beta.ppf(1 - confidence, np.maximum(right, tiny), np.maximum(total - right, 0) + 1)
    return np.where(total > 0, np.where(right > 0, low, 0.0), np.nan)


def at_most(n_wrong: Any, n: Any, *, confidence: float = 0.95) -> Any:
    """The same bound above a share: `n_wrong` of `n` do not exclude this one.

    >>> round(float(at_most(0, 300)), 4)
    0.0099
    """
    total = np.asarray(n, np.float64)
    return 1 - at_least(total - np.asarray(n_wrong, np.float64), total, confidence=confidence)
