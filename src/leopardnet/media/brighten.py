"""The enhanced view of a frame: a dark night made visible. For eyes only, never for the network."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

BRIGHT_SHARE = 0.75  # this quantile of the brightness is lifted to WANTED
WANTED = 120.0  # of 255
LEAST_GAMMA = 0.35  # a nearly black frame is lifted no further: there is only noise in it
CLIP_LIMIT = 2.0  # how much the contrast of a tile may grow
TILES = (8, 8)


def brighten(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a frame, uint8 [H, W, 3] RGB, with its dark parts lifted and its local contrast raised.

    Only the brightness changes (Y of YCrCb): first by a gamma curve that lifts dark frames and leaves bright ones
    as they are, then by CLAHE, which equalises the contrast in tiles of the picture.

    >>> night = np.full((48, 64, 3), 6, np.uint8)
    >>> night[20:28, 30:40] = 14
    >>> bright = brighten(night)
    >>> bool(bright.mean() > 50), bright.shape == night.shape
    (True, True)
    """
    planes = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2YCrCb)
    luma = planes[..., 0]
    level = float(np.quantile(luma[::4, ::4], BRIGHT_SHARE))
    if level < WANTED:
        gamma = max(np.log(WANTED / 255) / np.log(max(level, 1.0) / 255), LEAST_GAMMA)
        luma = cv2.LUT(luma, (255 * (np.arange(256) / 255) ** gamma).round().astype(np.uint8))
    planes[..., 0] = cv2.createCLAHE(CLIP_LIMIT, TILES).apply(np.ascontiguousarray(luma))
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB), np.uint8)
