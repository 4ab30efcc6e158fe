"""Worker processes, one per core, each doing whole clips: a clip that crashes, hangs or eats memory costs itself.

Small clips travel in groups, because a message costs more than they do. When a group dies, its clips are tried again one
by one, and only the one that kills its worker a second time is given up.
"""

from __future__ import annotations

import contextlib
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, TimeoutError, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

from pebble import ProcessExpired, ProcessPool

from leopardnet.bundle.runtime import Runtime
from leopardnet.core.errors import BackendError, LeopardnetError
from leopardnet.core.types import ClipPrediction
from leopardnet.detect.detector import open_detector
from leopardnet.infer.clip import Job, classify, out_of_memory_error, unreadable_prediction
from leopardnet.infer.journal import QueuedClip
from leopardnet.infer.workers.process import WorkerContext, end_with_parent, limit_memory, n_workers

GROUP_BYTES = 1_000_000  # a group is at most this large, so that little is lost when it dies
GROUP_CLIPS = 16
BYTES_PER_S = 2_000_000  # what even a slow card reader gives
START_LIMIT_S = 180.0
MAX_BREAKS = 3  # of the pool as a whole, in a row; a crash of one worker is none
CLIPS_PER_WORKER = 4000  # then the worker is replaced, and with it whatever a decoder forgot to give back


class WorkerPool:
    """The worker processes of one job, for as long as the `with` block lasts."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.n_workers = max(1, n_workers(job.runtime))
        self._open = contextlib.ExitStack()
        self._pool: ProcessPool | None = None

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool = None
        self._open.close()

    def judged(
        self, clips: Iterator[QueuedClip], should_stop: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[QueuedClip, ClipPrediction]]:
        """Every clip with its prediction, in the order in which they are finished. Holds a handful of clips, not all."""
        groups, again, n_breaks = group_clips(clips), deque[list[QueuedClip]](), 0
        while True:
            try:
                if self._pool is None:
                    self._pool = self._open.enter_context(worker_pool(self.n_workers, _start, self.job))
                for pair in self._served(self._pool, groups, again, should_stop):
                    yield pair
                    n_breaks = 0
                return
            except BrokenProcessPool:  # workers died before they said what they were doing
                self.__exit__()
                n_breaks += 1
                if should_stop():
                    return
                if n_breaks > MAX_BREAKS:
                    raise BackendError(
                        "the worker processes die",
                        found=f"{n_breaks} times",
                        todo="is there enough memory? Try --workers 1; --workers 0 shows the error, if there is one",
                    ) from None

    def _served(
        self,
        pool: ProcessPool,
        groups: Iterator[list[QueuedClip]],
        again: deque[list[QueuedClip]],
        should_stop: Callable[[], bool],
    ) -> Iterator[tuple[QueuedClip, ClipPrediction]]:
        working: dict[Any, list[QueuedClip]] = {}
        try:
            while True:
                while len(working) < 2 * self.n_workers and not should_stop():
                    group = again.popleft() if again else next(groups, None)
                    if group is None:
                        break
                    working[self._schedule(pool, group)] = group
                if not working:
                    return
                for future in wait(working, return_when=FIRST_COMPLETED).done:
                    group = working[future]
                    results = self._results_of(future, group)
                    del working[future]
                    if results is None:
                        again.extend([item] for item in group)
                    else:
                        yield from zip(group, results, strict=True)
        except BrokenProcessPool:
            again.extend([item] for group in working.values() for item in group)
            raise

    def _results_of(self, future: Any, group: list[QueuedClip]) -> list[ClipPrediction] | None:
        """The predictions of a group, or None where its clips must be tried one by one."""
        try:
            return future.result()  # type: ignore[no-any-return]
        except TimeoutError:
            reason = f"the decoder was stopped after {self._limit_s(group):.0f} s"
        except ProcessExpired as error:
            reason = f"the decoder crashed ({describe_exit(error.exitcode)})"
        return [unreadable_prediction(group[0].clip, reason, self.job.bundle)] if len(group) == 1 else None

    def _schedule(self, pool: ProcessPool, group: list[QueuedClip]) -> Any:
        clips = [item.clip for item in group]
        return pool.schedule(_classify_all, args=(clips,), timeout=self._limit_s(group))

    def _limit_s(self, group: list[QueuedClip]) -> float:
        return self.job.runtime.clip_limit_s + sum(item.n_bytes for item in group) / BYTES_PER_S


@contextlib.contextmanager
def worker_pool(n: int, initializer: Callable[[Job], None], job: Job) -> Iterator[ProcessPool]:
    """A pool whose workers have run `initializer(job)` and stand ready; what it raised there is raised here."""
    most = max(1, CLIPS_PER_WORKER // GROUP_CLIPS)
    pool = ProcessPool(n, max_tasks=most, initializer=initializer, initargs=(job,), context=WorkerContext())
    try:
        try:
            pool.schedule(_ready, timeout=START_LIMIT_S).result(START_LIMIT_S)
        except (TimeoutError, ProcessExpired) as error:
            raise BackendError("the worker processes do not start", found=str(error)) from None
        yield pool
    finally:
        pool.stop()
        pool.join()


def group_clips(clips: Iterator[QueuedClip]) -> Iterator[list[QueuedClip]]:
    """Neighbouring small clips together; a large one alone."""
    group: list[QueuedClip] = []
    n_bytes = 0
    for item in clips:
        if group and (len(group) >= GROUP_CLIPS or n_bytes + item.n_bytes > GROUP_BYTES):
            yield group
            group, n_bytes = [], 0
        group.append(item)
        n_bytes += item.n_bytes
    if group:
        yield group


def describe_exit(exit_code: int | None) -> str:
    """What the exit code of a process means.

    >>> describe_exit(-11), describe_exit(3)
    ('SIGSEGV', 'exit code 3')
    """
    if exit_code is not None and exit_code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"


# --- in the worker ---

_failure: LeopardnetError | None = None
_work: tuple[Job, Runtime] | None = None


def prepare_worker(job: Job) -> None:
    """Make this process one that ends with its parent, ignores Ctrl-C and keeps to its memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what is finished
    end_with_parent()
    limit_memory(job.runtime.memory_limit_mb)


def _start(job: Job) -> None:
    global _failure, _work
    try:
        job = replace(job, runtime=job.runtime.model_copy(update={"threads": job.runtime.threads or 1}))
        _work = job, job.bundle.runtime(job.runtime)
        open_detector(job.detector, job.root, threads=job.runtime.threads)  # its errors and its memory belong here
    except LeopardnetError as error:
        _failure = error
    prepare_worker(job)


def _ready() -> None:
    if _failure is not None:
        raise _failure


def _classify_all(clips: list[Any]) -> list[ClipPrediction]:
    _ready()
    assert _work is not None, "the initializer ran"
    job, network = _work
    return [_classify_one(clip, job, network) for clip in clips]


def _classify_one(clip: Any, job: Job, network: Runtime) -> ClipPrediction:
    try:
        return classify(clip, job, network)
    except MemoryError:
        return unreadable_prediction(clip, out_of_memory_error(clip, job).one_line, job.bundle)
