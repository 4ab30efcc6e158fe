"""Worker processes, one per core, that read whole clips. A clip that crashes or hangs costs only itself.

Small clips are sent in groups, because a message costs more than they do. When a group fails, its clips are tried
again one by one, and only the one that ends its worker a second time is given up.
"""

from __future__ import annotations

import contextlib
import gc
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, TimeoutError, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Generic, Protocol, TypeVar

from pebble import ProcessExpired, ProcessPool

from leopardnet.core.errors import BackendError, LeopardnetError
from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.processes.orphans import end_with_parent
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.types import Clip
from leopardnet.media.workers.process import WorkerContext, describe_exit, limit_memory, n_workers

GROUP_BYTES = 1_000_000  # the most that a group holds, so that little is lost when it fails
GROUP_CLIPS = 16
BYTES_PER_S = 2_000_000  # what even a slow card reader gives
START_LIMIT_S = 180.0
LOOK_S = 0.2  # between two looks whether a stop was asked for
STOP_S = 1.0  # what clips in progress get to finish then; the others are read by the next run
MAX_BREAKS = 3  # of the whole pool, in a row; the crash of one worker does not count
CLIPS_PER_WORKER = 4000  # then the worker is replaced, which frees what its decoders have leaked


class PoolJob(Protocol):
    """What a worker process gets once: whatever its work needs, and how processes run."""

    @property
    def runtime(self) -> RuntimeConfig:
        """Workers, threads, and the limits of a clip."""
        ...


Work = TypeVar("Work", bound=PoolJob)
Result = TypeVar("Result")


class ClipPool(Generic[Work, Result]):
    """The worker processes of one job, for as long as the `with` block lasts.

    start: called once in each process, with the job; its errors are raised here. read: what a process does with a
    clip. give_up: the result of a clip that ended its process, and why. All three are functions of a module.
    """

    def __init__(
        self,
        job: Work,
        *,
        start: Callable[[Work], None],
        read: Callable[[Clip], Result],
        give_up: Callable[[Work, Clip, str], Result],
    ) -> None:
        self.job = job
        self.n_workers = max(1, n_workers(job.runtime))
        self._start, self._read, self._give_up = start, read, give_up
        self._open = contextlib.ExitStack()
        self._pool: ProcessPool | None = None

    def __enter__(self) -> ClipPool[Work, Result]:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool = None
        self._open.close()

    def process(
        self, clips: Iterator[QueuedClip], should_stop: Callable[[], bool] = lambda: False
    ) -> Generator[tuple[QueuedClip, Result], None, None]:
        """Yield every clip with its result as it is finished. Holds a few groups of clips at a time.

        Once `should_stop` returns True, clips in progress have a second to finish; the others are not yielded.
        """
        groups, retries, n_breaks = group_clips(clips), deque[list[QueuedClip]](), 0
        while True:
            try:
                if self._pool is None:
                    self._pool = self._open.enter_context(
                        worker_pool(self.n_workers, self._start, self.job, should_stop)
                    )
                for pair in self._process_groups(self._pool, groups, retries, should_stop):
                    yield pair
                    n_breaks = 0
                return
            except BrokenProcessPool:  # workers ended before they reported which clip they had
                self.__exit__()
                n_breaks += 1
                if should_stop():
                    return
                if n_breaks > MAX_BREAKS:
                    raise BackendError(
                        "the worker processes crash",
                        found=f"{n_breaks} times",
                        todo="check the free memory and try --workers 1; --workers 0 shows the error",
                    ) from None

    def _process_groups(
        self,
        pool: ProcessPool,
        groups: Iterator[list[QueuedClip]],
        retries: deque[list[QueuedClip]],
        should_stop: Callable[[], bool],
    ) -> Iterator[tuple[QueuedClip, Result]]:
        """Yield the results of all groups, two per worker at a time. Clips of a broken pool go to `retries`."""
        running: dict[Future[list[Result]], list[QueuedClip]] = {}
        stop_at = float("inf")
        try:
            while True:
                if should_stop():
                    stop_at = min(stop_at, time.monotonic() + STOP_S)
                while len(running) < 2 * self.n_workers and not should_stop():
                    group = retries.popleft() if retries else next(groups, None)
                    if group is None:
                        break
                    running[self._schedule(pool, group)] = group
                if not running or time.monotonic() > stop_at:
                    return
                for future in wait(running, timeout=LOOK_S, return_when=FIRST_COMPLETED).done:
                    group = running[future]
                    results = self._results_or_none(future, group)
                    del running[future]
                    if results is None:
                        retries.extend([item] for item in group)
                    else:
                        yield from zip(group, results, strict=True)
        except BrokenProcessPool:
            retries.extend([item] for group in running.values() for item in group)
            raise

    def _results_or_none(self, future: Future[list[Result]], group: list[QueuedClip]) -> list[Result] | None:
        """Return the results of a group, or None where its clips must be tried one by one."""
        try:
            return future.result()
        except TimeoutError:
            reason = f"the decoder was stopped after {self._limit_s(group):.0f} s"
        except ProcessExpired as error:
            reason = f"the decoder crashed ({describe_exit(error.exitcode)})"
        return [self._give_up(self.job, group[0].clip, reason)] if len(group) == 1 else None

    def _schedule(self, pool: ProcessPool, group: list[QueuedClip]) -> Future[list[Result]]:
        clips = [item.clip for item in group]
        future: Future[list[Result]] = pool.schedule(
            _read_group, args=(self._read, clips), timeout=self._limit_s(group)
        )
        return future

    def _limit_s(self, group: list[QueuedClip]) -> float:
        return time_limit_s(self.job.runtime, *group)


@contextlib.contextmanager
def worker_pool(
    n: int, start: Callable[[Work], None], job: Work, should_stop: Callable[[], bool]
) -> Iterator[ProcessPool]:
    """Start a pool whose workers have run `start(job)`; an error there is raised here.

    Does not wait for the start once `should_stop` returns True.
    """
    max_tasks = max(1, CLIPS_PER_WORKER // GROUP_CLIPS)
    context = WorkerContext(start.__module__)
    pool = ProcessPool(n, max_tasks=max_tasks, initializer=_begin, initargs=(start, job), context=context)
    try:
        try:
            started, give_up_at = (
                pool.schedule(check_start, timeout=START_LIMIT_S),
                time.monotonic() + START_LIMIT_S,
            )
            while not (started.done() or should_stop() or time.monotonic() > give_up_at):
                wait([started], timeout=LOOK_S)
            if not should_stop():
                started.result(0)
        except (TimeoutError, ProcessExpired) as error:
            raise BackendError("the worker processes do not start", found=str(error)) from None
        yield pool
    finally:
        pool.stop()
        pool.join()


def time_limit_s(runtime: RuntimeConfig, *items: QueuedClip) -> float:
    """Return the seconds that these clips may take together."""
    return runtime.clip_limit_s + sum(item.n_bytes for item in items) / BYTES_PER_S


def group_clips(clips: Iterator[QueuedClip]) -> Iterator[list[QueuedClip]]:
    """Yield clips in their order: small neighbours together, a large clip alone."""
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


# --- in the worker ---

_failure: LeopardnetError | None = None


def _begin(start: Callable[[Work], None], job: Work) -> None:
    """Let this process end with its parent, ignore Ctrl-C, and keep within its memory."""
    global _failure
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what is finished
    try:
        start(job)  # before the memory is limited, and where its errors are reported
    except LeopardnetError as error:
        _failure = error
    gc.freeze()  # what is loaded stays, and need not be looked through again and again
    end_with_parent()
    limit_memory(job.runtime.memory_limit_mb)


def check_start() -> None:
    """Raise the error with which this process began, if there was one."""
    if _failure is not None:
        raise _failure


def _read_group(read: Callable[[Clip], Result], clips: Sequence[Clip]) -> list[Result]:
    check_start()
    return [read(clip) for clip in clips]
