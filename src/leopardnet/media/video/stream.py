"""Videos: what the container says, and the frames nearest to given times, each with the time it really has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError
from leopardnet.core.types import Frames, MediaInfo
from leopardnet.media.video.index import Track, packet_times, track_of
from leopardnet.media.video.open import cut_short, open_container
from leopardnet.media.video.rgb import Pictures
from leopardnet.media.video.seek import Walk


def probe(path: Path) -> MediaInfo:
    """What the container says. Length and frame count come from its index, or from its packets, before its header."""
    with open_container(path) as (container, video):
        return track_of(path, container, video).info


def decode(clip_id: str, path: Path, *, times_s: NDArray[np.float64], short_side_px: int | None) -> Frames:
    """The frames nearest to the wanted times (increasing, float64 [N]), each at most once.

    A key frame at a wanted time is jumped to and decoded alone; to any other the decoder walks from the key frame
    before it, or on from where it is. Damaged packets are stepped over and become warnings.
    """
    with open_container(path) as (container, video):
        track = track_of(path, container, video)
        walk = Walk(container, video, track)
        pictures = Pictures(len(times_s), short_side_px)
        seen_s: list[float] = []
        for time_s, frame in walk.frames_at(times_s):
            pictures.add(frame)
            seen_s.append(time_s)
        warnings = cut_short(path, container, video) + _warnings(walk, track, times_s, seen_s)
    if pictures.pixels is None:
        why = "; ".join(warnings) or "the container holds no frame"
        raise MediaError("no frame of the video can be decoded", where=path.name, found=why)
    if pictures.n_resized:
        warnings.append(
            f"the picture size changes within the clip; {pictures.n_resized} frames were scaled to the first"
        )
    return Frames(clip_id, pictures.pixels[: pictures.n], np.asarray(seen_s, np.float64), tuple(warnings))


def read_frame_times(path: Path) -> NDArray[np.float64]:
    """The time of every frame, float64 [N] seconds from the start of the clip: what a frame number stands for."""
    return packet_times(path) - probe(path).start_s


def _warnings(walk: Walk, track: Track, times_s: NDArray[np.float64], seen_s: list[float]) -> list[str]:
    warnings = []
    if walk.n_damaged:
        warnings.append(f"{walk.n_damaged} damaged packets or frames")
    if walk.stopped:
        warnings.append(f"reading stopped early: {walk.stopped}")
    if seen_s and seen_s[-1] < times_s[-1] - max(1.0, 2 * track.step_s):
        warnings.append(
            f"the clip ends at {seen_s[-1]:.1f} s, the container promised {track.info.duration_s:.1f} s"
        )
    return warnings
