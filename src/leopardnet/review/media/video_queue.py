"""The videos that are being made playable: what a person waits for first, then those ahead of her."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from leopardnet.core.errors import MediaError
from leopardnet.core.processes.file_cache import FileCache
from leopardnet.review.media.convert_video import MAX_WORK_S, Limits, convert_video
from leopardnet.review.media.decoder_pool import DecoderPool, Failures, read_answer

MAX_AHEAD = 2
FORGET_S = 30.0  # who waits asks again and again; a video that nobody asked for so long is wanted no more
HANG_S = MAX_WORK_S + 120.0  # the work ends by itself before


@dataclass(frozen=True)
class WantedVideo:
    """A video to make playable. where: how messages name it; must_encode: a browser refused it as it was."""

    key: str
    source: Path
    where: str
    must_encode: bool = False


class VideoQueue:
    """Conversions in worker processes, at most one per worker at a time. Thread-safe.

    The video asked for last comes first. Where all workers are busy, one that nobody
    waits for gives way.
    """

    def __init__(self, pool: DecoderPool, cache: FileCache) -> None:
        self.pool, self.cache = pool, cache
        self._lock = threading.RLock()
        self._asked: dict[str, tuple[WantedVideo, float]] = {}  # and when; the newest last
        self._ahead: dict[str, WantedVideo] = {}
        self._running: dict[str, Future[None]] = {}
        self._failures = Failures()

    def ask(self, wanted: WantedVideo) -> float:
        """Return how much of a video is done, 0 to 1, and go on with it. Raises MediaError if it failed."""
        with self._lock:
            self._failures.check(wanted.key)
            self._forget()
            self._asked.pop(wanted.key, None)
            self._asked[wanted.key] = wanted, time.monotonic()
            self._give_way()
            self._start_next()
        return self._read_share(wanted.key)

    def plan_ahead(self, wanted: Sequence[WantedVideo]) -> None:
        """Make these ready when nobody waits, at most two; those planned before and not among them are ended."""
        with self._lock:
            self._ahead = {w.key: w for w in wanted[:MAX_AHEAD] if w.key not in self._failures}
            for key in set(self._running) - set(self._asked) - set(self._ahead):
                self._end(key)
            self._start_next()

    def _forget(self) -> None:
        before = time.monotonic() - FORGET_S
        self._asked = {key: (wanted, at) for key, (wanted, at) in self._asked.items() if at > before}

    def _give_way(self) -> None:
        """End the work on a video that nobody waits for if all workers are busy and a person waits for another."""
        waits = any(key not in self._running for key in self._asked)
        ahead = [key for key in self._running if key not in self._asked]
        if waits and ahead and len(self._running) >= self.pool.n_workers:
            self._end(ahead[-1])

    def _end(self, key: str) -> None:
        future = self._running.pop(key)
        future.cancel()
        self.cache.drop_parts(key)

    def _start_next(self) -> None:
        for wanted in (*(wanted for wanted, _ in reversed(self._asked.values())), *self._ahead.values()):
            if len(self._running) >= self.pool.n_workers:
                return
            if wanted.key not in self._running and not self.cache.path(wanted.key).exists():
                self._start(wanted)

    def _start(self, wanted: WantedVideo) -> None:
        limits = Limits(self.cache.max_bytes // 2)
        target, notes, share = (f(wanted.key) for f in (self.cache.path, self._notes_path, self._share_path))
        work = self.pool.schedule(_convert, wanted, target, limits, share, notes, limit_s=HANG_S)
        self._running[wanted.key] = work
        work.add_done_callback(lambda future: self._finish(wanted, future))

    def _finish(self, wanted: WantedVideo, future: Future[None]) -> None:
        with self._lock:
            if self._running.get(wanted.key) is not future:  # ended, and perhaps begun again
                return
            del self._running[wanted.key]
            self._asked.pop(wanted.key, None)
            self._ahead.pop(wanted.key, None)
            try:
                read_answer(future, where=wanted.where)
                self.cache.add(wanted.key)
            except MediaError as error:
                if not self.cache.path(wanted.key).exists():  # made by another server meanwhile
                    self._failures.add(wanted.key, error)
            self.cache.drop_parts(wanted.key)
            self._forget()
            with contextlib.suppress(MediaError):  # closed meanwhile
                self._start_next()

    def read_notes(self, key: str) -> tuple[str, ...]:
        """Return what is missing of a video that was made, as warnings."""
        try:
            return tuple(map(str, json.loads(self._notes_path(key).read_text("utf-8"))))
        except (OSError, ValueError):
            return ()

    def _notes_path(self, key: str) -> Path:
        return self.cache.folder / f"{key}.json"

    def _share_path(self, key: str) -> Path:
        return self.cache.folder / f".{key}.share"

    def _read_share(self, key: str) -> float:
        try:
            return float(self._share_path(key).read_text("ascii"))
        except (OSError, ValueError):
            return 0.0


# --- in the worker ---


def _convert(wanted: WantedVideo, target: Path, limits: Limits, share: Path, notes: Path) -> None:
    must_encode = wanted.must_encode
    convert_video(wanted.source, target, limits, must_encode=must_encode, share=share, notes=notes)
