"""Figures of an evaluation: what is drawn is what the tables say."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from drawn_figures import is_drawable, is_inside, line_data
from leopardnet.figures import (
    comparison_plot,
    confusion_matrix,
    empty_filter_curve,
    forest_plot,
    precision_recall_curves,
    reliability_diagram,
    review_curve,
    risk_coverage_curve,
)
from leopardnet.metrics.comparison.compare import compare
from leopardnet.metrics.comparison.slices import evaluate_slices
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.metrics.measures import lower_bound, upper_bound


def test_the_confusion_map_shows_every_clip_once(predictions):
    truth = pd.Series({"c1": "tiger", "c2": "tiger", "c3": "tiger"}, name="label")
    sites = pd.Series({"c1": "s1", "c2": "s1", "c3": "s2"})
    figure = confusion_matrix(
        evaluate_clips(LabelledClips.from_tables(predictions.table, truth, sites=sites), n_boot=10)
    )
    axes = figure.axes[0]
    shown = {(t.get_position()[1], t.get_position()[0]): t.get_text() for t in axes.texts}
    rows = [t.get_text() for t in axes.get_yticklabels()]
    columns = [t.get_text() for t in axes.get_xticklabels()]
    assert rows == ["tiger", "empty"] and columns == ["tiger", "empty", "unreadable"]
    assert [shown[0, k] for k in range(3)] == ["1", "1", "1"] and [shown[1, k] for k in range(3)] == ["0", "0", "0"]
    assert is_drawable(figure)


def test_the_confusion_map_of_what_was_said_has_every_answer(evaluated):
    axes = confusion_matrix(evaluated[2], columns="decision").axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == list(evaluated[2].decisions.columns)
    assert sum(int(t.get_text()) for t in axes.texts) == 400


def test_precision_and_recall_end_at_the_share_of_the_label(evaluated):
    predictions, manifest, _ = evaluated
    truth = manifest.clip_labels()
    axes = precision_recall_curves(LabelledClips.from_tables(predictions.table, truth)).axes[0]
    recall, precision = line_data(axes)  # of the leopard
    assert recall[0] == 1 and precision[0] == pytest.approx((truth == "leopard").mean())
    assert len(axes.get_legend().get_texts()) == 4
    only = precision_recall_curves(LabelledClips.from_tables(predictions.table, truth[truth != "tiger"])).axes[0]
    assert len(only.get_legend().get_texts()) == 3, "a label without a clip has no curve"


def test_reliability_shows_every_bin_and_a_diagonal(evaluated):
    (axes,) = reliability_diagram(evaluated[2]).axes
    said, right = line_data(axes, 1)
    table = evaluated[2].reliability
    assert list(said) == list(table["confidence"]) and list(right) == list(table["accuracy"])
    assert is_drawable(axes.figure)


def test_the_filter_of_empties_is_marked_where_people_look(evaluated):
    axes = empty_filter_curve(evaluated[2]).axes[0]
    recall, removed = line_data(axes)
    assert list(removed) == list(evaluated[2].empties["removed"]) and recall[-1] == 1.0
    assert {t.get_text() for t in axes.texts} == {
        f"{x.value:.0%} at {r:g}" for r, x in evaluated[2].empty_removal().items()
    }


def test_review_begins_with_all_errors_and_ends_with_none(evaluated):
    axes = review_curve(evaluated[2]).axes[0]
    x, y = line_data(axes, 1)
    assert (x[0], y[0], x[-1], y[-1]) == (0, 1, 1, 0) and (np.diff(y) <= 1e-12).all()
    assert is_drawable(risk_coverage_curve(evaluated[2]))


def test_sites_stand_with_exact_intervals(evaluated):
    predictions, manifest, overall = evaluated
    sites = predictions.table.set_index("clip_id")["site"]
    table = evaluate_slices(LabelledClips.of(predictions, manifest), sites, n_boot=0)
    axes = forest_plot(table, overall).axes[0]
    (dots,) = [c for c in axes.collections if len(c.get_offsets()) == 10]
    shares = dots.get_offsets()[:, 0]
    assert list(shares) == sorted((table["n_right"] / table["n_clips"]).tolist())
    worst = table.assign(share=table["n_right"] / table["n_clips"]).sort_values("share", kind="stable").iloc[0]
    (bars,) = [c for c in axes.collections if len(getattr(c, "get_segments", list)()) == 10]
    (low, _), (high, _) = bars.get_segments()[0]
    assert low == pytest.approx(lower_bound(worst["n_right"], 40, confidence=0.975)) and low < shares[0] < high
    assert high == pytest.approx(upper_bound(worst["n_right"], 40, confidence=0.975))


def test_ways_stand_in_the_order_of_their_figure():
    table = pd.DataFrame(
        {"macro_f1": [0.5, 0.9, np.nan], "macro_f1_low": [0.4, 0.8, np.nan], "macro_f1_high": [0.6, 1, np.nan]},
        index=list("abc"),
    )
    axes = comparison_plot(table).axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a", "b"] and list(line_data(axes)[0]) == [0.5, 0.9]
    assert axes.get_legend() is None


@pytest.mark.parametrize("measure", ["macro_f1", "presence_auroc", "recall_leopard"])
def test_ways_stand_beside_the_same_figure_of_the_model(evaluated, measure):
    clips = evaluated[2]
    value = {
        "macro_f1": clips.macro_f1,
        "presence_auroc": clips.presence_auroc,
        "recall_leopard": clips.label_estimate("leopard", "recall"),
    }[measure]
    table = compare({"itself": LabelledClips.of(*evaluated[:2])}, targets=["leopard"], n_boot=0)
    axes = comparison_plot(table, measure, model=clips).axes[0]
    (band,) = axes.patches
    assert line_data(axes)[0][0] == value.value == pytest.approx(table.loc["itself", measure])
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((value.low, value.high))
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["the model, with 95 % interval"]


def test_long_names_are_not_cut(evaluated):
    names = [f"{name}, weighed by motion" for name in ("presence_topk", "topk_logit")]
    table = compare(dict.fromkeys(names, LabelledClips.of(*evaluated[:2])), n_boot=0)
    assert is_inside(comparison_plot(table, model=evaluated[2]))
    slices = evaluate_slices(
        LabelledClips.of(*evaluated[:2]),
        pd.Series("a valley with a long name", evaluated[0].table["clip_id"], name="site"),
        n_boot=0,
    )
    assert is_inside(forest_plot(slices, evaluated[2]))


def test_one_site_says_that_there_is_no_interval(evaluated):
    predictions, manifest, _ = evaluated
    table = predictions.table[predictions.table["site"] == "s000"]
    alone = LabelledClips.of(table, manifest)
    slices = evaluate_slices(alone, table.set_index("clip_id")["site"], n_boot=0)
    axes = forest_plot(slices, evaluate_clips(alone, n_boot=20)).axes[0]
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["all clips (no interval: too few sites)"]


def test_nothing_removed_stands_above_the_axis(evaluated):
    nothing = replace(
        evaluated[2], empties=evaluated[2].empties.assign(removed=0.0, removed_low=0.0, removed_high=0.0)
    )
    figure = empty_filter_curve(nothing)
    assert is_inside(figure) and all(
        t.get_window_extent().y0 > figure.axes[0].bbox.y0 for t in figure.axes[0].texts
    )


def test_an_evaluation_of_one_unreadable_clip_can_be_drawn():
    table = pd.DataFrame(
        {
            "clip_id": ["c"],
            "site": ["s"],
            "decision": ["unreadable"],
            "rule": ["none"],
            "p_tiger": [np.nan],
            "p_empty": [np.nan],
        }
    )
    nothing = evaluate_clips(LabelledClips.from_tables(table, pd.Series({"c": "tiger"})))
    for draw in (confusion_matrix, reliability_diagram, empty_filter_curve, review_curve, risk_coverage_curve):
        assert is_drawable(draw(nothing))


def test_figures_of_independent_labels_assume_no_likeliest_one():
    rows = [
        ("a", "x", "tiger", "species", "tiger + deer", 0.9, 0.7),
        ("b", "y", "deer", "species", "deer", 0.2, 0.8),
    ]
    columns = ["clip_id", "site", "decision", "rule", "labels", "p_tiger", "p_deer"]
    table = pd.DataFrame(rows, columns=columns)
    clips = LabelledClips.from_tables(table, pd.Series({"a": "tiger", "b": "deer"}))
    found = evaluate_clips(clips, n_boot=0)
    figure = confusion_matrix(found)
    assert figure.axes[0].get_xlabel() == "wrongly said"
    assert [t.get_text() for t in figure.axes[0].texts] == ["0", "1", "0", "0"], "a deer was said of the tiger clip"
    slices = evaluate_slices(clips, pd.Series({"a": "x", "b": "y"}, name="site"), n_boot=0)
    assert forest_plot(slices, found).axes[0].get_xlabel() == "clips whose labels are all right"
    assert reliability_diagram(found).axes[0].get_xlabel() == "probability of a label"
    for draw in (empty_filter_curve, review_curve, risk_coverage_curve):
        assert is_drawable(draw(found))
