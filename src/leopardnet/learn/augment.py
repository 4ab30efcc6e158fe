"""Random changes to training frames. The only place that knows albumentations."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.config import AugmentConfig

# albumentations asks the network for newer versions of itself when it is imported; nothing here does that unasked
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
import albumentations as A


class Augment:
    """A pipeline of random changes whose result depends on (seed, epoch, index) alone.

    albumentations' own seed repeats draws across loader workers; reseeding for every item makes a frame the same
    whoever loads it, and in whatever order.
    """

    def __init__(self, config: AugmentConfig, *, size_px: int, seed: int) -> None:
        self.config, self.size_px, self.seed = config, size_px, seed
        self.pipeline = A.Compose(steps(config, size_px))

    def copy(self) -> Augment:
        """The same pipeline with a random state of its own."""
        return Augment(self.config, size_px=self.size_px, seed=self.seed)

    def __call__(self, frame: NDArray[np.uint8], *, epoch: int, index: int) -> NDArray[np.uint8]:
        """The changed frame, uint8 [S, S, 3], of a frame uint8 [H, W, 3]."""
        words = np.random.SeedSequence((self.seed, epoch, index)).generate_state(1)
        self.pipeline.set_random_seed(int(words[0]))
        changed: NDArray[np.uint8] = self.pipeline(image=frame)["image"]
        return changed


def steps(config: AugmentConfig, size_px: int) -> list[A.BasicTransform | A.BaseCompose]:
    """The steps in order: geometry, light, camera, codec."""
    size = (size_px, size_px)
    whole = config.crop_min_area == 1.0
    return [
        A.Resize(*size, interpolation=3)  # area
        if whole
        else A.RandomResizedCrop(size, scale=(config.crop_min_area, 1.0), ratio=(0.8, 1.25), p=1.0),
        A.HorizontalFlip(p=config.flip_p),
        A.OneOf(
            [
                A.RandomBrightnessContrast(brightness_limit=0.25, contrast_limit=0.25, p=1.0),
                A.RandomGamma(gamma_limit=(60, 150), p=1.0),
                A.HueSaturationValue(hue_shift_limit=8, sat_shift_limit=30, val_shift_limit=15, p=1.0),
            ],
            p=config.exposure_p,
        ),
        A.Sequential(
            # the look of an infrared night: no colour, more contrast
            [A.ToGray(p=1.0), A.RandomGamma(gamma_limit=(70, 140), p=0.8)],
            p=config.infrared_p,
        ),
        A.OneOf(
            [A.MotionBlur(blur_limit=(3, 9), p=1.0), A.GaussianBlur(blur_limit=(3, 5), p=1.0)], p=config.blur_p
        ),
        A.GaussNoise(std_range=(0.01, 0.06), p=config.noise_p),
        A.ImageCompression(quality_range=(35, 85), p=config.jpeg_p),
    ]
