"""The order of epochs: by macro-F1, then by likelihood. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

DIGITS = 9  # figures that agree this far are equal: the rest depends on the processor


def rank_epoch(row: Mapping[str, Any]) -> tuple[float, float]:
    """Return the sort key of a row of a run's history: the larger, the better. Missing figures and NaN rank last.

    >>> rank_epoch({"val_macro_f1": 0.5, "val_nll": 1.0}) > rank_epoch({"val_macro_f1": 0.5, "val_nll": math.nan})
    True
    """
    f1, nll = row.get("val_macro_f1"), row.get("val_nll")
    return (
        -math.inf if f1 is None or math.isnan(f1) else round(float(f1), DIGITS),
        -math.inf if nll is None or math.isnan(nll) else -round(float(nll), DIGITS),
    )


def is_better(row: Mapping[str, Any], than: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether an epoch is better than all of the others."""
    return all(rank_epoch(row) > rank_epoch(other) for other in than)


def find_best(history: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the best row of a history; of equal ones the first. Raises ValueError for an empty history."""
    return max(history, key=rank_epoch)
