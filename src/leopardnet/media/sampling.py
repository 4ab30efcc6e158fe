"""Which times of a clip are looked at: a pure function of what the container says and of the settings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.config import EverySampling, Sampling, TimesSampling, UniformSampling
from leopardnet.core.types import MediaInfo


def sample_times(info: MediaInfo, sampling: Sampling) -> NDArray[np.float64]:
    """Times in seconds from the start of the clip, float64 [N], increasing, each within the clip.

    The decoder answers each time with the nearest frame and says when that frame really was. A clip whose length
    is not known (0) gives its first frame; a clip with fewer frames than asked for gives each frame once.

    >>> info = MediaInfo(1280, 720, start_s=0.0, duration_s=10.0, fps=30.0, n_frames=300, codec="h264")
    >>> sample_times(info, UniformSampling(n_frames=4)).tolist()
    [1.25, 3.75, 6.25, 8.75]
    >>> sample_times(info, EverySampling(every_s=4.0)).tolist()
    [0.0, 4.0, 8.0]
    """
    if info.duration_s <= 0:
        return np.zeros(1, np.float64)
    match sampling:
        case UniformSampling(n_frames=n):
            return _midpoints(min(n, info.n_frames or n), info.duration_s)
        case EverySampling(every_s=every_s, max_frames=most):
            times = np.arange(0.0, info.duration_s, every_s)
            return times if len(times) <= most else _midpoints(most, info.duration_s)
        case TimesSampling(times_s=wanted):
            times = np.unique(np.asarray(wanted, np.float64))
            return np.unique(np.minimum(times, info.duration_s))
    raise AssertionError(f"no rule for {sampling!r}")


def _midpoints(n: int, duration_s: float) -> NDArray[np.float64]:
    """The middle of each of n equal parts, so that the first and the last part of the clip are both seen."""
    return (np.arange(n, dtype=np.float64) + 0.5) * (duration_s / n)
