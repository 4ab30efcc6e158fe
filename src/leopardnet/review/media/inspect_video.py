"""What a browser can do with a video: play it as it is, in another container, or only after encoding it anew."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import av.error
import av.stream
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError
from leopardnet.media.video.index import Track, read_track
from leopardnet.media.video.open import describe_other_videos, list_videos, open_container
from leopardnet.media.video.rgb import read_display_matrix

Way = Literal["as_is", "copy", "encode"]
PLAYED_PIXELS = ("yuv420p", "yuvj420p")  # of H.264, VP8 and VP9 in every browser
PLAYED_SOUND = {"video/mp4": ("aac", "mp3"), "video/webm": ("opus", "vorbis")}
OTHER_BRANDS = ("qt", "3g")  # QuickTime and mobile phones: not every browser takes them for MP4
MAX_TRIED = 300  # damaged packets before the first frame


@dataclass(frozen=True, eq=False)
class Inspection:
    """What a video is, and the way in which a browser can play it.

    media_type: of the file as it is; first: what its first frame shows of all; sound: the codec of its sound, or
    empty if it has none or one that cannot be decoded; warnings: what is missing or left out.
    """

    way: Way
    media_type: str
    track: Track
    first: FrameKind
    sound: str
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class FrameKind:
    """Size as stored in px, the turn that makes it upright (or None), and how its colours are coded."""

    width_px: int
    height_px: int
    matrix: NDArray[np.int32] | None
    pixel_format: str
    colour_space: int


def inspect_video(path: Path) -> Inspection:
    """Return what a browser can do with a video. Raises MediaError if no frame of it can be decoded."""
    with open_container(path) as (container, video):
        track = read_track(path, container, video)
        others = describe_other_videos(container, video)
        sounds = list(container.streams.audio)
        has_place = any("location" in key.lower() for key in container.metadata)
        has_extras = has_place or any(s.type == "data" for s in container.streams)
        is_first = list_videos(container)[0] is video
        media_type = _name_media_type(path, container)
        has_order = not (container.format.name == "avi" and video.codec_context.has_b_frames)
    first, n_lost = _read_first_frame(path)
    sound, silence = _find_sound(path) if sounds else ("", [])
    is_whole = not track.losses and not n_lost
    plays = _plays(track.info.codec, first, media_type) and sound in ("", *PLAYED_SOUND[media_type])
    is_copied = track.info.codec == "h264" and first.pixel_format in PLAYED_PIXELS and has_order
    way: Way = "encode"
    if is_whole and plays and is_first and not has_extras and not silence:
        way = "as_is"
    elif is_whole and is_copied:
        way = "copy"
    return Inspection(way, media_type, track, first, sound, (*track.losses, *others, *silence))


def _name_media_type(path: Path, container: InputContainer) -> str:
    """Return the type of a container that browsers know, or an empty text."""
    if container.format.name.startswith("mov"):
        brand = container.metadata.get("major_brand", "")
        return "video/mp4" if brand and not brand.startswith(OTHER_BRANDS) else ""
    with path.open("rb") as file:
        return "video/webm" if container.format.name.startswith("matroska") and b"webm" in file.read(64) else ""


def _plays(codec: str, first: FrameKind, media_type: str) -> bool:
    codecs = {"video/mp4": ("h264",), "video/webm": ("vp8", "vp9")}.get(media_type, ())
    return codec in codecs and first.pixel_format in PLAYED_PIXELS


def _read_first_frame(path: Path) -> tuple[FrameKind, int]:
    """Return what the first frame that can be decoded is like, and how many packets before it were damaged."""
    n_lost = 0
    with open_container(path) as (container, video):
        video.codec_context.skip_frame = "DEFAULT"
        packets = (packet for packet in container.demux(video) if packet.size)
        for packet in chain(packets, [None]):  # None lets the decoder give what it still holds
            try:
                frames: list[VideoFrame] = video.codec_context.decode(packet)
            except av.error.EOFError:
                break
            except av.error.FFmpegError:
                n_lost += 1
                if n_lost > MAX_TRIED:
                    break
                continue
            if frames:
                return _describe_frame(frames[0]), n_lost
    raise MediaError("no frame of the video can be decoded", where=path.name)


def _describe_frame(frame: VideoFrame) -> FrameKind:
    matrix = read_display_matrix(frame)
    return FrameKind(frame.width, frame.height, matrix, frame.format.name, int(frame.colorspace))


def _find_sound(path: Path) -> tuple[str, list[str]]:
    """Return the codec of the sound if it can be decoded, else a warning."""
    name = "unknown"
    try:
        with open_container(path, with_sound=True) as (container, _):
            sound = next(iter(container.streams.audio), None)  # a damaged file may show another one each time
            if sound is not None and sound.codec_context is not None:
                name = sound.codec_context.codec.canonical_name
                if _has_sound(container, sound):
                    return name, []
    except MediaError:
        pass
    return "", [f"the sound ({name}) cannot be decoded and is left out"]


def _has_sound(container: InputContainer, sound: AudioStream) -> bool:
    """Whether any sound comes. Raises errors of FFmpeg."""
    for i, packet in enumerate(container.demux(sound)):
        if packet.size and sound.codec_context.decode(packet):
            return True
        if i > MAX_TRIED:
            break
    return False
