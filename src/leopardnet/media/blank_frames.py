"""Frames without content, from a decoder that lost its data: one colour all over, or one row drawn out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPREAD = 2  # grey values; noise, a banner or any edge gives more
DARK, BRIGHT = 40, 245  # black and white frames are real: infrared that is not on yet, or a flash nearby
N_SAMPLES = 8  # rows and columns looked at first; hardly any frame with content passes
# What decoders show where they have no data: grey, and the greens of a video frame of zeros.
FILLINGS = np.array([(128, 128, 128), (0, 135, 0), (0, 77, 0), (0, 84, 0)])
STRONG = 60  # values between the channels of a colour that no empty picture of a camera has all over
SMEARED_SHARE = 0.5  # of the rows that repeat the row above them
SMEARED = "half of the picture or more repeats one row, where the decoder had no data"
NO_CONTENT = "one colour all over, which decoders show where they have no data"


def find_blank_frames(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which frames of a clip, uint8 [N, H, W, 3], show one colour that is neither dark nor white, bool [N].

    If all frames are of one colour, there is nothing to compare with; then only the colours count that decoders
    show where they have no data, and strong ones.

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
        is_filling = (np.abs(first[:, None] - FILLINGS).max(axis=2) <= SPREAD).any(axis=1)
        is_flat &= is_filling | (np.ptp(first, axis=1) >= STRONG)
    else:
        is_flat &= (first.max(axis=1) >= DARK) & (first.min(axis=1) <= BRIGHT)
    is_flat[is_flat] = [np.ptp(frame.reshape(-1, 3), axis=0).max() <= SPREAD for frame in pixels[is_flat]]
    return is_flat


def find_smeared_frames(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return in which frames, uint8 [N, H, W, 3], half of the rows or more repeat the row above, bool [N].

    Decoders draw the last row that they have down to the end of the picture, or fill it up with a colour of theirs.
    Rows of another colour all over, such as black bars, a banner or an overexposed sky, do not count.

    >>> clip = np.random.default_rng(0).integers(0, 256, (3, 30, 40, 3), dtype=np.uint8)
    >>> clip[1, 12:], clip[2, 12:] = clip[1, 11], 128
    >>> find_smeared_frames(clip).tolist()
    [False, True, True]
    """
    few = pixels[:, :, :: max(1, pixels.shape[2] // N_SAMPLES)]
    found = np.asarray(_find_repeated(few).mean(axis=1) >= SMEARED_SHARE, bool)
    for i in np.flatnonzero(found):
        rows = pixels[i].astype(np.int16)
        is_filled = (np.abs(rows[:, 0, None] - FILLINGS).max(axis=2) <= SPREAD).any(axis=1)
        is_flat = np.ptp(rows, axis=1).max(axis=1) <= 4 * SPREAD
        found[i] = (_find_repeated(pixels[i : i + 1])[0] & (is_filled | ~is_flat)).mean() >= SMEARED_SHARE
    return found


def _find_repeated(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which rows of frames, uint8 [N, H, W, 3], are as the row above them, bool [N, H]; never the first."""
    n, height, width, _ = pixels.shape
    rows = np.ascontiguousarray(pixels).reshape(n, height, 3 * width)
    steps = np.maximum(rows[:, 1:], rows[:, :-1]) - np.minimum(rows[:, 1:], rows[:, :-1])
    found = np.zeros((n, height), bool)
    found[:, 1:] = (steps <= 1).all(axis=2)
    return found
