"""Figures of single clips: frames in order, boxes and times in place."""

import numpy as np
import pandas as pd
import pytest

from drawn_figures import is_drawable
from leopardnet.core.errors import ManifestError
from leopardnet.core.predictions import Predictions
from leopardnet.figures import frame_probabilities, gallery
from leopardnet.metrics.comparison.review_order import mistakes


def test_frames_of_a_clip_stand_in_the_order_of_time(predictions):
    figure = frame_probabilities(predictions, "c1")
    tiger, empty = figure.axes[0].lines
    assert tiger.get_label() == "tiger" and empty.get_label() == "empty"
    assert list(tiger.get_xdata()) == [0.5, 2.0] and list(tiger.get_ydata()) == [0.3, 0.8]
    assert figure.axes[0].get_title(loc="left") == "a/1.mp4: tiger" and is_drawable(figure)


@pytest.mark.parametrize("clip_id", ["c3", "gone"])
def test_a_clip_without_frames_is_refused(predictions, clip_id):
    with pytest.raises(ManifestError, match="no frames to show") as caught:
        frame_probabilities(predictions, clip_id)
    assert caught.value.parts["found"] == clip_id


def test_the_gallery_shows_pictures_boxes_and_moments(evaluated, labelled, footage):
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
    assert "tiger 0.90 (species), truth leopard" in curve.get_title(loc="left")
    assert not missing.images and missing.texts[0].get_text() == "no picture"
    assert is_drawable(figure) and is_drawable(
        gallery(Predictions(table, frames), labelled, mistakes(table[:0], pd.Series(dtype=object)))
    )
