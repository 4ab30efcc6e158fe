"""What a video holds and where: its length, its key frames, and whether they can be jumped to. Nothing is decoded."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from leopardnet.core.types import MediaInfo
from leopardnet.media.video.open import open_container

DEFAULT_FPS = 25.0  # only to step over frames that carry no time
MAX_SCAN_S = 60.0  # for reading through a file without an index
Seconds = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Track:
    """The first video stream of a file.

    keys_s: float64 [K], seconds from the start, the key frames at which decoding can begin. is_indexed: they come from
    an index that reaches to the end of the file, so that the reader may jump to them; else they were found by reading
    through it, and are reached by reading again. is_steady: frames follow each other at equal distances.
    """

    info: MediaInfo
    keys_s: Seconds = field(repr=False)
    step_s: float
    is_indexed: bool
    is_steady: bool


def track_of(path: Path, container: Any, video: Any) -> Track:
    """The track of an opened file: from its index, or else by reading through it once more, packet by packet."""
    context = video.codec_context
    base = float(video.time_base or 0) or 1 / 1000
    entries = _entries(path, container, video)
    if entries is not None:
        # The index holds decode times; with B frames they run ahead of presentation, for key frames by a constant.
        stamps = np.asarray([entry.timestamp for entry in entries], np.float64) + _delay(container, video)
        is_key = np.asarray([entry.is_keyframe for entry in entries], bool)
    else:
        stamps, is_key = _packets(path)
    start = float(video.start_time if video.start_time is not None else min(stamps, default=0))
    stamps_s = (stamps - start) * base
    steps = np.diff(np.sort(stamps_s))
    fps = float(video.average_rate or 0) or DEFAULT_FPS
    step_s = float(np.median(steps)) if len(steps) and np.median(steps) > 0 else 1.0 / fps
    # A frame before the start belongs to a part that an edit list hides: decoding may begin there, but shows nothing.
    n_shown = int((stamps_s > -step_s / 2).sum())
    info = MediaInfo(
        context.width,
        context.height,
        start * base,
        float(stamps_s.max()) + step_s if n_shown else 0.0,
        1.0 / step_s,
        n_shown or None,
        context.name,
        tuple(key for key in np.sort(stamps_s[is_key]).tolist() if key > -step_s / 2),
    )
    is_steady = bool(len(steps)) and float(steps.max()) <= 1.5 * step_s
    return Track(info, np.sort(stamps_s[is_key]), step_s, entries is not None, is_steady)


def stamp(packet: Any) -> int | None:
    """When a packet is shown, else when it is decoded, in the time base of its stream."""
    return packet.dts if packet.pts is None else packet.pts


def packet_times(path: Path) -> Seconds:
    """The time of every frame, sorted, float64 [N], seconds on the clock of the stream. Nothing is decoded."""
    stamps, _ = _packets(path)
    with open_container(path) as (_, video):
        return np.sort(stamps) * float(video.time_base)


def _delay(container: Any, video: Any) -> int:
    """By how much the first key frame is shown after it is decoded. Moves the reader on by one packet."""
    with suppress(av.error.FFmpegError):
        for packet in container.demux(video):
            if packet.size:
                return packet.pts - packet.dts if None not in (packet.pts, packet.dts) else 0
    return 0


def _entries(path: Path, container: Any, video: Any) -> list[Any] | None:
    """The index, as far as the file reaches; None where it holds no more than what was read while opening."""
    if not container.format.name.startswith(("mov", "avi")):
        return None
    entries = list(video.index_entries)
    if not entries or len(entries) < 0.9 * video.frames:
        return None
    n_bytes = path.stat().st_size
    return [entry for entry in entries if entry.pos + entry.size <= n_bytes] or None


def _packets(path: Path) -> tuple[Seconds, NDArray[np.bool_]]:
    """Stamps float64 [N] of all packets, and which are key frames, in the order of the file."""
    stamps: list[int] = []
    keys: list[bool] = []
    until = time.monotonic() + MAX_SCAN_S
    # a second opening: not every container can be rewound to its beginning
    with (
        open_container(path) as (container, video),
        suppress(av.error.FFmpegError),
    ):  # a cut file: what there is counts
        for packet in container.demux(video):
            at = stamp(packet)
            if at is not None and packet.size:
                stamps.append(at)
                keys.append(packet.is_keyframe)
            if time.monotonic() > until:
                break
    return np.asarray(stamps, np.float64), np.asarray(keys, bool)
