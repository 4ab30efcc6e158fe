"""Frames without content: one colour all over, from a decoder that lost its data."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPREAD = 2  # grey values; noise, a banner or any edge gives more
DARK, BRIGHT = 40, 245  # black and white frames are real: infrared that is not on yet, or a flash nearby
N_SAMPLES = 8  # rows and columns looked at first; hardly any frame with content passes
# What decoders show where they have no data: grey, and the greens of a video frame of zeros.
FILLINGS = np.array([(128, 128, 128), (0, 135, 0), (0, 77, 0), (0, 84, 0)])
NO_CONTENT = "one colour all over, which decoders show where they have no data"


def find_blank_frames(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which frames of a clip, uint8 [N, H, W, 3], show one colour that is neither dark nor white, bool [N].

    If all frames are of one colour, there is nothing to compare with; then only the colours count that decoders
    show where they have no data.

    >>> clip = np.random.default_rng(0).integers(0, 256, (4, 30, 40, 3), dtype=np.uint8)
    >>> clip[1], clip[3] = 100, 0
    >>> find_blank_frames(clip).tolist(), find_blank_frames(clip[[1, 3]]).tolist()
    ([False, True, False, False], [False, False])
    >>> find_blank_frames(np.full((1, 30, 40, 3), 128, np.uint8)).tolist()
    [True]
    """
    n, height, width, _ = pixels.shape
    if n == 0:
        return np.zeros(0, bool)
    few = pixels[:, :: max(1, height // N_SAMPLES), :: max(1, width // N_SAMPLES)].reshape(n, -1, 3)
    is_flat = np.asarray(np.ptp(few, axis=1).max(axis=1) <= SPREAD, bool)
    if not is_flat.any():
        return is_flat
    first = few[:, 0].astype(int)
    if is_flat.all():
        is_flat &= (np.abs(first[:, None] - FILLINGS).max(axis=2) <= SPREAD).any(axis=1)
    else:
        is_flat &= (first.max(axis=1) >= DARK) & (first.min(axis=1) <= BRIGHT)
    is_flat[is_flat] = [np.ptp(frame.reshape(-1, 3), axis=0).max() <= SPREAD for frame in pixels[is_flat]]
    return is_flat
