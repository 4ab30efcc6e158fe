"""Boxes around motion: the difference of each frame from the background of its clip.

The background is the median over the frames of the clip, separately for colour and infrared frames. Camera shake (a
shift of the whole picture) and changes of exposure (its brightness and contrast) are removed before the comparison.
Differences are divided by their spread over time, which is large for leaves in the wind, and small for an animal
unless it stays.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from leopardnet.core.labels import ANIMAL
from leopardnet.core.types import Boxes, Clip, Frames
from leopardnet.media.motion_scores import EDGE_SHARE, shrink_to_grey
from leopardnet.score.ties import order_descending, round_scores

WIDTH_PX = 480  # of the compared pictures; an animal of 3 % of the width is 14 px
MIN_FRAMES = 3  # fewer give no background
COLOUR = 6.0  # mean difference of colours, in grey values, above which a frame is not infrared
MAX_SHIFT = 0.06  # of the width; a larger shift is not shake
MIN_CHANGE = 2.5  # grey values; noise of sensors and codecs is smaller
NOISE = 0.7  # grey values, added to every spread
MIN_Z = 5.0  # spreads
JOIN_PX = 9  # parts of one animal lie closer than this
MIN_AREA_PX = 8
HALF_SCORE = 60.0  # strength of a box (see `_score`) with a score of 0.5
MAX_BOXES = 5  # of a frame
Floats = NDArray[np.float32]


class MotionDetector:
    """Boxes around motion; needs neither a network nor a file."""

    source, uses_small_frames = "motion", True
    version = 1  # to be changed when the boxes change

    def suggest_times(self, clip: Clip) -> NDArray[np.float64]:
        """Return no times."""
        return np.zeros(0, np.float64)

    def find(self, clip: Clip, frames: Frames, targets: Frames) -> list[Boxes | None]:
        """Return the boxes of each frame of `targets`, in its px; all `frames` of the clip give the background.

        A clip of fewer than three frames has no boxes.
        """
        size = (targets.pixels.shape[2], targets.pixels.shape[1])
        which = np.abs(targets.times_s[:, None] - frames.times_s[None, :]).argmin(axis=1)
        masks = find_motion(frames.pixels, wanted=which)
        return [
            _find_boxes(*masks[i], time_s=t, size_px=size) if i in masks else Boxes.none(t, size, self.source)
            for i, t in zip(which.tolist(), targets.times_s.tolist(), strict=True)
        ]

    def list_warnings(self, clip: Clip) -> tuple[str, ...]:
        """Return no warnings."""
        return ()


def find_motion(
    pixels: NDArray[np.uint8], *, wanted: NDArray[np.int64]
) -> dict[int, tuple[NDArray[np.bool_], Floats]]:
    """Return where the wanted frames differ from the background, by position in the clip uint8 [N, H, W, 3].

    The values are a mask, bool [h, 480], and the difference in spreads, float32 [h, 480]. Frames of a kind (colour
    or infrared) with fewer than three frames have no background and are left out.

    >>> pixels = np.full((5, 90, 160, 3), 100, np.uint8)
    >>> pixels[2, 40:50, 60:80] = 160
    >>> mask, _ = find_motion(pixels, wanted=np.array([2]))[2]
    >>> ys, xs = np.nonzero(mask)
    >>> [int(v) // 4 for v in (xs.min(), xs.max(), ys.min(), ys.max())]
    [45, 59, 30, 37]
    """
    if len(pixels) < MIN_FRAMES:
        return {}
    grey: Floats = shrink_to_grey(pixels, width_px=WIDTH_PX, min_height_px=8).astype(np.float32)
    is_colour = _is_colour(pixels)
    found = {}
    for kind in (True, False):
        rows = np.flatnonzero(is_colour == kind)
        if len(rows) < MIN_FRAMES or not np.isin(wanted, rows).any():
            continue
        aligned, edge = _remove_shake(grey[rows])
        background = np.median(aligned, axis=0)
        change = _match_exposure(aligned, background) - background  # [n, h, w]
        if edge:  # shifted frames have no pixels there
            change[:, :edge], change[:, -edge:], change[:, :, :edge], change[:, :, -edge:] = 0, 0, 0, 0
        spread = 1.4826 * np.median(np.abs(change), axis=0).astype(np.float32)
        spread = cv2.dilate(spread, np.ones((3, 3), np.uint8)) + NOISE
        for i in np.flatnonzero(np.isin(rows, wanted)):
            strength = np.abs(change[i])
            z = (strength / spread).astype(np.float32)
            found[int(rows[i])] = ((z > MIN_Z) & (strength > MIN_CHANGE), z)
    return found


def _is_colour(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which frames are in colour, bool [N]. Infrared ones are grey, or of one tint throughout."""
    few = pixels[:, ::8, ::8].astype(np.float32)  # [N, h, w, 3]
    few -= few.mean(axis=(1, 2), keepdims=True)
    return np.asarray((few.max(axis=3) - few.min(axis=3)).mean(axis=(1, 2)) > COLOUR, bool)


def _remove_shake(grey: Floats) -> tuple[Floats, int]:
    """Align frames to their most typical one if that makes them more alike, and return the largest shift (px)."""
    distances = np.abs(grey - np.median(grey, axis=0)).mean(axis=(1, 2))
    reference = grey[round_scores(distances).argmin()]
    width = reference.shape[1]
    steady, edge = grey.copy(), 0
    for i, frame in enumerate(grey):
        shift = _shift(reference, frame)
        size = float(np.hypot(*shift))
        if not 0.3 < size < MAX_SHIFT * width:
            continue
        moved = _shift_back(frame, shift)
        inner = slice(int(size) + 1, -int(size) - 1)
        before, after = (np.abs(f - reference)[inner, inner].mean() for f in (frame, moved))
        if after < 0.8 * before:
            steady[i], edge = moved, max(edge, int(np.ceil(size)) + 1)
    return steady, edge


def _shift(reference: Floats, frame: Floats) -> tuple[float, float]:
    """Return the shift of a frame from the reference, x and y in px, by phase and then by enhanced correlation."""
    window = cv2.createHanningWindow((frame.shape[1], frame.shape[0]), cv2.CV_32F)
    # OpenCV multiplies pictures of some sizes in place with the window, so it gets copies.
    (dx, dy), _ = cv2.phaseCorrelate(reference.copy(), frame.copy(), window)
    distances = [float(np.abs(_shift_back(frame, g) - reference).mean()) for g in ((0.0, 0.0), (dx, dy))]
    if round_scores(distances).argmin() == 0:
        dx, dy = 0.0, 0.0
    start = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-3)
    try:
        everywhere = np.ones(frame.shape, np.uint8)
        _, found = cv2.findTransformECC(reference, frame, start, cv2.MOTION_TRANSLATION, stop, everywhere, 5)
    except cv2.error:  # no structure, as in a black frame or dense fog
        return dx, dy
    return float(found[0, 2]), float(found[1, 2])


def _shift_back(frame: Floats, shift: tuple[float, float]) -> Floats:
    back = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]], np.float32)
    height, width = frame.shape
    return np.asarray(cv2.warpAffine(frame, back, (width, height), borderMode=cv2.BORDER_REPLICATE), np.float32)


def _match_exposure(frames: Floats, background: Floats) -> Floats:
    """Return the frames with the brightness and the contrast of the background."""
    flat = frames.reshape(len(frames), -1)
    low, middle, high = np.percentile(flat, (20, 50, 80), axis=1)
    b_low, b_middle, b_high = np.percentile(background, (20, 50, 80))
    gain = np.clip((b_high - b_low + 8.0) / (high - low + 8.0), 0.5, 2.0)[:, None, None]
    return np.asarray((frames - middle[:, None, None]) * gain + b_middle, np.float32)


def _find_boxes(mask: NDArray[np.bool_], z: Floats, *, time_s: float, size_px: tuple[int, int]) -> Boxes:
    """Return the connected parts of a mask as boxes of a frame of this size, best first."""
    height, width = mask.shape
    joined = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((JOIN_PX, JOIN_PX), np.uint8))
    n, parts, stats, centres = cv2.connectedComponentsWithStats(joined, connectivity=8)
    rows = []
    for k in range(1, n):
        x, y, w, h, _ = stats[k].tolist()
        inside = mask & (parts == k)
        area = int(inside.sum())
        if area < MIN_AREA_PX or not EDGE_SHARE <= centres[k][1] / height <= 1 - EDGE_SHARE:
            continue
        rows.append((_score(z[inside], area, w * h, width * height), x, y, x + w, y + h))
    rows = [rows[i] for i in order_descending([row[0] for row in rows])[:MAX_BOXES]]
    scale = np.array([size_px[0] / width, size_px[1] / height] * 2)
    xyxy = np.array([row[1:] for row in rows], np.float64).reshape(-1, 4) * scale
    scores = np.array([row[0] for row in rows], np.float32)
    return Boxes(xyxy.astype(np.float32), scores, (ANIMAL,) * len(rows), time_s, size_px, MotionDetector.source)


def _score(z: Floats, area: int, box_area: int, frame_area: int) -> float:
    """Return 0 to 1: mean difference times the root of the area, less if it is scattered or most of the picture."""
    strength = float(np.minimum(z, 20.0).mean()) * math.sqrt(area) * math.sqrt(area / box_area)
    if box_area > 0.6 * frame_area:
        strength *= 0.25
    return strength / (strength + HALF_SCORE)
