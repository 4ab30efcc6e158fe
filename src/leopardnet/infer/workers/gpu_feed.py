"""A graphics processor is fed by one process: the workers decode, and leave model input in memory that both can see.

Frames of several clips pass the network together. A slot of shared memory belongs to one clip at a time; the few clips
with more frames than a slot holds send the rest through the pipe.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, TimeoutError, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import dataclass, replace
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pebble import ProcessExpired, ProcessPool

from leopardnet.core.errors import BackendError, MediaError
from leopardnet.core.types import Clip, ClipPrediction
from leopardnet.infer.clip import ClipFrames, Job, next_round_or_result, out_of_memory_error
from leopardnet.infer.journal import QueuedClip
from leopardnet.infer.rounds import Evidence
from leopardnet.infer.workers.pool import BYTES_PER_S, MAX_BREAKS, describe_exit, prepare_worker, worker_pool
from leopardnet.infer.workers.process import n_workers

SLOT_FRAMES = 32
SLOTS_PER_WORKER = 4


@dataclass
class _Visit:
    """A clip on its way: which look it is at, and what is known so far."""

    item: QueuedClip
    i_round: int
    evidence: Evidence


class GpuFeed:
    """The workers that decode for one network, and the network in this process."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.n_workers = max(1, n_workers(job.runtime))
        self.network = job.bundle.runtime(job.runtime)
        size = job.bundle.spec.preprocess.size_px
        self.slot_shape = (SLOT_FRAMES, 3, size, size)

    def __enter__(self) -> GpuFeed:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is held between two calls of `judged`."""

    def judged(
        self, clips: Iterator[QueuedClip], should_stop: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[QueuedClip, ClipPrediction]]:
        """Every clip with its prediction, in the order in which they are finished."""
        n_slots = SLOTS_PER_WORKER * self.n_workers
        memory = SharedMemory(create=True, size=n_slots * int(np.prod(self.slot_shape)))
        again: deque[_Visit] = deque()
        try:
            for n_breaks in range(MAX_BREAKS + 1):
                try:
                    with worker_pool(self.n_workers, _start, self.job) as pool:
                        serving = _Service(self, pool, memory, n_slots, again)
                        with closing(serving.judged(clips, should_stop)) as results:
                            yield from results
                    return
                except BrokenProcessPool:
                    if n_breaks == MAX_BREAKS:
                        raise BackendError("the worker processes die", found=f"{n_breaks + 1} times") from None
        finally:
            memory.close()
            memory.unlink()


class _Service:
    def __init__(
        self, feed: GpuFeed, pool: ProcessPool, memory: SharedMemory, n_slots: int, again: deque[_Visit]
    ) -> None:
        self.feed, self.pool, self.memory, self.again = feed, pool, memory, again
        self.free = list(range(n_slots))
        self.looking: dict[Any, tuple[_Visit, int]] = {}

    def judged(
        self, clips: Iterator[QueuedClip], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[QueuedClip, ClipPrediction]]:
        try:
            while True:
                while self.free:
                    visit = self._next(clips, should_stop)
                    if visit is None:
                        break
                    self._send(visit)
                if not self.looking:
                    return
                done = wait(self.looking, return_when=FIRST_COMPLETED).done
                yield from self._batch([(*self.looking[f], self._seen(f)) for f in done])
                for future in done:
                    self.free.append(self.looking.pop(future)[1])
        except BrokenProcessPool:
            self.again.extend(visit for visit, _ in self.looking.values())
            raise

    def _next(self, clips: Iterator[QueuedClip], should_stop: Callable[[], bool]) -> _Visit | None:
        if self.again:
            return self.again.popleft()
        item = None if should_stop() else next(clips, None)
        return None if item is None else _Visit(item, 0, Evidence.nothing())

    def _send(self, visit: _Visit) -> None:
        i_slot, clip = self.free.pop(), visit.item.clip
        arguments = (clip, visit.i_round, self.memory.name, i_slot, self.feed.slot_shape)
        self.looking[self.pool.schedule(_look, args=arguments, timeout=self._limit_s(visit.item))] = visit, i_slot

    def _limit_s(self, item: QueuedClip) -> float:
        return self.feed.job.runtime.clip_limit_s + item.n_bytes / BYTES_PER_S

    def _seen(self, future: Any) -> tuple[Any, int] | MediaError:
        """What the look gave, with its number of frames in the slot, or why there is none."""
        try:
            return future.result()  # type: ignore[no-any-return]
        except TimeoutError:
            return MediaError(f"the decoder was stopped after {self._limit_s(self.looking[future][0].item):.0f} s")
        except ProcessExpired as error:
            return MediaError(f"the decoder crashed ({describe_exit(error.exitcode)})")

    def _batch(
        self, arrived: list[tuple[_Visit, int, tuple[Any, int] | MediaError]]
    ) -> Iterator[tuple[QueuedClip, ClipPrediction]]:
        """Judge what has arrived, the frames of all clips through the network together."""
        inputs: list[NDArray[np.uint8]] = []
        for _, i_slot, seen in arrived:
            if not isinstance(seen, MediaError):
                rest, n = seen
                inputs += [_slot(self.memory, i_slot, self.feed.slot_shape)[:n], rest.x]
        x = np.concatenate(inputs) if inputs else None
        del inputs  # a view of shared memory would keep it open
        answers = self.feed.network.answers(x) if x is not None and len(x) else None
        start = 0
        for visit, _, seen in arrived:
            own = None
            if not isinstance(seen, MediaError) and answers is not None:
                seen = seen[0]
                own = answers.part(start, start + len(seen.times_s) + len(seen.crop_of))
                start += len(own)
            result, evidence = next_round_or_result(visit.item.clip, seen, own, visit.evidence, self.feed.job)
            if result is not None:
                yield visit.item, result
            else:
                self.again.append(_Visit(visit.item, visit.i_round + 1, evidence))


def _slot(memory: SharedMemory, i_slot: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    return np.ndarray(shape, np.uint8, memory.buf, offset=i_slot * int(np.prod(shape)))


# --- in the worker ---

_job: Job | None = None
_memory: SharedMemory | None = None


def _start(job: Job) -> None:
    global _job
    _job = job
    prepare_worker(job)


def _look(
    clip: Clip, i_round: int, memory_name: str, i_slot: int, shape: tuple[int, ...]
) -> tuple[ClipFrames, int] | MediaError:
    global _memory
    assert _job is not None, "the initializer ran"
    if _memory is None:
        _memory = SharedMemory(memory_name)
    try:
        seen = _job.read_frames(clip, _job, i_round)
    except MemoryError:
        seen = out_of_memory_error(clip, _job)
    if isinstance(seen, MediaError):
        return seen
    n = min(len(seen.x), shape[0])
    _slot(_memory, i_slot, shape)[:n] = seen.x[:n]
    return replace(seen, x=seen.x[n:]), n
