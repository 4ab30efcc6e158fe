"""Random changes to training frames. Only this module uses albumentations."""

from __future__ import annotations

import importlib
import math
import os
import random
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.training import AugmentConfig
from leopardnet.training.augment import camera_effects as effects

# Without this, albumentations looks for newer versions on the internet when it is imported.
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
import albumentations as A

Transform: TypeAlias = A.BasicTransform | A.BaseCompose
Window = tuple[int, int, int, int]  # x0, y0, x1, y1 in pixels, the last two exclusive

RATIO = (0.8, 1.25)  # of the aspect ratio of a crop to that of the frame
N_TRIES = 10
OCCLUDERS = ((38, 44, 30), (92, 78, 62), (110, 128, 72), (226, 226, 220))  # leaf, bark, grass, snow
COVERABLE_SIDE = 0.3  # an animal smaller than this share of the side could vanish behind one occluder


class Augmenter:
    """A pipeline of random changes whose result depends on (seed, epoch, index) only.

    albumentations' own seed repeats draws across loader workers. Reseeding for every frame makes the result
    independent of workers and order.
    """

    def __init__(self, config: AugmentConfig, *, size_px: int, seed: int) -> None:
        self.config, self.size_px, self.seed = config, size_px, seed
        self.pipeline = A.Compose(build_steps(config))
        self.pipeline_small = A.Compose(build_steps(config.model_copy(update={"occlusion_p": 0.0})))

    def copy(self) -> Augmenter:
        """Return the same pipeline with a random state of its own."""
        return Augmenter(self.config, size_px=self.size_px, seed=self.seed)

    def __call__(
        self, frame: NDArray[np.uint8], *, epoch: int, index: int, box: Sequence[float] | None = None
    ) -> NDArray[np.uint8]:
        """Return the changed frame, uint8 [S, S, 3], for a frame uint8 [H, W, 3].

        box: x0, y0, x1, y1 of the animal in pixels of `frame`. The crop contains all of it, and small animals are
        not occluded. A crop keeps at least `crop_min_area` of the frame.
        """
        words = np.random.SeedSequence((self.seed, epoch, index)).generate_state(2)
        window = choose_crop_window(
            frame.shape[1],
            frame.shape[0],
            np.random.default_rng(words[1]),
            min_area=self.config.crop_min_area,
            box=box,
        )
        x0, y0, x1, y1 = window
        cropped = _resize(frame[y0:y1, x0:x1], self.size_px)
        small = box is not None and _side_share(box, window) < COVERABLE_SIDE
        pipeline = self.pipeline_small if small else self.pipeline
        # All steps share one state. `set_random_seed` would give each step the same numbers, so that for example
        # flipped frames would always be the darkened ones.
        pipeline.set_random_state(np.random.default_rng(words[0]), random.Random(int(words[0])))
        changed: NDArray[np.uint8] = pipeline(image=cropped)["image"]
        return changed


class FrameEffect(A.ImageOnlyTransform):
    """A step of the pipeline that calls a function of a frame and a random generator."""

    def __init__(self, change: Callable[..., NDArray[np.uint8]], *, p: float) -> None:
        super().__init__(p=p)
        self.change = change

    def get_params(self) -> dict[str, Any]:
        """Draw the seed for one frame."""
        return {"word": int(self.random_generator.integers(0, 2**32))}

    def apply(self, img: NDArray[np.uint8], word: int, **_: Any) -> NDArray[np.uint8]:
        """Return the changed frame, uint8 [H, W, 3]."""
        return self.change(img, np.random.default_rng(word))


def build_steps(config: AugmentConfig) -> list[Transform]:
    """Return the steps after the crop: own ones, then as in a camera: scene, light, lens, sensor, banner, file."""
    exposure = [
        # Relative to the mean, so that dark frames do not become black.
        A.RandomBrightnessContrast(brightness_limit=0.3, contrast_limit=0.25, brightness_by_max=False, p=1.0),
        A.RandomGamma(gamma_limit=(60, 130), p=1.0),
        A.HueSaturationValue(hue_shift_limit=8, sat_shift_limit=(-40, 25), val_shift_limit=15, p=1.0),
    ]
    blur = [
        A.MotionBlur(blur_limit=(3, 9), p=1.0),
        A.GaussianBlur(blur_limit=0, sigma_limit=(0.5, 1.6), p=1.0),
        A.Downscale(scale_range=(0.4, 0.75), p=1.0),  # a distant animal, or a cheaper camera
    ]
    planned = [
        (config.flip_p, A.HorizontalFlip(p=config.flip_p)),
        (config.occlusion_p, A.OneOf([_build_occluder(colour) for colour in OCCLUDERS], p=config.occlusion_p)),
        (config.exposure_p, A.OneOf(exposure, p=config.exposure_p)),
        (config.infrared_p, FrameEffect(effects.simulate_infrared, p=config.infrared_p)),
        (config.blur_p, A.OneOf(blur, p=config.blur_p)),
        (config.noise_p, A.GaussNoise(std_range=(0.01, 0.06), p=config.noise_p)),
        (config.banner_p, FrameEffect(effects.draw_banner, p=config.banner_p)),
        (config.jpeg_p, A.ImageCompression(quality_range=(30, 85), p=config.jpeg_p)),
    ]
    own = [load_own_transform(config.own)] if config.own else []
    return own + [step for p, step in planned if p > 0.0]


def load_own_transform(name: str) -> Transform:
    """Return what `package.module:function` returns: an albumentations transform of uint8 RGB frames.

    It is imported and called without arguments, and tried once. Raises ConfigError where that fails, where it is no
    transform, and where it changes the size or the type of a frame.
    """
    module, _, function = name.partition(":")
    try:
        made = getattr(importlib.import_module(module), function)()
        frame = np.full((64, 64, 3), 128, np.uint8)
        tried = made(image=frame)["image"]
    except Exception as error:  # whatever the user's code raises
        raise _explain_own(name, f"{type(error).__name__}: {error}") from error
    if not isinstance(made, Transform):
        raise _explain_own(name, type(made).__name__)
    if getattr(tried, "shape", None) != frame.shape or tried.dtype != frame.dtype:
        raise _explain_own(name, "a transform that gives " + " ".join(map(str, (tried.dtype, *tried.shape))))
    return made


def _explain_own(name: str, found: str) -> ConfigError:
    return ConfigError(
        "this augmentation cannot be used",
        where=f"augment.own={name}",
        found=found,
        expected="a function without arguments that returns an albumentations transform, which keeps frames uint8 "
        "and of the same size",
        todo="correct it, or put its folder on PYTHONPATH if it is not found",
    )


def _build_occluder(colour: tuple[int, int, int]) -> A.BasicTransform:
    return A.CoarseDropout(
        num_holes_range=(1, 3), hole_height_range=(0.06, 0.18), hole_width_range=(0.04, 0.12), fill=colour, p=1.0
    )


def choose_crop_window(
    width: int, height: int, rng: np.random.Generator, *, min_area: float, box: Sequence[float] | None = None
) -> Window:
    """Return a random window with at least `min_area` of the frame, and all of `box` if given.

    >>> choose_crop_window(100, 80, np.random.default_rng(0), min_area=1.0)
    (0, 0, 100, 80)
    """
    if min_area >= 1.0:
        return 0, 0, width, height
    x0, y0, x1, y1 = _clip_box(box, width, height) if box is not None else (width, height, 0, 0)
    least_w, least_h = max(1, x1 - x0), max(1, y1 - y0)
    for _ in range(N_TRIES):
        area = rng.uniform(min_area, 1.0)
        ratio = math.exp(rng.uniform(math.log(RATIO[0]), math.log(RATIO[1])))
        w = round(width * math.sqrt(area * ratio))
        h = round(height * math.sqrt(area / ratio))
        if least_w <= w <= width and least_h <= h <= height:
            left = rng.integers(max(0, x1 - w), min(x0, width - w) + 1)
            top = rng.integers(max(0, y1 - h), min(y0, height - h) + 1)
            return int(left), int(top), int(left + w), int(top + h)
    return 0, 0, width, height


def _clip_box(box: Sequence[float], width: int, height: int) -> Window:
    """Return the box on whole pixels, within the frame."""
    x0, y0, x1, y1 = box
    return (
        int(np.clip(math.floor(x0), 0, width - 1)),
        int(np.clip(math.floor(y0), 0, height - 1)),
        int(np.clip(math.ceil(x1), 1, width)),
        int(np.clip(math.ceil(y1), 1, height)),
    )


def _side_share(box: Sequence[float], window: Window) -> float:
    """Return the longer side of a box as a share of the window's side."""
    x0, y0, x1, y1 = window
    return max((box[2] - box[0]) / (x1 - x0), (box[3] - box[1]) / (y1 - y0))


def _resize(frame: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    smaller = frame.shape[0] * frame.shape[1] > size_px * size_px
    resized = cv2.resize(frame, (size_px, size_px), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8)
