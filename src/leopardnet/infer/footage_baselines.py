"""Baselines that need the footage itself: how much moves in a clip."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from leopardnet.core.config import UniformSampling
from leopardnet.core.manifest import Manifest
from leopardnet.core.types import Clip, MediaError
from leopardnet.media.motion import change, small_grey
from leopardnet.media.sampling import sample_times
from leopardnet.media.video import decode, probe

N_FRAMES = 16
_SHORT_SIDE_PX = 96


def motion_energy(
    manifest: Manifest, clip_ids: pd.Series[str], *, on_progress: Callable[..., None] | None = None
) -> pd.Series[float]:
    """How far the most different of 16 frames is from what the clip usually shows, in grey values, by clip_id.

    nan for stills, in which nothing can move, and for what cannot be read. on_progress(what, n_done, n_total).
    """
    wanted = set(clip_ids)
    clips = [clip for clip in manifest.clips() if clip.clip_id in wanted]
    energy: dict[str, float] = {}
    for i, clip in enumerate(clips):
        energy[clip.clip_id] = _energy(clip, manifest)
        if on_progress:
            on_progress("measuring motion", i + 1, len(clips))
    return pd.Series(energy, dtype="float64", name="motion")


def _energy(clip: Clip, manifest: Manifest) -> float:
    if clip.kind == "still":
        return float("nan")
    try:
        times_s = sample_times(probe(clip, manifest.root), UniformSampling(n_frames=N_FRAMES))
        frames = decode(clip, manifest.root, times_s=times_s, short_side_px=_SHORT_SIDE_PX)
    except MediaError:
        return float("nan")
    if len(frames) < 2:
        return float("nan")
    return float(np.max(change(small_grey(frames.pixels))))
