"""The order of epochs: by macro-F1, then by likelihood; and why one of them is kept. Needs no torch.

An epoch of fine-tuning that is better than the probe by less than the standard error of their difference over sites
ranks below the probe. Few sites say little: where fine-tuning loses in truth, this halves the loss (docs/LOG.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

DIGITS = 9  # figures that agree this far are equal: the rest depends on the processor


def rank_epoch(row: Mapping[str, Any]) -> tuple[bool, float, float]:
    """Return the sort key of a row of a run's history: the larger, the better. Missing figures and NaN rank last.

    >>> rank_epoch({"val_macro_f1": 0.5, "val_nll": 1.0}) > rank_epoch({"val_macro_f1": 0.5, "val_nll": math.nan})
    True
    >>> rank_epoch({"val_macro_f1": 0.5}) > rank_epoch({"val_macro_f1": 0.6, "val_gain": 0.1, "val_gain_se": 0.2})
    True
    """
    f1, nll = row.get("val_macro_f1"), row.get("val_nll")
    return (
        not is_within_chance(row),
        -math.inf if f1 is None or math.isnan(f1) else round(float(f1), DIGITS),
        -math.inf if nll is None or math.isnan(nll) else -round(float(nll), DIGITS),
    )


def is_better(row: Mapping[str, Any], than: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether an epoch is better than all of the others."""
    return all(rank_epoch(row) > rank_epoch(other) for other in than)


def find_best(history: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the best row of a history; of equal ones the first. Raises ValueError for an empty history."""
    return max(history, key=rank_epoch)


def is_within_chance(row: Mapping[str, Any]) -> bool:
    """Return whether an epoch was compared with the probe and is not better by more than the standard error.

    Nothing is known of the error where there is one site: `val_gain_se` is NaN, and the probe is kept.
    """
    gain = row.get("val_gain")  # the probe itself, training from scratch and older runs have none
    return gain is not None and not gain > row["val_gain_se"]


def format_minutes(seconds: float) -> str:
    """Return a duration in minutes, rounded up.

    >>> format_minutes(20.0), format_minutes(61.0)
    ('less than a minute', '2 min')
    """
    return f"{math.ceil(seconds / 60)} min" if seconds >= 60 else "less than a minute"


def explain_choice(history: Sequence[Mapping[str, Any]], kept: int, *, start: str = "the probe") -> str:
    """Return which epoch of a history is kept and why, as a sentence. start: what epoch 0 is.

    >>> explain_choice([{"epoch": 0, "val_macro_f1": 0.8}], 0)
    'kept: the probe, as the settings have no epochs of fine-tuning'
    """
    tuned = [row for row in history if row["epoch"] > 0]
    if not tuned:
        return f"kept: {start}, as the settings have no epochs of fine-tuning"
    row = max(tuned, key=lambda row: (row["epoch"] == kept, row["val_macro_f1"]))
    if "val_gain" not in row:
        return f"kept: {f'epoch {kept}' if kept else start}, the best on these clips"
    gain, error = row["val_gain"], row["val_gain_se"]
    chance = (
        f"chance between sites gives ±{error:.3f}" if error == error else "one site cannot tell chance from more"
    )
    took = f"fine-tuning took {format_minutes(sum(row.get('train_s', 0.0) for row in history))}"
    by = f"{abs(gain):.3f} above" if gain > 0 else f"{abs(gain):.3f} below"
    if kept:
        return f"kept: epoch {kept}, whose macro-F1 is {by} that of {start} ({chance}); {took}"
    if gain > 0 and error == error:
        chance = f"not more than chance between sites gives, ±{error:.3f}"
    return f"kept: {start}. Fine-tuning's best epoch, {row['epoch']}, is {by} it in macro-F1 ({chance}); {took}"
