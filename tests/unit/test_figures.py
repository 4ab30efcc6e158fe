"""Figures for notebooks: what is drawn is what the tables say."""

import io

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.types import ManifestError
from leopardnet.figures import confusion_map, learning_curve, over_time
from leopardnet.infer.results import Predictions
from leopardnet.score.metrics import evaluate_clips


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
