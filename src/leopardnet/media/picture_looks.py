"""What a picture looks like, whatever it shows: four numbers that change with camera, light and place."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_FAINTEST = 0.01  # grey values: what a picture without any detail counts as


def measure_pictures(x: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return brightness, contrast, colour and sharpness, float32 [N, 4], of model input uint8 RGB [N, 3, S, S].

    In grey values: the mean, the standard deviation, the mean distance of the largest from the smallest of red,
    green and blue (0 by infrared light), and, as a logarithm to base 2, the mean size of the Laplacian.

    >>> measure_pictures(np.full((1, 3, 8, 8), 100, np.uint8)).round().tolist()
    [[100.0, 0.0, 0.0, -7.0]]
    """
    found = np.empty((len(x), 4), np.float32)
    for i, picture in enumerate(x):
        rgb = np.ascontiguousarray(picture.transpose(1, 2, 0))
        grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
        colour = rgb.max(axis=2).astype(np.float32) - rgb.min(axis=2)
        detail = float(np.abs(cv2.Laplacian(grey, cv2.CV_32F)).mean())
        found[i] = grey.mean(), grey.std(), colour.mean(), np.log2(detail + _FAINTEST)
    return found
