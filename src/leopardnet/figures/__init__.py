"""Figures from tables, for notebooks: each is a matplotlib Figure that nothing has drawn anywhere yet."""

from leopardnet.figures.accuracy import (
    comparison,
    confusion_map,
    empties_removed,
    precision_recall,
    reliability,
    review_effort,
    risk_coverage,
    sites_forest,
)
from leopardnet.figures.clips import gallery, over_time
from leopardnet.figures.learning_curve import learning_curve
from leopardnet.figures.loss_curves import promise_cost

__all__ = [
    "comparison",
    "confusion_map",
    "empties_removed",
    "gallery",
    "learning_curve",
    "over_time",
    "precision_recall",
    "promise_cost",
    "reliability",
    "review_effort",
    "risk_coverage",
    "sites_forest",
]
