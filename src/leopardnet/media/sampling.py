"""Which times of a clip are looked at: a pure function of what the container says and of the settings."""

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

KEY_IN_FRAMES = 4.4  # what a key frame costs, in frames walked over: 28 against 6.4 ms for H.264 of 1080p
Times = NDArray[np.float64]


def sample_times(info: MediaInfo, sampling: Sampling) -> Times:
    """Times in seconds from the start of the clip, float64 [N], increasing, each within the clip.

    The decoder answers each time with the nearest frame and says when that frame really was. A clip whose length
    is not known (0) gives its first frame; a clip with fewer frames than asked for gives each frame once. For `motion`
    these are the times among which `media.motion_scores.select_frames` then chooses.

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
            return _within(info, gap_s=gap, n_wanted=n, most=most)
        case MotionSampling(scan_gap_s=gap, max_scanned=most, n_frames=n):
            return _within(info, gap_s=gap, n_wanted=max(n, math.ceil(info.duration_s / gap)), most=most)
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
    """The longest stretch of the clip, in seconds, between two of the times, or between one of them and an end.

    >>> info = MediaInfo(1280, 720, start_s=0.0, duration_s=10.0, fps=30.0, n_frames=300, codec="h264")
    >>> longest_gap_s(info, np.array([1.0, 4.0, 9.5]))
    5.5
    """
    return float(np.diff([0.0, *times_s, max(info.duration_s, *times_s)]).max())


def _within(info: MediaInfo, *, gap_s: float, n_wanted: int, most: int) -> Times:
    """About `n_wanted` times, key frames where there are any, so that no stretch longer than `gap_s` stays unseen.

    Where that would take more than `most`, the stretches are longer instead, and alike over the whole clip.
    """
    if info.codec == "still":  # a burst has no stretches between its stills
        n = info.n_frames or 1
        return np.unique(np.linspace(0, n - 1, min(n, most)).round())
    gap = max(gap_s, info.duration_s / most)
    while len(times := _covered(info, gap, min(most, max(n_wanted, math.ceil(info.duration_s / gap))))) > most:
        gap *= 1.1
    return times


def _covered(info: MediaInfo, gap_s: float, n: int) -> Times:
    """The key frames nearest to an even grid of n, and more times where stretches longer than `gap_s` are left."""
    grid, keys = _midpoints(n, info.duration_s), np.asarray(info.keyframes_s or (0.0,), np.float64)
    picks = _nearest(keys, grid)
    spacing = min(gap_s, info.duration_s / n)
    # Few key frames: everything in between is looked at as well, if walking there costs no more than n key frames
    # would, or if a single frame would have to speak for the clip.
    n_frames = info.duration_s * info.fps
    if len(picks) < min(n, n_frames) and (n_frames <= KEY_IN_FRAMES * n or len(picks) == 1):
        gap_s = spacing
    times: list[float] = picks.tolist()
    for a, b in pairwise([0.0, *picks.tolist(), info.duration_s]):
        times += _fill(a, b, keys, gap_s=gap_s + 1.0 / info.fps, spacing=spacing)
    return np.unique(np.asarray(times, np.float64))


def _fill(a: float, b: float, keys: Times, *, gap_s: float, spacing: float) -> list[float]:
    """Times within (a, b) that leave no stretch longer than `gap_s`: key frames where they suffice, else between them.

    The last time before a key frame is as early as it may be: what is walked over is what costs.
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


def _nearest(keys: Times, grid: Times) -> Times:
    """The key frame nearest to each point of the grid, once each."""
    if len(keys) == 1:
        return keys
    after = np.searchsorted(keys, grid).clip(1, len(keys) - 1)
    before_is_nearer = grid - keys[after - 1] <= keys[after] - grid
    return keys[np.unique(after - before_is_nearer)]


def _midpoints(n: int, duration_s: float) -> Times:
    """The middle of each of n equal parts, so that the first and the last part of the clip are both seen."""
    return (np.arange(n, dtype=np.float64) + 0.5) * (duration_s / n)
