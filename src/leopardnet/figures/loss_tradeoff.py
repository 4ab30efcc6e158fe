"""The price of a guarantee on losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from leopardnet.evaluation.thresholds import Thresholds
from leopardnet.figures.style import BLUE, GREY, blank

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def loss_tradeoff(found: Sequence[Thresholds]) -> Figure:
    """Return the share of clips that may be archived unseen, against the guaranteed limit of losses.

    found: thresholds for one label each, at several tolerable losses. A loss that cannot be guaranteed is a cross
    on the axis: it takes more labelled clips, not another threshold.
    """
    figure, axes = blank(6, 3.6)
    kept = [t for t in found if t.unseen is not None]
    losses = [t.promises[0].max_miss for t in kept]
    shares = [t.unseen for t in kept if t.unseen is not None]
    low, high = ([np.nan if v is None else v for v in (getattr(s, end) for s in shares)] for end in ("low", "high"))
    axes.vlines(losses, low, high, color=BLUE, alpha=0.4)
    axes.plot(losses, [s.value for s in shares], marker="o", color=BLUE)
    cannot = [t.promises[0].max_miss for t in found if t.unseen is None]
    axes.plot(cannot, [0.0] * len(cannot), "x", color=GREY, label="cannot be demonstrated")
    label = found[0].promises[0].label if found else ""
    axes.set(xlabel=f"largest share of {label} clips lost", ylabel="clips archived unseen", ylim=(-0.03, 1.02))
    if cannot:
        axes.legend(frameon=False)
    return figure
