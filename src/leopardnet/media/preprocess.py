"""Conversion of decoded frames to model input, the same for training and inference, and what that looks like."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from leopardnet.core.settings.inference import PreprocessSpec

LETTERBOX_GREY = 114  # grey padding, as detectors of this field use it
FAINTEST = 0.01  # grey values: what a picture without any detail counts as


def to_model_input(pixels: NDArray[np.uint8], spec: PreprocessSpec) -> NDArray[np.uint8]:
    """Return model input uint8 [N, 3, S, S] RGB of frames uint8 [N, H, W, 3] RGB; the model itself normalises it.

    The banner is removed first; then the frame is squashed to a square, or fitted into one with grey bars.

    >>> to_model_input(np.zeros((2, 360, 640, 3), np.uint8), PreprocessSpec(size_px=64)).shape
    (2, 3, 64, 64)
    """
    size = spec.size_px
    out = np.empty((len(pixels), 3, size, size), np.uint8)
    for i, frame in enumerate(pixels):
        out[i] = fit_to_square(cut_banner(frame, spec), spec).transpose(2, 0, 1)  # CHW
    return out


def cut_banner(frame: NDArray[np.uint8], spec: PreprocessSpec) -> NDArray[np.uint8]:
    """Return the part of the frame between the banners, a view, uint8 [h, W, 3]."""
    height = len(frame)
    top = round(height * spec.crop_top)
    bottom = max(top + 1, height - round(height * spec.crop_bottom))
    return frame[top:bottom]


def fit_to_square(frame: NDArray[np.uint8], spec: PreprocessSpec) -> NDArray[np.uint8]:
    """Return the frame as a square uint8 [S, S, 3]."""
    size = spec.size_px
    if spec.resize == "squash":
        return _resize(frame, size, size)
    height, width = frame.shape[:2]
    scale = size / max(height, width)
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    square = np.full((size, size, 3), LETTERBOX_GREY, np.uint8)
    y, x = (size - h) // 2, (size - w) // 2
    square[y : y + h, x : x + w] = _resize(frame, w, h)
    return square


def box_to_input(box: Sequence[float], *, width: int, height: int, spec: PreprocessSpec) -> list[float]:
    """Return a box of a frame as a box of the model input: x1, y1, x2, y2 as fractions of its side.

    box: fractions of the frame; width, height: the frame's size in px, for its aspect. A box inside a removed
    banner gets a height of 0.

    >>> spec = PreprocessSpec(size_px=100, crop_top=0.0, crop_bottom=0.2)
    >>> box_to_input([0.25, 0.4, 0.5, 0.9], width=160, height=100, spec=spec)
    [0.25, 0.5, 0.5, 1.0]
    """
    x1, y1, x2, y2 = box
    kept = 1.0 - spec.crop_top - spec.crop_bottom
    y1, y2 = (min(1.0, max(0.0, (y - spec.crop_top) / kept)) for y in (y1, y2))
    if spec.resize == "letterbox":
        w, h = width, height * kept
        side = max(w, h)
        x1, x2 = (0.5 + (x - 0.5) * w / side for x in (x1, x2))
        y1, y2 = (0.5 + (y - 0.5) * h / side for y in (y1, y2))
    return [round(float(v), 5) for v in (x1, y1, x2, y2)]


def decode_side_px(spec: PreprocessSpec) -> int:
    """Return the short side, in px, to which a frame can be scaled without loss of detail in the model input."""
    return math.ceil(spec.size_px / (1.0 - spec.crop_top - spec.crop_bottom))


def shrink_size(width: int, height: int, short_side_px: int | None) -> tuple[int, int]:
    """Return the size of a frame scaled down so that its short side is at most this; None: as it is.

    >>> shrink_size(1920, 1080, 540), shrink_size(320, 240, 540)
    ((960, 540), (320, 240))
    """
    if short_side_px is None or min(width, height) <= short_side_px:
        return width, height
    scale = short_side_px / min(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _resize(frame: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    if frame.shape[:2] == (height, width):
        return frame
    smaller = height * width < frame.shape[0] * frame.shape[1]
    # Averaging over areas avoids aliasing of stripes and spots.
    resized = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)


def measure_pictures(x: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return brightness, contrast, colour and sharpness, float32 [N, 4], of model input uint8 RGB [N, 3, S, S].

    They change with camera, light and place, whatever a picture shows. In grey values: the mean, the standard
    deviation, the mean distance of the largest from the smallest of red, green and blue (0 by infrared light), and,
    as a logarithm to base 2, the mean size of the Laplacian.

    >>> measure_pictures(np.full((1, 3, 8, 8), 100, np.uint8)).round().tolist()
    [[100.0, 0.0, 0.0, -7.0]]
    """
    found = np.empty((len(x), 4), np.float32)
    for i, picture in enumerate(x):
        grey = cv2.cvtColor(cv2.merge(list(picture)), cv2.COLOR_RGB2GRAY)
        mean, deviation = cv2.meanStdDev(grey)
        colour = (picture.max(axis=0) - picture.min(axis=0)).mean()
        detail = cv2.norm(cv2.Laplacian(grey, cv2.CV_16S), cv2.NORM_L1) / grey.size
        found[i] = mean[0, 0], deviation[0, 0], colour, np.log2(detail + FAINTEST)
    return found
