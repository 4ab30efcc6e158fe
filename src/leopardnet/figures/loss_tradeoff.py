"""The price of a guarantee on losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from leopardnet.evaluation.thresholds import Thresholds
from leopardnet.figures.style import BLUE, GREY, VERMILION, blank
from leopardnet.metrics.guarantees.levels import LEVELS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def loss_tradeoff(found: Sequence[Thresholds]) -> Figure:
    """Return the share of clips that may be archived unseen, against the guaranteed limit of losses, by level.

    found: thresholds for one label each, at several tolerable losses. A loss that can be guaranteed at no level
    is a cross on the axis: it takes more labelled sites, not another threshold.

    >>> ln.figures.loss_tradeoff([ln.find_thresholds(clips, {"leopard": x}) for x in (0.01, 0.1)])  # doctest: +SKIP
    """
    figure, axes = blank(6, 3.6)
    for (level, says), colour in zip(LEVELS.items(), (VERMILION, BLUE), strict=True):
        points = [(t.promises[0].max_miss, t.unseen_at[level]) for t in found if level in t.unseen_at]
        losses = [loss for loss, _ in points]
        ends = [[np.nan if x is None else x for x in (s.low, s.high)] for _, s in points]
        axes.vlines(losses, *np.array(ends).reshape(-1, 2).T, color=colour, alpha=0.4)
        axes.plot(losses, [s.value for _, s in points], marker="o", color=colour, label=says if points else None)
    cannot = [t.promises[0].max_miss for t in found if not t.unseen_at]
    axes.plot(cannot, [0.0] * len(cannot), "x", color=GREY, label="cannot be demonstrated" if cannot else None)
    label = found[0].promises[0].label if found else ""
    axes.set(xlabel=f"largest share of {label} clips lost", ylabel="clips archived unseen", ylim=(-0.03, 1.02))
    if found:
        axes.legend(frameon=False)
    return figure
