"""A sound as numbers, for the probe of alarm calls: its contour, its strength, its harmonics, and how it looks."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leopardnet.sound.spectrogram import make_spectrogram
from leopardnet.sound.stretch import cut_stretch
from leopardnet.sound.track import Track

VERSION = "call features 1"
AROUND_S = 0.1  # of the track, before and behind the sound
N_BANDS, N_TIMES = 10, 6
EDGES_HZ = np.geomspace(400.0, 5000.0, N_BANDS + 1)
CONTOUR = ("length_s", "log_low", "log_high", "log_peak", "slope_octaves_s", "width_octaves", "snr_db")
NAMES = (
    *CONTOUR,
    "harmonic_db",
    "tonality_db",
    *(f"band{b}_time{t}" for b in range(N_BANDS) for t in range(N_TIMES)),
)


def measure_call(track: Track, sound: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the features NAMES of a sound, float64 [F]: finite, whatever the sound.

    sound: its row of the table of sounds. Times are counted from its beginning, power from the middle of the
    stretch, so that neither the volume of a camera nor the place in the clip matters. Bands that the track does not
    reach are as loud as the middle.
    """
    start_s, end_s = float(sound["start_s"]), float(sound["end_s"])
    low, high, peak = (max(_value(sound[c], 1000.0), 1.0) for c in ("low_hz", "high_hz", "peak_hz"))
    contour = [
        end_s - start_s,
        *(np.log2(hz / 1000.0) for hz in (low, high, peak)),
        float(np.clip(_value(sound["slope_hz_s"], 0.0) / peak, -20.0, 20.0)),
        np.log2(max(high / low, 1.0)),
        _value(sound["snr_db"], 0.0),
    ]
    begin_s, stop_s = start_s - AROUND_S, max(end_s, start_s + AROUND_S) + AROUND_S
    db, hz, _ = make_spectrogram(cut_stretch(track, begin_s, stop_s), begin_s, stop_s)
    if not db.size:
        return np.array([*contour, *np.zeros(len(NAMES) - len(contour))])
    level = np.median(db)
    relative = db - level

    def loudness(around_hz: float) -> float:
        near = np.abs(hz - around_hz) <= max(0.06 * around_hz, hz[1])
        return float(np.quantile(relative[near], 0.9)) if near.any() and around_hz < hz[-1] else 0.0

    fundamental = loudness(peak)
    tonality = fundamental - float(np.mean([loudness(peak * 0.7), loudness(peak * 1.4)]))
    patch = np.zeros((N_BANDS, N_TIMES))
    columns = np.array_split(np.arange(relative.shape[1]), N_TIMES)
    for b, (lower, upper) in enumerate(itertools.pairwise(EDGES_HZ)):
        inside = (hz >= lower) & (hz < upper)
        if inside.any():
            patch[b] = [relative[np.ix_(inside, c)].max() if len(c) else 0.0 for c in columns]
    return np.array([*contour, loudness(2 * peak) - fundamental, tonality, *patch.ravel()], np.float64)


def _value(cell: Any, default: float) -> float:
    return float(cell) if cell is not None and np.isfinite(cell) else default
