"""Crops: some frames of a clip are decoded at full size, and a square is cut around the best box of each."""

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
from leopardnet.media.motion_scores import pick_changed_frames
from leopardnet.media.preprocess import cut_banner, fit_to_square
from leopardnet.score.ties import order_descending

FULL_SIDE_PX = 1440  # limit of the short side: no video camera exceeds it; larger stills are scaled down to it
Window = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Crop:
    """The part of a frame around a box, uint8 [h, w, 3], and the place of the box in it, as fractions."""

    i_frame: int
    pixels: NDArray[np.uint8]
    box: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class CropResult:
    """The boxes of each frame of a clip (None: no detector was run on it), the crops, and warnings."""

    boxes: tuple[Boxes | None, ...]
    crops: tuple[Crop, ...] = ()
    warnings: tuple[str, ...] = ()


def find_crops(
    clip: Clip, root: Path, frames: Frames, detector: Detector, config: DetectorConfig, spec: PreprocessSpec
) -> CropResult:
    """Return the boxes of a clip's frames, and the crops of at most `config.max_frames` of them.

    frames: those to classify, at any size; some are decoded again at full size. If that fails, the result has a
    warning and no crops.
    """
    found: list[Boxes | None] = [None] * len(frames)
    warnings = detector.list_warnings(clip)
    if detector.uses_small_frames:
        found = detector.find(clip, frames, frames)
        chosen = pick_best_frames(found, config)
    else:
        chosen = pick_changed_frames(frames, config.max_frames)
    if not len(chosen):
        return CropResult(tuple(found), warnings=warnings)
    try:
        full = decode(clip, root, times_s=frames.times_s[chosen], short_side_px=FULL_SIDE_PX)
    except MediaError as error:
        return CropResult(tuple(found), warnings=(*warnings, f"no crops: {error.one_line}"))
    at = np.abs(full.times_s[:, None] - frames.times_s[None, :]).argmin(axis=1).tolist()
    if not detector.uses_small_frames:
        for i, boxes in zip(at, detector.find(clip, frames, full), strict=True):
            found[i] = boxes
    size = (full.pixels.shape[2], full.pixels.shape[1])
    pairs = [(found[i], i, pixels) for i, pixels in zip(at, full.pixels, strict=True)]
    crops = [cut_crop(pixels, boxes.scale_to(size), config, spec, i_frame=i) for boxes, i, pixels in pairs if boxes]
    return CropResult(tuple(found), tuple(crop for crop in crops if crop is not None), warnings)


def pick_best_frames(found: Sequence[Boxes | None], config: DetectorConfig) -> NDArray[np.int64]:
    """Return the positions of at most `config.max_frames` frames, int64, increasing: those with the best boxes."""
    scores = np.array([_best_score(boxes) for boxes in found])
    order = order_descending(scores)[: config.max_frames]
    return np.sort(order[scores[order] >= max(config.min_score, 1e-9)])


def _best_score(boxes: Boxes | None) -> float:
    pairs = () if boxes is None else zip(boxes.scores.tolist(), boxes.labels, strict=True)
    return max((score for score, label in pairs if label == ANIMAL), default=0.0)


def cut_crop(
    frame: NDArray[np.uint8], boxes: Boxes, config: DetectorConfig, spec: PreprocessSpec, *, i_frame: int
) -> Crop | None:
    """Return the crop around the best animal of a frame uint8 [H, W, 3]; None if none reaches `config.min_score`.

    The crop never includes the banner, which is not part of the model input either.
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
    """Return the square around a box with its margin, moved into the frame, and cut where it is larger than that.

    >>> crop_window((40, 40, 60, 50), 200, 100, DetectorConfig(margin=0.5, min_side=0.0))
    (30, 25, 70, 65)
    >>> crop_window((0, 0, 10, 10), 200, 100, DetectorConfig(margin=0.0, min_side=0.5))
    (0, 0, 50, 50)
    """
    x0, y0, x1, y1 = box
    side = max(max(x1 - x0, y1 - y0) * (1 + 2 * config.margin), config.min_side * min(width, height), 8.0)
    left, right = _place_span((x0 + x1) / 2, side, width)
    top, bottom = _place_span((y0 + y1) / 2, side, height)
    return left, top, right, bottom


def crops_to_input(crops: Sequence[Crop], size_px: int) -> NDArray[np.uint8]:
    """Return the crops as model input, uint8 [M, 3, S, S]."""
    spec = PreprocessSpec(size_px=size_px, resize="squash", crop_top=0.0, crop_bottom=0.0)
    squares = [fit_to_square(crop.pixels, spec).transpose(2, 0, 1) for crop in crops]
    return np.stack(squares) if squares else np.zeros((0, 3, size_px, size_px), np.uint8)


def _place_span(centre: float, side: float, most: int) -> tuple[int, int]:
    n = min(max(1, round(side)), most)
    start = min(max(0, round(centre - n / 2)), most - n)
    return start, start + n
