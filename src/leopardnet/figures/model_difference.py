"""Two models side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from leopardnet.figures.style import BLUE, GREY, VERMILION, blank
from leopardnet.metrics.comparison.two_models import ModelComparison

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"better": BLUE, "worse": VERMILION, "cannot tell": GREY}


def model_difference(found: ModelComparison, *, old: str = "old", new: str = "new") -> Figure:
    """Return how much higher each figure of the new model is, with intervals over sites; grey: cannot tell.

    >>> ln.figures.model_difference(ln.compare_predictions(old, new, judges).found)  # doctest: +SKIP
    """
    rows = found.differences
    figure, axes = blank(7, 1.6 + 0.42 * len(rows))
    for i, d in enumerate(rows):
        low, high = (np.nan if x is None else x for x in (d.difference.low, d.difference.high))
        axes.hlines(i, low, high, color=COLOURS[d.verdict], linewidth=2)
        axes.plot(d.difference.value, i, "o", color=COLOURS[d.verdict])
        axes.annotate(
            f"{d.old:.2f} → {d.new:.2f}  {d.verdict}", (1.02, i), xycoords=("axes fraction", "data"), va="center"
        )
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [d.figure for d in rows])
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=f"{new} minus {old}, with 95 % interval over sites")
    axes.set_title(f"{found.n_clips} clips from {found.n_sites} sites: {found.verdict}", loc="left")
    return figure
