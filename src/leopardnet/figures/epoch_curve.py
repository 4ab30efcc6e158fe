"""The learning curve of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from leopardnet.figures.style import sheet
from leopardnet.training.plots import draw_curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def epoch_curve(history: Sequence[Mapping[str, float]]) -> Figure:
    """Return a figure of macro-F1 on validation clips over epochs. A ring marks the best epoch; 0 is the probe.

    history: `Run.history`, or `run_history.read_history` of a run folder.

    >>> epoch_curve([{"epoch": 0, "val_macro_f1": 0.5, "val_nll": 1.0}]).axes[0].get_ylabel()
    'macro-F1 on validation clips'
    """
    figure = sheet(6, 3)
    axes = figure.add_subplot()
    draw_curve(axes, history, "val_macro_f1")
    axes.set_title("", loc="left")
    axes.set_ylabel("macro-F1 on validation clips")
    return figure
