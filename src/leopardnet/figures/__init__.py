"""Figures from tables, for notebooks. Each function returns a matplotlib Figure that is not shown yet.

>>> ln.figures.confusion_matrix(ln.evaluate(predictions, manifest)).savefig("confusion.png")  # doctest: +SKIP
"""

from leopardnet.figures.accuracy import (
    comparison_plot,
    confusion_matrix,
    empty_filter_curve,
    forest_plot,
    precision_recall_curves,
    reliability_diagram,
    review_curve,
    risk_coverage_curve,
)
from leopardnet.figures.clips import attention, frame_probabilities, gallery
from leopardnet.figures.epoch_curve import epoch_curve
from leopardnet.figures.loss_tradeoff import loss_tradeoff
from leopardnet.figures.model_difference import model_difference

__all__ = [
    "attention",
    "comparison_plot",
    "confusion_matrix",
    "empty_filter_curve",
    "epoch_curve",
    "forest_plot",
    "frame_probabilities",
    "gallery",
    "loss_tradeoff",
    "model_difference",
    "precision_recall_curves",
    "reliability_diagram",
    "review_curve",
    "risk_coverage_curve",
]
