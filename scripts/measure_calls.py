"""Measure the search for tonal calls: whistles planted in real noise, and candidates where there are none.

The folder holds recordings and audio.csv with the columns path and label. Whistles of many shapes (falling, arched,
rising, flat, stepped; 0.15 to 0.6 s, 0.85 to 4.5 kHz, overtones, echoes of a forest) are added to ten seconds of
forest, rain, wind or thunder, at a ratio of power to the noise in the band of the whistle, which is taken at least
1 kHz wide. It is the mean noise of the ten seconds, or with `--during` that while the whistle lasts, which is
another one where a bird sings or thunder rolls. A recording in which more than five lines stand out in ten seconds
is a chorus of birds; the others are quiet. False candidates are counted in the recordings as they are, and in hours
of noise with the same spectrum.

The settings were chosen on every second recording (`--part dev`); one of them, the shortest ridge, after a look at
the others (`--part test`). A seed has the same whistles, at the same places, at every rate that holds their pitch.

    python scripts/measure_calls.py FOLDER --part test --seed 7
    python scripts/measure_calls.py FOLDER --part dev --ways      # what each rule costs and saves
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import fftconvolve
from scipy.stats import chi2

from leopardnet.core.settings.sound import SoundConfig
from leopardnet.sound import tonal_calls
from leopardnet.sound.track import MAX_RATE_HZ, Track

PIECE_S = 10.0
NOISES = ("forest_soundscape", "rain", "wind", "thunder")
CHORUS_RIDGES, CHORUS_DB = 5, 8.0
EVERYTHING = SoundConfig(min_score=0.0, max_calls=1000)
# What each rule adds to the ones before: constants of the detector that switch the later ones off.
OFF = {"MAX_WIDTH_HZ": np.inf, "MAX_ROUGH_HZ": np.inf, "MAX_NEAR": np.inf, "MAX_CROWD": np.inf}
WAYS = {
    "length, pitch, strength": tuple(OFF),
    "+ thin and smooth": ("MAX_NEAR", "MAX_CROWD"),
    "+ few rivals near": ("MAX_CROWD",),
    "+ no crowd (shipped)": (),
}


@dataclass(frozen=True)
class Whistle:
    """A planted call: samples, its pitch and its length without echoes."""

    samples: NDArray[np.float64]
    low_hz: float
    high_hz: float
    length_s: float


def make_whistle(rate_hz: int, rng: Generator) -> Whistle:
    """Return a call of a random shape, of amplitude about 1; a generator gives the same one at every rate."""
    echo_rng = rng.spawn(1)[0]  # the only one that draws a number per sample
    length_s = rng.uniform(0.15, 0.6)
    t = np.arange(round(length_s * rate_hz)) / rate_hz
    hz = _draw_pitch(t / length_s, min(4523.0, 0.46 * rate_hz), rng)
    hz = hz * (1 + 0.004 * np.sin(2 * np.pi * rng.uniform(8, 25) * t))
    phase = 2 * np.pi * np.cumsum(hz) / rate_hz
    samples = np.sin(phase)
    for k in (2, 3):
        samples += rng.uniform(0, 0.3 / k) * np.sin(k * phase + rng.uniform(0, 6)) * (k * hz < 0.475 * rate_hz)
    u, attack, decay = t / length_s, rng.uniform(0.05, 0.25), rng.uniform(0.1, 0.5)
    samples *= np.clip(np.minimum(u / attack, (1 - u) / decay), 0, 1) ** rng.uniform(0.5, 1.2)
    if rng.random() < 0.7:  # echoes
        n = round(rng.uniform(0.05, 0.35) * rate_hz)
        echo = echo_rng.standard_normal(n) * np.exp(-np.linspace(0, 6.9, n))
        samples = fftconvolve(samples, np.r_[1.0, echo * rng.uniform(0.1, 0.5) / np.linalg.norm(echo)])
    return Whistle(samples, float(hz.min()), float(hz.max()), length_s)


def _draw_pitch(u: NDArray[np.float64], top_hz: float, rng: Generator) -> NDArray[np.float64]:
    """Return the pitch in Hz over a call, whose time u runs from 0 to 1."""
    kind = rng.choice(["fall", "arch", "flat", "rise", "step"], p=[0.45, 0.2, 0.15, 0.1, 0.1])
    high = rng.uniform(1500, top_hz)
    low = rng.uniform(max(850, 0.45 * high), 0.85 * high)
    if kind == "fall":
        return high + (low - high) * u ** rng.uniform(0.7, 1.5)
    if kind == "rise":
        return low + (high - low) * u ** rng.uniform(0.7, 1.5)
    if kind == "flat":
        return rng.uniform(900, 0.97 * top_hz) * (1 + rng.uniform(-0.03, 0.03) * u)
    if kind == "arch":
        peak = rng.uniform(0.2, 0.5)
        x = np.where(u < peak, u / peak - 1, (u - peak) / (1 - peak))
        return low + (high - low) * np.cos(np.pi / 2 * x)
    return high + (low - high) / (1 + np.exp(-(u - rng.uniform(0.35, 0.6)) * 18))


def plant(
    noise: NDArray[np.float32], rate_hz: int, snr_db: float, rng: Generator, *, during: bool = False
) -> tuple[NDArray[np.float32], Whistle, float]:
    """Return the noise with a whistle in it, the whistle, and when it begins, in seconds.

    snr_db: against the mean noise, or with `during` against the noise while the whistle lasts.
    """
    whistle = make_whistle(rate_hz, rng)
    call, n = whistle.samples[: len(noise)], round(whistle.length_s * rate_hz)
    first = int(rng.random() * (len(noise) - len(call)))
    power = _measure_in_band(noise[first : first + n] if during else noise, rate_hz, whistle)
    gain = np.sqrt(power * 10 ** (snr_db / 10) / np.mean(call[:n] ** 2))
    mixed = noise.copy()
    mixed[first : first + len(call)] += (gain * call).astype(np.float32)
    return mixed, whistle, first / rate_hz


def _measure_in_band(noise: NDArray[np.float32], rate_hz: int, whistle: Whistle) -> float:
    """Return the mean power of noise in the band of a whistle, at least 1 kHz wide."""
    middle, half = (whistle.low_hz + whistle.high_hz) / 2, max(500, (whistle.high_hz - whistle.low_hz) / 2)
    hz = np.fft.rfftfreq(len(noise), 1 / rate_hz)
    in_band = (np.abs(np.fft.rfft(noise)) ** 2)[(hz >= middle - half) & (hz <= middle + half)]
    return float(2 * in_band.sum() / len(noise) ** 2)


def surrogate(noise: NDArray[np.float32], n: int, rng: Generator) -> NDArray[np.float32]:
    """Return n samples of noise with the spectrum of a recording, and slow changes of its loudness."""
    white = rng.standard_normal(n + len(noise))
    level = np.sqrt(np.mean(noise**2))
    shaped = fftconvolve(white, noise, mode="valid")[:n]
    slow = np.interp(np.arange(n), np.linspace(0, n, 2 + n // 8000), rng.uniform(0.4, 1.6, 2 + n // 8000))
    return (shaped / np.std(shaped) * level * slow).astype(np.float32)


def read_recording(path: Path, rate_hz: int) -> NDArray[np.float32]:
    """Return a recording at this rate, one channel."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate_hz)
        parts = []
        for frame in container.decode(container.streams.audio[0]):
            frame.pts = None
            parts += resampler.resample(frame)
        parts += resampler.resample(None)
    return np.concatenate([part.to_ndarray().reshape(-1) for part in parts])


def find(samples: NDArray[np.float32], rate_hz: int) -> tuple[list[tonal_calls.Ridge], NDArray[np.float64]]:
    """Return all ridges and their scores, of sound at the rate that the reader of tracks gives."""
    if rate_hz > MAX_RATE_HZ:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=MAX_RATE_HZ)
        frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
        frame.sample_rate = rate_hz
        parts = [*resampler.resample(frame), *resampler.resample(None)]
        samples, rate_hz = np.concatenate([p.to_ndarray().reshape(-1) for p in parts]), MAX_RATE_HZ
    ridges = tonal_calls.find_ridges(Track(samples, rate_hz), EVERYTHING)
    return ridges, tonal_calls.score_ridges(ridges, EVERYTHING) if ridges else np.zeros(0)


def is_hit(ridges: list[tonal_calls.Ridge], scores: NDArray[np.float64], whistle: Whistle, at_s: float) -> bool:
    """Return whether a candidate overlaps at least 40 % of the whistle, at its pitch."""
    for ridge, score in zip(ridges, scores, strict=True):
        overlap = min(ridge.end_s, at_s + whistle.length_s) - max(ridge.start_s, at_s)
        is_near = ridge.hz.min() < whistle.high_hz + 150 and ridge.hz.max() > whistle.low_hz - 150
        if score >= SoundConfig().min_score and is_near and overlap > 0.4 * whistle.length_s:
            return True
    return False


def measure(
    sounds: dict[str, tuple[str, NDArray[np.float32]]],
    rate_hz: int,
    snrs: list[float],
    n: int,
    hours: float,
    seed: int,
    during: bool,
) -> None:
    """Print false candidates per kind of recording, and recall by ratio of power."""
    rows, chorus = [], {}
    threshold = SoundConfig().min_score
    for name, (label, samples) in sounds.items():
        ridges, scores = find(samples, rate_hz)
        length_s = len(samples) / rate_hz
        n_strong = sum(r.strength_db > CHORUS_DB for r in ridges)
        chorus[name] = n_strong * PIECE_S / max(PIECE_S, length_s) > CHORUS_RIDGES
        kind = "noise" if label in NOISES[1:] else label
        if label == NOISES[0]:
            kind = "forest, birds" if chorus[name] else "forest, quiet"
        rows.append((kind, 1, length_s, int((scores >= threshold).sum())))
    rng = np.random.default_rng([seed, 2])
    quiet = [
        x for name, (label, x) in sounds.items() if label in NOISES and not chorus[name] and len(x) > 2 * rate_hz
    ]
    for i in range(round(hours * 60)):
        samples = surrogate(quiet[i % len(quiet)], 60 * rate_hz, rng)
        rows.append(("made noise", 1, 60.0, int((find(samples, rate_hz)[1] >= threshold).sum())))
    table = pd.DataFrame(rows, columns=["sound", "recordings", "s", "candidates"]).groupby("sound").sum()
    most = chi2.ppf(0.95, 2 * (table["candidates"] + 1)) / 2  # of a Poisson number
    table["at most per hour (95 %)"] = (most / table["s"] * 3600).round(1)
    print(table.to_string())
    for is_chorus in (False, True):
        names = [
            k
            for k, (label, x) in sounds.items()
            if label in NOISES and chorus[k] is is_chorus and len(x) > 2 * rate_hz
        ]
        recalls = []
        for snr_db in snrs if names and n else ():
            hits = 0
            for i in range(n):
                rng = np.random.default_rng([seed, i])
                samples = sounds[names[i % len(names)]][1]
                first = int(rng.random() * max(0, len(samples) - round(PIECE_S * rate_hz)))
                piece = samples[first : first + round(PIECE_S * rate_hz)]
                mixed, whistle, at_s = plant(piece, rate_hz, snr_db, rng, during=during)
                hits += is_hit(*find(mixed, rate_hz), whistle, at_s)
            recalls.append(f"{snr_db:+.0f} dB {hits / n:.3f}")
        print(f"recall {'among birds' if is_chorus else 'in quiet sound'}:", ", ".join(recalls) or "-", flush=True)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--part", choices=["dev", "test", "all"], default="test")
    parser.add_argument("--seed", type=int, default=1, help="of the whistles, their places, and the made noise")
    parser.add_argument("--rates", type=int, nargs="+", default=[8000, 16000, 44100])
    parser.add_argument("--snr-db", type=float, nargs="+", default=[-9, -6, -3, 0, 3, 6, 12, 30])
    parser.add_argument("--n", type=int, default=200, help="whistles for each ratio and rate")
    parser.add_argument("--hours", type=float, default=1.0, help="hours of made noise for each rate")
    parser.add_argument("--during", action="store_true", help="ratios to the noise while a whistle lasts")
    parser.add_argument("--ways", action="store_true", help="add the rules one by one")
    options = parser.parse_args()
    table = pd.read_csv(options.folder / "audio.csv")
    if options.part != "all":
        table = table[(np.arange(len(table)) % 2 == 0) == (options.part == "dev")]
    for rate_hz in options.rates:
        sounds = {r.path: (r.label, read_recording(options.folder / r.path, rate_hz)) for r in table.itertuples()}
        for name, off in WAYS.items() if options.ways else (("shipped", ()),):
            kept = {key: getattr(tonal_calls, key) for key in off}
            for key in off:
                setattr(tonal_calls, key, OFF[key])
            print(f"\n{rate_hz} Hz, {options.part}: {name}")
            measure(sounds, rate_hz, options.snr_db, options.n, options.hours, options.seed, options.during)
            for key, value in kept.items():
                setattr(tonal_calls, key, value)


if __name__ == "__main__":
    main()
