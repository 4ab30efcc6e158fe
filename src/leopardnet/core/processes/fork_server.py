"""The process of which workers are copies: it has loaded what they need, and none of the caller's threads."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Sequence
from multiprocessing import forkserver

METHOD = (
    "forkserver" if sys.platform == "linux" else "spawn"
)  # never a copy of the caller: its threads would be lost


def start_fork_server(modules: Sequence[str]) -> None:
    """Let the server load these modules while this process goes on. Does nothing if it runs, or if there is none.

    The first call decides what is loaded, and the environment that all workers have.
    """
    if METHOD == "forkserver":
        multiprocessing.get_context(METHOD).set_forkserver_preload(list(modules))
        forkserver.ensure_running()
