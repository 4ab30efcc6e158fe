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
        warnings = _cut_short(path, container, video) + warnings
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


def frame_times(path: Path) -> NDArray[np.float64]:
    """The time of every frame, float64 [N] seconds from the start of the clip: what a frame number stands for."""
    with _opened(path) as container:
        video = container.streams.video[0]
        return _packet_times(container, video) - _info(container, video).start_s


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
    start_s = float((video.start_time or 0) * base)
    fps = float(video.average_rate or 0) or DEFAULT_FPS
    # elsewhere the index holds no more than what was read while opening
    entries = list(video.index_entries) if container.format.name.startswith(("mov", "avi")) else []
    if len(entries) > 1:
        # index times are decode times; with B frames they start before the first picture is shown
        first = entries[0].timestamp
        keys = tuple((e.timestamp - first) * base for e in entries if e.is_keyframe)
        duration_s = (entries[-1].timestamp - first) * base + 1 / fps
        return MediaInfo(context.width, context.height, start_s, duration_s, fps, len(entries), context.name, keys)
    duration_s = float(video.duration * base) if video.duration else 0.0
    if not duration_s and container.duration:
        # of Matroska, the end of the file on its clock, wherever that starts
        duration_s = container.duration / av.time_base - (start_s if "matroska" in container.format.name else 0.0)
    if duration_s <= 0:
        stamps = _packet_times(container, video)
        duration_s = stamps[-1] - stamps[0] + 1 / fps if len(stamps) else 0.0
    return MediaInfo(context.width, context.height, start_s, max(duration_s, 0.0), fps, None, context.name)


def _packet_times(container: Any, video: Any) -> NDArray[np.float64]:
    """The times of all packets on the stream's clock, sorted, without decoding. Rewinds afterwards."""
    stamps: list[int] = []
    with suppress(av.error.FFmpegError):  # a cut file: what was read so far is what there is
        for packet in container.demux(video):
            stamp = packet.dts if packet.pts is None else packet.pts
            if stamp is not None:
                stamps.append(stamp)
    container.seek(0)
    return np.sort(np.asarray(stamps, np.float64)) * float(video.time_base)


def _cut_short(path: Path, container: Any, video: Any) -> list[str]:
    """A warning where the file ends before what its header or its index promise."""
    n_bytes = path.stat().st_size
    promised = 0
    if container.format.name == "avi":
        with path.open("rb") as file:
            head = file.read(8)
        size = int.from_bytes(head[4:8], "little")
        promised = 0 if size == 0xFFFFFFFF else size + 8
    if container.format.name.startswith(("mov", "avi")):
        promised = max([promised, *(e.pos + e.size for e in video.index_entries)])
    return [f"the file is cut short: {n_bytes} of {promised} bytes"] if promised > n_bytes else []


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
        """Pairs of time and frame, the nearest to each wanted time, and what went wrong on the way."""
        found: list[tuple[float, Any]] = []
        before: tuple[float, Any] | None = (
            None  # the last frame before the wanted time, and the first one not before
        )
        after: tuple[float, Any] | None = None
        for wanted in times_s:
            if self._jump_towards(float(wanted)):
                before = after = None
            while after is None or after[0] < wanted:
                frame = next(self.frames, None)
                if frame is None:
                    break
                before, after = after, frame
            near = [pair for pair in (before, after) if pair is not None]
            if not near:
                break
            nearest = min(near, key=lambda pair: abs(pair[0] - wanted))
            if not found or found[-1][0] < nearest[0]:  # one frame serves two times where frames are fewer
                found.append(nearest)
        return found, self._warnings(times_s, found)

    def _jump_towards(self, wanted_s: float) -> bool:
        later = [k for k in self.info.keyframes_s if self.now_s < k <= wanted_s]
        if not later or self.stopped:
            return False
        target_s = later[-1] + self.info.start_s
        self.container.seek(round(target_s / float(self.video.time_base)), stream=self.video)
        self.frames = self._decoded()
        return True

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
