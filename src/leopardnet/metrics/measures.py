"""Figures that follow from counts: precision, recall, F1, exact bounds, effective numbers of clips."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
CORRELATION = 0.2  # of the results of two clips of one site, where sites are too few to tell


def ratio(a: Floats, b: Floats) -> Floats:
    """Return a / b, nan where b is 0.

    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    out: Floats = np.full(np.broadcast(a, b).shape, np.nan)
    np.divide(a, b, out=out, where=b > 0)
    return out


def count_labels(confusion: Floats) -> Floats:
    """Return for each label the clips found, its clips, those said to show it, and all clips: [..., C, 4].

    confusion: [..., C, C + 1]. Rows are true labels; the last column holds unreadable clips.
    """
    n_labels = confusion.shape[-2]
    right = np.diagonal(confusion, axis1=-2, axis2=-1)  # [..., C]
    support, n_said = confusion.sum(axis=-1), confusion[..., :n_labels].sum(axis=-2)
    return np.stack([right, support, n_said, np.zeros_like(right) + support.sum(axis=-1, keepdims=True)], axis=-1)


def count_measures(counts: Floats) -> dict[str, Floats]:
    """Return precision, recall and f1, [..., C], and macro_f1, [...], of counts as `count_labels` returns them.

    A label that does not occur has no part in macro_f1.
    """
    right, support, n_said = (counts[..., i] for i in range(3))
    f1 = np.where(support > 0, ratio(2 * right, support + n_said), np.nan)
    return {
        "precision": ratio(right, n_said),
        "recall": ratio(right, support),
        "f1": f1,
        "macro_f1": ratio(np.nansum(f1, axis=-1), (support > 0).sum(axis=-1)),
    }


def precision_at(counts: Floats, prevalence: float) -> Floats:
    """Return precision per label, [..., C], if it were this share of the clips; counts: as of `count_labels`.

    Recall and the share of other clips that are mistaken for the label stay as measured; nan where either was not
    measured. A label that is found in 90 % of its clips and wrongly in 1 % of the others, at a prevalence of 1 %:

    >>> round(float(precision_at(np.array([[90.0, 100.0, 100.0, 1100.0]]), 0.01)[0]), 3)
    0.476
    """
    right, support, n_said, n_clips = (counts[..., i] for i in range(4))
    recall, false_rate = ratio(right, support), ratio(n_said - right, n_clips - support)
    return ratio(prevalence * recall, prevalence * recall + (1 - prevalence) * false_rate)


def precision_at_bounds(counts: Floats, prevalence: float) -> tuple[float, float]:
    """Return bounds of `precision_at` of one label, counts [4], from exact bounds of recall and false rate.

    No mistake among 27 other clips says little where only one clip in a hundred is the label:

    >>> low, high = precision_at_bounds(np.array([9.0, 9.0, 9.0, 36.0]), 0.01)
    >>> round(low, 3), high
    (0.05, 1.0)
    """
    n_right, n, n_said, n_clips = counts
    n_others, n_false = n_clips - n, n_said - n_right
    ends = []
    for bound, opposite in ((lower_bound, upper_bound), (upper_bound, lower_bound)):
        recall = float(bound(n_right, n, confidence=0.975))
        false_rate = float(opposite(n_false, n_others, confidence=0.975))
        hits = prevalence * recall
        ends.append(hits / (hits + (1 - prevalence) * false_rate) if hits + false_rate > 0 else float("nan"))
    return ends[0], ends[1]


def lower_bound(n_right: ArrayLike, n: ArrayLike, *, confidence: float = 0.95) -> Floats:
    """Return the one-sided exact lower bound (Clopper and Pearson) of the share n_right / n; nan where n is 0.

    Counts may be fractions (effective numbers of clips). 20 of 20 found support "at least 86 %", not "all".

    >>> round(float(lower_bound(20, 20)), 3), float(lower_bound(0, 5))
    (0.861, 0.0)
    """
    from scipy.stats import beta

    right, total = np.asarray(n_right, np.float64), np.asarray(n, np.float64)
    tiny = np.finfo(float).tiny  # the distribution needs a positive count
    low = beta.ppf(1 - confidence, np.maximum(right, tiny), np.maximum(total - right, 0) + 1)
    return np.where(total > 0, np.where(right > 0, low, 0.0), np.nan)


def upper_bound(n_wrong: ArrayLike, n: ArrayLike, *, confidence: float = 0.95) -> Floats:
    """Return the one-sided exact upper bound of the share n_wrong / n; nan where n is 0.

    >>> round(float(upper_bound(0, 300)), 4)
    0.0099
    """
    total = np.asarray(n, np.float64)
    return 1 - lower_bound(total - np.asarray(n_wrong, np.float64), total, confidence=confidence)


def correlate_wrong(precision: float) -> float:
    """Return the correlation to assume of clips of one site that were given a label: the share that is wrong.

    A label is wrongly said where its animal does not live, so the results of a site are alike.

    >>> correlate_wrong(0.25), correlate_wrong(0.95)
    (0.75, 0.2)
    """
    return CORRELATION if np.isnan(precision) else max(1 - float(precision), CORRELATION)


def count_independent(sizes: Floats, correlation: float = CORRELATION) -> float:
    """Return how many independent clips carry as much information as clips of sites, n / d (Kish 1965).

    sizes: float64 [S], clips per site. d = 1 + (m - 1) · correlation is the design effect, m the mean number of
    clips at the site of a clip.

    >>> round(count_independent(np.array([150.0, 150.0])), 1), count_independent(np.ones(30))
    (9.7, 30.0)
    """
    n = sizes.sum()
    return float(n / (1 + ((sizes**2).sum() / n - 1) * correlation)) if n else 0.0


def count_whole_events(sizes: NDArray[np.generic]) -> float:
    """Return how many events of equal size carry as much weight, n² / Σ m² (Kish 1965); sizes: [E], clips of each.

    Two clips of an event count as equal, those of two events of a site as correlated by ρ. The effective number of
    clips is then n² / (Σ m² + ρ · (Σ M² - Σ m²)), M the clips of each site: exactly what `count_independent`
    returns for sizes of sites that are scaled so that their sum is n² / Σ m².

    >>> count_whole_events(np.array([3, 3, 3])), round(count_whole_events(np.array([100, 1, 1])), 2)
    (3.0, 1.04)
    """
    squares = float((sizes.astype(np.float64) ** 2).sum())
    return float(sizes.sum()) ** 2 / squares if squares else 0.0
