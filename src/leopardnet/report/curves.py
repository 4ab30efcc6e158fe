"""Curves against true labels: what a stricter or a laxer threshold would give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.report.palette import LabelStyle

Curve = list[tuple[float, float]]
NEVER = -1.0  # the probability of a clip that could not be read: no threshold reaches it


def precision_recall(
    predictions: pd.DataFrame, truth: pd.Series[str], styles: Sequence[LabelStyle]
) -> list[tuple[LabelStyle, Curve]]:
    """(recall, precision) at every threshold on the label's own probability, for each animal that occurs in the truth.

    truth: labels indexed by `clip_id`; clips without one do not count. A clip that could not be read is never found,
    so the curve of its label ends left of recall 1.
    """
    from sklearn.metrics import precision_recall_curve

    table, labels = _with_truth(predictions, truth)
    curves = []
    for style in styles:
        is_it = (labels == style.name).to_numpy()
        if style.is_empty or not is_it.any():
            continue
        precision, recall, threshold = precision_recall_curve(is_it, _scores(table, style), drop_intermediate=True)
        points = np.column_stack([recall[:-1], precision[:-1]])[threshold >= 0]
        curves.append((style, _thinned(points)))
    return curves


def empties_set_aside(predictions: pd.DataFrame, truth: pd.Series[str], styles: Sequence[LabelStyle]) -> Curve:
    """(share of animal clips kept, share of empty clips set aside) at every threshold on the probability of empty.

    No points where there is no label for empty, or where the truth has no empty clip or no other.
    """
    from sklearn.metrics import roc_curve

    empty = next((style for style in styles if style.is_empty), None)
    table, labels = _with_truth(predictions, truth)
    if empty is None or (labels == empty.name).nunique() < 2:
        return []
    lost, set_aside, threshold = roc_curve((labels == empty.name).to_numpy(), _scores(table, empty))
    return _thinned(np.column_stack([1 - lost, set_aside])[threshold >= 0])


def _with_truth(predictions: pd.DataFrame, truth: pd.Series[str]) -> tuple[pd.DataFrame, pd.Series[Any]]:
    labels = predictions["clip_id"].map(truth)
    return predictions[labels.notna()], labels.dropna()


def _scores(table: pd.DataFrame, style: LabelStyle) -> NDArray[np.float64]:
    return table[f"p_{style.name}"].fillna(NEVER).to_numpy(np.float64)


def _thinned(points: NDArray[np.float64]) -> Curve:
    """The points with three decimals, in their order, without repeats."""
    rounded = np.round(points, 3)
    moves = np.any(np.diff(rounded, axis=0) != 0, axis=1)
    return [(float(x), float(y)) for x, y in rounded[np.append(True, moves)[: len(rounded)]]]
