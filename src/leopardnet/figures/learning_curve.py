"""How a training run went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from leopardnet.figures.style import BLUE, VERMILION, blank

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def learning_curve(history: Sequence[Mapping[str, float]]) -> Figure:
    """Macro-F1 on validation clips, epoch by epoch; epoch 0 is the linear probe, and a ring marks what was kept.

    history: `Run.history`, or `summary.read_history` of a run folder.

    >>> learning_curve([{"epoch": 0, "val_macro_f1": 0.5, "val_nll": 1.0}]).axes[0].get_ylabel()
    'macro-F1 on validation clips'
    """
    figure, axes = blank(6, 3)
    epochs = [int(row["epoch"]) for row in history]
    scores = [row["val_macro_f1"] for row in history]
    axes.plot(epochs, scores, marker="o", color=BLUE)
    if history:
        best = max(history, key=lambda row: (row["val_macro_f1"], -row["val_nll"]))
        axes.plot(best["epoch"], best["val_macro_f1"], "o", markersize=14, fillstyle="none", color=VERMILION)
    axes.set(xlabel="epoch (0: linear probe)", ylabel="macro-F1 on validation clips", ylim=(0, 1), xticks=epochs)
    return figure
