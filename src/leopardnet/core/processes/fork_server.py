"""The process of which workers are copies: it has loaded what they need, and none of the caller's threads."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence
from multiprocessing import forkserver

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
        forkserver.ensure_running()
    finally:
        for name in missing:
            del os.environ[name]
