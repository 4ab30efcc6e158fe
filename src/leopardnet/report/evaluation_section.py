"""The evaluation section of a report: figures with intervals, confusion tables, curves, the worst mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from leopardnet.core.labels import ANIMAL
from leopardnet.core.language import translate, translate_label, translate_plural
from leopardnet.metrics.bootstrap import Estimate
from leopardnet.metrics.conditions.box_sizes import list_size_rows
from leopardnet.metrics.evaluation import Evaluation, read_estimate
from leopardnet.metrics.guarantees.levels import LEVELS
from leopardnet.pages.palette import LabelStyle
from leopardnet.pages.svg import curve_chart, interval_bar, reliability_chart
from leopardnet.report.curves import precision_recall_curves, set_aside_curve
from leopardnet.report.sections import Card, CountTable, count_table, make_mistake_cards

SAID_FIGURES = ("right", "found")  # columns of `Evaluation.names`
ANIMALS_KEPT = (0.8, 1.0)  # the range that is drawn: nobody would lose more than a fifth of the animals


@dataclass(frozen=True)
class LabelRow:
    """The figures of one label: numbers of clips, and each measure with its interval as a bar."""

    name: str
    counts: list[int]
    measures: list[tuple[Estimate, Markup]]
    recall_at_least: float | None = None


@dataclass(frozen=True)
class EvaluationSection:
    """The content of the section.

    losses: a label, counts, and its bounds, per row; levels: what the bounds mean. said: by decisions; rows: by the
    likeliest label. sizes: by size of the animal. support: labelled clips by label. Charts that cannot be drawn
    are None.
    """

    raw: Evaluation
    losses: list[tuple[str, list[int], list[str]]]
    levels: list[str]
    said: list[LabelRow]
    headline: list[tuple[str, Estimate, str]]
    rows: list[LabelRow]
    measures: list[str]
    confusion: CountTable
    decisions: CountTable
    sizes: list[Mapping[str, Any]]
    support: dict[str, int]
    mistakes: list[Card]
    reliability: Markup | None
    precision_recall: Markup | None
    set_aside: Markup | None


def make_evaluation_section(
    evaluation: Evaluation | None,
    predictions: pd.DataFrame,
    truth: pd.Series[str] | None,
    styles: Sequence[LabelStyle],
) -> EvaluationSection | None:
    """Make the section, None without an evaluation. Curves and mistakes need `truth`, labels by `clip_id`."""
    if evaluation is None:
        return None
    e = evaluation
    truth = None if truth is None else e.keep_judged(truth)
    rows = [
        LabelRow(
            str(name),
            [int(row["support"])],
            _draw([e.label_estimate(str(name), measure) for measure in e.measures]),
            float(row["recall_at_least"]),
        )
        for name, row in e.per_label[e.per_label["support"] > 0].to_dict("index").items()
    ]
    said = [
        LabelRow(
            str(name), [int(row["support"]), int(row["said"])], _draw([read_estimate(row, x) for x in SAID_FIGURES])
        )
        for name, row in e.names[e.names["support"] + e.names["said"] > 0].to_dict("index").items()
    ]
    levels = list(reversed(LEVELS))
    has_events = e.archive is not None and e.archive.has_events
    losses = [
        (
            translate("any animal") if loss.label == ANIMAL else loss.label,
            [loss.n_lost, loss.n_clips, *([loss.n_events] if has_events else []), loss.n_sites],
            [loss.bound(x) for x in levels],
        )
        for loss in (e.archive.losses if e.archive else ())
    ]
    r = e.reliability
    bins = list(zip(r["confidence"].tolist(), r["accuracy"].tolist(), r["n"].tolist(), strict=True))
    known = truth if truth is not None and predictions["clip_id"].isin(truth.dropna().index).any() else None
    return EvaluationSection(
        raw=e,
        losses=losses,
        levels=[LEVELS[x] for x in levels],
        said=said,
        headline=[
            (
                translate("Macro F1"),
                e.macro_f1,
                translate("mean over the labels that occur, each with the same weight"),
            ),
            *_describe_probabilities(e),
        ],
        rows=rows,
        measures=[title[0].upper() + title[1:] for title in map(translate_label, e.measures.values())],
        confusion=count_table(e.wrong_names if e.is_multi else e.confusion, skip_empty_rows=True),
        decisions=count_table(e.decisions, skip_empty_rows=True),
        sizes=list_size_rows(e.conditions.sizes) if e.conditions else [],
        support={row.name: row.counts[0] for row in rows},
        mistakes=make_mistake_cards(predictions, truth, styles),
        reliability=reliability_chart(bins, multi=e.is_multi) if bins else None,
        precision_recall=None if known is None else _precision_recall_chart(predictions, known, styles),
        set_aside=None if known is None else _set_aside_chart(predictions, known, styles),
    )


def _draw(estimates: Sequence[Estimate]) -> list[tuple[Estimate, Markup]]:
    return [(x, interval_bar(x.value, x.low, x.high)) for x in estimates]


def _describe_probabilities(e: Evaluation) -> list[tuple[str, Estimate, str]]:
    """Return the figures that depend on whether labels exclude each other, each with its meaning."""
    if e.is_multi:
        all_right = translate("share of clips of which exactly the true labels have 0.5 or more")
        gap = translate(
            "mean over labels of the gap between probability and share of clips that show the label; 0 is best"
        )
        squared = translate("mean squared error of the probabilities, 0 to 1; 0 is best")
        first = (translate("All labels right"), e.subset, all_right)
    else:
        gap = translate("mean gap between top probability and share that is right; 0 is best")
        squared = translate("mean squared error of the probabilities, 0 to 2; 0 is best")
        first = (translate("Top-1 accuracy"), e.top1, translate("share of clips whose likeliest label is right"))
    return [first, (translate("Calibration error"), e.ece, gap), (translate("Brier score"), e.brier, squared)]


def _precision_recall_chart(
    predictions: pd.DataFrame, truth: pd.Series[str], styles: Sequence[LabelStyle]
) -> Markup | None:
    curves = precision_recall_curves(predictions, truth, styles)
    if not curves:
        return None
    return curve_chart(
        [(translate_label(style.name), style.colour, points) for style, points in curves],
        title=translate("Precision against recall"),
        x_label=translate_label("recall"),
        y_label=translate_label("precision"),
    )


def _set_aside_chart(
    predictions: pd.DataFrame, truth: pd.Series[str], styles: Sequence[LabelStyle]
) -> Markup | None:
    points = [(x, y) for x, y in set_aside_curve(predictions, truth, styles) if x >= ANIMALS_KEPT[0]]
    if not points:
        return None
    return curve_chart(
        [(translate("empty clips set aside"), "var(--accent)", points)],
        title=translate("Empty clips set aside against animal clips kept"),
        x_label=translate("share of animal clips kept"),
        y_label=translate("share of empty clips set aside"),
        x_range=ANIMALS_KEPT,
    )


def explain_no_figures(n_labelled: int) -> str:
    """Return why nothing says how often the answers are right. n_labelled: clips of the table that have a label."""
    if not n_labelled:
        return translate("No labels: nobody has checked how often these answers are right.")
    return translate_plural(
        "{n} clip has a label, but it does not tell how often these answers are right: only labels of clips that "
        "were drawn at random and did not teach the model can.",
        "{n} clips have labels, but they do not tell how often these answers are right: only labels of clips that "
        "were drawn at random and did not teach the model can.",
        n_labelled,
    )
