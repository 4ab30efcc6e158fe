"""Run `leopardnet` as a command and measure it with all its processes, for benchmarks that compare two versions."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Cost:
    """What a command took: seconds on the clock, until `is_begun` said yes, and of processors in all processes."""

    wall_s: float
    begun_s: float
    cpu_s: float


def measure(
    words: list[str | Path], source: Path, *, is_begun: Callable[[], bool] = lambda: True, may_fail: bool = False
) -> Cost:
    """Run `leopardnet WORDS` from the code in the folder `source`, and return what it took.

    On Linux the time of processes that outlive the command is counted, too: they are adopted and waited for. Other
    children of this process may run all the while.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    others = {child.pid for child in psutil.Process().children()}
    before, start = _cpu_s(), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "leopardnet", *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(source)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    begun_s = 0.0
    while process.poll() is None and not begun_s:
        if is_begun():
            begun_s = time.perf_counter() - start
        else:
            time.sleep(0.01)
    code, wall_s = process.wait(), time.perf_counter() - start
    assert may_fail or code == 0, f"exit code {code}: leopardnet {' '.join(map(str, words))}"
    while adopted := {child.pid for child in psutil.Process().children()} - others:
        for pid in adopted:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
    return Cost(wall_s, begun_s or wall_s, _cpu_s() - before)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
