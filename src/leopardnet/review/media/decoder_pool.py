"""Processes that open footage for the server: a file that crashes or hangs its decoder costs only itself."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessPool

from leopardnet.core.errors import MediaError
from leopardnet.core.processes.orphans import end_with_parent
from leopardnet.media.video.open import describe_error
from leopardnet.media.workers.process import WorkerContext, describe_exit, limit_memory

MEMORY_MB = 2000  # of one process, beyond what its libraries take
MAX_TASKS = 500  # then a process is replaced, which frees what its decoders have leaked
RETRY_S = 60.0
NICENESS = 5
PRELOADED = ("leopardnet.review.media.frame_queue", "leopardnet.review.media.video_queue")  # what is run there
MAX_FAILURES = 1000
Answer = TypeVar("Answer")


class DecoderPool:
    """Worker processes, started by the first call; a pool that broke down is replaced by the next one.

    is_patient: they leave the processors to others, as to the server and to frames that a person waits for.
    """

    def __init__(self, n_workers: int, *, is_patient: bool = False) -> None:
        self.n_workers, self.is_patient = n_workers, is_patient
        self._lock = threading.Lock()
        self._pool: ProcessPool | None = None
        self._open: set[Future[Any]] = set()
        self._is_closed = False

    def warm_up(self) -> None:
        """Start the processes in the background, so that the first call waits less for them."""
        threading.Thread(target=self._start_first, daemon=True).start()

    def _start_first(self) -> None:
        with contextlib.suppress(MediaError):  # closed meanwhile
            self.schedule(_do_nothing, limit_s=60.0)

    def schedule(self, function: Callable[..., Answer], *args: Any, limit_s: float) -> Future[Answer]:
        """Return the future of a call in a worker, which is ended if it takes longer than `limit_s`."""
        with self._lock:
            if self._is_closed:
                raise MediaError("the review is being closed")
            for _ in range(2):
                if self._pool is None:
                    context = WorkerContext(*PRELOADED)
                    self._pool = ProcessPool(
                        self.n_workers,
                        max_tasks=MAX_TASKS,
                        initializer=_prepare_process,
                        initargs=(self.is_patient,),
                        context=context,
                    )
                try:
                    future: Future[Answer] = self._pool.schedule(function, args=args, timeout=limit_s)
                except RuntimeError:  # it broke down
                    threading.Thread(target=self._end, args=(self._pool, set(self._open)), daemon=True).start()
                    self._pool = None
                else:
                    self._open.add(future)
                    break
            else:
                raise MediaError("the processes that read footage do not start", todo="check the free memory")
        future.add_done_callback(self._open.discard)  # without the lock: it may be done already
        return future

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        with self._lock:
            self._is_closed, pool, self._pool = True, self._pool, None
        if pool is not None:  # without the lock: what waits for the last answers may call `schedule`
            self._end(pool, set(self._open))

    def _end(self, pool: ProcessPool, futures: set[Future[Any]]) -> None:
        pool.stop()
        pool.join()
        for future in futures:  # a stopped pool leaves them without an answer
            future.cancel()


def read_answer(future: Future[Answer], *, where: str) -> Answer:
    """Return the answer of a worker. Raises MediaError for whatever went wrong, with `where` and without a path."""
    try:
        return future.result()
    except MediaError as error:
        raise move_error(error, where) from None
    except TimeoutError:
        found = "it took too long and was stopped"
    except ProcessExpired as error:
        found = f"the decoder crashed ({describe_exit(error.exitcode)})"
    except CancelledError:
        found = "the work was ended"
    except MemoryError:
        found = f"it needed more than {MEMORY_MB} MB of memory"
    except BrokenProcessPool:
        found = "the processes that read footage ended"
    except Exception as error:
        found = describe_error(error)
    raise MediaError("the file cannot be read", where=where, found=found)


def move_error(error: MediaError, where: str) -> MediaError:
    """Return the error with another place."""
    parts: dict[str, Any] = error.parts
    return MediaError(error.what, where=where, found=parts["found"], expected=parts["expected"], todo=parts["do"])


class Failures:
    """What went wrong lately, by key: it is tried again after a minute, and not at every request. Thread-safe."""

    def __init__(self, retry_s: float = RETRY_S) -> None:
        self.retry_s = retry_s
        self._errors: OrderedDict[str, tuple[float, MediaError]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, key: str, error: MediaError) -> None:
        """Note an error."""
        with self._lock:
            self._errors[key] = time.monotonic(), error
            if len(self._errors) > MAX_FAILURES:
                self._errors.popitem(last=False)

    def check(self, key: str) -> None:
        """Raise the error of a key if there was one lately."""
        with self._lock:
            at_s, error = self._errors.get(key, (-math.inf, None))
            if error is None:
                return
            if time.monotonic() - at_s < self.retry_s:
                raise error.with_traceback(None)
            del self._errors[key]

    def __contains__(self, key: str) -> bool:
        with self._lock:
            return key in self._errors


# --- in the worker ---


def _prepare_process(is_patient: bool) -> None:
    if is_patient and hasattr(os, "nice"):  # not on Windows
        os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server decides when it ends
    end_with_parent()
    limit_memory(MEMORY_MB)


def _do_nothing() -> None:
    pass
