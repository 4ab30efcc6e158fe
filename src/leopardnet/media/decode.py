"""Metadata and frames of a clip, be it a video, a still or a burst.

Only decoded frames are facts. Length and frame count in a container are hints: a truncated file has fewer frames
than it states. A clip that gives some frames and then fails is a result with a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError
from leopardnet.core.footage.find_file import find_file
from leopardnet.core.types import Clip, Frames, MediaInfo
from leopardnet.media import still
from leopardnet.media.video import stream
from leopardnet.media.video.hardware import SOFTWARE


class OpenClip(Protocol):
    """A clip whose file is open: its metadata, and once its frames."""

    @property
    def info(self) -> MediaInfo:
        """The metadata. A still has one frame at 0 s; still i of a burst is at i s."""
        ...

    @property
    def has_sound(self) -> bool:
        """Whether the clip is a video with a sound track."""
        ...

    def decode(
        self,
        times_s: NDArray[np.float64],
        *,
        short_side_px: int | None,
        decoder: str = SOFTWARE,
        loop_filter: bool = True,
    ) -> Frames:
        """Return the frames nearest to the wanted times, as the function `decode` does."""
        ...


@contextmanager
def open_clip(clip: Clip, root: Path) -> Iterator[OpenClip]:
    """Open a clip, so that its metadata and its frames take one opening.

    Raises MediaError if a file is missing, empty, or not footage.
    """
    paths = [resolve_path(root, path) for path in clip.paths]
    if clip.kind == "video":
        with stream.open_video(clip.clip_id, paths[0]) as video:
            yield video
    else:
        yield OpenStills(clip.clip_id, paths)


@dataclass(frozen=True)
class OpenStills:
    """A still or a burst. Its files are opened one after another, when they are read."""

    clip_id: str
    paths: list[Path]
    has_sound = False

    @property
    def info(self) -> MediaInfo:
        """The metadata, with the size of the first still; see `OpenClip`."""
        n = len(self.paths)
        return MediaInfo(
            *still.read_size(self.paths[0]), 0.0, float(n), 1.0, n, "still", tuple(map(float, range(n)))
        )

    def decode(
        self,
        times_s: NDArray[np.float64],
        *,
        short_side_px: int | None,
        decoder: str = SOFTWARE,
        loop_filter: bool = True,
    ) -> Frames:
        """Return the stills nearest to the wanted times; decoder and loop_filter concern videos only."""
        wanted = sorted({min(int(t), len(self.paths) - 1) for t in times_s})
        return still.decode(self.clip_id, self.paths, wanted=wanted, short_side_px=short_side_px)


def probe(clip: Clip, root: Path) -> MediaInfo:
    """Return the metadata of a clip. A still has one frame at 0 s; still i of a burst is at i s.

    Raises MediaError if a file is missing, empty, or not footage.
    """
    with open_clip(clip, root) as opened:
        return opened.info


def decode(
    clip: Clip,
    root: Path,
    *,
    times_s: NDArray[np.float64],
    short_side_px: int | None = None,
    decoder: str = SOFTWARE,
) -> Frames:
    """Return the frames nearest to the wanted times, each at most once, with their actual times.

    times_s: float64 [N], increasing, seconds from the start of the clip; short_side_px: scale while decoding so
    that the short side is at most this (the aspect is kept); decoder: of videos, see `media.video.stream`. Raises
    MediaError if no frame can be read.
    """
    with open_clip(clip, root) as opened:
        return opened.decode(times_s, short_side_px=short_side_px, decoder=decoder)


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
        found = full.stat()
    except OSError as error:
        raise MediaError(
            "the file cannot be found" if isinstance(error, FileNotFoundError) else "the file cannot be reached",
            where=path,
            found=error.strerror,
            todo="check the path, and that --root is the folder it is relative to",
        ) from None
    except ValueError:
        raise MediaError("the path holds a character that no path may have", where=ascii(path)) from None
    if not S_ISREG(found.st_mode):
        raise MediaError("this is a folder or a device, not a file", where=path)
    if found.st_size == 0:
        raise MediaError("the file is empty (0 bytes)", where=path, todo="copy it from the card again")
    return full
