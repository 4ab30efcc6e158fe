"""Frames as JPEG, for reports and for the review. They are made from pixels, so they carry no metadata."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError
from leopardnet.core.types import Clip
from leopardnet.media.decode import decode

QUALITY = 78
NARROWEST = 3 / 4  # height to width of a usual picture; decoding at this size leaves enough of wider ones
BRIGHT_SHARE = 0.75  # this quantile of the brightness is lifted to WANTED
WANTED = 0.47  # of the brightest
MAX_LIFT = 20.0  # times: what is darker than this can lift holds only noise
CLIP_LIMIT = 2.0  # how much the contrast of a tile may grow
TILE_PX = 80  # smaller ones would raise noise alone
MAX_TILES = 8  # along each side


def make_thumbnail(
    clip: Clip, root: Path, *, time_s: float = 0.0, short_side_px: int = 270, quality: int = QUALITY
) -> bytes | None:
    """Return the frame nearest to `time_s` as a small JPEG, or None if the clip cannot be read."""
    try:
        frames = decode(clip, root, times_s=np.array([time_s]), short_side_px=short_side_px)
    except MediaError:
        return None
    return encode_jpeg(frames.pixels[0], quality)


def make_pictures(
    clip: Clip, root: Path, *, times_s: Sequence[float], width_px: int, looks: Sequence[bool] = (False,)
) -> dict[tuple[float, bool], bytes]:
    """Return the frames nearest to these times as JPEG, by time as given and look. The clip is opened once.

    width_px: the most that a picture is wide; none is enlarged. looks: False for frames as they are, True for
    brightened ones (see `brighten`), or both. Raises MediaError if no frame can be read.
    """
    wanted = np.unique(np.asarray(times_s, np.float64))
    frames = decode(clip, root, times_s=wanted, short_side_px=math.ceil(width_px * NARROWEST))
    nearest = [int(np.abs(frames.times_s - time_s).argmin()) for time_s in wanted]
    made: dict[tuple[int, bool], bytes] = {}
    for i in set(nearest):
        pixels = _narrow(frames.pixels[i], width_px)
        for is_brighter in looks:
            made[i, is_brighter] = encode_jpeg(brighten(pixels) if is_brighter else pixels, QUALITY)
    return {(float(t), look): made[i, look] for t, i in zip(wanted, nearest, strict=True) for look in looks}


def brighten(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a frame, uint8 [H, W, 3] RGB, with its dark parts lifted and its local contrast raised, for eyes only.

    Only the brightness changes (Y of YCrCb): first by a curve that lifts dark frames, the darkest parts most, and
    leaves bright ones as they are; then by CLAHE, which equalises the contrast in tiles of the picture.

    >>> night = np.full((48, 64, 3), 6, np.uint8)
    >>> night[20:28, 30:40] = 14
    >>> bright = brighten(night)
    >>> bool(bright.mean() > 50), bright.shape == night.shape
    (True, True)
    """
    planes = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2YCrCb)
    luma = planes[..., 0]
    level = max(float(np.quantile(luma[::4, ::4], BRIGHT_SHARE)) / 255, 1e-3)
    if level < WANTED:
        bend = min((WANTED - level) / (level * (1 - WANTED)), MAX_LIFT - 1)
        values = np.arange(256) / 255
        lifted = (1 + bend) * values / (1 + bend * values)  # straight where bend is 0, and always from 0 to 1
        luma = cv2.LUT(luma, (255 * lifted).round().astype(np.uint8))
    tiles = [min(max(side // TILE_PX, 1), MAX_TILES) for side in (luma.shape[1], luma.shape[0])]
    planes[..., 0] = cv2.createCLAHE(CLIP_LIMIT, tiles).apply(np.ascontiguousarray(luma))
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB), np.uint8)


def _narrow(pixels: NDArray[np.uint8], width_px: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if width <= width_px:
        return pixels
    size = width_px, max(1, round(height * width_px / width))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def encode_jpeg(pixels: NDArray[np.uint8], quality: int = QUALITY) -> bytes:
    """Return a frame, uint8 [H, W, 3] RGB, as JPEG bytes without metadata."""
    _, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data.tobytes())
