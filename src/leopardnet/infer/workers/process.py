"""What the machine has, and what a worker process may take of it."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
import threading
from multiprocessing import connection, spawn
from typing import Any

from leopardnet.core.settings.inference import RuntimeConfig


def n_workers(config: RuntimeConfig) -> int:
    """The number of worker processes: as configured, else one for every physical core that this process may use."""
    if config.workers is not None:
        return config.workers
    import psutil

    cores = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    return max(1, min(cores, allowed))


def is_graphics_processor(config: RuntimeConfig) -> bool:
    """Whether the network runs on a graphics processor, which one process feeds for all workers."""
    if config.backend_name != "torch" or config.device == "cpu":
        return False
    if config.device != "auto":
        return True
    from leopardnet.network.classifier import choose_device

    return choose_device("auto") != "cpu"


_METHOD = (
    "forkserver" if sys.platform == "linux" else "spawn"
)  # never a fork of this process, whose threads would not follow
_base: Any = multiprocessing.get_context(_METHOD)


class WorkerProcess(_base.Process):  # type: ignore[misc]
    """A process that does not run the caller's script again: a worker needs nothing of it.

    With the standard behaviour a script that calls `predict` without `if __name__ == "__main__"` would start itself.
    """

    @staticmethod
    def _Popen(process: Any) -> Any:
        prepared = spawn.get_preparation_data

        def without_main(name: str) -> dict[str, Any]:
            return {k: v for k, v in prepared(name).items() if not k.startswith("init_main")}

        with _starting:
            spawn.get_preparation_data = without_main
            try:
                return _base.Process._Popen(process)
            finally:
                spawn.get_preparation_data = prepared


_starting = threading.Lock()


class WorkerContext(type(_base)):  # type: ignore[misc]
    """The way in which worker processes are started."""

    Process = WorkerProcess

    def __init__(self) -> None:
        super().__init__()
        if _METHOD == "forkserver":
            self.set_forkserver_preload(["leopardnet.infer.workers.pool"])  # imported once, for all workers


def limit_memory(limit_mb: int) -> None:
    """Let this process take `limit_mb` more than it holds now; beyond, allocations fail. Only where the system can."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    with contextlib.suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = _data_bytes() + limit_mb * 1024 * 1024
        resource.setrlimit(
            resource.RLIMIT_DATA, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most)
        )


def _data_bytes() -> int:
    """What counts against RLIMIT_DATA now."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - not on every system
        return next((int(line.split()[1]) * 1024 for line in file if line.startswith("VmData:")), 0)


def end_with_parent() -> None:
    """End this process at once when the one that started it is gone, whatever it is doing: nobody wants its result."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
