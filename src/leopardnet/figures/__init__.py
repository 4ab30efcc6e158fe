"""Figures from tables, for notebooks: each is a matplotlib Figure that nothing has drawn anywhere yet."""

from leopardnet.figures.clips import gallery, over_time
from leopardnet.figures.judgement import (
    comparison,
    confusion_map,
    empties_removed,
    precision_recall,
    reliability,
    review_effort,
    risk_coverage,
    sites_forest,
)
from leopardnet.figures.promises import promise_cost
from leopardnet.figures.training import learning_curve

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
