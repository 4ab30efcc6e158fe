"""One process feeds a graphics processor: workers decode, and leave model input in memory that both can see.

Frames of several clips pass through the network together. A slot of the shared memory belongs to one clip at a
time; the few clips with more frames than a slot holds send the rest through the pipe.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, TimeoutError, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing.shared_memory import SharedMemory

import numpy as np
from numpy.typing import NDArray
from pebble import ProcessExpired, ProcessPool

from leopardnet.core.errors import BackendError, MediaError
from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.types import Clip, ClipPrediction
from leopardnet.infer.clip import conclude, read_frames
from leopardnet.infer.evidence import ClipFrames
from leopardnet.infer.job import Job, Results
from leopardnet.media.workers.clip_errors import out_of_memory_error
from leopardnet.media.workers.clip_pool import MAX_BREAKS, check_start, time_limit_s, worker_pool
from leopardnet.media.workers.process import describe_exit, n_workers

SLOT_FRAMES = 32
SLOTS_PER_WORKER = 4


@dataclass
class _SlotFrames:
    """The frames of a clip, of which the first `n` of `x` are in the slot; `frames.x` holds only the rest."""

    frames: ClipFrames
    n: int


class GpuFeed:
    """The network in this process, and the workers that decode for it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.n_workers = max(1, n_workers(job.runtime))
        self.network = job.bundle.runtime(job.runtime)
        size = job.bundle.spec.preprocess.size_px
        self.slot_shape = (SLOT_FRAMES, 3, size, size)

    def __enter__(self) -> GpuFeed:
        return self

    def __exit__(self, *error: object) -> None:
        """Do nothing: between two calls of `classify` there is nothing to close."""

    def classify(self, clips: Iterator[QueuedClip], should_stop: Callable[[], bool] = lambda: False) -> Results:
        """Yield every clip with its prediction as it is finished."""
        n_slots = SLOTS_PER_WORKER * self.n_workers
        memory = SharedMemory(create=True, size=n_slots * int(np.prod(self.slot_shape)))
        queue: deque[QueuedClip] = deque()
        try:
            for n_breaks in range(MAX_BREAKS + 1):
                try:
                    with worker_pool(self.n_workers, _start, self.job, should_stop) as pool:
                        session = _Session(self, pool, memory, n_slots, queue)
                        with closing(session.classify(clips, should_stop)) as results:
                            yield from results
                    return
                except BrokenProcessPool:
                    if n_breaks == MAX_BREAKS:
                        raise BackendError("the worker processes crash", found=f"{n_breaks + 1} times") from None
        finally:
            memory.close()
            memory.unlink()


class _Session:
    """The work of one pool, from its start to its end. `queue`: clips that come before new ones."""

    def __init__(
        self, feed: GpuFeed, pool: ProcessPool, memory: SharedMemory, n_slots: int, queue: deque[QueuedClip]
    ) -> None:
        self.feed, self.pool, self.memory, self.queue = feed, pool, memory, queue
        self.free_slots = list(range(n_slots))
        self.running: dict[Future[_SlotFrames | MediaError], tuple[QueuedClip, int]] = {}

    def classify(self, clips: Iterator[QueuedClip], should_stop: Callable[[], bool]) -> Results:
        """Yield clips with their predictions; where the pool breaks, the clips under way go back to the queue."""
        try:
            while True:
                while self.free_slots:
                    item = self._next_clip(clips, should_stop)
                    if item is None:
                        break
                    self._send(item)
                if not self.running:
                    return
                done = wait(self.running, return_when=FIRST_COMPLETED).done
                yield from self._classify_batch([(*self.running[f], self._frames_or_error(f)) for f in done])
                for future in done:
                    self.free_slots.append(self.running.pop(future)[1])
        except BrokenProcessPool:
            self.queue.extend(item for item, _ in self.running.values())
            raise

    def _next_clip(self, clips: Iterator[QueuedClip], should_stop: Callable[[], bool]) -> QueuedClip | None:
        if self.queue:
            return self.queue.popleft()
        return None if should_stop() else next(clips, None)

    def _send(self, item: QueuedClip) -> None:
        i_slot = self.free_slots.pop()
        arguments = (item.clip, self.memory.name, i_slot, self.feed.slot_shape)
        future: Future[_SlotFrames | MediaError] = self.pool.schedule(
            _read_into_slot, args=arguments, timeout=time_limit_s(self.feed.job.runtime, item)
        )
        self.running[future] = item, i_slot

    def _frames_or_error(self, future: Future[_SlotFrames | MediaError]) -> _SlotFrames | MediaError:
        try:
            return future.result()
        except TimeoutError:
            limit_s = time_limit_s(self.feed.job.runtime, self.running[future][0])
            return MediaError(f"the decoder was stopped after {limit_s:.0f} s")
        except ProcessExpired as error:
            return MediaError(f"the decoder crashed ({describe_exit(error.exitcode)})")

    def _classify_batch(
        self, batch: list[tuple[QueuedClip, int, _SlotFrames | MediaError]]
    ) -> Iterator[tuple[QueuedClip, ClipPrediction]]:
        """Run the frames of all clips through the network together, and yield each clip with its prediction."""
        inputs: list[NDArray[np.uint8]] = []
        for _, i_slot, found in batch:
            if isinstance(found, _SlotFrames):
                inputs += [_slot(self.memory, i_slot, self.feed.slot_shape)[: found.n], found.frames.x]
        x = np.concatenate(inputs) if inputs else None
        del inputs  # a view of shared memory would keep it open
        answers = self.feed.network.answers(x) if x is not None and len(x) else None
        start = 0
        for item, _, found in batch:
            frames = found.frames if isinstance(found, _SlotFrames) else found
            part = None
            if isinstance(frames, ClipFrames) and answers is not None:
                part = answers.part(start, start + len(frames.times_s) + len(frames.crop_of))
                start += len(part)
            yield item, conclude(item.clip, frames, part, self.feed.job)


def _slot(memory: SharedMemory, i_slot: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.ndarray(shape, np.uint8, memory.buf, offset=i_slot * int(np.prod(shape)))


# --- in the worker ---

_job: Job | None = None
_memory: SharedMemory | None = None


def _start(job: Job) -> None:
    global _job
    _job = job


def _read_into_slot(clip: Clip, memory_name: str, i_slot: int, shape: tuple[int, ...]) -> _SlotFrames | MediaError:
    global _memory
    check_start()
    assert _job is not None, "the process was started"
    if _memory is None:
        _memory = SharedMemory(memory_name)
    try:
        frames = (_job.read_frames or read_frames)(clip, _job)
    except MemoryError:
        frames = out_of_memory_error(clip, _job.runtime)
    if isinstance(frames, MediaError):
        return frames
    n = min(len(frames.x), shape[0])
    _slot(_memory, i_slot, shape)[:n] = frames.x[:n]
    return _SlotFrames(replace(frames, x=frames.x[n:]), n)
