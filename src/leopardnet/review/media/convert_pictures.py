"""The pictures of a video on their way into an MP4: copied as they are, or decoded and encoded anew."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av.error
import numpy as np
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from leopardnet.media.preprocess import shrink_size
from leopardnet.media.video.index import packet_stamp, time_unit_s
from leopardnet.media.video.rgb import apply_display_matrix, read_display_matrix
from leopardnet.review.media.inspect_video import Inspection

SHORT_SIDE_PX = 540
ENCODER = {"preset": "superfast", "crf": "23", "maxrate": "6M", "bufsize": "12M"}
N_THREADS = 2  # of the decoder and of the encoder
CLOCK = Fraction(1, 90_000)  # of the pictures that are encoded
MAX_DAMAGED = 1000
HD_PX = 720  # from this height on, colours that do not say how they are coded are taken for BT.709
UNSAID = 2  # a colour space that the file does not name


class CopiedPictures:
    """Packets of H.264 in a new container. Raises ValueError for what cannot be copied.

    now_s: how far the pictures go, from the start of the clip; n: how many were written; n_damaged: always 0.
    """

    def __init__(self, out: OutputContainer, video: VideoStream, inspection: Inspection) -> None:
        self.out = out
        self.stream = out.add_stream_from_template(video)
        self.base_s = time_unit_s(video)
        self.start = round(inspection.track.info.start_s / self.base_s)
        self.step = max(1, round(inspection.track.step_s / self.base_s))
        context = video.codec_context
        self.delay = context.reorder_depth if context.has_b_frames else 0
        self.last: int | None = None
        self.now_s, self.n, self.n_damaged = 0.0, 0, 0

    def add(self, packet: Packet[Any]) -> None:
        """Take the next packet, and mend its times: each is decoded after the one before, and shown after that."""
        stamp = packet_stamp(packet)
        if packet.is_corrupt or stamp is None or (packet.pts is None and self.delay):
            raise ValueError("damaged, or without its time")
        if not self.n and not packet.is_keyframe:
            raise ValueError("it does not begin with a key frame")
        shown = stamp - self.start
        if self.last is None:
            decoded = shown - self.delay * self.step if packet.dts is None else packet.dts - self.start
        else:
            decoded = self.last + self.step if packet.dts is None else packet.dts - self.start
            decoded = max(decoded, self.last + 1)
        if self.delay and decoded > shown:
            raise ValueError("the order of its pictures is not clear")
        packet.dts, packet.pts = decoded, max(decoded, shown)
        self.last, self.n = decoded, self.n + 1
        self.now_s = max(self.now_s, (packet.pts + (packet.duration or 0)) * self.base_s)
        packet.stream = self.stream
        self.out.mux(packet)

    def finish(self) -> None:
        """Nothing is held back."""


class EncodedPictures:
    """Pictures decoded, made small and upright, and encoded as H.264. What is damaged is left out and counted."""

    def __init__(self, out: OutputContainer, video: VideoStream, inspection: Inspection) -> None:
        self.out, self.track, self.context = out, inspection.track, video.codec_context
        self.context.skip_frame = "DEFAULT"
        self.context.thread_type, self.context.thread_count = "AUTO", N_THREADS
        first = inspection.first
        turns = first.matrix is not None and abs(int(first.matrix[0, 0])) < abs(int(first.matrix[0, 1]))
        size = shrink_size(first.width_px, first.height_px, SHORT_SIDE_PX)
        self.size = max(2, size[0] // 2 * 2), max(2, size[1] // 2 * 2)
        self.is_turned = first.matrix is not None
        self.stream: VideoStream = out.add_stream("libx264", rate=_tame_rate(inspection), options=ENCODER)
        self.stream.width, self.stream.height = self.size[::-1] if turns else self.size
        self.stream.pix_fmt = "yuv420p"
        encoder = self.stream.codec_context
        encoder.time_base, encoder.gop_size, encoder.thread_count = CLOCK, _tame_gop(inspection), N_THREADS
        aspect = video.sample_aspect_ratio
        if aspect and aspect != 1:
            encoder.sample_aspect_ratio = 1 / aspect if turns else aspect
        self.colours = _choose_colours(inspection, is_turned=self.is_turned)
        encoder.colorspace, encoder.color_range = self.colours, ColorRange.MPEG
        self.reformatter = VideoReformatter()
        self.last_s = -self.track.step_s
        self.now_s, self.n, self.n_damaged = 0.0, 0, 0

    def add(self, packet: Packet[Any] | None) -> None:
        """Take the next packet, or None behind the last one. Raises an error of FFmpeg if too many are damaged."""
        try:
            frames: list[VideoFrame] = self.context.decode(packet)
        except av.error.EOFError:
            return
        except av.error.FFmpegError:
            self.n_damaged += 1
            if self.n_damaged > MAX_DAMAGED:
                raise
            return
        for frame in frames:
            self.n_damaged += bool(frame.is_corrupt)
            self._encode(frame)

    def finish(self) -> None:
        """Write what the decoder and the encoder still hold."""
        self.add(None)
        if self.n:
            self.out.mux(self.stream.encode())

    def _encode(self, frame: VideoFrame) -> None:
        time_s = self._read_time(frame)
        if time_s < -self.track.step_s / 2:  # hidden by an edit list
            return
        picture = self._scale(frame)
        picture.pict_type = PictureType.NONE  # otherwise every key frame of the old file would be one of the new
        picture.time_base, picture.pts = CLOCK, round(time_s / CLOCK)
        picture.duration = round(self.track.step_s / CLOCK)
        self.last_s, self.n = time_s, self.n + 1
        self.now_s = time_s + self.track.step_s
        self.out.mux(self.stream.encode(picture))

    def _read_time(self, frame: VideoFrame) -> float:
        """Return the time of a frame in seconds from the start, one step after the last where it cannot be true."""
        stamp = frame.pts if frame.pts is not None else frame.dts
        next_s = self.last_s + self.track.step_s
        if stamp is None or frame.time_base is None:
            return next_s
        time_s = stamp * float(frame.time_base) - self.track.info.start_s
        is_true = self.last_s < time_s <= self.track.info.duration_s + 1.0
        return time_s if is_true or (self.n == 0 and time_s <= 0) else next_s

    def _scale(self, frame: VideoFrame) -> VideoFrame:
        width, height = self.size
        pixel_format = "rgb24" if self.is_turned else "yuv420p"
        scaled = self.reformatter.reformat(
            frame,
            width=width,
            height=height,
            format=pixel_format,
            interpolation="AREA",
            src_color_range=_read_range(frame),
            dst_color_range=ColorRange.JPEG if self.is_turned else ColorRange.MPEG,
            threads=1,
        )
        if not self.is_turned:
            return scaled
        pixels = apply_display_matrix(np.asarray(scaled.to_ndarray(), np.uint8), read_display_matrix(frame))
        upright = VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        return self.reformatter.reformat(upright, format="yuv420p", dst_color_range=ColorRange.MPEG, threads=1)


def _read_range(frame: VideoFrame) -> ColorRange:
    """Return whether brightness goes from 0 to 255 (JPEG) or from 16 to 235 (MPEG), which most files do not say."""
    is_full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith(("yuvj", "rgb", "bgr", "pal"))
    return ColorRange.JPEG if is_full else ColorRange.MPEG


def _choose_colours(inspection: Inspection, *, is_turned: bool) -> int:
    """Return the colour space to note in the new file: scaling keeps that of the old one, unless it was RGB."""
    first = inspection.first
    if is_turned or not first.pixel_format.startswith("yuv"):
        return int(Colorspace.ITU601)
    if first.colour_space != UNSAID:
        return first.colour_space
    return int(Colorspace.ITU709 if first.height_px >= HD_PX else Colorspace.ITU601)


def _tame_rate(inspection: Inspection) -> Fraction:
    """Return frames per second for the encoder, which only plans with it: between 1 and 120."""
    return Fraction(min(max(inspection.track.info.fps, 1.0), 120.0)).limit_denominator(1001)


def _tame_gop(inspection: Inspection) -> int:
    """Return the frames of about a second: the player jumps to any second at once."""
    return round(min(max(inspection.track.info.fps, 1.0), 60.0))
