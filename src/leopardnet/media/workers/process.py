"""Worker processes of this machine: how many there are, how they start, and the memory that each may take."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from multiprocessing import spawn
from pathlib import Path
from typing import Any

from leopardnet.core.processes.fork_server import METHOD, start_fork_server
from leopardnet.core.settings.inference import RuntimeConfig


def n_workers(config: RuntimeConfig) -> int:
    """Return the number of worker processes: as configured, else one per physical core that we may use."""
    if config.workers is not None:
        return config.workers
    import psutil

    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    return max(1, min(cores, allowed))


_base: Any = multiprocessing.get_context(METHOD)
_start_lock = threading.Lock()


class WorkerProcess(_base.Process):
    """A process that does not run the caller's script again: a worker needs nothing of it.

    By default, a script that calls `predict` without `if __name__ == "__main__"` would start itself in every
    worker.
    """

    @staticmethod
    def _Popen(process: Any) -> Any:
        get_data = spawn.get_preparation_data

        def get_data_without_main(name: str) -> dict[str, Any]:
            return {k: v for k, v in get_data(name).items() if not k.startswith("init_main")}

        with _start_lock:
            spawn.get_preparation_data = get_data_without_main
            try:
                return _base.Process._Popen(process)
            finally:
                spawn.get_preparation_data = get_data


class WorkerContext(type(_base)):  # type: ignore[misc]  # its class depends on the platform
    """The multiprocessing context that starts worker processes. preload: the modules of what they run."""

    Process = WorkerProcess

    def __init__(self, *modules: str) -> None:
        super().__init__()
        start_fork_server(modules)  # imported once, for all workers


def limit_memory(limit_mb: int) -> None:
    """Let this process take `limit_mb` more than it holds now; larger allocations fail. Linux and macOS only."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    with contextlib.suppress(OSError, ValueError):
        _, hard_limit = resource.getrlimit(resource.RLIMIT_DATA)
        limit = _data_bytes() + limit_mb * 1024 * 1024
        if hard_limit != resource.RLIM_INFINITY:
            limit = min(limit, hard_limit)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard_limit))


def _data_bytes() -> int:
    """Return the bytes that count against RLIMIT_DATA now."""
    with Path("/proc/self/status").open(encoding="ascii", errors="replace") as file:  # absent on some systems
        return next((int(line.split()[1]) * 1024 for line in file if line.startswith("VmData:")), 0)


def describe_exit(exit_code: int | None) -> str:
    """Return the meaning of a process's exit code.

    >>> describe_exit(-11), describe_exit(3)
    ('SIGSEGV', 'exit code 3')
    """
    if exit_code is not None and exit_code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-exit_code).name
    return f"exit code {exit_code}"
