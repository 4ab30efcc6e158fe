"""Squares around boxes: inside the frame, around the animal, never with the banner."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leopardnet.core.settings.detection import DetectorConfig
from leopardnet.core.settings.inference import PreprocessSpec
from leopardnet.core.types import Boxes, Clip, Frames
from leopardnet.detect.crops import crop_window, crops_to_input, cut_crop, find_crops, pick_best_frames

SPEC = PreprocessSpec(size_px=32, crop_bottom=0.0)
side = st.floats(0, 1)


def boxes(*rows, size=(200, 100)):
    """(x0, y0, x1, y1, score, label) per box."""
    xyxy = np.array([r[:4] for r in rows], np.float32).reshape(-1, 4)
    return Boxes(xyxy, np.array([r[4] for r in rows], np.float32), tuple(r[5] for r in rows), 0.0, size, "test")


@given(
    width=st.integers(16, 400),
    height=st.integers(16, 400),
    xs=st.tuples(side, side),
    ys=st.tuples(side, side),
    margin=st.floats(0, 2),
    min_side=side,
)
def test_a_window_lies_in_the_frame_holds_the_box_and_is_square_unless_the_frame_is_too_small(
    width, height, xs, ys, margin, min_side
):
    (x0, x1), (y0, y1) = sorted(x * width for x in xs), sorted(y * height for y in ys)
    left, top, right, bottom = crop_window(
        (x0, y0, x1, y1), width, height, DetectorConfig(margin=margin, min_side=min_side)
    )
    assert 0 <= left < right <= width and 0 <= top < bottom <= height
    assert left <= x0 + 1 and x1 - 1 <= right and top <= y0 + 1 and y1 - 1 <= bottom
    assert right - left == bottom - top or right - left == width or bottom - top == height


def test_the_best_animal_is_cropped_and_its_place_is_known():
    frame = np.zeros((100, 200, 3), np.uint8)
    frame[40:60, 100:120] = 255
    found = boxes((0, 0, 50, 50, 0.9, "person"), (100, 40, 120, 60, 0.6, "animal"), (0, 0, 9, 9, 0.5, "animal"))
    crop = cut_crop(frame, found, DetectorConfig(margin=0.5, min_side=0.0), SPEC, i_frame=3)
    assert (
        crop.pixels.shape == (40, 40, 3) and crop.pixels[10:30, 10:30].min() == 255 and crop.pixels[:9].max() == 0
    )
    assert crop.box == (0.25, 0.25, 0.75, 0.75) and crop.i_frame == 3


def test_no_crop_without_a_good_enough_box_of_an_animal():
    frame = np.zeros((100, 200, 3), np.uint8)
    for found in (boxes(), boxes((0, 0, 9, 9, 0.19, "animal")), boxes((0, 0, 9, 9, 0.9, "person"))):
        assert cut_crop(frame, found, DetectorConfig(min_score=0.2), SPEC, i_frame=0) is None


def test_the_banner_is_in_no_crop():
    frame = np.zeros((100, 200, 3), np.uint8)
    frame[94:] = 255
    spec = SPEC.model_copy(update={"crop_bottom": 0.06})
    crop = cut_crop(frame, boxes((90, 80, 110, 100, 0.9, "animal")), DetectorConfig(margin=0.2), spec, i_frame=0)
    assert crop.pixels.max() == 0 and len(crop.pixels)


def test_crops_become_model_input_and_none_is_an_empty_batch():
    frame = np.full((100, 200, 3), 7, np.uint8)
    crop = cut_crop(frame, boxes((5, 5, 15, 25, 0.9, "animal")), DetectorConfig(), SPEC, i_frame=0)
    assert crops_to_input([crop, crop], 32).shape == (2, 3, 32, 32) and (crops_to_input([crop], 32) == 7).all()
    assert crops_to_input([], 32).shape == (0, 3, 32, 32)


@dataclass
class Fixed:
    """A detector that finds the same box everywhere; from small frames, with a score for each."""

    scores: tuple[float, ...] = ()
    source: str = "fixed"

    @property
    def uses_small_frames(self):
        return bool(self.scores)

    def suggest_times(self, clip):
        return np.zeros(0)

    def list_warnings(self, clip):
        return ()

    def find(self, clip, frames, targets):
        h, w = targets.pixels.shape[1:3]
        box = np.array([[w // 4, h // 4, w // 2, h // 2]], np.float32)
        return [
            Boxes(box, np.array([score], np.float32), ("animal",), float(t), (w, h), self.source)
            for t, score in zip(targets.times_s, self.scores or (0.9,) * len(targets), strict=True)
        ]


def test_frames_are_decoded_again_at_their_full_size_and_no_more_than_asked_for(write_video, tmp_path):
    write_video("a.mp4", n_frames=24, fps=10, size=(640, 480))
    clip, times = Clip("a", ("a.mp4",), "video"), np.array([0.0, 0.5, 1.0, 1.5, 2.0])
    small = Frames("a", np.zeros((5, 12, 16, 3), np.uint8), times)
    result = find_crops(clip, tmp_path, small, Fixed(), DetectorConfig(source="motion", max_frames=2), SPEC)
    looked = [i for i, b in enumerate(result.boxes) if b is not None]
    assert len(looked) == 2 == len(result.crops) and [c.i_frame for c in result.crops] == looked
    assert result.boxes[looked[0]].size_px == (640, 480)
    assert result.crops[0].pixels.mean() == pytest.approx(8 * round(times[looked[0]] * 10), abs=2), (
        "the same moment"
    )


def test_a_detector_that_uses_small_frames_chooses_those_with_its_best_boxes(write_video, tmp_path):
    write_video("a.mp4", n_frames=24, fps=10, size=(640, 480))
    clip, times = Clip("a", ("a.mp4",), "video"), np.array([0.0, 0.5, 1.0, 1.5, 2.0])
    small = Frames("a", np.zeros((5, 12, 16, 3), np.uint8), times)
    config = DetectorConfig(source="motion", max_frames=2, min_score=0.2, margin=0.0, min_side=0.0)
    result = find_crops(clip, tmp_path, small, Fixed((0.1, 0.5, 0.15, 0.3, 0.9)), config, SPEC)
    assert [c.i_frame for c in result.crops] == [1, 4] and all(b is not None for b in result.boxes)
    assert result.crops[0].pixels.shape == (160, 160, 3), "the box of 4 x 3 px, at the full size, as a square"
    assert result.crops[0].pixels.mean() == pytest.approx(8 * 5, abs=2)
    nothing = find_crops(clip, tmp_path, small, Fixed((0.1, 0.1, 0.0, 0.1, 0.19)), config, SPEC)
    assert nothing.crops == () and nothing.warnings == ()


def test_the_frames_with_the_best_boxes_are_picked():
    found = [
        None,
        boxes((0, 0, 9, 9, 0.3, "animal")),
        boxes((0, 0, 9, 9, 0.99, "person")),
        boxes(),
        boxes((0, 0, 9, 9, 0.6, "animal")),
    ]
    assert pick_best_frames(found, DetectorConfig(max_frames=3)).tolist() == [1, 4]
    assert pick_best_frames(found, DetectorConfig(max_frames=1)).tolist() == [4]
    assert pick_best_frames([], DetectorConfig()).tolist() == []
    noisy = [boxes((0, 0, 9, 9, score, "animal")) for score in (0.6, 0.5, np.nextafter(np.float32(0.5), 1))]
    assert pick_best_frames(noisy, DetectorConfig(max_frames=2)).tolist() == [0, 1], "a last bit decides nothing"


def test_a_clip_that_cannot_be_opened_again_keeps_its_whole_frames(tmp_path):
    frames = Frames("a", np.zeros((2, 12, 16, 3), np.uint8), np.arange(2.0))
    result = find_crops(Clip("a", ("gone.mp4",), "video"), tmp_path, frames, Fixed(), DetectorConfig(), SPEC)
    assert result.boxes == (None, None) and result.crops == () and "no crops" in result.warnings[0]
