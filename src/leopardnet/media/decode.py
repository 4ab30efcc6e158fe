"""Metadata and frames of a clip, be it a video, a still or a burst.

Only decoded frames are facts. Length and frame count in a container are hints: a truncated file has fewer frames
than it states. A clip that gives some frames and then fails is a result with a warning.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError
from leopardnet.core.footage.find_file import find_file
from leopardnet.core.types import Clip, Frames, MediaInfo
from leopardnet.media import still
from leopardnet.media.video import stream
from leopardnet.media.video.hardware import SOFTWARE


def probe(clip: Clip, root: Path) -> MediaInfo:
    """Return the metadata of a clip. A still has one frame at 0 s; still i of a burst is at i s.

    Raises MediaError if a file is missing, empty, or not footage.
    """
    paths = [resolve_path(root, path) for path in clip.paths]
    if clip.kind == "video":
        return stream.probe(paths[0])
    width, height = still.read_size(paths[0])
    n = len(paths)
    return MediaInfo(width, height, 0.0, float(n), 1.0, n, "still", tuple(map(float, range(n))))


def decode(
    clip: Clip,
    root: Path,
    *,
    times_s: NDArray[np.float64],
    short_side_px: int | None = None,
    decoder: str = SOFTWARE,
    loop_filter: bool = True,
) -> Frames:
    """Return the frames nearest to the wanted times, each at most once, with their actual times.

    times_s: float64 [N], increasing, seconds from the start of the clip; short_side_px: scale while decoding so
    that the short side is at most this (the aspect is kept); decoder, loop_filter: of videos, see
    `media.video.stream`. Raises MediaError if no frame can be read.
    """
    paths = [resolve_path(root, path) for path in clip.paths]
    if clip.kind == "video":
        return stream.decode(
            *(clip.clip_id, paths[0]),
            times_s=times_s,
            short_side_px=short_side_px,
            decoder=decoder,
            loop_filter=loop_filter,
        )
    wanted = sorted({min(int(t), len(paths) - 1) for t in times_s})
    return still.decode(clip.clip_id, paths, wanted=wanted, short_side_px=short_side_px)


def read_frame_times(clip: Clip, root: Path) -> NDArray[np.float64]:
    """Return the time of each frame in decode order, float64 [N], seconds, by frame number."""
    paths = [resolve_path(root, path) for path in clip.paths]
    return stream.read_frame_times(paths[0]) if clip.kind == "video" else np.arange(len(paths), dtype=np.float64)


def resolve_path(root: Path, path: str) -> Path:
    """Return the file at a manifest path. Raises MediaError if it is missing, empty, or outside the root."""
    try:
        full = find_file(Path(root), path)
        resolved = full.resolve()
        if not resolved.is_relative_to(Path(root).resolve()):
            raise MediaError("the path leads out of the data root", where=path, todo="remove the link or the '..'")
        size = full.stat().st_size
    except OSError as error:
        raise MediaError(
            "the file cannot be found" if isinstance(error, FileNotFoundError) else "the file cannot be reached",
            where=path,
            found=error.strerror,
            todo="check the path, and that --root is the folder it is relative to",
        ) from None
    except ValueError:
        raise MediaError("the path holds a character that no path may have", where=ascii(path)) from None
    if not full.is_file():
        raise MediaError("this is a folder or a device, not a file", where=path)
    if size == 0:
        raise MediaError("the file is empty (0 bytes)", where=path, todo="copy it from the card again")
    return full
