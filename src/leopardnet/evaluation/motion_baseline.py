"""Motion in the frames that a model classified: a baseline that needs the footage and no model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError
from leopardnet.core.manifest import Manifest
from leopardnet.core.types import Clip
from leopardnet.media.decode import decode
from leopardnet.media.motion_scores import change_scores, shrink_to_grey

_SHORT_SIDE_PX = 96
_SAME_FRAME_S = 1e-3  # the times of the evidence are those of real frames, so the same frames are found again


def add_motion(
    evidence: pd.DataFrame, manifest: Manifest, *, on_progress: Callable[..., None] | None = None
) -> pd.DataFrame:
    """Return the evidence with a column `motion`: how much each frame differs from the usual frame of its clip.

    In grey values, see `media.motion_scores.change`. Each clip is opened once, at the times of the evidence, so
    that motion uses the same frames as the model and no more. nan for stills and for clips of one frame, in which
    nothing can move, and for what cannot be read. on_progress(what, n_done, n_total).
    """
    clips = {clip.clip_id: clip for clip in manifest.clips()}
    motion = np.full(len(evidence), np.nan)
    times_s = evidence["time_s"].to_numpy(np.float64)
    rows_of = evidence.groupby("clip_id", sort=False).indices
    for i, (clip_id, rows) in enumerate(rows_of.items()):
        clip = clips.get(str(clip_id))
        if clip is not None and clip.kind != "still" and len(rows) > 1:
            motion[rows] = _measure_motion(clip, manifest.root, times_s[rows])
        if on_progress:
            on_progress("measuring motion", i + 1, len(rows_of))
    return evidence.assign(motion=motion)


def motion_energy(evidence: pd.DataFrame) -> pd.Series[float]:
    """Return the largest motion of any frame of each clip, by clip_id; nan where nothing could move.

    >>> frames = pd.DataFrame({"clip_id": ["a", "a", "b"], "motion": [1.0, 3.0, np.nan]})
    >>> motion_energy(frames).to_dict()
    {'a': 3.0, 'b': nan}
    """
    return evidence.groupby("clip_id", sort=False)["motion"].max()


def _measure_motion(clip: Clip, root: Path, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the motion at each of the times, float64 [N]; nan where the frame cannot be read again."""
    try:
        frames = decode(clip, root, times_s=np.unique(times_s), short_side_px=_SHORT_SIDE_PX)
    except MediaError:
        return np.full(len(times_s), np.nan)
    if len(frames) < 2:
        return np.full(len(times_s), np.nan)
    moved = change_scores(shrink_to_grey(frames.pixels))
    apart_s = np.abs(times_s[:, None] - frames.times_s[None, :])  # [N, decoded]
    return np.where(apart_s.min(axis=1) <= _SAME_FRAME_S, moved[apart_s.argmin(axis=1)], np.nan)
