"""The sound of rendered clips: wind, and now and then the alarm whistle of a sika deer."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

SAMPLE_RATE_HZ = 16_000
WHISTLE_S = 0.3


def make_sound(duration_s: float, *, wind: float, alarm_call: bool, rng: Generator) -> NDArray[np.float32]:
    """Return mono sound between -1 and 1 at 16 kHz: float32 [N].

    >>> len(make_sound(0.5, wind=0.3, alarm_call=False, rng=np.random.default_rng(0)))
    8000
    """
    n = round(duration_s * SAMPLE_RATE_HZ)
    if n == 0:
        return np.zeros(0, np.float32)
    t = np.arange(n) / SAMPLE_RATE_HZ
    sound = (0.01 + 0.10 * wind) * _rumble(n, rng) * _gusts(t, rng) + 0.003 * rng.standard_normal(n)
    if alarm_call:
        start = rng.uniform(0.1, 0.7) * max(duration_s - 0.3, 0)
        for i in range(int(rng.integers(1, 3))):
            sound += rng.uniform(0.25, 0.5) * whistle(t - start - 0.8 * i, rng)
    return np.clip(sound, -1, 1).astype(np.float32)


def _rumble(n: int, rng: Generator) -> NDArray[np.float64]:
    """Return noise that loses power above 200 Hz, with standard deviation 1."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    hz = np.fft.rfftfreq(n, 1 / SAMPLE_RATE_HZ)
    noise = np.fft.irfft(spectrum / (1 + (hz / 200) ** 1.2), n)
    return noise / max(float(noise.std()), 1e-9)


def _gusts(t: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    knots = np.arange(0, t[-1] + 2, 0.7)
    return np.interp(t, knots, rng.uniform(0.3, 1.6, len(knots)))


def whistle(t: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    """Return the alarm call of a sika deer: a tone that falls from about 3.6 to 1.8 kHz in WHISTLE_S from t = 0.

    t: float64 [N] in seconds; returns float64 [N].
    """
    high, low, length = rng.uniform(3300, 3900), rng.uniform(1600, 2000), WHISTLE_S
    u = np.clip(t / length, 0, 1)
    phase = 2 * np.pi * length * (high * u + (low - high) * u**2 / 2)
    envelope = np.sin(np.pi * u) ** 0.6
    return envelope * (np.sin(phase) + 0.2 * np.sin(2 * phase))
