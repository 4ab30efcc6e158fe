"""Following chosen times through a video: jump to a key frame where one will do, walk from one where not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import av.error
import numpy as np
from numpy.typing import NDArray

from leopardnet.media.video.index import Track, stamp
from leopardnet.media.video.open import reason

MAX_DECODE_S = 120.0  # of processor time for one clip; what was seen until then counts
MAX_DAMAGED = 1000  # packets or frames
MAX_PACKET_BYTES = 256_000_000


class Step(NamedTuple):
    """One wanted time, the key frame to begin at, and whether that is the frame itself. Seconds from the start."""

    wanted_s: float
    key_s: float | None
    is_key: bool


class Shown(NamedTuple):
    """A decoded frame and when it is shown, in seconds from the start."""

    time_s: float
    frame: Any


def route(times_s: NDArray[np.float64], track: Track) -> list[Step]:
    """The steps to the wanted times: from the last key frame before each, or straight to one less than half a frame away.

    A key frame from which a later step walks on is the beginning of that walk, so that it is decoded once.

    >>> from leopardnet.core.types import MediaInfo
    >>> info = MediaInfo(64, 48, 0.0, 6.0, 10.0, 60, "h264", (0.0, 2.0, 4.0))
    >>> track = Track(info, np.array([0.0, 2.0, 4.0]), 0.1, is_indexed=True, is_steady=True)
    >>> [tuple(step) for step in route(np.array([0.3, 1.96, 4.0, 4.5]), track)]
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


class Walk:
    """A position in a stream that moves forward, by decoding or by jumping, and counts what went wrong on the way."""

    def __init__(self, container: Any, video: Any, track: Track, *, max_decode_s: float = MAX_DECODE_S) -> None:
        self.container, self.video, self.track = container, video, track
        self.context = video.codec_context
        self.context.thread_count = 1  # parallel work happens over clips, where it scales
        self.context.thread_type = "NONE"
        self.base = float(video.time_base or 0) or 1 / 1000
        self.until_s = time.thread_time() + max_decode_s
        self.n_damaged = 0
        self.stopped = ""
        self._restart()

    def frames_at(self, times_s: NDArray[np.float64]) -> Iterator[Shown]:
        """The frame nearest to each wanted time (increasing), each once, in order, as soon as it is decoded."""
        self.wanted_s = times_s
        last_s = -np.inf
        for step in route(times_s, self.track):
            shown = self._key_frame(step) if step.is_key and not self._is_behind(step) else self._nearest(step)
            if shown is not None and shown.time_s > last_s:
                last_s = shown.time_s
                yield shown
            if self.stopped:
                return

    def _restart(self) -> None:
        self.packets = self._read()
        self.decoded: Iterator[Shown] = iter(())
        self.read_s = -np.inf  # when the last packet that was decoded is shown
        self.now_s = -self.track.step_s  # and the last frame
        self.is_walking = False
        self.before: Shown | None = None
        self.after: Shown | None = None

    def _is_behind(self, step: Step) -> bool:
        """Whether the packet of the step's key frame has already gone into the decoder."""
        return self.is_walking and step.key_s is not None and step.key_s <= self.read_s + self.track.step_s / 2

    def _key_frame(self, step: Step) -> Shown | None:
        packet = self._jump(step)
        if packet is None:
            return None
        self.context.skip_frame = "DEFAULT"
        try:
            frames = self.context.decode(packet) or self.context.decode(None)
        except av.error.FFmpegError as error:
            self._damage(error)
            frames = []
        finally:
            self.is_walking = False
            self.context.flush_buffers()
        if not frames:
            return None
        self.n_damaged += bool(frames[0].is_corrupt)
        return Shown(self._seconds(packet), frames[0])  # a drained frame carries no time of its own

    def _nearest(self, step: Step) -> Shown | None:
        goes_on = self._is_behind(step) or (self.is_walking and step.key_s is None)
        if not goes_on and not self._set_out(step):
            return None
        while True:
            while self.after is None or self.after.time_s < step.wanted_s:
                shown = next(self.decoded, None)
                if shown is None:
                    break
                self.before, self.after = self.after, shown
            is_late = self.before is None and self.after is not None
            if not is_late or self.after.time_s <= step.wanted_s + self.track.step_s / 2:
                break
            # a key frame may be shown later than its index says: begin at the one before it
            earlier = self._key_before(step)
            if earlier is None or not self._set_out(earlier):
                break
            step = earlier
        near = [shown for shown in (self.before, self.after) if shown is not None]
        return min(near, key=lambda shown: abs(shown.time_s - step.wanted_s), default=None)

    def _set_out(self, step: Step) -> bool:
        """Begin to walk at the step's key frame; False where the file has no more."""
        first = self._jump(step)
        if first is None:
            return False
        self.decoded, self.before, self.after, self.is_walking = self._decode(first), None, None, True
        return True

    def _key_before(self, step: Step) -> Step | None:
        if step.key_s is None or not self.track.is_indexed:
            return None
        earlier = self.track.keys_s[self.track.keys_s < step.key_s]
        return step._replace(key_s=float(earlier[-1])) if len(earlier) else None

    def _jump(self, step: Step) -> Any:
        """The packet of the step's key frame, undecoded, with the decoder emptied; None where the file has no more."""
        if step.key_s is not None and self.track.is_indexed:
            target = step.key_s + self.track.info.start_s
            try:
                self.container.seek(round(target / self.base), stream=self.video)
            except av.error.FFmpegError as error:
                self._damage(error)
                return None
            self._restart()
        if self.is_walking:
            self.context.flush_buffers()
            self.is_walking = False
        for packet in self.packets:
            if step.key_s is None or (
                packet.is_keyframe and self._seconds(packet) > step.key_s - self._slack(step.key_s)
            ):
                return packet
        return None

    def _slack(self, key_s: float) -> float:
        """How much earlier than the index says a key frame may be shown: its times are guesses from decode times."""
        i = int(np.searchsorted(self.track.keys_s, key_s))
        between = float(key_s - self.track.keys_s[i - 1]) if i else np.inf
        return between / 2 if self.track.is_indexed else self.track.step_s / 2

    def _read(self) -> Iterator[Any]:
        try:
            for packet in self.container.demux(self.video):
                if not packet.size:
                    return
                if packet.size > MAX_PACKET_BYTES:
                    self.n_damaged += 1
                    continue
                if time.thread_time() > self.until_s:
                    self.stopped = "decoding took too long"
                    return
                yield packet
        except av.error.FFmpegError as error:
            self.stopped = reason(error)

    def _decode(self, packet: Any) -> Iterator[Shown]:
        """The frames from this packet on."""
        while packet is not None:
            self.read_s = max(self.read_s, self._seconds(packet))
            # A frame that no other one needs is left out, unless it may be one that is wanted. Where frames do not
            # follow each other evenly, nobody can say that beforehand.
            leave_out = (
                self.track.is_steady
                and np.abs(self.wanted_s - self._seconds(packet)).min() > 1.01 * self.track.step_s
            )
            self.context.skip_frame = "NONREF" if leave_out else "DEFAULT"
            yield from self._shown(packet)
            packet = next(self.packets, None)
        yield from self._shown(None)

    def _shown(self, packet: Any) -> Iterator[Shown]:
        try:
            frames = self.context.decode(packet)
        except av.error.EOFError:
            return
        except av.error.FFmpegError as error:
            self._damage(error)
            return
        for frame in frames:
            self.n_damaged += bool(frame.is_corrupt)
            at = frame.pts if frame.pts is not None else frame.dts
            # a frame without a time follows the one before
            self.now_s = self.now_s + self.track.step_s if at is None else at * self.base - self.track.info.start_s
            yield Shown(self.now_s, frame)

    def _damage(self, error: av.error.FFmpegError) -> None:
        self.n_damaged += 1
        if isinstance(error, MemoryError) or self.n_damaged > MAX_DAMAGED:
            raise error

    def _seconds(self, packet: Any) -> float:
        at = stamp(packet)
        return self.now_s + self.track.step_s if at is None else at * self.base - self.track.info.start_s
