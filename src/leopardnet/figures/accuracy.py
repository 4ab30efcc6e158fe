"""Figures of an evaluation: confusion matrices, curves with intervals, comparisons of sites and models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from leopardnet.figures.style import BLUE, GREY, VERMILION, blank, colours
from leopardnet.metrics.bootstrap import Estimate
from leopardnet.metrics.comparison.compare import headline_figures
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.metrics.measures import lower_bound, upper_bound
from leopardnet.metrics.ranking import average_precision, rank_clips

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def confusion_matrix(evaluation: Evaluation, *, columns: Literal["likeliest", "decision"] = "likeliest") -> Figure:
    """Return true labels (rows) against likeliest labels or decisions (columns).

    The number in a cell counts clips, its shade is the share of the row. Decisions also have columns for 'animal'
    and 'unsure', and rows for species that the model was not taught. A label without a clip has a row of zeros.

    Independent labels have no likeliest one. Their columns are the labels that were said of clips of the row and
    are not there, with the share of the row's clips; their decisions are combinations.

    >>> ln.figures.confusion_matrix(ln.evaluate(predictions, manifest), columns="decision")  # doctest: +SKIP
    """
    is_wrong_names = evaluation.is_multi and columns == "likeliest"
    likeliest = evaluation.wrong_names if is_wrong_names else evaluation.confusion
    table = likeliest if columns == "likeliest" else evaluation.decisions
    counts = table.to_numpy(np.float64)
    totals = evaluation.per_label["support"].to_numpy() if is_wrong_names else counts.sum(axis=1)
    shares = counts / np.maximum(totals[:, None], 1)
    figure, axes = blank(1.6 + 0.9 * counts.shape[1], 1.4 + 0.6 * counts.shape[0])
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, k), n in np.ndenumerate(counts):
        axes.text(k, i, f"{int(n)}", ha="center", va="center", color="white" if shares[i, k] > 0.6 else "black")
    names: list[Any] = list(table.columns)
    axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axes.set_yticks(range(len(counts)), list(table.index))
    what = "wrongly said" if is_wrong_names else "likeliest label"
    axes.set(xlabel=what if columns == "likeliest" else "decision", ylabel="true label")
    return figure


def precision_recall_curves(clips: LabelledClips) -> Figure:
    """Return precision against recall of each label, a curve per label with the area under it in the legend.

    The dotted line of a label is the precision of guessing: its share of the clips. Unreadable clips have no part.

    >>> ln.figures.precision_recall_curves(ln.LabelledClips.of(predictions, manifest))  # doctest: +SKIP
    """
    from sklearn.metrics import precision_recall_curve

    clips = clips.select(clips.is_known & clips.is_readable)
    figure, axes = blank(6, 4)
    for name, colour in colours(clips.labels).items():
        is_it, score = clips.shows(name), rank_clips(clips, name)
        if not is_it.any() or is_it.all():
            continue
        precision, recall, _ = precision_recall_curve(is_it, score)
        area = average_precision(score, is_it)
        axes.plot(recall, precision, color=colour, label=f"{name}: {area:.2f}", drawstyle="steps-post")
        axes.axhline(is_it.mean(), color=colour, linewidth=1, linestyle=":")
    axes.set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.02), ylim=(0, 1.02))
    axes.legend(title="area under the curve", loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def reliability_diagram(evaluation: Evaluation) -> Figure:
    """Return the share of correct predictions against their probability, in bins of equally many.

    The bars are exact 95 % intervals for independent clips. On the dotted line the probabilities are calibrated;
    below it the model is overconfident.

    >>> ln.figures.reliability_diagram(ln.evaluate(predictions, manifest))  # doctest: +SKIP
    """
    bins = evaluation.reliability
    figure, axes = blank(4.4, 4.2)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    if len(bins):
        n_right = bins["accuracy"] * bins["n"]
        low, high = (bound(n_right, bins["n"], confidence=0.975) for bound in (lower_bound, upper_bound))
        axes.vlines(bins["confidence"], low, high, color=BLUE, alpha=0.5)
        axes.plot(bins["confidence"], bins["accuracy"], "o", color=BLUE)
    multi = evaluation.is_multi
    x, y = (
        ("probability of a label", "share that shows it") if multi else ("top probability", "share that was right")
    )
    axes.set(xlabel=x, ylabel=y, ylim=(-0.02, 1.02), xlim=(0, 1.02))
    axes.set_title(f"ECE {evaluation.ece}\nBrier {evaluation.brier}", loc="left", fontsize="medium")
    return figure


def empty_filter_curve(evaluation: Evaluation) -> Figure:
    """Return the share of empty clips that a filter removes, against the share of animals that are kept.

    The band is the 95 % interval; the values at 0.95 and 0.99 of the animals are marked.

    >>> ln.figures.empty_filter_curve(ln.evaluate(predictions, manifest))  # doctest: +SKIP
    """
    table = evaluation.empties
    figure, axes = blank(6, 3.6)
    if len(table):
        _draw_band(axes, table, "recall", "removed", BLUE)
        for recall, found in evaluation.empty_removal().items():
            up = 8 if found.value < 0.15 else -14  # in points: below the curve, but never over the axis
            axes.annotate(
                f"{found.value:.0%} at {recall:g}",
                (recall, found.value),
                xytext=(-4, up),
                textcoords="offset points",
                ha="right",
                color=VERMILION,
            )
            axes.plot(recall, found.value, "o", color=VERMILION)
    axes.set(xlabel="animals that stay", ylabel="empty clips removed", ylim=(-0.02, 1.02), xlim=(0.795, 1.005))
    axes.set_xticks([0.8, 0.85, 0.9, 0.95, 1.0])
    return figure


def review_curve(evaluation: Evaluation) -> Figure:
    """Return the share of errors left against the share of clips that a person reviews, the least sure first.

    The band is the 95 % interval; the dotted line is a review in any order.

    >>> ln.figures.review_curve(ln.evaluate(predictions, manifest))  # doctest: +SKIP
    """
    figure, axes = blank(6, 3.6)
    start = pd.DataFrame({"reviewed": [0.0], "errors_left": 1.0, "errors_left_low": 1.0, "errors_left_high": 1.0})
    table = pd.concat([start, evaluation.review], ignore_index=True) if len(evaluation.review) else start
    axes.plot([0, 1], [1, 0], color=GREY, linewidth=1, linestyle=":", label="in any order")
    _draw_band(axes, table, "reviewed", "errors_left", BLUE, label="least sure first")
    axes.set(xlabel="clips reviewed", ylabel="wrong labels left", ylim=(-0.02, 1.02), xlim=(0, 1))
    axes.legend(frameon=False)
    return figure


def risk_coverage_curve(evaluation: Evaluation) -> Figure:
    """Return the share of errors among the surest clips, against the share of clips that are labelled at all.

    The band is the 95 % interval; the marked point is what the decisions do that name a label.

    >>> ln.figures.risk_coverage_curve(ln.evaluate(predictions, manifest))  # doctest: +SKIP
    """
    figure, axes = blank(6, 3.6)
    if len(evaluation.coverage):
        _draw_band(axes, evaluation.coverage, "coverage", "risk", BLUE)
    named = evaluation.answered.value, 1 - evaluation.answered_right.value
    if np.isfinite(named).all():
        axes.plot(*named, "o", color=VERMILION)
        axes.annotate("decisions", named, xytext=(-6, 8), textcoords="offset points", ha="right", color=VERMILION)
    top = axes.get_ylim()[1]
    axes.set(
        xlabel="clips labelled, the surest first",
        ylabel="share of these that is wrong",
        xlim=(0, 1.02),
        ylim=(-0.02 * top, top),
    )
    return figure


def forest_plot(slices: pd.DataFrame, overall: Evaluation) -> Figure:
    """Return the share of correct clips of each slice with exact 95 % intervals, the lowest at the bottom.

    slices: a table of `evaluate_slices`. The line and its band are all clips together. Few clips give wide
    intervals, which are no evidence of a bad site.

    >>> ln.figures.forest_plot(report.slices["site"], report.clips)  # doctest: +SKIP
    """
    table = slices.assign(share=slices["n_right"] / slices["n_clips"]).sort_values("share", kind="stable")
    figure, axes = blank(6, 1.1 + 0.26 * max(len(table), 2))
    low = lower_bound(table["n_right"], table["n_clips"], confidence=0.975)
    high = upper_bound(table["n_right"], table["n_clips"], confidence=0.975)
    rows = np.arange(len(table))
    _draw_reference(axes, overall.subset if overall.is_multi else overall.top1, "all clips")
    axes.hlines(rows, low, high, color=GREY)
    axes.scatter(
        table["share"], rows, color="black", zorder=3, s=12 + 60 * table["n_clips"] / max(table["n_clips"].max(), 1)
    )
    axes.set_yticks(rows, [f"{name} ({n})" for name, n in zip(table.index, table["n_clips"], strict=True)])
    right = "clips whose labels are all right" if overall.is_multi else "clips whose likeliest label is right"
    axes.set(xlabel=right, xlim=(-0.02, 1.02), ylabel=str(table.index.name or ""))
    axes.set_ylim(-0.7, len(table) - 0.3)
    return figure


def comparison_plot(table: pd.DataFrame, measure: str = "macro_f1", *, model: Evaluation | None = None) -> Figure:
    """Return one figure of each aggregator or baseline with its interval, the best on top.

    table: of `metrics.comparison.compare.compare`. model: the evaluation of the model itself, drawn as a line with
    its band. Two rows whose intervals overlap may still differ: all were computed on the same sites, which the
    column `behind` of the table takes into account.

    >>> ln.figures.comparison_plot(report.tables["baselines"], model=report.clips)  # doctest: +SKIP
    """
    rows = table[table[measure].notna()].sort_values(measure, kind="stable")
    figure, axes = blank(7, 1.1 + 0.32 * max(len(rows), 2))
    at = np.arange(len(rows))
    if model is not None and (value := headline_figures(model, list(model.per_label.index)).get(measure)):
        _draw_reference(axes, value, "the model")
    axes.hlines(at, rows[f"{measure}_low"], rows[f"{measure}_high"], color=GREY)
    axes.plot(rows[measure], at, "o", color=BLUE)
    axes.set_yticks(at, [str(name) for name in rows.index])
    left, right = axes.get_xlim()
    more = max(0.0, 0.2 - (right - left)) / 2  # a difference of 0.01 must not look large
    axes.set(
        xlabel=measure.replace("_", " "), ylim=(-0.7, max(len(rows), 1) - 0.3), xlim=(left - more, right + more)
    )
    return figure


def _draw_reference(axes: Axes, estimate: Estimate, name: str) -> None:
    """Draw the value that the rows are compared with: a line, its interval as a band, and a legend above."""
    if estimate.low is not None and estimate.high is not None:
        axes.axvspan(estimate.low, estimate.high, color=BLUE, alpha=0.12, linewidth=0)
        name += ", with 95 % interval"
    else:
        name += " (no interval: too few sites)"
    axes.axvline(estimate.value, color=BLUE, linewidth=1, label=name)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), frameon=False, borderaxespad=0.0)


def _draw_band(axes: Axes, table: pd.DataFrame, x: str, y: str, colour: str, *, label: str | None = None) -> None:
    axes.fill_between(table[x], table[f"{y}_low"], table[f"{y}_high"], color=colour, alpha=0.15, linewidth=0)
    axes.plot(table[x], table[y], color=colour, marker=".", label=label)
