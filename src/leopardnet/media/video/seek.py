"""Reading the frames at given times from a video: by seeking to key frames, and decoding on from them as needed."""

from __future__ import annotations

import time
from bisect import bisect
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from leopardnet.media.video.index import Track, packet_stamp, time_unit_s
from leopardnet.media.video.open import describe_error
from leopardnet.media.workers.read_ahead import advise

MAX_DECODE_S = 120.0  # of processor time for one clip; frames decoded until then count
MAX_DAMAGED = 1000  # packets or frames
MAX_PACKET_BYTES = 256_000_000


class Step(NamedTuple):
    """A wanted time, the key frame to decode from, and whether that is the wanted frame. Seconds from the start."""

    wanted_s: float
    key_s: float | None
    is_key: bool


class TimedFrame(NamedTuple):
    """A decoded frame and its presentation time, in seconds from the start."""

    time_s: float
    frame: VideoFrame


def plan_steps(times_s: NDArray[np.float64], track: Track) -> list[Step]:
    """Return the steps to the wanted times: decode from the last key frame before each, or only a key frame nearby.

    Nearby is within half a frame. If a later step starts at the same key frame, both start there, so that
    it is decoded once.

    >>> from leopardnet.core.types import MediaInfo
    >>> info = MediaInfo(64, 48, 0.0, 6.0, 10.0, 60, "h264", (0.0, 2.0, 4.0))
    >>> track = Track(info, np.array([0.0, 2.0, 4.0]), 0.1, is_indexed=True, is_steady=True)
    >>> [tuple(step) for step in plan_steps(np.array([0.3, 1.96, 4.0, 4.5]), track)]
    [(0.3, 0.0, False), (1.96, 2.0, True), (4.0, 4.0, False), (4.5, 4.0, False)]
    """
    if not len(track.keys_s):
        return [Step(float(t), None, False) for t in times_s]
    near = track.step_s / 2 if track.is_steady else 1e-3
    steps: list[Step] = []
    for t in map(float, times_s):
        key = float(track.keys_s[max(int(np.searchsorted(track.keys_s, t + near, side="right")) - 1, 0)])
        is_key = -track.step_s / 2 < key and abs(key - t) <= near
        if steps and steps[-1].key_s == key and steps[-1].is_key:
            if is_key:  # a second time for the same frame
                continue
            steps[-1] = steps[-1]._replace(is_key=False)
        steps.append(Step(t, key, is_key))
    return steps


class FrameReader:
    """A position in a video stream that moves forward, by decoding or seeking.

    loop_filter: whether clips of which only key frames are wanted get it, too. It smooths the edges of blocks and
    takes a twelfth of the time; frames that others are built on always get it, or errors would add up. n_damaged:
    packets or frames with errors; stop_reason: why reading ended early, or empty.
    """

    def __init__(
        self,
        container: InputContainer,
        video: VideoStream,
        track: Track,
        *,
        max_decode_s: float = MAX_DECODE_S,
        loop_filter: bool = True,
    ) -> None:
        self.container, self.video, self.track, self.loop_filter = container, video, track, loop_filter
        self.context = video.codec_context
        self.context.thread_count = 1  # clips are processed in parallel, which scales better
        self.context.thread_type = "NONE"
        self.base = time_unit_s(video)
        self.until_s = time.thread_time() + max_decode_s
        self.n_damaged = 0
        self.stop_reason = ""
        self._restart()

    def read_frames(self, times_s: NDArray[np.float64]) -> Iterator[TimedFrame]:
        """Yield the frame nearest to each wanted time (increasing, float64 [N]), each once, once it is decoded."""
        self.wanted_s: list[float] = times_s.tolist()
        last_s = -np.inf
        steps = plan_steps(times_s, self.track)
        if not self.loop_filter and all(step.is_key for step in steps):
            self.context.options = {"skip_loop_filter": "all"}
        starts = np.isin(self.track.keys_s, [step.key_s for step in steps if step.key_s is not None])
        if len(self.track.spans):
            advise(Path(self.container.name), self.track.spans[starts].tolist())
        for step in steps:
            is_alone = step.is_key and not self._has_passed(step)
            found = self._decode_key_frame(step) if is_alone else self._decode_nearest(step)
            if found is not None and found.time_s > last_s:
                last_s = found.time_s
                yield found
            if self.stop_reason:
                return

    def _restart(self) -> None:
        self.packets = self._read_packets()
        self.decoded: Iterator[TimedFrame] = iter(())
        self.read_s = -np.inf  # time of the latest packet given to the decoder
        self.now_s = -self.track.step_s  # time of the last decoded frame
        self.is_decoding = False
        self.before: TimedFrame | None = None
        self.after: TimedFrame | None = None

    def _has_passed(self, step: Step) -> bool:
        """Whether the packet of the step's key frame has already been given to the decoder."""
        return self.is_decoding and step.key_s is not None and step.key_s <= self.read_s + self.track.step_s / 2

    def _decode_key_frame(self, step: Step) -> TimedFrame | None:
        packet = self._seek(step)
        if packet is None:
            return None
        self.context.skip_frame = "DEFAULT"
        try:
            frames = self.context.decode(packet) or self.context.decode(None)
        except av.error.FFmpegError as error:
            self._count_damage(error)
            frames = []
        finally:
            self.is_decoding = False
            self.context.flush_buffers()
        if not frames:
            return None
        self.n_damaged += bool(frames[0].is_corrupt)
        return TimedFrame(self._packet_time(packet), frames[0])  # a drained frame has no time of its own

    def _decode_nearest(self, step: Step) -> TimedFrame | None:
        goes_on = self._has_passed(step) or (self.is_decoding and step.key_s is None)
        if not goes_on and not self._start_decoding(step):
            return None
        while True:
            while self.after is None or self.after.time_s < step.wanted_s:
                following = next(self.decoded, None)
                if following is None:
                    break
                self.before, self.after = self.after, following
            latest_s = step.wanted_s + self.track.step_s / 2
            if self.before is not None or self.after is None or self.after.time_s <= latest_s:
                break
            # The key frame came later than the index says, so decoding starts at the one before it.
            earlier = self._previous_key(step)
            if earlier is None or not self._start_decoding(earlier):
                break
            step = earlier
        near = [found for found in (self.before, self.after) if found is not None]
        return min(near, key=lambda found: abs(found.time_s - step.wanted_s), default=None)

    def _start_decoding(self, step: Step) -> bool:
        """Start at the step's key frame; False at the end of the file."""
        first = self._seek(step)
        if first is None:
            return False
        self.decoded, self.before, self.after, self.is_decoding = self._decode_from(first), None, None, True
        return True

    def _previous_key(self, step: Step) -> Step | None:
        if step.key_s is None or not self.track.is_indexed:
            return None
        earlier = self.track.keys_s[self.track.keys_s < step.key_s]
        return step._replace(key_s=float(earlier[-1])) if len(earlier) else None

    def _seek(self, step: Step) -> Packet[VideoStream] | None:
        """Flush the decoder and return the undecoded packet of the step's key frame; None at the file's end."""
        if step.key_s is not None and self.track.is_indexed:
            target = step.key_s + self.track.info.start_s
            try:
                self.container.seek(round(target / self.base), stream=self.video)
            except av.error.FFmpegError as error:
                self._count_damage(error)
                return None
            self._restart()
        if self.is_decoding:
            self.context.flush_buffers()
            self.is_decoding = False
        least_s = -np.inf if step.key_s is None else step.key_s - self._key_tolerance(step.key_s)
        for packet in self.packets:
            if step.key_s is None or (packet.is_keyframe and self._packet_time(packet) > least_s):
                return packet
        return None

    def _key_tolerance(self, key_s: float) -> float:
        """Return how much earlier than indexed a key frame may be: index times are estimated from decode times."""
        i = int(np.searchsorted(self.track.keys_s, key_s))
        gap_s = float(key_s - self.track.keys_s[i - 1]) if i else np.inf
        return gap_s / 2 if self.track.is_indexed else self.track.step_s / 2

    def _read_packets(self) -> Iterator[Packet[VideoStream]]:
        try:
            for packet in self.container.demux(self.video):
                if not packet.size:
                    return
                if packet.size > MAX_PACKET_BYTES:
                    self.n_damaged += 1
                    continue
                if time.thread_time() > self.until_s:
                    self.stop_reason = "decoding took too long"
                    return
                yield packet
        except av.error.FFmpegError as error:
            self.stop_reason = describe_error(error)

    def _decode_from(self, packet: Packet[VideoStream] | None) -> Iterator[TimedFrame]:
        """Yield the frames from this packet on."""
        while packet is not None:
            packet_s = self._packet_time(packet)
            self.read_s = max(self.read_s, packet_s)
            # A frame that no other refers to is skipped, unless it may be a wanted one. This needs steady frames.
            is_far = self._distance_s(packet_s) > 1.01 * self.track.step_s
            self.context.skip_frame = "NONREF" if self.track.is_steady and is_far else "DEFAULT"
            yield from self._decode_packet(packet)
            packet = next(self.packets, None)
        yield from self._decode_packet(None)

    def _distance_s(self, time_s: float) -> float:
        """Return how far the nearest wanted time is, in seconds."""
        i = bisect(self.wanted_s, time_s)
        return min(abs(wanted_s - time_s) for wanted_s in self.wanted_s[max(0, i - 1) : i + 1])

    def _decode_packet(self, packet: Packet[VideoStream] | None) -> Iterator[TimedFrame]:
        try:
            frames = self.context.decode(packet)
        except av.error.EOFError:
            return
        except av.error.FFmpegError as error:
            self._count_damage(error)
            return
        for frame in frames:
            self.n_damaged += bool(frame.is_corrupt)
            self.now_s = self._stream_time(frame.pts if frame.pts is not None else frame.dts)
            yield TimedFrame(self.now_s, frame)

    def _count_damage(self, error: av.error.FFmpegError) -> None:
        self.n_damaged += 1
        if isinstance(error, MemoryError) or self.n_damaged > MAX_DAMAGED:
            raise error

    def _packet_time(self, packet: Packet[VideoStream]) -> float:
        return self._stream_time(packet_stamp(packet))

    def _stream_time(self, stamp: int | None) -> float:
        """Return the time of a stamp in seconds from the start; without a stamp, one frame after the last."""
        return self.now_s + self.track.step_s if stamp is None else stamp * self.base - self.track.info.start_s
