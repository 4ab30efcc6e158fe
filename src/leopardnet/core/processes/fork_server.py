"""The process of which workers are copies: it has loaded what they need, and none of the caller's threads."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker

# Never a copy of the caller, whose threads would not exist in it.
METHOD = "forkserver" if sys.platform == "linux" else "spawn"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # there is a worker for every core


def start_fork_server(modules: Sequence[str]) -> None:
    """Let the server load these modules while this process goes on. Does nothing if it runs, or if there is none.

    The first call decides what is loaded, and the environment of all workers: one thread each, unless the user has
    set another number.
    """
    if METHOD != "forkserver":
        return
    multiprocessing.get_context(METHOD).set_forkserver_preload(list(modules))
    missing = {name: value for name, value in ONE_THREAD.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        resource_tracker.ensure_running()  # its start would let interrupts through again
        with _hold_interrupts():
            forkserver.ensure_running()
    finally:
        for name in missing:
            del os.environ[name]


@contextmanager
def _hold_interrupts() -> Iterator[None]:
    """Let processes that are started here never hear Ctrl-C, which a terminal sends to all: the caller ends them.

    A Ctrl-C meanwhile reaches the caller afterwards. A server that ignores it only once it has loaded its modules
    would break off with a traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
