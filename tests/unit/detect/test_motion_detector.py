"""What moves is found, what the whole picture does is not."""

from __future__ import annotations

import numpy as np
import pytest

from leopardnet.core.types import Clip, Frames
from leopardnet.detect.motion_detector import MotionDetector

CLIP = Clip("c", ("c.mp4",), "video")


@pytest.fixture
def scene(rng):
    """A wooded scene, uint8 [9, 180, 320, 3], in colours, the same in every frame but for the noise of a sensor."""
    import cv2

    coarse = cv2.resize(rng.integers(40, 200, (30, 50, 3), np.uint8), (320, 180), interpolation=cv2.INTER_CUBIC)
    noise = rng.normal(0, 1.5, (9, 180, 320, 3))
    return (coarse[None].astype(float) + noise).clip(0, 255).astype(np.uint8)


def with_animal(pixels, i=4, xyxy=(100, 80, 112, 88), level=10):
    x0, y0, x1, y1 = xyxy
    pixels[i, y0:y1, x0:x1] = level
    return pixels


def boxes_of(pixels):
    frames = Frames("c", pixels, np.arange(len(pixels), dtype=np.float64))
    return MotionDetector().find(CLIP, frames, frames)


def overlap(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inter = max(w, 0) * max(h, 0)
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)


def assert_found_only_in(pixels, i=4, xyxy=(100, 80, 112, 88)):
    found = boxes_of(pixels)
    assert [len(b) > 0 and b.scores[0] >= 0.2 for b in found] == [k == i for k in range(len(pixels))]
    assert overlap(found[i].xyxy[0], xyxy) > 0.5 and found[i].labels[0] == "animal"


def test_a_small_animal_in_one_frame_is_boxed_there_and_nowhere_else(scene):
    assert_found_only_in(with_animal(scene))


def test_nothing_moves_nothing_is_found(scene):
    assert max((b.scores.max() for b in boxes_of(scene) if len(b)), default=0.0) < 0.2


def test_a_step_of_the_exposure_moves_nothing(scene):
    scene[6:] = (scene[6:].astype(float) * 0.7 + 45).clip(0, 255).astype(np.uint8)
    assert_found_only_in(with_animal(scene))


def test_shake_moves_nothing(scene):
    for i, shift in enumerate([0, 3, -2, 4, 0, 1, -3, 2, 0]):
        scene[i] = np.roll(scene[i], (shift // 2, shift), axis=(0, 1))
    assert_found_only_in(with_animal(scene))


def test_infrared_frames_are_compared_with_infrared_ones(scene):
    grey = scene[5:].mean(axis=3, keepdims=True) * 0.6
    scene[5:] = np.repeat(grey, 3, axis=3).astype(np.uint8)
    assert_found_only_in(with_animal(scene, i=7, level=240), i=7)


def test_leaves_that_sway_all_the_time_are_weaker_than_an_animal(scene, rng):
    for i in range(9):
        scene[i, 20:60, 200:260] = rng.integers(40, 200, (40, 60, 3))
    found = boxes_of(with_animal(scene))
    assert overlap(found[4].xyxy[0], (100, 80, 112, 88)) > 0.5
    assert max((b.scores[0] for i, b in enumerate(found) if i != 4 and len(b)), default=0) < found[4].scores[0]


def test_the_clock_of_a_banner_is_no_animal(scene):
    for i in range(9):
        scene[i, 170:, :80] = 20 * i
    assert all(len(b) == 0 or b.scores[0] < 0.2 for b in boxes_of(scene))


@pytest.mark.parametrize("n", [1, 2])
def test_a_still_and_a_pair_have_no_background(scene, n):
    found = boxes_of(with_animal(scene)[:n])
    assert [len(b) for b in found] == [0] * n and found[0].source == "motion"


def test_boxes_are_in_px_of_the_close_frame(scene):
    small = Frames("c", with_animal(scene), np.arange(9, dtype=np.float64))
    close = Frames("c", np.repeat(np.repeat(small.pixels[4:5], 4, axis=1), 4, axis=2), np.array([4.0]))
    (boxes,) = MotionDetector().find(CLIP, small, close)
    assert boxes.size_px == (1280, 720) and overlap(boxes.xyxy[0] / 4, (100, 80, 112, 88)) > 0.5
