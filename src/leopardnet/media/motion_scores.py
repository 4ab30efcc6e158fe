"""Motion scores: how much each frame differs from the usual view of the clip, and the choice of frames by them."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from leopardnet.core.settings.inference import MotionSampling, Sampling
from leopardnet.core.types import Frames

WIDTH_PX = 64
EDGE_SHARE = 0.08  # of the height, top and bottom: the clock in the banner changes in every frame
CHANGED_SHARE = 0.02  # of the picture: an animal is small, so the mean of the whole picture would hide it


def select_frames(frames: Frames, sampling: Sampling) -> Frames:
    """Return the frames to classify: all of them, except for `motion`, which decodes more frames than it keeps."""
    if not isinstance(sampling, MotionSampling) or len(frames) <= sampling.n_frames:
        return frames
    return frames.take(pick_changed_frames(frames, sampling.n_frames))


def pick_changed_frames(frames: Frames, n: int) -> NDArray[np.int64]:
    """Return the positions of at most n frames, int64, increasing; see `pick_most_changed`."""
    if len(frames) <= n:
        return np.arange(len(frames))
    return pick_most_changed(change_scores(shrink_to_grey(frames.pixels)), n)


def shrink_to_grey(
    pixels: NDArray[np.uint8], *, width_px: int = WIDTH_PX, min_height_px: int = 1
) -> NDArray[np.uint8]:
    """Return frames uint8 [N, H, W, 3] as grey pictures of this width, uint8 [N, h, w], averaged over areas."""
    height = max(min_height_px, round(pixels.shape[1] * width_px / pixels.shape[2]))
    small = [cv2.resize(frame, (width_px, height), interpolation=cv2.INTER_AREA) for frame in pixels]
    return np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in small]).astype(np.uint8)


def change_scores(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return how much each frame differs from the median over time, float64 [N], in grey values.

    The score is the mean of the 2 % of a frame that differ most, without the banners, and after removing a change
    of exposure, which shifts the whole frame. It is 0 for a frame that shows the usual view.

    >>> grey = np.full((5, 36, 64), 100, np.uint8)
    >>> grey[1] += 20  # brighter as a whole
    >>> grey[3, 10:20, 10:20] = 160  # something is there
    >>> change_scores(grey).tolist()
    [0.0, 0.0, 0.0, 60.0, 0.0]
    """
    edge = round(grey.shape[1] * EDGE_SHARE)
    inner = grey[:, edge : grey.shape[1] - edge].reshape(len(grey), -1).astype(np.float64)  # [N, P]
    difference = inner - np.median(inner, axis=0)
    difference -= np.median(difference, axis=1, keepdims=True)
    n_changed = max(1, round(CHANGED_SHARE * difference.shape[1]))
    most_changed = np.partition(np.abs(difference), -n_changed, axis=1)[:, -n_changed:]
    # The sums are exact, since the differences are multiples of 1/4; so rounding errors decide no ties.
    return np.asarray(most_changed.mean(axis=1), np.float64)


def pick_most_changed(scores: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Return the positions of n frames, int64 [n], increasing: the best of n/2 equal parts, then the next best.

    >>> pick_most_changed(np.array([0.0, 1.0, 9.0, 8.0, 7.0, 0.0, 0.0, 2.0]), 4).tolist()
    [2, 3, 4, 7]
    """
    if n >= len(scores):
        return np.arange(len(scores))
    edges = np.linspace(0, len(scores), (n + 1) // 2 + 1).round().astype(int)
    spread = [a + int(scores[a:b].argmax()) for a, b in pairwise(edges)]
    others = [i for i in np.argsort(-scores, kind="stable").tolist() if i not in set(spread)]
    return np.sort(np.asarray([*spread, *others[: n - len(spread)]], np.int64))
