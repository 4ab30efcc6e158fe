"""Smooth noise, used to paint coats, ground and weather."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Paint = NDArray[np.float32]


def smooth_noise(rng: Generator, shape: tuple[int, int], cell: tuple[float, float]) -> Paint:
    """Return noise of mean 0 and deviation 1 that varies over about `cell` (height, width) pixels: float32 [shape].

    >>> smooth_noise(np.random.default_rng(0), (20, 30), (4, 4)).shape
    (20, 30)
    """
    small = (max(2, round(shape[0] / cell[0]) + 2), max(2, round(shape[1] / cell[1]) + 2))
    coarse = rng.standard_normal(small, dtype=np.float32)
    field = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return (field - field.mean()) / max(float(field.std()), 1e-6)
