"""Choice of the times at which a clip is sampled, a pure function of its metadata and the settings."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.settings.inference import (
    AutoSampling,
    EverySampling,
    KeyframesSampling,
    MotionSampling,
    Sampling,
    TimesSampling,
    UniformSampling,
)
from leopardnet.core.types import MediaInfo

KEY_IN_FRAMES = 4.4  # cost of a seeked key frame, in frames decoded in passing: 28 against 6.4 ms, H.264 1080p
Times = NDArray[np.float64]


def sample_times(info: MediaInfo, sampling: Sampling) -> Times:
    """Return times in seconds from the start of the clip, float64 [N], increasing, each within the clip.

    The decoder returns the nearest frame to each time, with its actual time. A clip of unknown length (0) gives its
    first frame; a clip with fewer frames than requested gives each frame once. For `motion`, `select_frames` of
    `media.motion_scores` chooses among these times.

    >>> info = MediaInfo(1280, 720, start_s=0.0, duration_s=10.0, fps=30.0, n_frames=300, codec="h264")
    >>> sample_times(info, UniformSampling(n_frames=4)).tolist()
    [1.25, 3.75, 6.25, 8.75]
    >>> sample_times(info, EverySampling(every_s=4.0)).tolist()
    [0.0, 4.0, 8.0]
    """
    if info.duration_s <= 0:
        return np.zeros(1, np.float64)
    match sampling:
        case AutoSampling(max_gap_s=gap, n_frames=n, max_frames=most):
            return _limit_gaps(info, gap_s=gap, n_wanted=n, most=most)
        case MotionSampling(scan_gap_s=gap, max_scanned=most, n_frames=n):
            return _limit_gaps(info, gap_s=gap, n_wanted=max(n, math.ceil(info.duration_s / gap)), most=most)
        case KeyframesSampling(max_frames=most):
            keys = np.asarray(info.keyframes_s or (0.0,), np.float64)
            return keys if len(keys) <= most else keys[np.linspace(0, len(keys) - 1, most).round().astype(int)]
        case UniformSampling(n_frames=n):
            return _midpoints(min(n, info.n_frames or n), info.duration_s)
        case EverySampling(every_s=every_s, max_frames=most):
            times = np.arange(0.0, info.duration_s, every_s)
            return times if len(times) <= most else _midpoints(most, info.duration_s)
        case TimesSampling(times_s=wanted):
            times = np.unique(np.asarray(wanted, np.float64))
            return np.unique(np.minimum(times, info.duration_s))
    raise AssertionError(f"no rule for {sampling!r}")


def longest_gap_s(info: MediaInfo, times_s: Times) -> float:
    """Return the longest gap, in seconds, between two of the times, or between one of them and an end of the clip.

    >>> info = MediaInfo(1280, 720, start_s=0.0, duration_s=10.0, fps=30.0, n_frames=300, codec="h264")
    >>> longest_gap_s(info, np.array([1.0, 4.0, 9.5]))
    5.5
    """
    return float(np.diff([0.0, *times_s, max(info.duration_s, *times_s)]).max())


def _limit_gaps(info: MediaInfo, *, gap_s: float, n_wanted: int, most: int) -> Times:
    """Return about `n_wanted` times, at key frames if possible, with no gap longer than `gap_s`.

    If that takes more than `most` times, the gaps are longer, evenly over the clip.
    """
    if info.codec == "still":  # a burst has no gaps between its stills
        n = info.n_frames or 1
        return np.unique(np.linspace(0, n - 1, min(n, most)).round())
    gap = max(gap_s, info.duration_s / most)
    while len(times := _cover(info, gap, min(most, max(n_wanted, math.ceil(info.duration_s / gap))))) > most:
        gap *= 1.1
    return times


def _cover(info: MediaInfo, gap_s: float, n: int) -> Times:
    """Return the key frames nearest to an even grid of n times, and more times in gaps longer than `gap_s`."""
    grid, keys = _midpoints(n, info.duration_s), np.asarray(info.keyframes_s or (0.0,), np.float64)
    picks = _pick_nearest(keys, grid)
    spacing = min(gap_s, info.duration_s / n)
    # With few key frames, times between them are added if decoding those costs no more than n key frames would, or
    # if there is only one key frame.
    n_frames = info.duration_s * info.fps
    if len(picks) < min(n, n_frames) and (n_frames <= KEY_IN_FRAMES * n or len(picks) == 1):
        gap_s = spacing
    times: list[float] = picks.tolist()
    for a, b in pairwise([0.0, *picks.tolist(), info.duration_s]):
        times += _fill(a, b, keys, gap_s=gap_s + 1.0 / info.fps, spacing=spacing)
    return np.unique(np.asarray(times, np.float64))


def _fill(a: float, b: float, keys: Times, *, gap_s: float, spacing: float) -> list[float]:
    """Return times within (a, b) that leave no gap longer than `gap_s`, at key frames if these suffice.

    The last time before a key frame is as early as allowed, since the cost is the number of frames decoded in
    passing.
    """
    inside = keys[(keys > a) & (keys < b)]
    times: list[float] = []
    while b - a > gap_s:
        reach = inside[(inside > a) & (inside <= a + gap_s)]
        if len(reach):
            a = float(reach[-1])
            times.append(a)
            continue
        end = float(min(inside[inside > a], default=b))
        n = math.ceil((end - gap_s - a) / spacing - 1e-9)
        times += [a + i * (end - gap_s - a) / n for i in range(1, n + 1)]
        a = end
        if a < b:
            times.append(a)
    return times


def _pick_nearest(keys: Times, grid: Times) -> Times:
    """Return the key frame nearest to each point of the grid, once each."""
    if len(keys) == 1:
        return keys
    after = np.searchsorted(keys, grid).clip(1, len(keys) - 1)
    before_is_nearer = grid - keys[after - 1] <= keys[after] - grid
    return np.asarray(keys[np.unique(after - before_is_nearer)], np.float64)


def _midpoints(n: int, duration_s: float) -> Times:
    """Return the middle of each of n equal parts of the clip."""
    return (np.arange(n, dtype=np.float64) + 0.5) * (duration_s / n)
