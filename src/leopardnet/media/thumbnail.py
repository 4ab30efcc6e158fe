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
from leopardnet.media.brighten import brighten
from leopardnet.media.decode import decode

QUALITY = 78
NARROWEST = 3 / 4  # height to width of a usual picture; decoding at this size leaves enough of wider ones


def make_thumbnail(
    clip: Clip, root: Path, *, time_s: float = 0.0, short_side_px: int = 270, quality: int = QUALITY
) -> bytes | None:
    """Return the frame nearest to `time_s` as a small JPEG, or None if the clip cannot be read."""
    try:
        frames = decode(clip, root, times_s=np.array([time_s]), short_side_px=short_side_px)
    except MediaError:
        return None
    return _encode_jpeg(frames.pixels[0], quality)


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
            made[i, is_brighter] = _encode_jpeg(brighten(pixels) if is_brighter else pixels, QUALITY)
    return {(float(t), look): made[i, look] for t, i in zip(wanted, nearest, strict=True) for look in looks}


def _narrow(pixels: NDArray[np.uint8], width_px: int) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if width <= width_px:
        return pixels
    size = width_px, max(1, round(height * width_px / width))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _encode_jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    _, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data.tobytes())
