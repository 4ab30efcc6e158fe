"""Effects on every frame, with or without an animal: wind, rain, snow, insects, exposure and noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from leopardnet.synth.noise import smooth_noise

Rgb = NDArray[np.uint8]
Plane = NDArray[np.float32]


class Wind:
    """Moves the leaves in slow waves, each part of the picture as far as it sways."""

    def __init__(self, size_px: tuple[int, int], *, strength: float, rng: Generator) -> None:
        self._width, self._height = size_px
        shape = (self._height // 8, self._width // 8)
        self._phase = 1.7 * smooth_noise(rng, shape, (5, 5))
        self._amplitude_px = strength * self._width / 640
        self._rates = rng.uniform(0.6, 2.2, 2) * 2 * np.pi
        self._x = np.arange(self._width, dtype=np.float32)[None, :]
        self._y = np.arange(self._height, dtype=np.float32)[:, None]

    def blow(self, picture: Rgb, sway: Plane, t_s: float) -> Rgb:
        """Return the picture with its leaves moved as at time t."""
        slow, fast = self._rates
        move = np.sin(slow * t_s + self._phase) + 0.4 * np.sin(1.9 * fast * t_s + 2.3 * self._phase)
        shift = (self._amplitude_px * move * cv2.blur(sway, (3, 3))).astype(np.float32)
        shift = cv2.resize(shift, (self._width, self._height), interpolation=cv2.INTER_LINEAR)
        return cv2.remap(
            picture, self._x + shift, self._y + 0.25 * shift, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )


def exposure_gains(
    n_frames: int, fps: float, *, stepping: bool, night: bool, rng: Generator
) -> NDArray[np.float64]:
    """Return the brightness of each frame around 1, almost constant or with a step that is corrected: float64 [N].

    By night the step is the infrared flash coming on, or its glare in a still. No frame is black, because nobody
    could label one.
    """
    t = np.arange(n_frames) / fps
    drift = 1 + 0.012 * np.sin(2 * np.pi * rng.uniform(0.1, 0.4) * t + rng.uniform(0, 6))
    if not stepping:
        return drift
    at = rng.uniform(0.1, 0.7) * t[-1]
    if night:
        return drift * np.where(t < at, 0.45, 1 + 0.5 * np.exp(-(t - at).clip(0) / 0.35))
    jump = rng.choice([0.55, 0.68, 1.45, 1.7])
    return drift * np.where(t < at, 1.0, 1 + (jump - 1) * (0.25 + 0.75 * np.exp(-(t - at).clip(0) / 0.7)))


@dataclass(frozen=True, slots=True, eq=False)
class Precipitation:
    """Rain or snow: float64 [N] each; positions in frame heights, speeds in frame heights per second."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    speed: NDArray[np.float64]
    size: NDArray[np.float64]
    slant: float
    snow: bool


def start_precipitation(*, snow: bool, rng: Generator) -> Precipitation:
    """Draw the density and the drops or flakes of one clip."""
    n = int(rng.integers(60, 190))
    depth = rng.random(n) ** 2  # few are near the lens
    speed = (0.25 + 0.5 * depth) if snow else (2.5 + 2.5 * depth)
    size = (0.0022 + 0.011 * depth**2) if snow else (0.03 + 0.08 * depth)
    return Precipitation(
        rng.uniform(-0.3, 2.1, n), rng.random(n), speed, size, float(rng.uniform(-0.25, 0.25)), snow
    )


def draw_precipitation(picture: Rgb, falling: Precipitation, t_s: float, *, night: bool) -> None:
    """Draw rain or snow at time t over the picture, in place."""
    h, w = picture.shape[:2]
    y = (falling.y + falling.speed * t_s) % 1.25 - 0.12
    x = falling.x + falling.slant * y + (0.02 * np.sin(3 * t_s + 40 * falling.y) if falling.snow else 0)
    layer = np.zeros((h, w), np.uint8)
    points = np.stack([x * h, y * h], axis=1)
    for (px, py), size in zip(points, falling.size * h, strict=True):
        strength = int(min(255, 40 + 900 / (3 + size)) if not falling.snow else 120 + min(120, 200 / (1 + size)))
        if falling.snow:
            centre = (round(px * 16), round(py * 16))
            cv2.circle(layer, centre, max(8, round(size * 16)), strength, -1, cv2.LINE_AA, 4)
        else:
            end = (round((px + falling.slant * size) * 16), round((py + size) * 16))
            cv2.line(layer, (round(px * 16), round(py * 16)), end, strength // 2, 1, cv2.LINE_AA, 4)
    layer = cv2.GaussianBlur(layer, (0, 0), 0.8 if not falling.snow else 1.0)
    brightness = 1.0 if night else 0.65
    cv2.add(picture, cv2.merge([cv2.convertScaleAbs(layer, alpha=brightness)] * 3), dst=picture)


class Insect:
    """A moth or fly near the lens: a blurred spot on a wandering path, bright in the flash and dark by day."""

    def __init__(self, duration_s: float, rng: Generator) -> None:
        n = 6
        self._times = np.linspace(-0.2, max(duration_s, 0.4) + 0.2, n)
        self._path = np.stack([rng.uniform(-0.2, 1.2, n), rng.uniform(0.0, 0.9, n)])
        self._size = float(rng.uniform(0.008, 0.035))
        self._rate = float(rng.uniform(4, 9))

    def draw(self, picture: Rgb, t_s: float, *, night: bool) -> None:
        """Draw the insect at time t over the picture, in place."""
        h, w = picture.shape[:2]
        layer = np.zeros((h // 2, w // 2), np.uint8)
        previous = None
        for moment in np.linspace(t_s - 0.04, t_s, 4):
            wobble = 0.03 * np.sin(self._rate * moment + np.array([0.0, 1.3]))
            x, y = (np.interp(moment, self._times, axis) for axis in self._path)
            point = (round((x + wobble[0]) * w / 2 * 16), round((y + wobble[1]) * h / 2 * 16))
            if previous is not None:
                cv2.line(layer, previous, point, 210, max(1, round(self._size * w / 2)), cv2.LINE_AA, 4)
            previous = point
        layer = cv2.GaussianBlur(layer, (0, 0), max(0.6, 0.35 * self._size * w / 2))
        blot = cv2.merge([cv2.resize(layer, (w, h))] * 3)
        if night:
            cv2.add(picture, blot, dst=picture)
        else:
            cv2.subtract(picture, cv2.convertScaleAbs(blot, alpha=0.6), dst=picture)


class Sensor:
    """Effects of the camera: blur, vignette, bright centre of the flash, and noise that does not repeat."""

    def __init__(self, size_px: tuple[int, int], *, night: bool, rng: Generator) -> None:
        width, height = size_px
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
        cx, cy = rng.uniform(-0.12, 0.12, 2)
        r2 = (x - cx) ** 2 * 0.9 + (y - cy) ** 2 * 0.75
        self._falloff = (1 - rng.uniform(0.10, 0.22) * (x**2 + y**2) / 1.6).astype(np.float32)
        if night:
            floor = rng.uniform(0.15, 0.6)
            self._falloff = (floor + (1.12 - floor) * np.exp(-r2 * rng.uniform(0.6, 1.3))).astype(np.float32)
        self._falloff = cv2.merge([self._falloff] * 3)
        self._bank = _night_noise(size_px, rng) if night else _day_noise(size_px, rng)
        self._soft = float(rng.uniform(0.45, 0.85)) * width / 640

    def expose(self, picture: Rgb, gain: float, rng: Generator) -> Rgb:
        """Return the picture as the sensor records it."""
        if self._soft > 0.3:
            picture = cv2.GaussianBlur(picture, (0, 0), self._soft)
        lit = cv2.multiply(picture, self._falloff, scale=gain, dtype=cv2.CV_8U)
        h, w = picture.shape[:2]
        noise = self._bank[int(rng.integers(len(self._bank)))]
        y, x = int(rng.integers(noise.shape[0] - h + 1)), int(rng.integers(noise.shape[1] - w + 1))
        return cv2.add(lit, noise[y : y + h, x : x + w], dtype=cv2.CV_8U)


def _day_noise(size_px: tuple[int, int], rng: Generator) -> list[NDArray[np.int16]]:
    sigma, shape = rng.uniform(1.8, 4.0), (size_px[1] + 32, size_px[0] + 64)
    bank = []
    for _ in range(3):
        luma = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), 0.55) * (1.7 * sigma)
        planes = [
            luma
            + cv2.resize(rng.standard_normal((shape[0] // 2, shape[1] // 2), dtype=np.float32), shape[::-1])
            * (0.5 * sigma)
            for _ in range(3)
        ]
        bank.append(np.round(cv2.merge(planes)).astype(np.int16))
    return bank


def _night_noise(size_px: tuple[int, int], rng: Generator) -> list[NDArray[np.int16]]:
    """Return grey noise that the camera has smoothed, on the light that haze and lens scatter."""
    sigma, grain_px = rng.uniform(0.5, 2.8), rng.uniform(0.6, 1.0)
    veil, shape = 20.0 * rng.random() ** 1.5, (size_px[1] + 32, size_px[0] + 64)
    bank = []
    for _ in range(3):
        noise = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), grain_px)
        noise *= sigma / float(noise.std())
        bank.append(np.round(cv2.merge([noise + veil] * 3)).astype(np.int16))
    return bank
