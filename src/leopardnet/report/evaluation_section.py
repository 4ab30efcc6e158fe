"""The section on true labels: figures with intervals, tables of mistakes, curves, the worst wrong answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from leopardnet.metrics.evaluation import MEASURES, Evaluation
from leopardnet.report.curves import empties_set_aside, precision_recall
from leopardnet.report.palette import LabelStyle
from leopardnet.report.sections import count_table, mistakes
from leopardnet.report.svg import curve_chart, interval_bar, reliability_chart

NAMES = {"f1": "F1", "auroc": "AUROC", "auprc": "AUPRC"}  # others as they are, with a capital
ANIMALS_KEPT = (0.8, 1.0)  # nobody sets empties aside at the price of more than every fifth animal


def evaluation_section(
    evaluation: Evaluation | None,
    predictions: pd.DataFrame,
    truth: pd.Series[str] | None,
    styles: Sequence[LabelStyle],
) -> dict[str, Any] | None:
    """What the template shows of an evaluation, or None without one. The curves and wrong answers need `truth`."""
    if evaluation is None:
        return None
    e = evaluation
    rows = [
        {
            "name": str(name),
            "support": int(row["support"]),
            "recall_at_least": float(row["recall_at_least"]),
            "measures": [
                (m, interval_bar(m.value, m.low, m.high))
                for m in (e.label_estimate(str(name), x) for x in MEASURES)
            ],
        }
        for name, row in e.per_label.to_dict("index").items()
    ]
    r = e.reliability
    bins = list(zip(r["confidence"].tolist(), r["accuracy"].tolist(), r["n"].tolist(), strict=True))
    return {
        "raw": e,
        "headline": [
            ("Macro F1", e.macro_f1, "mean over the labels, each counts the same"),
            ("Right at first guess", e.top1, "share of clips whose likeliest label is the true one"),
            ("Calibration error", e.ece, "mean gap between what was said and what came true; 0 is best"),
            ("Brier score", e.brier, "squared error of the probabilities, 0 to 2; 0 is best"),
        ],
        "rows": rows,
        "measures": [NAMES.get(m, m.replace("_", " ").capitalize()) for m in MEASURES],
        "confusion": count_table(e.confusion, skip_empty_rows=True),
        "decisions": count_table(e.decisions, skip_empty_rows=True),
        "reliability": reliability_chart(bins) if bins else None,
        "support": {row["name"]: row["support"] for row in rows},
        "mistakes": mistakes(predictions, truth, styles),
        **_curves(predictions, truth, styles),
    }


def _curves(
    predictions: pd.DataFrame, truth: pd.Series[str] | None, styles: Sequence[LabelStyle]
) -> dict[str, Any]:
    """Precision against recall of every animal, and empties set aside against animals kept; None where there is none."""
    if truth is None or not predictions["clip_id"].isin(truth.dropna().index).any():
        return {"precision_recall": None, "set_aside": None}
    curves = precision_recall(predictions, truth, styles)
    kept = [(x, y) for x, y in empties_set_aside(predictions, truth, styles) if x >= ANIMALS_KEPT[0]]
    return {
        "precision_recall": curve_chart(
            [(s.name, s.colour, points) for s, points in curves],
            title="Precision against recall",
            x_label="recall",
            y_label="precision",
        )
        if curves
        else None,
        "set_aside": curve_chart(
            [("empty clips set aside", "var(--accent)", kept)],
            title="Empty clips set aside against animal clips kept",
            x_label="share of animal clips kept",
            y_label="share of empty clips set aside",
            x_range=ANIMALS_KEPT,
        )
        if kept
        else None,
    }
