"""Tonal calls on a sound track, such as the alarm whistle of deer: a line in the spectrogram that stands alone.

The power of each window is compared with the noise at its pitch (over time) and at its time (over pitch), so that
the camera's gain control, wind and rain, clicks, and tones that never end, leave nothing. Powers are then averaged
along short lines of several slopes; what stands out is joined to ridges, and each ridge is judged by its length,
its strength, how thin and smooth it is, and whether others beside it are as strong.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from leopardnet.core.settings.sound import SoundConfig
from leopardnet.core.types import FoundSound
from leopardnet.sound.search_names import TONAL as SOURCE
from leopardnet.sound.spectrogram import AT_ONCE, FLOOR, measure_power
from leopardnet.sound.track import Track

WINDOW_S, HOP_S = 0.020, 0.010
DB = np.float32(10 / np.log(10))  # of the natural logarithm, which numpy finds faster than that to base 10
BLOCK_S = 30.0  # in which the noise is measured; longer tracks are cut into equal blocks
MARGIN_HZ = 300.0  # above and below the pitch of calls, to see whether a ridge leaves that range
NOISE_BAND_HZ = 1000.0  # pieces of the spectrum in which the noise of one window is measured
SLOPES_HZ_S = (
    -12500.0,
    -7500.0,
    -3750.0,
    0.0,
    3750.0,
    7500.0,
    12500.0,
)  # of the lines along which power is averaged
N_BESIDE = 2  # windows on each side that are averaged with one
MAX_DB, ABOVE = 25.0, 0.25  # of what is above it only this share counts, so that a click is no line
RIDGE_DB = 6.0  # above the noise, on average along a line, from which on a point belongs to a ridge
MIN_RIDGE_S = 0.07
WEAK_DB, STRONG_DB = 7.0, 8.5  # a ridge of this mean strength has no chance, and half the score
WIDTH_DB = 8.0  # what is at most this much weaker than the line belongs to its width
JOIN_S, JOIN_HZ = 0.05, 500.0  # a ridge that goes on after a gap is one
MAX_WIDTH_HZ, MAX_ROUGH_HZ = 300.0, 90.0  # half the score; a whistle is thin and its pitch glides
STEEP_S = 0.05  # over which the steepness of a glide is measured
ROUGH_PER_STEP = 0.25  # of the change of pitch from window to window, which a glide over whole bins makes rough
NEAR_S, CROWD_S = 1.5, 6.0  # calls of deer are seconds apart, notes of a song less
RIVAL_DB = 3.0  # a ridge that is weaker than another by more than this is no rival
MAX_NEAR, MAX_CROWD = 2.5, 6.0  # rivals at half the score
# Above the noise, fainter up there, an overtone is at most this much louder, and near a multiple of the pitch.
OVERTONE_DB, OVERTONE_RATIO = 3.0, 0.1
MAX_OVERTONES = 2  # a line with more lines beside it is a voice, or one of many birds


@dataclass(frozen=True, slots=True, eq=False)
class Ridge:
    """A line in the spectrogram: pitch in Hz and strength in dB above the noise for each window, float [n].

    start_s: middle of the first window; width_hz: mean extent of what stands out around the line; loud_db: mean
    strength of its single windows, without the limit that is set to them elsewhere.
    """

    start_s: float
    hz: NDArray[np.float64]
    db: NDArray[np.float32]
    width_hz: float
    loud_db: float

    @property
    def length_s(self) -> float:
        """How long it lasts."""
        return len(self.hz) * HOP_S

    @property
    def end_s(self) -> float:
        """When it ends."""
        return self.start_s + self.length_s

    @property
    def strength_db(self) -> float:
        """Mean strength."""
        return float(self.db.mean())

    @property
    def rough_hz(self) -> float:
        """Mean change of the change of pitch from window to window."""
        return float(np.abs(np.diff(self.hz, 2)).mean()) if len(self.hz) > 2 else 0.0

    @property
    def steep_hz_s(self) -> float:
        """Mean steepness, whether it rises or falls."""
        n = round(STEEP_S / HOP_S)
        return float(np.abs(self.hz[n:] - self.hz[:-n]).mean() / STEEP_S) if len(self.hz) > n else 0.0


def find_calls(track: Track, settings: SoundConfig) -> list[FoundSound]:
    """Return the tonal calls of a track, the best first; at most `max_calls`.

    Raises nothing for odd sound: a track that is silent, or shorter than a call, has none.

    >>> find_calls(Track(np.zeros(16000, np.float32), 16000), SoundConfig())
    []
    """
    ridges = find_ridges(track, settings)
    if not ridges:
        return []
    scores = score_ridges(ridges, settings)
    kept = [(r, s) for r, s in zip(ridges, scores.round(3).tolist(), strict=True) if s >= settings.min_score]
    found = sorted((_describe(ridge, score) for ridge, score in kept), key=lambda c: (-c.score, c.start_s))
    return found[: settings.max_calls]


def find_ridges(track: Track, settings: SoundConfig) -> list[Ridge]:
    """Return every line that stands out of the noise, whatever its shape, in order of time."""
    n_blocks = max(1, round(track.duration_s / BLOCK_S))
    edges = np.linspace(0, len(track.samples), n_blocks + 1).round().astype(int).tolist()
    ridges: list[Ridge] = []
    for first, last in pairwise(edges):
        start_s = track.start_s + first / track.rate_hz
        ridges += _find_in_block(track.samples[first:last], track.rate_hz, start_s, settings)
    return ridges


def _find_in_block(
    samples: NDArray[np.float32], rate_hz: int, start_s: float, settings: SoundConfig
) -> list[Ridge]:
    power, hz, s = measure_power(samples, rate_hz, window_s=WINDOW_S, hop_s=HOP_S)
    is_near = (hz >= settings.min_hz - MARGIN_HZ) & (hz <= settings.max_hz + MARGIN_HZ)
    if len(power) < 2 * N_BESIDE + 1 or is_near.sum() < 2:
        return []
    hz = hz[is_near]
    db = whiten(DB * np.log(power[:, is_near] + np.float32(FLOOR)), hz)
    mean_db = _average_along_lines(db, float(hz[1] - hz[0]))
    marks, _ = ndimage.label(mean_db > RIDGE_DB, structure=np.ones((3, 3)))
    ridges = []
    for i, (rows, columns) in enumerate(ndimage.find_objects(marks), start=1):
        if (rows.stop - rows.start) * HOP_S < MIN_RIDGE_S:
            continue
        inside = marks[rows, columns] == i
        line = np.where(inside, mean_db[rows, columns], -np.inf)
        at = line.argmax(axis=1)
        strength = line[np.arange(len(at)), at]
        width_hz = float((line > strength[:, None] - WIDTH_DB).sum(axis=1).mean() * (hz[1] - hz[0]))
        loud_db = float(db[rows, columns][np.arange(len(at)), at].mean())
        ridges.append(Ridge(float(s[rows.start]) + start_s, hz[columns][at], strength, width_hz, loud_db))
    return _join(sorted(ridges, key=lambda r: r.start_s))


def _join(ridges: list[Ridge]) -> list[Ridge]:
    """Return the ridges with those joined that go on where another ended. ridges: in order of time."""
    joined: list[Ridge] = []
    for ridge in ridges:
        for i in range(len(joined) - 1, -1, -1):
            before = joined[i]
            gap_s = ridge.start_s - before.end_s
            if -HOP_S <= gap_s <= JOIN_S and abs(ridge.hz[0] - before.hz[-1]) <= JOIN_HZ:
                n_before, n = len(before.hz), len(ridge.hz)
                n_gap = max(0, round(gap_s / HOP_S))
                hz = np.concatenate([before.hz, np.linspace(before.hz[-1], ridge.hz[0], n_gap + 2)[1:-1], ridge.hz])
                db = np.concatenate([before.db, np.full(n_gap, RIDGE_DB, np.float32), ridge.db])
                width_hz = (before.width_hz * n_before + ridge.width_hz * n) / (n_before + n)
                loud_db = (before.loud_db * n_before + ridge.loud_db * n) / (n_before + n)
                joined[i] = Ridge(before.start_s, hz, db, width_hz, loud_db)
                break
        else:
            joined.append(ridge)
    return joined


def whiten(db: NDArray[np.float32], hz: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return decibels above the noise, float32 [T, F]: the median at each pitch, then that of each window.

    The noise of a window is measured in pieces of about 1 kHz, and in a straight line between their middles.
    """
    db = db - _median_of_rows(db.T)
    n_bands = max(2, round(float(hz[-1] - hz[0]) / NOISE_BAND_HZ))
    edges = np.linspace(0, len(hz), n_bands + 1).astype(int)
    noise = np.stack([_median_of_rows(db[:, a:b]) for a, b in pairwise(edges)], axis=1)
    middles = (edges[:-1] + edges[1:] - 1) / 2
    weights = [np.interp(np.arange(len(hz)), middles, row) for row in np.eye(n_bands)]
    # [T, bands] by [bands, F], without BLAS, whose threads cost more than this.
    db -= np.einsum("tb,bf->tf", noise, np.asarray(weights, np.float32))
    return db


def _median_of_rows(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median of each row, float32 [N]; numpy sorts float32 several times as fast as it partitions."""
    values, n = values.copy(order="C"), values.shape[1]
    values.sort(axis=1)
    return (values[:, (n - 1) // 2] + values[:, n // 2]) / np.float32(2)


def _average_along_lines(db: NDArray[np.float32], bin_hz: float) -> NDArray[np.float32]:
    """Return for each point the highest mean along a line through it, float32 [T, F]."""
    ups = [[round(slope * d * HOP_S / bin_hz) for d in range(1, N_BESIDE + 1)] for slope in SLOPES_HZ_S]
    margin = max(map(max, ups))
    padded = np.zeros((len(db) + 2 * N_BESIDE, db.shape[1] + 2 * margin), np.float32)  # nothing is around it
    inside = padded[N_BESIDE:-N_BESIDE, margin:-margin]
    np.minimum(db, np.float32(MAX_DB * (1 - ABOVE)) + np.float32(ABOVE) * db, out=inside)
    parts = [padded[i : i + AT_ONCE + 2 * N_BESIDE] for i in range(0, len(db), AT_ONCE)]
    best: NDArray[np.float32] = np.concatenate([_find_highest_sum(part, ups, margin) for part in parts])
    best /= 2 * N_BESIDE + 1
    return best


def _find_highest_sum(padded: NDArray[np.float32], ups: list[list[int]], margin: int) -> NDArray[np.float32]:
    """Return the highest sum along a line through each point, float32 [t, F].

    padded: decibels with zeros around them; ups: for each slope how many bins higher a line is 1, 2, … windows on.
    """
    n, n_bins = len(padded) - 2 * N_BESIDE, padded.shape[1] - 2 * margin

    def see(d: int, up: int) -> NDArray[np.float32]:
        return padded[N_BESIDE + d :, margin + up :][:n, :n_bins]

    # Lines of several slopes share points.
    steps = {step for up in ups for step in enumerate(up, start=1)}
    pairs = {(d, up): see(d, up) + see(-d, -up) for d, up in steps}
    best, total = np.full((n, n_bins), -np.inf, np.float32), np.empty((n, n_bins), np.float32)
    for up in ups:
        np.copyto(total, see(0, 0))
        for step in enumerate(up, start=1):
            total += pairs[step]
        np.maximum(best, total, out=best)
    return best


def score_ridges(ridges: list[Ridge], settings: SoundConfig) -> NDArray[np.float64]:
    """Return how well each ridge fits a call that stands alone, 0 to 1, float64 [N].

    The pitch of a steep glide changes within a window, which makes its line wider and rougher; this is allowed for.
    """
    start = np.array([r.start_s for r in ridges])
    end = np.array([r.end_s for r in ridges])
    length, db = end - start, np.array([r.strength_db for r in ridges])
    steep = np.array([r.steep_hz_s for r in ridges])
    width = np.array([r.width_hz for r in ridges]) - steep * WINDOW_S
    rough = np.array([r.rough_hz for r in ridges]) - steep * HOP_S * ROUGH_PER_STEP
    low, high = np.array([r.hz.min() for r in ridges]), np.array([r.hz.max() for r in ridges])
    fits = (length >= settings.min_s * 0.65) & (length <= settings.max_s * 1.25)  # echoes and noise change a length
    fits &= (low >= settings.min_hz) & (high <= settings.max_hz)
    gap = np.maximum(start[:, None], start) - np.minimum(end[:, None], end)  # [N, N], below 0 where they overlap
    rival = (db >= db[:, None] - RIVAL_DB) & ~np.eye(len(ridges), dtype=bool)
    rival &= ((high >= settings.min_hz) & (low <= settings.max_hz)) | (gap < 0)  # a hum before or after is none
    tones = [r for r, n in zip(ridges, (gap < 0).sum(axis=1), strict=True) if n - 1 <= MAX_OVERTONES]
    rival[:, [is_overtone(r, tones) for r in ridges]] = False
    n_near, n_crowd = (rival & (gap < NEAR_S)).sum(axis=1), (rival & (gap < CROWD_S)).sum(axis=1)
    strength = np.clip((db - WEAK_DB) / (2 * (STRONG_DB - WEAK_DB)), 0, 1)
    parts = [
        _fall(width, MAX_WIDTH_HZ),
        _fall(rough, MAX_ROUGH_HZ),
        _fall(n_near, MAX_NEAR),
        _fall(n_crowd, MAX_CROWD),
    ]
    return np.where(fits, np.minimum.reduce([strength, *parts]), 0.0)


def is_overtone(ridge: Ridge, tones: list[Ridge]) -> bool:
    """Return whether a ridge is the overtone of one of these: it glides beside it at a multiple of its pitch.

    Pitches are compared window by window, because the upper range of pitch cuts off a part of many an overtone.
    """
    first, n = round(ridge.start_s / HOP_S), len(ridge.hz)
    for other in tones:
        if other.loud_db < ridge.loud_db - OVERTONE_DB:
            continue
        later = round(other.start_s / HOP_S) - first
        begin, end = max(0, later), min(n, later + len(other.hz))
        if end - begin < n / 2:
            continue
        ratio = float(np.median(ridge.hz[begin:end] / other.hz[begin - later : end - later]))
        if ratio > 1.5 and abs(ratio - round(ratio)) < OVERTONE_RATIO:
            return True
    return False


def _fall(values: NDArray[np.float64], half: float) -> NDArray[np.float64]:
    """Return 1 for small values, 0.5 at `half` and near 0 far above it."""
    return 1 / (1 + (np.maximum(values, 0) / half) ** 4)


def _describe(ridge: Ridge, score: float) -> FoundSound:
    s = (np.arange(len(ridge.hz)) - (len(ridge.hz) - 1) / 2) * HOP_S  # from its middle
    slope = float((s * ridge.hz).sum() / (s * s).sum())
    return FoundSound(
        start_s=round(ridge.start_s, 3),
        end_s=round(ridge.end_s, 3),
        kind="tonal_call",
        low_hz=float(ridge.hz.min()),
        high_hz=float(ridge.hz.max()),
        peak_hz=float(ridge.hz[ridge.db.argmax()]),
        slope_hz_s=round(slope),
        snr_db=round(ridge.strength_db, 1),
        score=score,
        source=SOURCE,
    )
