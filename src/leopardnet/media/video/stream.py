"""Videos: container metadata, and the frames nearest to given times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError
from leopardnet.core.types import Frames, MediaInfo
from leopardnet.media.blank_frames import NO_CONTENT, SMEARED, find_blank_frames, find_smeared_frames
from leopardnet.media.video.hardware import SOFTWARE, choose_decoder
from leopardnet.media.video.index import Track, read_packet_times, read_track
from leopardnet.media.video.open import describe_other_videos, open_container
from leopardnet.media.video.rgb import RgbFrames
from leopardnet.media.video.seek import FrameReader


@contextmanager
def open_video(clip_id: str, path: Path) -> Iterator[OpenVideo]:
    """Open a video and read its index, or else its packets; raises MediaError like `open_container`."""
    with open_container(path) as (container, video):
        yield OpenVideo(clip_id, path, container, video, read_track(path, container, video))


@dataclass(frozen=True, eq=False)
class OpenVideo:
    """An open video: its metadata, and once its frames."""

    clip_id: str
    path: Path
    container: InputContainer
    video: VideoStream
    track: Track

    @property
    def info(self) -> MediaInfo:
        """The metadata. Length and frame count come from the index or packets, not the header."""
        return self.track.info

    @property
    def has_sound(self) -> bool:
        """Whether the file has a sound stream."""
        return bool(self.container.streams.audio)

    def decode(
        self,
        times_s: NDArray[np.float64],
        *,
        short_side_px: int | None,
        decoder: str = SOFTWARE,
        loop_filter: bool = True,
    ) -> Frames:
        """Return the frames nearest to the wanted times (increasing, float64 [N]), each at most once.

        A key frame at a wanted time is seeked and decoded alone. For any other frame, decoding starts at the key
        frame before it or continues from the current position. Damaged packets are skipped and become warnings.
        decoder: `software`, a device, or how `choose_decoder` is to choose one; what the device cannot decode, or
        not without a warning, is decoded again in software. loop_filter: see `FrameReader`. Raises MediaError if no
        frame can be decoded.
        """
        options = _Options(times_s, short_side_px, loop_filter)
        device = choose_decoder(decoder) if decoder in ("auto", "hardware") else decoder
        if device != SOFTWARE:
            with suppress(MediaError):
                frames = self._decode_on(device, options)
                if not frames.warnings:
                    return frames
        return _decode(self, options, SOFTWARE)

    def _decode_on(self, device: str, options: _Options) -> Frames:
        with open_container(self.path, device=device) as (container, video):
            if not video.codec_context.is_hwaccel:
                raise MediaError("the device does not decode this codec", where=self.path.name, found=device)
            track = read_track(self.path, container, video)
            return _decode(OpenVideo(self.clip_id, self.path, container, video, track), options, device)


def read_frame_times(path: Path) -> NDArray[np.float64]:
    """Return the time of every frame, float64 [N], seconds from the start of the clip, by frame number."""
    with open_video("", path) as video:
        start_s = video.info.start_s
    return read_packet_times(path) - start_s


class _Options(NamedTuple):
    times_s: NDArray[np.float64]
    short_side_px: int | None
    loop_filter: bool


def _decode(opened: OpenVideo, options: _Options, device: str) -> Frames:
    times_s, track = options.times_s, opened.track
    reader = FrameReader(opened.container, opened.video, track, loop_filter=options.loop_filter)
    frames = RgbFrames(len(times_s), options.short_side_px)
    for time_s, frame in reader.read_frames(times_s):
        frames.add(time_s, frame)
    warnings = [*track.losses, *_warnings(reader, track, times_s, frames.times_s)]
    warnings += describe_other_videos(opened.container, opened.video)
    if frames.pixels is None:
        why = "; ".join(warnings) or "the container has no frames"
        raise MediaError("no frame of the video can be decoded", where=opened.path.name, found=why)
    if frames.n_resized:
        warnings.append(
            f"the picture size changes within the clip; {frames.n_resized} frames were scaled to the first"
        )
    n = len(frames.times_s)
    pixels, decoded_s = frames.pixels[:n], np.asarray(frames.times_s, np.float64)
    blank = find_blank_frames(pixels)
    if blank.all():
        raise MediaError("no frame of the video has content", where=opened.path.name, found=NO_CONTENT)
    if blank.any():
        warnings.append(f"{blank.sum()} frames of one colour without content were left out")
        pixels, decoded_s = pixels[~blank], decoded_s[~blank]
    smeared = find_smeared_frames(pixels)
    if smeared.all():
        warnings.append(f"all {len(smeared)} frames are smeared: {SMEARED}")
    elif smeared.any():
        warnings.append(f"{smeared.sum()} smeared frames were left out: {SMEARED}")
        pixels, decoded_s = pixels[~smeared], decoded_s[~smeared]
    damage = (f"the frame is smeared: {SMEARED}",) * len(smeared) if smeared.all() else ()
    return Frames(opened.clip_id, pixels, decoded_s, tuple(warnings), device, damage)


def _warnings(reader: FrameReader, track: Track, times_s: NDArray[np.float64], decoded_s: list[float]) -> list[str]:
    warnings = []
    if reader.n_damaged:
        warnings.append(f"{reader.n_damaged} damaged packets or frames")
    if reader.stop_reason:
        warnings.append(f"reading stopped early: {reader.stop_reason}")
    if not track.losses and decoded_s and decoded_s[-1] < times_s[-1] - max(1.0, 2 * track.step_s):
        promised = f"the header says {track.info.duration_s:.1f} s"
        warnings.append(f"the clip ends at {decoded_s[-1]:.1f} s, {promised}")
    return warnings
