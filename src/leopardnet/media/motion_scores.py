"""Where something moves: how far each frame is from what the clip usually shows, and which frames are kept for it."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from leopardnet.core.settings.inference import MotionSampling, Sampling
from leopardnet.core.types import Frames

WIDTH_PX = 64
EDGE_SHARE = 0.08  # of the height, above and below: the clock of the banner changes in every frame
CHANGED_SHARE = 0.02  # of the picture: an animal is small, and what is left of it counts, not the mean of all


def select_frames(frames: Frames, sampling: Sampling) -> Frames:
    """The frames that a sampling judges: all of them, but for `motion`, which looks at more than it keeps."""
    if not isinstance(sampling, MotionSampling) or len(frames) <= sampling.n_frames:
        return frames
    keep = pick_most_changed(change_scores(shrink_to_grey(frames.pixels)), sampling.n_frames)
    return Frames(frames.clip_id, frames.pixels[keep], frames.times_s[keep], frames.warnings)


def shrink_to_grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Frames uint8 [N, H, W, 3] as grey pictures of 64 px width, uint8 [N, h, 64], averaged over areas."""
    height = max(1, round(pixels.shape[1] * WIDTH_PX / pixels.shape[2]))
    small = [cv2.resize(frame, (WIDTH_PX, height), interpolation=cv2.INTER_AREA) for frame in pixels]
    return np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in small]).astype(np.uint8)


def change_scores(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """How far each frame is from the median over time, float64 [N], in grey values.

    The mean of the 2 % of a frame that differ most, after a step of the exposure (which moves all of it alike) and the
    banners were taken out. 0 for a frame that shows what the clip usually shows.

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
    return np.partition(np.abs(difference), -n_changed, axis=1)[:, -n_changed:].mean(axis=1)


def pick_most_changed(scores: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Positions of n of the frames, int64 [n], increasing: the best of n/2 equal parts, then the best of the others.

    >>> pick_most_changed(np.array([0.0, 1.0, 9.0, 8.0, 7.0, 0.0, 0.0, 2.0]), 4).tolist()
    [2, 3, 4, 7]
    """
    if n >= len(scores):
        return np.arange(len(scores))
    edges = np.linspace(0, len(scores), (n + 1) // 2 + 1).round().astype(int)
    spread = [a + int(scores[a:b].argmax()) for a, b in pairwise(edges)]
    others = [i for i in np.argsort(-scores, kind="stable").tolist() if i not in set(spread)]
    return np.sort(np.asarray([*spread, *others[: n - len(spread)]], np.int64))
