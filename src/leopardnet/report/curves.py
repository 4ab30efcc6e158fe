"""Curves over all thresholds: what a stricter or a laxer threshold would find and miss, for clips with labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.labels import split_labels
from leopardnet.pages.palette import LabelStyle

Curve = list[tuple[float, float]]
UNREADABLE_P = -1.0  # stands for the probability of a clip that could not be read: no threshold reaches it


def precision_recall_curves(
    predictions: pd.DataFrame, truth: pd.Series[str], styles: Sequence[LabelStyle]
) -> list[tuple[LabelStyle, Curve]]:
    """Return (recall, precision) at every threshold on an animal's own probability, for each animal in the truth.

    truth: labels by `clip_id`, several joined; clips without one do not count. A clip that could not be read is
    never found, so the curve of its label ends left of recall 1.
    """
    from sklearn.metrics import precision_recall_curve

    table, labels = _match_labels(predictions, truth)
    curves = []
    for style in styles:
        is_label = labels.map(lambda cell, name=style.name: name in split_labels(cell)).to_numpy(bool)
        if style.is_empty or not is_label.any():
            continue
        scores = _label_scores(table, style)
        precision, recall, threshold = precision_recall_curve(is_label, scores, drop_intermediate=True)
        points = np.column_stack([recall[:-1], precision[:-1]])[threshold >= 0]
        curves.append((style, _drop_repeats(points)))
    return curves


def set_aside_curve(predictions: pd.DataFrame, truth: pd.Series[str], styles: Sequence[LabelStyle]) -> Curve:
    """Return (share of animal clips kept, share of empty clips set aside) at every threshold on P(empty).

    There are no points where no label means empty, or where the truth holds only empty clips or none.
    """
    from sklearn.metrics import roc_curve

    empty = next((style for style in styles if style.is_empty), None)
    table, labels = _match_labels(predictions, truth)
    if empty is None or (labels == empty.name).nunique() < 2:
        return []
    lost, set_aside, threshold = roc_curve((labels == empty.name).to_numpy(), _label_scores(table, empty))
    return _drop_repeats(np.column_stack([1 - lost, set_aside])[threshold >= 0])


def _match_labels(predictions: pd.DataFrame, truth: pd.Series[str]) -> tuple[pd.DataFrame, pd.Series[str]]:
    labels = predictions["clip_id"].map(truth)
    return predictions[labels.notna()], labels.dropna()


def _label_scores(table: pd.DataFrame, style: LabelStyle) -> NDArray[np.float64]:
    return table[f"p_{style.name}"].fillna(UNREADABLE_P).to_numpy(np.float64)


def _drop_repeats(points: NDArray[np.float64]) -> Curve:
    """Round the points to three decimals and drop those that equal the point before them."""
    rounded = np.round(points, 3)
    moves = np.any(np.diff(rounded, axis=0) != 0, axis=1)
    return [(float(x), float(y)) for x, y in rounded[np.append(True, moves)[: len(rounded)]]]
