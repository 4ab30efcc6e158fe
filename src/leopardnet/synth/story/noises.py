"""The noises of the story: alarm calls of deer, and what may be taken for them: birds, a person who whistles, wind.

A clip's noises are written as in `season.csv`: `whistle 0.9; chirp 2.5` says what is heard from which second on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from leopardnet.synth.audio import WHISTLE_S, make_sound, whistle

Wave = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Noise:
    """Something heard from `start_s` to `end_s` of a clip; kind: a name of CALLERS."""

    kind: str
    start_s: float
    end_s: float


def chirp(t: Wave, rng: Generator) -> Wave:
    """Return three short rising notes of a small bird, above 4.5 kHz, from t = 0: float64 [N]."""
    low = rng.uniform(4700, 5200)
    return sum((_note(t - 0.13 * i, low, low + 1500, 0.07) for i in range(3)), np.zeros_like(t))


def trill(t: Wave, rng: Generator) -> Wave:
    """Return a trill of a bird, twenty clicks a second at 5 to 6 kHz, from t = 0: float64 [N]."""
    pitch = rng.uniform(5200, 6000)
    return sum((_note(t - 0.05 * i, pitch, pitch - 500, 0.03) for i in range(16)), np.zeros_like(t))


def person(t: Wave, rng: Generator) -> Wave:
    """Return a long note as a person whistles it, steady but for a slight tremble, from t = 0: float64 [N]."""
    u = np.clip(t, 0, CALLERS["person"][1])
    pitch = rng.uniform(1300, 1600)
    phase = 2 * np.pi * (pitch * u + 12 * np.sin(2 * np.pi * 5 * u) / (2 * np.pi * 5))
    return np.sin(np.pi * u / CALLERS["person"][1]) ** 0.3 * np.sin(phase)


CALLERS: dict[str, tuple[Callable[[Wave, Generator], Wave], float, float]] = {
    "whistle": (whistle, WHISTLE_S, 0.4),
    "chirp": (chirp, 0.33, 0.25),
    "trill": (trill, 0.78, 0.2),
    "person": (person, 1.2, 0.35),
}
"""How each noise sounds, how many seconds it lasts, and how loud it is."""


def read_noises(text: str) -> list[Noise]:
    """Return the noises that a cell of `season.csv` names.

    >>> read_noises("wind; whistle 0.9")
    [Noise(kind='whistle', start_s=0.9, end_s=1.2)]
    """
    words = [part.split() for part in text.split(";")]
    starts = [(word[0], float(word[1])) for word in words if len(word) == 2]
    return [Noise(kind, start_s, round(start_s + CALLERS[kind][1], 3)) for kind, start_s in starts]


def mix_sound(text: str, duration_s: float, rng: Generator) -> NDArray[np.float32]:
    """Return the sound of a clip, float32 [N]: its noises over light wind, over strong wind where it names `wind`.

    `silence` alone gives a sound track of zeros, `none` no sound track at all.
    """
    if text == "none":
        return np.zeros(0, np.float32)
    sound = make_sound(duration_s, wind=0.9 if "wind" in text else 0.12, alarm_call=False, rng=rng)
    if text == "silence":
        return np.zeros_like(sound)
    t = np.arange(len(sound)) / len(sound) * duration_s
    for noise in read_noises(text):
        call, _, loudness = CALLERS[noise.kind]
        sound = sound + loudness * call(t - noise.start_s, rng).astype(np.float32)
    return np.clip(sound, -1, 1).astype(np.float32)


def _note(t: Wave, first_hz: float, last_hz: float, length_s: float) -> Wave:
    u = np.clip(t / length_s, 0, 1)
    phase = 2 * np.pi * length_s * (first_hz * u + (last_hz - first_hz) * u**2 / 2)
    return np.sin(np.pi * u) * np.sin(phase)
