"""Figures for notebooks: what is drawn is what the tables say."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from judged_clips import made_up
from leopardnet.core.errors import ManifestError
from leopardnet.core.predictions import Predictions
from leopardnet.evaluation.protocol import evaluate
from leopardnet.evaluation.thresholds import thresholds
from leopardnet.figures import (
    comparison,
    confusion_map,
    empties_removed,
    gallery,
    learning_curve,
    over_time,
    precision_recall,
    promise_cost,
    reliability,
    review_effort,
    risk_coverage,
    sites_forest,
)
from leopardnet.metrics.comparison.compare import compare
from leopardnet.metrics.comparison.review_order import mistakes
from leopardnet.metrics.comparison.slices import evaluate_slices
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.measures import at_least, at_most


def is_drawable(figure):
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=40)
    return png.getvalue().startswith(b"\x89PNG")


@pytest.fixture
def predictions():
    rows = [
        ("c1", "a/1.mp4", "tiger", 0.9),
        ("c2", "a/2.mp4", "empty", 0.2),
        ("c3", "a/3.mp4", "unreadable", np.nan),
    ]
    table = pd.DataFrame(rows, columns=["clip_id", "path", "decision", "p_tiger"])
    table["p_empty"] = 1 - table["p_tiger"]
    table["status"], table["rule"] = ["ok", "ok", "unreadable"], ["species", "empty", "none"]
    frames = pd.DataFrame({"clip_id": ["c1", "c1", "c2"], "time_s": [2.0, 0.5, 0.0], "p_tiger": [0.8, 0.3, 0.2]})
    return Predictions(table, frames.assign(p_empty=1 - frames["p_tiger"]))


def test_the_learning_curve_marks_the_epoch_that_was_kept():
    history = [
        {"epoch": 0, "val_macro_f1": 0.5, "val_nll": 1.0},
        {"epoch": 1, "val_macro_f1": 0.75, "val_nll": 0.9},
        {"epoch": 2, "val_macro_f1": 0.75, "val_nll": 0.7},  # a tie: the lower loss wins
    ]
    figure = learning_curve(history)
    line, ring = figure.axes[0].lines
    assert list(line.get_xdata()) == [0, 1, 2] and list(line.get_ydata()) == [0.5, 0.75, 0.75]
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([2], [0.75])
    assert is_drawable(figure)


def test_a_run_without_an_epoch_is_an_empty_figure():
    assert is_drawable(learning_curve([]))


def test_frames_of_a_clip_stand_in_the_order_of_time(predictions):
    figure = over_time(predictions, "c1")
    tiger, empty = figure.axes[0].lines
    assert tiger.get_label() == "tiger" and empty.get_label() == "empty"
    assert list(tiger.get_xdata()) == [0.5, 2.0] and list(tiger.get_ydata()) == [0.3, 0.8]
    assert figure.axes[0].get_title(loc="left") == "a/1.mp4: tiger" and is_drawable(figure)


@pytest.mark.parametrize("clip_id", ["c3", "gone"])
def test_a_clip_without_frames_is_refused(predictions, clip_id):
    with pytest.raises(ManifestError, match="no frames to show") as caught:
        over_time(predictions, clip_id)
    assert caught.value.parts["found"] == clip_id


def test_the_confusion_map_shows_every_clip_once(predictions):
    truth = pd.Series({"c1": "tiger", "c2": "tiger", "c3": "tiger"}, name="label")
    sites = pd.Series({"c1": "s1", "c2": "s1", "c3": "s2"})
    figure = confusion_map(evaluate_clips(predictions.table, truth, sites=sites, n_boot=10))
    axes = figure.axes[0]
    shown = {(t.get_position()[1], t.get_position()[0]): t.get_text() for t in axes.texts}
    rows = [t.get_text() for t in axes.get_yticklabels()]
    columns = [t.get_text() for t in axes.get_xticklabels()]
    assert rows == ["tiger", "empty"] and columns == ["tiger", "empty", "unreadable"]
    assert [shown[0, k] for k in range(3)] == ["1", "1", "1"] and [shown[1, k] for k in range(3)] == ["0", "0", "0"]
    assert is_drawable(figure)


# --- judgement ---


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    made = made_up(tmp_path_factory.mktemp("root"), n_sites=10, per_site=40, strength=1.3)
    return (*made, evaluate(*made, n_boot=50))


def drawn(axes, i=0):
    return axes.lines[i].get_xdata(), axes.lines[i].get_ydata()


def test_the_confusion_map_of_what_was_said_has_every_answer(judged):
    axes = confusion_map(judged[2], what="said").axes[0]
    assert [t.get_text() for t in axes.get_xticklabels()] == list(judged[2].decisions.columns)
    assert sum(int(t.get_text()) for t in axes.texts) == 400


def test_precision_and_recall_end_at_the_share_of_the_label(judged):
    predictions, manifest, _ = judged
    truth = manifest.clip_labels()
    axes = precision_recall(predictions.table, truth).axes[0]
    recall, precision = drawn(axes)  # of the leopard
    assert recall[0] == 1 and precision[0] == pytest.approx((truth == "leopard").mean())
    assert len(axes.get_legend().get_texts()) == 4
    only = precision_recall(predictions.table, truth[truth != "tiger"]).axes[0]
    assert len(only.get_legend().get_texts()) == 3, "a label without a clip has no curve"


def test_reliability_shows_every_bin_and_a_diagonal(judged):
    (axes,) = reliability(judged[2]).axes
    said, right = drawn(axes, 1)
    table = judged[2].reliability
    assert list(said) == list(table["confidence"]) and list(right) == list(table["accuracy"])
    assert is_drawable(axes.figure)


def test_the_filter_of_empties_is_marked_where_people_look(judged):
    axes = empties_removed(judged[2]).axes[0]
    recall, removed = drawn(axes)
    assert list(removed) == list(judged[2].empties["removed"]) and recall[-1] == 1.0
    assert {t.get_text() for t in axes.texts} == {f"{x.value:.0%} at {r:g}" for r, x in judged[2].removed().items()}


def test_review_begins_with_all_errors_and_ends_with_none(judged):
    axes = review_effort(judged[2]).axes[0]
    x, y = drawn(axes, 1)
    assert (x[0], y[0], x[-1], y[-1]) == (0, 1, 1, 0) and (np.diff(y) <= 1e-12).all()
    assert is_drawable(risk_coverage(judged[2]))


def test_sites_stand_with_exact_intervals(judged):
    predictions, manifest, overall = judged
    truth = manifest.clip_labels()
    sites = predictions.table.set_index("clip_id")["site"]
    table = evaluate_slices(predictions.table, truth, sites, n_boot=0)
    axes = sites_forest(table, overall).axes[0]
    (dots,) = [c for c in axes.collections if len(c.get_offsets()) == 10]
    shares = dots.get_offsets()[:, 0]
    assert list(shares) == sorted((table["n_right"] / table["n_clips"]).tolist())
    worst = table.assign(share=table["n_right"] / table["n_clips"]).sort_values("share", kind="stable").iloc[0]
    (bars,) = [c for c in axes.collections if len(getattr(c, "get_segments", list)()) == 10]
    (low, _), (high, _) = bars.get_segments()[0]
    assert low == pytest.approx(at_least(worst["n_right"], 40, confidence=0.975)) and low < shares[0] < high
    assert high == pytest.approx(at_most(worst["n_right"], 40, confidence=0.975))


def test_ways_stand_in_the_order_of_their_figure():
    table = pd.DataFrame(
        {"macro_f1": [0.5, 0.9, np.nan], "macro_f1_low": [0.4, 0.8, np.nan], "macro_f1_high": [0.6, 1, np.nan]},
        index=list("abc"),
    )
    axes = comparison(table).axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a", "b"] and list(drawn(axes)[0]) == [0.5, 0.9]
    assert axes.get_legend() is None


@pytest.mark.parametrize("measure", ["macro_f1", "presence_auroc", "recall_leopard"])
def test_ways_stand_beside_the_same_figure_of_the_model(judged, measure):
    clips = judged[2]
    value = {
        "macro_f1": clips.macro_f1,
        "presence_auroc": clips.presence_auroc,
        "recall_leopard": clips.label_estimate("leopard", "recall"),
    }[measure]
    table = compare({"itself": judged[0].table}, judged[1].clip_labels(), targets=["leopard"], n_boot=0)
    axes = comparison(table, measure, model=clips).axes[0]
    (band,) = axes.patches
    assert drawn(axes)[0][0] == value.value == pytest.approx(table.loc["itself", measure])
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((value.low, value.high))
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["the model, with 95 % interval"]


def inside(figure):
    """Whether all of the figure lies on its sheet: a name that is too long would be cut."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure).draw()
    drawn_in, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return drawn_in.x0 >= 0 and drawn_in.y0 >= 0 and drawn_in.x1 <= width and drawn_in.y1 <= height


def test_long_names_are_not_cut(judged):
    names = [f"{name}, weighed by motion" for name in ("presence_topk", "topk_logit")]
    table = compare(dict.fromkeys(names, judged[0].table), judged[1].clip_labels(), n_boot=0)
    assert inside(comparison(table, model=judged[2]))
    slices = evaluate_slices(
        judged[0].table,
        judged[1].clip_labels(),
        pd.Series("a valley with a long name", judged[0].table["clip_id"], name="site"),
        n_boot=0,
    )
    assert inside(sites_forest(slices, judged[2]))


def test_one_site_says_that_there_is_no_interval(judged):
    predictions, manifest, _ = judged
    truth = manifest.clip_labels()
    alone = predictions.table[predictions.table["site"] == "s000"]
    one = evaluate_clips(alone, truth, sites=alone.set_index("clip_id")["site"], n_boot=20)
    axes = sites_forest(evaluate_slices(alone, truth, alone.set_index("clip_id")["site"], n_boot=0), one).axes[0]
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["all clips (no interval: too few sites)"]


def test_nothing_removed_stands_above_the_axis(judged):
    nothing = replace(judged[2], empties=judged[2].empties.assign(removed=0.0, removed_low=0.0, removed_high=0.0))
    figure = empties_removed(nothing)
    assert inside(figure) and all(t.get_window_extent().y0 > figure.axes[0].bbox.y0 for t in figure.axes[0].texts)


def test_a_promise_that_cannot_be_kept_lies_on_the_ground(judged):
    found = [thresholds(judged[0], judged[1], {"leopard": loss}) for loss in (0.001, 0.2, 0.3)]
    axes = promise_cost(found).axes[0]
    assert (
        list(drawn(axes, 0)[0]) == [0.2, 0.3]
        and list(drawn(axes, 1)[0]) == [0.001]
        and list(drawn(axes, 1)[1]) == [0]
    )
    assert is_drawable(axes.figure) and is_drawable(promise_cost([]))


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
    nothing = evaluate_clips(table, pd.Series({"c": "tiger"}))
    for draw in (confusion_map, reliability, empties_removed, review_effort, risk_coverage):
        assert is_drawable(draw(nothing))


def test_the_gallery_shows_pictures_boxes_and_moments(judged, labelled, footage):
    video = labelled.table[labelled.table["kind"] == "video"].iloc[0]
    table = pd.DataFrame(
        {
            "clip_id": [video["clip_id"], "gone"],
            "path": [video["path"], "gone.mp4"],
            "decision": ["tiger", "empty"],
            "rule": ["species", "empty"],
            "score": [0.9, np.nan],
            "best_time_s": [1.0, np.nan],
            "truth": ["leopard", None],
            "p_tiger": 0.9,
            "p_empty": 0.1,
        }
    )
    frames = pd.DataFrame(
        {
            "clip_id": video["clip_id"],
            "time_s": [0.0, 1.0],
            "p_tiger": [0.1, 0.9],
            "p_empty": [0.9, 0.1],
            "boxes": ["[]", '[{"xyxy": [0.25, 0.5, 0.75, 1.0], "score": 0.8}]'],
        }
    )
    figure = gallery(Predictions(table, frames), labelled, table)
    picture, curve, missing, _ = figure.axes
    (box,) = picture.patches
    height, width = picture.images[0].get_array().shape[:2]
    assert (box.get_x(), box.get_y(), box.get_width(), box.get_height()) == (
        width / 4,
        height / 2,
        width / 2,
        height / 2,
    )
    assert "said tiger 0.90 (species), truth leopard" in curve.get_title(loc="left")
    assert not missing.images and missing.texts[0].get_text() == "no picture"
    assert is_drawable(figure) and is_drawable(
        gallery(Predictions(table, frames), labelled, mistakes(table[:0], pd.Series(dtype=object)))
    )
