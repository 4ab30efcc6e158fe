"""How right a model was: confusions, curves with their bands, sites side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from leopardnet.core.columns import table_labels
from leopardnet.figures.style import BLUE, GREY, VERMILION, blank, colours
from leopardnet.metrics.bootstrap import Estimate
from leopardnet.metrics.comparison.compare import figures
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.join_truth import join_truth
from leopardnet.metrics.measures import at_least, at_most
from leopardnet.metrics.ranking import average_precision

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def confusion_map(evaluation: Evaluation, *, what: Literal["likeliest", "said"] = "likeliest") -> Figure:
    """True labels (rows) against likeliest labels, or what was said (columns): shares of each row as shade, clips as numbers.

    `said` has columns for 'animal' and 'unsure' too, and rows for species that the model was not taught. A label without a
    clip has an empty row.
    """
    table = evaluation.confusion if what == "likeliest" else evaluation.decisions
    counts = table.to_numpy(np.float64)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = blank(1.6 + 0.9 * counts.shape[1], 1.4 + 0.6 * counts.shape[0])
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, k), n in np.ndenumerate(counts):
        axes.text(k, i, f"{int(n)}", ha="center", va="center", color="white" if shares[i, k] > 0.6 else "black")
    columns: list[Any] = list(table.columns)
    axes.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
    axes.set_yticks(range(len(counts)), list(table.index))
    axes.set(xlabel="likeliest label" if what == "likeliest" else "what was said", ylabel="true label")
    return figure


def precision_recall(predictions: pd.DataFrame, truth: pd.Series[str]) -> Figure:
    """Precision against recall of each label, with its area, and its share of the clips as a dotted line."""
    from sklearn.metrics import precision_recall_curve

    labels = table_labels(predictions)
    table = join_truth(predictions, truth, None, outside=sorted(set(truth.dropna()) - set(labels)))
    use = table["truth"].isin(labels) & table[[f"p_{x}" for x in labels]].notna().all(axis=1)
    figure, axes = blank(6, 4)
    for name, colour in colours(labels).items():
        is_it, score = (table["truth"] == name)[use].to_numpy(), table.loc[use, f"p_{name}"].to_numpy(np.float64)
        if not is_it.any() or is_it.all():
            continue
        precision, recall, _ = precision_recall_curve(is_it, score)
        area = average_precision(score, is_it)
        axes.plot(recall, precision, color=colour, label=f"{name}: {area:.2f}", drawstyle="steps-post")
        axes.axhline(is_it.mean(), color=colour, linewidth=1, linestyle=":")
    axes.set(xlabel="recall", ylabel="precision", xlim=(-0.02, 1.02), ylim=(0, 1.02))
    axes.legend(title="area under the curve", loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def reliability(evaluation: Evaluation) -> Figure:
    """The share of right answers against the probability that was said, in bins of as many clips each.

    The bars are exact 95 % intervals for clips that are independent. On the dotted line the model means what it says; under
    it, it boasts.
    """
    bins = evaluation.reliability
    figure, axes = blank(4.4, 4.2)
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    if len(bins):
        n_right = bins["accuracy"] * bins["n"]
        low, high = (bound(n_right, bins["n"], confidence=0.975) for bound in (at_least, at_most))
        axes.vlines(bins["confidence"], low, high, color=BLUE, alpha=0.5)
        axes.plot(bins["confidence"], bins["accuracy"], "o", color=BLUE)
    axes.set(xlabel="top probability", ylabel="share that was right", ylim=(-0.02, 1.02), xlim=(0, 1.02))
    axes.set_title(f"ECE {evaluation.ece}\nBrier {evaluation.brier}", loc="left", fontsize="medium")
    return figure


def empties_removed(evaluation: Evaluation) -> Figure:
    """The share of empty clips that a filter removes, against the share of animals that stay, with its band."""
    table = evaluation.empties
    figure, axes = blank(6, 3.6)
    if len(table):
        _band(axes, table, "recall", "removed", BLUE)
        for recall, found in evaluation.removed().items():
            up = 8 if found.value < 0.15 else -14  # points: below the curve, but never on the axis
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


def review_effort(evaluation: Evaluation) -> Figure:
    """Errors left against the share of clips that a person looks at, the least sure first; the dotted line is chance."""
    figure, axes = blank(6, 3.6)
    start = pd.DataFrame({"reviewed": [0.0], "errors_left": 1.0, "errors_left_low": 1.0, "errors_left_high": 1.0})
    table = pd.concat([start, evaluation.review], ignore_index=True) if len(evaluation.review) else start
    axes.plot([0, 1], [1, 0], color=GREY, linewidth=1, linestyle=":", label="in any order")
    _band(axes, table, "reviewed", "errors_left", BLUE, label="least sure first")
    axes.set(xlabel="clips looked at", ylabel="wrong labels left", ylim=(-0.02, 1.02), xlim=(0, 1))
    axes.legend(frameon=False)
    return figure


def risk_coverage(evaluation: Evaluation) -> Figure:
    """The share of errors among the clips that are answered, if only so many of the surest are."""
    figure, axes = blank(6, 3.6)
    if len(evaluation.coverage):
        _band(axes, evaluation.coverage, "coverage", "risk", BLUE)
    named = evaluation.answered.value, 1 - evaluation.answered_right.value
    if np.isfinite(named).all():
        axes.plot(*named, "o", color=VERMILION)
        axes.annotate(
            "labels that were said", named, xytext=(-6, 8), textcoords="offset points", ha="right", color=VERMILION
        )
    top = axes.get_ylim()[1]
    axes.set(
        xlabel="clips answered, the surest first", ylabel="of these wrong", xlim=(0, 1.02), ylim=(-0.02 * top, top)
    )
    return figure


def sites_forest(slices: pd.DataFrame, overall: Evaluation) -> Figure:
    """The share of right clips of each slice, such as a site, with exact 95 % intervals; line and band are all clips together.

    slices: a table of `metrics.comparison.slices.evaluate_slices`. Few clips give wide intervals: they are no evidence of a bad site.
    """
    table = slices.assign(share=slices["n_right"] / slices["n_clips"]).sort_values("share", kind="stable")
    figure, axes = blank(6, 1.1 + 0.26 * max(len(table), 2))
    low = at_least(table["n_right"], table["n_clips"], confidence=0.975)
    high = at_most(table["n_right"], table["n_clips"], confidence=0.975)
    rows = np.arange(len(table))
    _whole(axes, overall.top1, "all clips")
    axes.hlines(rows, low, high, color=GREY)
    axes.scatter(
        table["share"], rows, color="black", zorder=3, s=12 + 60 * table["n_clips"] / max(table["n_clips"].max(), 1)
    )
    axes.set_yticks(rows, [f"{name} ({n})" for name, n in zip(table.index, table["n_clips"], strict=True)])
    axes.set(xlabel="clips whose likeliest label is right", xlim=(-0.02, 1.02), ylabel=str(table.index.name or ""))
    axes.set_ylim(-0.7, len(table) - 0.3)
    return figure


def comparison(table: pd.DataFrame, measure: str = "macro_f1", *, model: Evaluation | None = None) -> Figure:
    """One figure of `metrics.comparison.compare.compare` for every way or baseline, with its interval, the best on top.

    model: the evaluation of the model itself, whose figure is a line with its band. Intervals that overlap do not mean that two are
    alike: both see the same sites, and the column `behind` of the table knows that.
    """
    rows = table[table[measure].notna()].sort_values(measure, kind="stable")
    figure, axes = blank(7, 1.1 + 0.32 * max(len(rows), 2))
    at = np.arange(len(rows))
    if model is not None and (of_model := figures(model, list(model.per_label.index)).get(measure)) is not None:
        _whole(axes, of_model, "the model")
    axes.hlines(at, rows[f"{measure}_low"], rows[f"{measure}_high"], color=GREY)
    axes.plot(rows[measure], at, "o", color=BLUE)
    axes.set_yticks(at, [str(name) for name in rows.index])
    left, right = axes.get_xlim()
    more = max(0.0, 0.2 - (right - left)) / 2  # a hundredth must not look like a world of difference
    axes.set(
        xlabel=measure.replace("_", " "), ylim=(-0.7, max(len(rows), 1) - 0.3), xlim=(left - more, right + more)
    )
    return figure


def _whole(axes: Axes, estimate: Estimate, name: str) -> None:
    """The figure that the rows stand beside: a line, its interval as a band, and above them what they are."""
    if estimate.low is not None and estimate.high is not None:
        axes.axvspan(estimate.low, estimate.high, color=BLUE, alpha=0.12, linewidth=0)
        name += ", with 95 % interval"
    else:
        name += " (no interval: too few sites)"
    axes.axvline(estimate.value, color=BLUE, linewidth=1, label=name)
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), frameon=False, borderaxespad=0.0)


def _band(axes: Axes, table: pd.DataFrame, x: str, y: str, colour: str, *, label: str | None = None) -> None:
    axes.fill_between(table[x], table[f"{y}_low"], table[f"{y}_high"], color=colour, alpha=0.15, linewidth=0)
    axes.plot(table[x], table[y], color=colour, marker=".", label=label)
