"""Thumbnails for reports. They are made from pixels, so they carry no metadata."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from leopardnet.core.errors import MediaError
from leopardnet.core.types import Clip
from leopardnet.media.decode import decode


def make_thumbnail(
    clip: Clip, root: Path, *, time_s: float = 0.0, short_side_px: int = 270, quality: int = 78
) -> bytes | None:
    """Return the frame nearest to `time_s` as a small JPEG, or None if the clip cannot be read."""
    try:
        frames = decode(clip, root, times_s=np.array([time_s]), short_side_px=short_side_px)
    except MediaError:
        return None
    ok, data = cv2.imencode(".jpg", frames.pixels[0][..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return data.tobytes() if ok else None
