"""Videos: what the container says, and the frames nearest to given times, each with the time it really has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from leopardnet.core.types import Frames, MediaError, MediaInfo

MAX_PIXELS = 8192 * 8192
DEFAULT_FPS = 25.0  # only to step over frames that carry no time
# Containers by their first bytes. The suffix of a file proves nothing, and FFmpeg's own guess would follow playlists
# to other files and hosts.
SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftyp", "mov"), (4, b"moov", "mov"), (4, b"mdat", "mov"), (4, b"wide", "mov"), (4, b"free", "mov"),
    (8, b"AVI ", "avi"), (8, b"AVIX", "avi"), (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"), (0, b"\x00\x00\x01\xba", "mpeg"), (0, b"FLV", "flv"),
    (0, b"\x47", "mpegts"), (4, b"\x47", "mpegts"),
)  # fmt: skip


def probe(path: Path) -> MediaInfo:
    """What the container says. Length and frame count come from its index, or from its packets, before its header."""
    with _opened(path) as container:
        return _info(container, container.streams.video[0])


def decode(clip_id: str, path: Path, *, times_s: NDArray[np.float64], short_side_px: int | None) -> Frames:
    """The frames nearest to the wanted times (increasing, float64 [N]), each at most once.

    Between wanted times the decoder jumps to a later key frame where the index knows one, and otherwise walks on, so
    that every frame is exact. Damaged packets are stepped over and become warnings.
    """
    with _opened(path) as container:
        video = container.streams.video[0]
        video.codec_context.thread_count = 1  # parallel work happens over clips, where it scales
        info = _info(container, video)
        found, warnings = _Walk(container, video, info).frames_at(times_s)
        if not found:
            reason = warnings[0] if warnings else "the container holds no frame"
            raise MediaError("no frame of the video can be decoded", where=path.name, found=reason)
        times, frames = zip(*found, strict=True)
        pixels = [_upright(_pixels(frame, short_side_px), int(frame.rotation)) for frame in frames]
    if len({p.shape for p in pixels}) > 1:  # a stream may change its size on the way
        warnings.append("the picture size changes within the clip; only frames of the first size are kept")
        kept = [i for i, p in enumerate(pixels) if p.shape == pixels[0].shape]
        times, pixels = tuple(times[i] for i in kept), [pixels[i] for i in kept]
    return Frames(clip_id, np.stack(pixels), np.asarray(times, np.float64), tuple(warnings))


def container_format(path: Path) -> str:
    """FFmpeg's name of the container, from the first bytes. Raises MediaError for anything that is no video."""
    with path.open("rb") as file:
        head = file.read(16)
    for offset, magic, name in SIGNATURES:
        if head[offset : offset + len(magic)] == magic:
            return name
    raise MediaError(
        "the file is not a video of a known kind", where=path.name, found=f"first bytes {head[:8].hex(' ')}",
        expected="MP4/MOV, AVI, ASF/WMV, MKV, MPEG or FLV",
        todo="play it in another program; if it plays, please report the camera model",
    )  # fmt: skip


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    format_name = container_format(path)
    try:
        container = av.open(
            str(path), format=format_name, options={"protocol_whitelist": "file"}, metadata_errors="replace"
        )
    except (av.error.FFmpegError, ValueError) as error:
        raise MediaError(
            "the video cannot be opened", where=path.name, found=_reason(error),
            todo="the recording was probably cut off; a repair tool may bring back its index",
        ) from None  # fmt: skip
    try:
        if not container.streams.video:
            raise MediaError(
                "the file has no video stream", where=path.name, found=f"{len(container.streams)} other streams"
            )
        yield container
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise MediaError("the video cannot be decoded", where=path.name, found=_reason(error)) from None
    finally:
        container.close()


def _info(container: Any, video: Any) -> MediaInfo:
    context, base = video.codec_context, float(video.time_base or 0) or 1 / 1000
    if context.width * context.height > MAX_PIXELS:
        raise MediaError(
            "the picture is too large",
            found=f"{context.width} x {context.height} px",
            expected=f"at most {MAX_PIXELS} px",
        )
    entries = list(video.index_entries) if hasattr(video, "index_entries") else []
    start_s = float((video.start_time or 0) * base)
    fps = float(video.average_rate or 0) or DEFAULT_FPS
    keys: tuple[float, ...] = ()
    n_frames: int | None = video.frames or None
    if len(entries) > 1:
        # index times are decode times; with B frames they start before the first picture is shown
        first = entries[0].timestamp
        keys = tuple((e.timestamp - first) * base for e in entries if e.is_keyframe)
        n_frames = len(entries)
        duration_s = (entries[-1].timestamp - first) * base + 1 / fps
    else:
        header = float(video.duration * base) if video.duration else float(container.duration or 0) / av.time_base
        duration_s = header or _length_from_packets(container, video, base)
    return MediaInfo(
        context.width, context.height, start_s, max(duration_s, 0.0), fps, n_frames,
        int(video.metadata.get("rotate", 0)), context.name, keys,
    )  # fmt: skip


def _length_from_packets(container: Any, video: Any, base: float) -> float:
    """Seconds from the first to the last packet; for containers that state no length. Rewinds afterwards."""
    stamps: list[int] = []
    with suppress(av.error.FFmpegError):  # a cut file: what was read so far is its length
        for packet in container.demux(video):
            if packet.pts is not None:
                stamps.append(packet.pts)
    container.seek(0)
    return (max(stamps) - min(stamps)) * base if stamps else 0.0


class _Walk:
    """A position in a stream that moves forward, decoding or jumping."""

    def __init__(self, container: Any, video: Any, info: MediaInfo) -> None:
        self.container, self.video, self.info = container, video, info
        self.step_s = 1.0 / info.fps
        self.now_s = -np.inf
        self.n_damaged = 0
        self.stopped = ""
        self.frames = self._decoded()

    def frames_at(self, times_s: NDArray[np.float64]) -> tuple[list[tuple[float, Any]], list[str]]:
        """Pairs of time and frame for the wanted times, and what went wrong on the way."""
        found: list[tuple[float, Any]] = []
        last: tuple[float, Any] | None = None
        for wanted in times_s:
            if last is not None and last[0] >= wanted - self.step_s / 2:
                continue  # one frame serves two wanted times when there are fewer frames than times
            self._jump_towards(float(wanted))
            for time_s, frame in self.frames:
                last = (time_s, frame)
                if time_s >= wanted - self.step_s / 2:
                    found.append(last)
                    break
            else:  # the stream ended early: its last frame is the nearest there is
                if last is not None and (not found or found[-1][0] < last[0]):
                    found.append(last)
                break
        return found, self._warnings(times_s, found)

    def _jump_towards(self, wanted_s: float) -> None:
        later = [k for k in self.info.keyframes_s if self.now_s + self.step_s < k <= wanted_s + self.step_s / 2]
        if not later or self.stopped:
            return
        target_s = later[-1] + self.info.start_s
        self.container.seek(round(target_s / float(self.video.time_base)), stream=self.video)
        self.frames = self._decoded()

    def _decoded(self) -> Iterator[tuple[float, Any]]:
        try:
            for packet in self.container.demux(self.video):
                try:
                    frames = packet.decode()
                except av.error.EOFError:
                    return
                except av.error.FFmpegError as error:
                    self.n_damaged += 1
                    if isinstance(error, MemoryError) or self.n_damaged > 1000:
                        raise
                    continue
                for frame in frames:
                    self.n_damaged += bool(frame.is_corrupt)
                    self.now_s = self._time_of(frame)
                    yield self.now_s, frame
        except av.error.FFmpegError as error:
            self.stopped = _reason(error)

    def _time_of(self, frame: Any) -> float:
        if frame.time is not None:
            return float(frame.time) - self.info.start_s
        return max(self.now_s, -self.step_s) + self.step_s  # a frame without a time follows the one before

    def _warnings(self, times_s: NDArray[np.float64], found: list[tuple[float, Any]]) -> list[str]:
        warnings = []
        if self.n_damaged:
            warnings.append(f"{self.n_damaged} damaged packets or frames")
        if self.stopped:
            warnings.append(f"reading stopped early: {self.stopped}")
        if found and len(times_s) and found[-1][0] < times_s[-1] - max(1.0, 2 * self.step_s):
            warnings.append(
                f"the clip ends at {found[-1][0]:.1f} s, the container promised {self.info.duration_s:.1f} s"
            )
        return warnings


def _pixels(frame: Any, short_side_px: int | None) -> NDArray[np.uint8]:
    width, height = frame.width, frame.height
    if short_side_px is not None and min(width, height) > short_side_px:
        scale = short_side_px / min(width, height)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    rgb = frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA")
    return np.asarray(rgb.to_ndarray(), np.uint8)


def _upright(pixels: NDArray[np.uint8], rotation_deg: int) -> NDArray[np.uint8]:
    """`pixels` turned counter-clockwise by the angle of the stream's display matrix."""
    return np.ascontiguousarray(np.rot90(pixels, k=(rotation_deg // 90) % 4)) if rotation_deg else pixels


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error)
    return f"{type(error).__name__}: {text}"[:160]
