"""Length and key frames of a video, from its index or its packets. Nothing is decoded."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from leopardnet.core.types import MediaInfo
from leopardnet.media.video.missing_parts import (
    Index,
    describe_early_end,
    describe_gap,
    describe_loss,
    find_lost_frames,
    has_index_chunk,
    read_promised_s,
    truncation_warnings,
)
from leopardnet.media.video.open import open_container

DEFAULT_FPS = 25.0  # only for frames without a time
MAX_SCAN_S = 60.0  # to read through a file without an index
Seconds = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Track:
    """The first video stream of a file.

    keys_s: float64 [K], seconds from the start, the key frames at which decoding can begin; step_s: the usual
    distance of two frames; is_indexed: the key frames come from a complete index and can be seeked, otherwise they
    were found by reading the file, and are reached by reading it again; is_steady: all frames are about step_s
    apart; losses: what is missing of the clip, as warnings; spans: int64 [K, 2], first byte and number of bytes of
    the key frames, none where they are not indexed. Length and key frames are those of what is there.
    """

    info: MediaInfo
    keys_s: Seconds = field(repr=False)
    step_s: float
    is_indexed: bool
    is_steady: bool
    losses: tuple[str, ...] = ()
    spans: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64), repr=False)


def read_track(path: Path, container: InputContainer, video: VideoStream) -> Track:
    """Return the track of an open file: from its index, or else from all its packets, in a second reading."""
    context = video.codec_context
    base = time_unit_s(video)
    index = Index.read(video)
    is_indexed, lost = _is_complete(index, path, container, video), np.zeros(0, bool)
    if is_indexed:
        lost = find_lost_frames(path, index, context.name)
        # An index holds decode times. With B frames, key frames are presented a constant time after their decoding.
        stamps, is_key = index.stamps + _read_delay(container, video), index.is_key
    else:
        stamps, is_key = _read_packets(path)
    start = float(video.start_time if video.start_time is not None else min(stamps, default=0))
    listed_s = (stamps - start) * base
    has_loss = bool(lost.any() and not lost.all())
    stamps_s, is_key = (listed_s[~lost], is_key[~lost]) if has_loss else (listed_s, is_key)
    spans = np.stack([index.begins, index.ends - index.begins], axis=1)[~lost if has_loss else slice(None)]
    steps = np.diff(np.sort(stamps_s))
    fps = float(video.average_rate or 0) or DEFAULT_FPS
    step_s = float(np.median(steps)) if len(steps) and np.median(steps) > 0 else 1.0 / fps
    # Frames before the start are hidden by an edit list: decoding may begin at one, but none is shown.
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
    # An index that is whole and agrees with the file shows that a longer header is wrong.
    if has_loss:
        losses = [describe_loss(listed_s, lost, step_s)]
    elif not is_indexed and n_shown and not (len(index.ends) == len(stamps) and has_index_chunk(path, index)):
        losses = _find_losses(path, container, video, np.sort(stamps_s), step_s)
    else:
        losses = []
    cut = truncation_warnings(path, container, index, is_whole=_has_all_frames(video, len(stamps)))
    keys_s = stamps_s[is_key]
    order = np.argsort(keys_s, kind="stable")
    spans = spans[is_key][order] if is_indexed else spans[:0]
    return Track(info, keys_s[order], step_s, is_indexed, is_steady, (*cut, *losses), spans)


def packet_stamp(packet: Packet[Any]) -> int | None:
    """Return the presentation time of a packet, or else its decode time, in the time base of its stream."""
    return packet.dts if packet.pts is None else packet.pts


def time_unit_s(video: VideoStream) -> float:
    """Return the time base of a stream in seconds; milliseconds if the container has none."""
    return float(video.time_base or 0) or 1 / 1000


def read_packet_times(path: Path) -> Seconds:
    """Return the time of every frame, sorted, float64 [N], seconds on the clock of the stream."""
    stamps, _ = _read_packets(path)
    with open_container(path) as (_, video):
        return np.asarray(np.sort(stamps) * time_unit_s(video), np.float64)


def _find_losses(
    path: Path, container: InputContainer, video: VideoStream, stamps_s: Seconds, step_s: float
) -> list[str]:
    """Return what a file without a usable index lacks against its header, and gaps in it. stamps_s: sorted."""
    promised_s = read_promised_s(path, container, video)
    end = describe_early_end(float(stamps_s[-1]) + step_s, promised_s, step_s)
    gap = describe_gap(stamps_s, step_s) if container.format.name == "asf" else ""
    return [text for text in (end, gap) if text]


def _has_all_frames(video: VideoStream, n_found: int) -> bool:
    return bool(video.frames) and n_found >= 0.995 * video.frames


def _read_delay(container: InputContainer, video: VideoStream) -> int:
    """Return presentation minus decode time of the first packet, in the time base. Consumes that packet."""
    with suppress(av.error.FFmpegError):
        for packet in container.demux(video):
            if packet.size:
                return 0 if packet.pts is None or packet.dts is None else packet.pts - packet.dts
    return 0


def _is_complete(index: Index, path: Path, container: InputContainer, video: VideoStream) -> bool:
    """Whether an index lists all frames, and not only those that were read while opening."""
    n_listed, n_bytes = len(index.ends), path.stat().st_size
    if not container.format.name.startswith(("mov", "avi")) or not n_listed or n_listed < 0.9 * video.frames:
        return False
    if not video.frames and index.ends[-1] < 0.9 * n_bytes:
        return False  # The header has no count to compare with, and most of the file is not in the index.
    return bool((index.ends <= n_bytes).any())


def _read_packets(path: Path) -> tuple[Seconds, NDArray[np.bool_]]:
    """Return the stamps float64 [N] of all packets in file order, and which are key frames; stop at damage."""
    stamps: list[int] = []
    keys: list[bool] = []
    until = time.monotonic() + MAX_SCAN_S
    # The file is opened again, since not every container can be rewound.
    with open_container(path) as (container, video), suppress(av.error.FFmpegError):
        for packet in container.demux(video):
            stamp = packet_stamp(packet)
            if stamp is not None and packet.size and not packet.is_corrupt:
                stamps.append(stamp)
                keys.append(packet.is_keyframe)
            if time.monotonic() > until:
                break
    return np.asarray(stamps, np.float64), np.asarray(keys, bool)
