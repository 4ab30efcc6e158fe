"""Boxes around what moves: a clip's own frames, against what the camera usually shows.

The background is the median over the frames of the clip. Before a frame is compared with it, shake is taken out (by the
phase of the whole picture), and steps of the exposure (brightness and contrast of the whole picture). Colour and
infrared frames have backgrounds of their own. What sways all the time, leaves in the wind, has a spread over time by
which its changes are divided; an animal does not, unless it stays where it is.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from leopardnet.core.labels import ANIMAL
from leopardnet.core.types import Boxes, Clip, Frames

WIDTH_PX = 480  # of the pictures that are compared; an animal of 3 % of the width is 14 px
MIN_FRAMES = 3  # fewer have no "usually"
EDGE_SHARE = 0.08  # of the height, above and below: the clock of the banner changes in every frame
COLOUR = 6.0  # mean spread between colours, in grey values, above which a frame is no infrared one
MAX_SHIFT = 0.06  # of the width: more is no shake
MIN_CHANGE = 2.5  # grey values; sensors and codecs move pixels by less
NOISE = 0.7  # grey values that are always there
MIN_Z = 5.0  # spreads
JOIN_PX = 9  # parts of one animal lie closer than this
MIN_AREA_PX = 8
HALF_SCORE = 60.0  # strength of a box (see `_score`) that gives a score of 0.5
MOST = 5
Floats = NDArray[np.float32]


class MotionDetector:
    """Boxes of the frames of a clip that differ from the others; no network, no file."""

    source, uses_small_frames = "motion", True
    version = 1  # another one where it finds other boxes

    def suggest_times(self, clip: Clip) -> NDArray[np.float64]:
        """None: it has no wish before it sees frames."""
        return np.zeros(0, np.float64)

    def find(self, clip: Clip, frames: Frames, close: Frames) -> list[Boxes | None]:
        """The boxes of each of the frames `close`, in their px; the background comes from all `frames` of the clip.

        A clip of fewer than three frames has none.
        """
        height, width = close.pixels.shape[1:3]
        nothing: list[Boxes | None] = [Boxes.none(float(t), (width, height), self.source) for t in close.times_s]
        if len(frames) < MIN_FRAMES:
            return nothing
        which = np.abs(close.times_s[:, None] - frames.times_s[None, :]).argmin(axis=1)
        masks = movement(frames.pixels, wanted=which)
        return [
            _boxes(*masks[i], time_s=float(t), size_px=(width, height)) if i in masks else none
            for i, t, none in zip(which.tolist(), close.times_s, nothing, strict=True)
        ]


def movement(
    pixels: NDArray[np.uint8], *, wanted: NDArray[np.int64]
) -> dict[int, tuple[NDArray[np.bool_], Floats]]:
    """Of the wanted frames of a clip uint8 [N, H, W, 3]: where each differs from the background, bool [h, 480], and by how
    many spreads, float32 [h, 480]. Frames whose kind (colour, infrared) has no background are left out.

    >>> pixels = np.full((5, 90, 160, 3), 100, np.uint8)
    >>> pixels[2, 40:50, 60:80] = 160
    >>> mask, _ = movement(pixels, wanted=np.array([2]))[2]
    >>> ys, xs = np.nonzero(mask)
    >>> [int(v) // 4 for v in (xs.min(), xs.max(), ys.min(), ys.max())]
    [45, 59, 30, 37]
    """
    grey, is_colour = _small_grey(pixels), _is_colour(pixels)
    found = {}
    for kind in (True, False):
        rows = np.flatnonzero(is_colour == kind)
        if len(rows) < MIN_FRAMES or not np.isin(wanted, rows).any():
            continue
        aligned, edge = _steadied(grey[rows])
        background = np.median(aligned, axis=0)
        change = _same_exposure(aligned, background) - background  # [n, h, w]
        if edge:  # what a shaken frame shows there, others do not
            change[:, :edge], change[:, -edge:], change[:, :, :edge], change[:, :, -edge:] = 0, 0, 0, 0
        spread = 1.4826 * np.median(np.abs(change), axis=0).astype(np.float32)
        spread = cv2.dilate(spread, np.ones((3, 3), np.uint8)) + NOISE
        for i in np.flatnonzero(np.isin(rows, wanted)):
            strength = np.abs(change[i])
            z = (strength / spread).astype(np.float32)
            found[int(rows[i])] = ((z > MIN_Z) & (strength > MIN_CHANGE), z)
    return found


def _small_grey(pixels: NDArray[np.uint8]) -> Floats:
    height = max(8, round(pixels.shape[1] * WIDTH_PX / pixels.shape[2]))
    small = [
        cv2.cvtColor(cv2.resize(f, (WIDTH_PX, height), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        for f in pixels
    ]
    return np.stack(small).astype(np.float32)


def _is_colour(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which frames have colours, bool [N]. Infrared ones are grey, or of one tint all over."""
    few = pixels[:, ::8, ::8].astype(np.float32)  # [N, h, w, 3]
    few -= few.mean(axis=(1, 2), keepdims=True)
    return np.asarray((few.max(axis=3) - few.min(axis=3)).mean(axis=(1, 2)) > COLOUR, bool)


def _steadied(grey: Floats) -> tuple[Floats, int]:
    """The frames shifted onto the most usual one of them, where the whole picture moved and the shift makes it more alike;
    and the largest shift, in px."""
    reference = grey[np.abs(grey - np.median(grey, axis=0)).mean(axis=(1, 2)).argmin()]
    width = reference.shape[1]
    steady, edge = grey.copy(), 0
    for i, frame in enumerate(grey):
        shift = _shift(reference, frame)
        size = float(np.hypot(*shift))
        if not 0.3 < size < MAX_SHIFT * width:
            continue
        moved = _moved(frame, shift)
        inner = slice(int(size) + 1, -int(size) - 1)
        before, after = (np.abs(f - reference)[inner, inner].mean() for f in (frame, moved))
        if after < 0.8 * before:
            steady[i], edge = moved, max(edge, int(np.ceil(size)) + 1)
    return steady, edge


def _shift(reference: Floats, frame: Floats) -> tuple[float, float]:
    """How far a frame lies from the reference, x and y in px: a first guess by phase, then by the enhanced correlation."""
    window = cv2.createHanningWindow((frame.shape[1], frame.shape[0]), cv2.CV_32F)
    # copies: OpenCV multiplies pictures of some sizes with the window where they stand
    guesses = [(0.0, 0.0), cv2.phaseCorrelate(reference.copy(), frame.copy(), window)[0]]
    dx, dy = min(guesses, key=lambda g: float(np.abs(_moved(frame, g) - reference).mean()))
    start = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-3)
    try:
        _, found = cv2.findTransformECC(reference, frame, start, cv2.MOTION_TRANSLATION, stop, None, 5)
    except cv2.error:  # nothing to hold on to: a black frame, or one that is all fog
        return dx, dy
    return float(found[0, 2]), float(found[1, 2])


def _moved(frame: Floats, shift: tuple[float, float]) -> Floats:
    """The frame shifted back."""
    back = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]], np.float32)
    height, width = frame.shape
    return np.asarray(cv2.warpAffine(frame, back, (width, height), borderMode=cv2.BORDER_REPLICATE), np.float32)


def _same_exposure(frames: Floats, background: Floats) -> Floats:
    """The frames with the brightness and the contrast of the background, as far as the whole picture has another."""
    flat = frames.reshape(len(frames), -1)
    low, middle, high = np.percentile(flat, (20, 50, 80), axis=1)
    b_low, b_middle, b_high = np.percentile(background, (20, 50, 80))
    gain = np.clip((b_high - b_low + 8.0) / (high - low + 8.0), 0.5, 2.0)[:, None, None]
    return np.asarray((frames - middle[:, None, None]) * gain + b_middle, np.float32)


def _boxes(mask: NDArray[np.bool_], z: Floats, *, time_s: float, size_px: tuple[int, int]) -> Boxes:
    """The parts of a mask as boxes of a frame of this size, the strongest first."""
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
    rows = sorted(rows, key=lambda row: -row[0])[:MOST]
    scale = np.array([size_px[0] / width, size_px[1] / height] * 2)
    xyxy = np.array([row[1:] for row in rows], np.float64).reshape(-1, 4) * scale
    scores = np.array([row[0] for row in rows], np.float32)
    return Boxes(xyxy.astype(np.float32), scores, (ANIMAL,) * len(rows), time_s, size_px, MotionDetector.source)


def _score(z: Floats, area: int, box_area: int, frame_area: int) -> float:
    """0 to 1: how far the part stands out, times the root of its size, less where it is scattered or half the picture."""
    strength = float(np.minimum(z, 20.0).mean()) * area**0.5 * (area / box_area) ** 0.5
    if box_area > 0.6 * frame_area:
        strength *= 0.25
    return strength / (strength + HALF_SCORE)
