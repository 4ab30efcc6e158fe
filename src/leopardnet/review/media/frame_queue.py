"""The frames that are being made: what a person waits for at once, what she will see next when there is time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from leopardnet.core.errors import MediaError
from leopardnet.core.types import Clip
from leopardnet.media.thumbnail import make_pictures
from leopardnet.review.media.decoder_pool import DecoderPool, Failures, read_answer

FRAME_LIMIT_S = 30.0
MAX_WAITING = 32  # clips ahead; those asked for longest ago are forgotten
Pictures = dict[tuple[float, bool], bytes]


@dataclass(frozen=True)
class FrameJob:
    """Frames of one clip. stamp: of its files; looks: as they are, brightened or both; keys: by time and look."""

    clip: Clip
    stamp: str
    times_s: tuple[float, ...]
    width_px: int
    looks: tuple[bool, ...]
    keys: dict[tuple[float, bool], str]


class FrameQueue:
    """Frames made in worker processes; one process is kept free for those that a person waits for. Thread-safe.

    keep: is called with each job that was done and its pictures.
    """

    def __init__(self, pool: DecoderPool, root: Path, keep: Callable[[FrameJob, Pictures], None]) -> None:
        self.pool, self.root, self.keep = pool, root, keep
        self._lock = threading.RLock()
        self._running: dict[str, Future[Pictures]] = {}  # by the key of each frame
        self._waiting: deque[FrameJob] = deque()
        self._n_ahead = 0
        self._failures = Failures()

    def make(self, job: FrameJob) -> Pictures:
        """Return the pictures of a job; one that is being made already is awaited. Raises MediaError."""
        self._failures.check(job.stamp)
        with self._lock:
            running = [self._running.get(key) for key in job.keys.values()]
            future = running[0]
            if future is None or any(other is not future for other in running):
                future = self._start(job)
        return read_answer(future, where=job.clip.path)

    def plan_ahead(self, jobs: Sequence[FrameJob]) -> None:
        """Make these when nobody waits, the first one first, before those planned earlier."""
        with self._lock:
            self._waiting = deque([*jobs, *self._waiting][:MAX_WAITING])
            with suppress(MediaError):  # the server is being closed
                self._start_ahead()

    def _start_ahead(self) -> None:
        while self._waiting and self._n_ahead < self.pool.n_workers - 1:
            job = self._waiting.popleft()
            if not any(key in self._running for key in job.keys.values()) and job.stamp not in self._failures:
                future = self._start(job)
                self._n_ahead += 1
                future.add_done_callback(self._finish_ahead)

    def _finish_ahead(self, _: Future[Pictures]) -> None:
        with self._lock:
            self._n_ahead -= 1
            with suppress(MediaError):  # the server is being closed
                self._start_ahead()

    def _start(self, job: FrameJob) -> Future[Pictures]:
        future = self.pool.schedule(_make_pictures, job, self.root, limit_s=FRAME_LIMIT_S)
        self._running.update(dict.fromkeys(job.keys.values(), future))
        future.add_done_callback(lambda done: self._finish(job, done))
        return future

    def _finish(self, job: FrameJob, future: Future[Pictures]) -> None:
        with self._lock:
            for key in job.keys.values():
                if self._running.get(key) is future:
                    del self._running[key]
        try:
            pictures = read_answer(future, where=job.clip.path)
        except MediaError as error:
            if not future.cancelled() and not isinstance(
                future.exception(), MediaError
            ):  # it crashed or hung: not again at every frame
                self._failures.add(job.stamp, error)
        else:
            self.keep(job, pictures)


# --- in the worker ---


def _make_pictures(job: FrameJob, root: Path) -> Pictures:
    return make_pictures(job.clip, root, times_s=job.times_s, width_px=job.width_px, looks=job.looks)
