"""Safe opening of video files: format by first bytes, local files only, the largest video stream."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import av.error
import av.stream
from av.container import InputContainer
from av.video.stream import VideoStream

from leopardnet.core.errors import MediaError
from leopardnet.media.file_content import advise, describe_content
from leopardnet.media.video.hardware import SOFTWARE, request_device

MAX_PIXELS = 50_000_000  # of one frame; 8K has 33 million
# Containers by their first bytes. The suffix may be wrong, and FFmpeg's own detection would follow playlists to
# other files and hosts.
SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (4, b"ftyp", "mov"),
    (4, b"moov", "mov"),
    (4, b"mdat", "mov"),
    (4, b"wide", "mov"),
    (4, b"free", "mov"),
    (8, b"AVI ", "avi"),
    (8, b"AVIX", "avi"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
    (0, b"FLV", "flv"),
    (0, b"\x47", "mpegts"),
    (4, b"\x47", "mpegts"),
)
HEADER_BYTES = 1_000_000  # of the beginning and the end, where headers are
# Where a header names its codec: sample description of MOV, picture header of AVI and ASF, name in MKV.
CODEC_NAMES = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        rb"vide.{0,2000}?stsd.{12}(.{4})",
        rb"strf.{4}.{4}.{8}\x01\0[\x01-\x20]\0(.{4})",
        rb"[\x28-\xff].\0\0..\0\0..\0\0\x01\0[\x01-\x20]\0(.{4})",
        rb"\x86[\x80-\xff](V_[A-Z0-9/_]+)",
    )
)
# Opening would decode a frame and discard it (20 ms at 1080p). What is read later is decoded in any case.
OPTIONS = {"protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS), "skip_frame": "all"}
HEADER_ONLY = {"analyzeduration": "0", "probesize": "32", "fpsprobesize": "0"}  # which is enough for MP4


def detect_format(path: Path) -> str:
    """Return FFmpeg's name of the container, from the first bytes.

    Raises MediaError for an unknown format, and where the disk fails.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError as error:
        raise MediaError(
            "the file cannot be read",
            where=path.name,
            found=error.strerror,
            todo="check the card or its connection",
        ) from None
    for offset, magic, name in SIGNATURES:
        if head[offset : offset + len(magic)] == magic:
            return name
    found = describe_content(path)
    raise MediaError(
        "the file is not a video of a known format",
        where=path.name,
        found=found,
        expected="MP4/MOV, AVI, ASF/WMV, MKV, MPEG or FLV",
        todo=advise(found, wanted="video"),
    )


@contextmanager
def open_container(
    path: Path, *, with_sound: bool = False, device: str = SOFTWARE
) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Yield the container and its largest video stream. Errors of FFmpeg in the block are raised as MediaError.

    with_sound: read its first sound stream, too; all other streams are skipped in any case. device: that decodes.
    """
    name = detect_format(path)
    try:
        options = OPTIONS | HEADER_ONLY if name == "mov" else OPTIONS
        container = av.open(
            str(path), format=name, options=options, metadata_errors="replace", hwaccel=request_device(device)
        )
    except (av.error.FFmpegError, ValueError, RuntimeError) as error:  # the last from a device without this codec
        raise MediaError(
            "the video cannot be opened",
            where=path.name,
            found=describe_error(error),
            todo="the recording was probably interrupted; a repair tool may restore its index",
        ) from None
    try:
        videos = list_videos(container)
        if not videos:
            raise MediaError(
                "the file has no video stream", where=path.name, found=f"{len(container.streams)} other streams"
            )
        video = max(videos, key=_count_pixels)  # the first one of the largest
        if video.codec_context is None:  # FFmpeg has no decoder for it
            raise MediaError(
                "the video is in a format that cannot be decoded",
                where=path.name,
                found=f"codec {read_codec_name(path)}",
                todo="convert it with a program of the camera's maker, for example to MP4",
            )
        _check_size(video.codec_context.width, video.codec_context.height)
        sound = next(iter(container.streams.audio), None) if with_sound else None
        for stream in container.streams:
            if stream is not video and stream is not sound:
                stream.discard = av.stream.Discard.all  # skipped, not read
        yield container, video
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise MediaError("the video cannot be decoded", where=path.name, found=describe_error(error)) from None
    finally:
        container.close()


def list_videos(container: InputContainer) -> list[VideoStream]:
    """Return the video streams of a container, without pictures that are attached to it, such as a cover."""
    return [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]


def describe_other_videos(container: InputContainer, video: VideoStream) -> list[str]:
    """Return a warning if the file has more videos of this size, as of two lenses; smaller ones are previews."""
    n = sum(_count_pixels(other) == _count_pixels(video) for other in list_videos(container))
    return [f"the file has {n} videos, as of {n} lenses; only the first was read"] if n > 1 else []


def read_codec_name(path: Path) -> str:
    """Return the file's own name of its video codec, mostly a FourCC such as MJPG; 'unknown' if none is found."""
    with path.open("rb") as file:
        head = file.read(HEADER_BYTES)
        file.seek(max(0, path.stat().st_size - HEADER_BYTES))
        tail = file.read()
    found = next(filter(None, (pattern.search(part) for part in (head, tail) for pattern in CODEC_NAMES)), None)
    if found is None:
        return "unknown"
    text = found[1].decode("latin-1")
    return text if text.isascii() and text.isprintable() else f"0x{found[1].hex()}"


def describe_error(error: BaseException) -> str:
    """Return class and message of an error, short enough for a cell of a table."""
    text = getattr(error, "strerror", None) or str(error)
    return f"{type(error).__name__}: {text}"[:160]


def _count_pixels(video: VideoStream) -> int:
    context = video.codec_context
    return context.width * context.height if context is not None else 0


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise MediaError(
            "the picture is too large", found=f"{width} x {height} px", expected=f"at most {MAX_PIXELS} px"
        )
