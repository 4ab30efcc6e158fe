"""A second look from nearby: a few frames of a clip at full size, the boxes in them, and a square around the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError
from leopardnet.core.labels import ANIMAL
from leopardnet.core.settings.detection import DetectorConfig
from leopardnet.core.settings.inference import PreprocessSpec
from leopardnet.core.types import Boxes, Clip, Frames
from leopardnet.detect.detector import Detector
from leopardnet.media.decode import decode
from leopardnet.media.motion_scores import change_scores, pick_most_changed, shrink_to_grey
from leopardnet.media.preprocess import cut_banner, fit

CLOSE_SIDE_PX = 1440  # of the short side: whole frames of every video camera; larger stills are scaled to this
Window = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Crop:
    """What is inside a box of a frame, with its margin, uint8 [h, w, 3], and where in it the box lies, in fractions."""

    i_frame: int
    pixels: NDArray[np.uint8]
    box: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class CropResult:
    """What a look from nearby gave: the boxes of each frame of the clip (None: not looked at), the crops, and what failed."""

    boxes: tuple[Boxes | None, ...]
    crops: tuple[Crop, ...] = ()
    warnings: tuple[str, ...] = ()


def find_crops(
    clip: Clip, root: Path, frames: Frames, detector: Detector, config: DetectorConfig, spec: PreprocessSpec
) -> CropResult:
    """The boxes of a clip's frames, and the crops of at most `config.max_frames` of them.

    frames: those that are judged, at any size; the chosen ones are decoded again at theirs. A clip that cannot be decoded a
    second time keeps what the whole frames say, with a warning.
    """
    found: list[Boxes | None] = [None] * len(frames)
    if detector.uses_small_frames:
        found = detector.find(clip, frames, frames)
        chosen = pick_best_frames(found, config)
    else:
        chosen = changed_frames(frames, config.max_frames)
    if not len(chosen):
        return CropResult(tuple(found))
    try:
        close = decode(clip, root, times_s=frames.times_s[chosen], short_side_px=CLOSE_SIDE_PX)
    except MediaError as error:
        return CropResult(tuple(found), warnings=(f"no look from nearby: {error.one_line}",))
    at = np.abs(close.times_s[:, None] - frames.times_s[None, :]).argmin(axis=1).tolist()
    if not detector.uses_small_frames:
        for i, boxes in zip(at, detector.find(clip, frames, close), strict=True):
            found[i] = boxes
    size = (close.pixels.shape[2], close.pixels.shape[1])
    crops = []
    for i, pixels in zip(at, close.pixels, strict=True):
        boxes = found[i]
        crop = None if boxes is None else cut_crop(pixels, boxes.scale_to(size), config, spec, i_frame=i)
        crops += [crop] if crop is not None else []
    return CropResult(tuple(found), tuple(crops))


def pick_best_frames(found: Sequence[Boxes | None], config: DetectorConfig) -> NDArray[np.int64]:
    """Positions of at most `config.max_frames` frames, int64, increasing: those with the best boxes that may be cropped."""
    scores = np.array([_best_animal(boxes) for boxes in found])
    order = np.argsort(-scores, kind="stable")[: config.max_frames]
    return np.sort(order[scores[order] >= max(config.min_score, 1e-9)])


def changed_frames(frames: Frames, n: int) -> NDArray[np.int64]:
    """Positions of at most n frames, int64, increasing: those that differ most from what the clip usually shows, half of
    them from equal parts of the clip."""
    if len(frames) <= n:
        return np.arange(len(frames))
    return pick_most_changed(change_scores(shrink_to_grey(frames.pixels)), n)


def _best_animal(boxes: Boxes | None) -> float:
    pairs = () if boxes is None else zip(boxes.scores.tolist(), boxes.labels, strict=True)
    return max((score for score, label in pairs if label == ANIMAL), default=0.0)


def cut_crop(
    frame: NDArray[np.uint8], boxes: Boxes, config: DetectorConfig, spec: PreprocessSpec, *, i_frame: int
) -> Crop | None:
    """The crop around the best animal of a frame uint8 [H, W, 3]; None where no box of an animal is good enough.

    The banner, which the model never sees in whole frames, is in no crop either.
    """
    inner, top = cut_banner(frame, spec), round(len(frame) * spec.crop_top)
    for xyxy, score, label in zip(boxes.xyxy.tolist(), boxes.scores.tolist(), boxes.labels, strict=True):
        if label != ANIMAL or score < config.min_score:
            continue
        box = (xyxy[0], xyxy[1] - top, xyxy[2], xyxy[3] - top)
        x0, y0, x1, y1 = crop_window(box, inner.shape[1], inner.shape[0], config)
        w, h = x1 - x0, y1 - y0
        place = ((box[0] - x0) / w, (box[1] - y0) / h, (box[2] - x0) / w, (box[3] - y0) / h)
        left, upper, right, lower = (round(min(1.0, max(0.0, v)), 5) for v in place)
        return Crop(i_frame, inner[y0:y1, x0:x1], (left, upper, right, lower))
    return None


def crop_window(box: Sequence[float], width: int, height: int, config: DetectorConfig) -> Window:
    """The square around a box, with its margin, moved into the frame; of the frame's own height or width where it is larger.

    >>> crop_window((40, 40, 60, 50), 200, 100, DetectorConfig(margin=0.5, min_side=0.0))
    (30, 25, 70, 65)
    >>> crop_window((0, 0, 10, 10), 200, 100, DetectorConfig(margin=0.0, min_side=0.5))
    (0, 0, 50, 50)
    """
    x0, y0, x1, y1 = box
    side = max(max(x1 - x0, y1 - y0) * (1 + 2 * config.margin), config.min_side * min(width, height), 8.0)
    left, right = _span((x0 + x1) / 2, side, width)
    top, bottom = _span((y0 + y1) / 2, side, height)
    return left, top, right, bottom


def crops_to_input(crops: Sequence[Crop], size_px: int) -> NDArray[np.uint8]:
    """The crops as model input, uint8 [M, 3, S, S]."""
    spec = PreprocessSpec(size_px=size_px, resize="squash", crop_bottom=0.0)
    found = [fit(crop.pixels, spec).transpose(2, 0, 1) for crop in crops]
    return np.stack(found) if found else np.zeros((0, 3, size_px, size_px), np.uint8)


def _span(centre: float, side: float, most: int) -> tuple[int, int]:
    n = min(max(1, round(side)), most)
    start = min(max(0, round(centre - n / 2)), most - n)
    return start, start + n
