"""`leopardnet train -m`: a run for each combination of values, one after the other, in processes of their own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from leopardnet.cli.console import EXIT_COULD_NOT_RUN, EXIT_FINDINGS, say
from leopardnet.cli.model_verbs.runs import print_runs
from leopardnet.cli.stop_signal import explain_stop
from leopardnet.core.language import current_language

MAX_NAME = 100  # characters of the folder of a run


def run_sweep(source: Path, overrides: Sequence[str], out: Path, options: Sequence[str]) -> None:
    """Run `leopardnet train` with the options for each combination, into a folder below `out`, and print a table.

    A job that fails does not end the others, and one that was finished before counts as done. Exits with 3 if some
    failed, and with 1 if all did.
    """
    from leopardnet.compose import expand_sweep

    jobs = {name_job(swept, i): settings for i, (settings, swept) in enumerate(expand_sweep(overrides))}
    program = [sys.executable, "-m", "leopardnet", "--language", current_language(), "train", str(source)]
    options = [*options, "--keep-finished"]
    failed = []
    with explain_stop(f"runs that ended are kept in {out}"):
        for i, (name, settings) in enumerate(jobs.items(), 1):
            say(f"run {i} of {len(jobs)}: {name}")
            before = _read_end(out / name)
            code = _run_job([*program, *settings, *options, "--out", str(out / name)])
            if not code and before is not None and before == _read_end(out / name):
                say(f"finished before, and kept: {name}")
            if code:
                failed.append(name)
                say(f"this run failed with exit code {code}: {name}; the others go on")
    if any((out / name / "state.json").is_file() for name in jobs):
        print_runs(out)
    for name in failed:
        say(f"failed: {name}")
    if failed:
        raise typer.Exit(EXIT_FINDINGS if len(failed) < len(jobs) else EXIT_COULD_NOT_RUN)


def name_job(swept: Sequence[str], i: int) -> str:
    """Return the folder of a run: the values in which it differs, or its number where these are too long.

    >>> name_job(["optim.lr=1e-3", "model.weights=a/b.pth"], 0)
    'optim.lr=1e-3,model.weights=a_b.pth'
    """
    name = re.sub(r"[^\w.=,+-]+", "_", ",".join(swept))
    return name if 0 < len(name) <= MAX_NAME else f"run{i:02d}"


@contextmanager
def pass_finished(may_be: bool) -> Iterator[None]:
    """End the command with success where the run of the block was finished before, if it may be."""
    from leopardnet.training.run_folder import FinishedRun

    try:
        yield
    except FinishedRun:
        if not may_be:
            raise
        raise typer.Exit from None


def _read_end(folder: Path) -> int | None:
    """Return when a run was finished, None for one that is not: the time at which its state was last written."""
    from leopardnet.training.runs.run import read_state

    state = read_state(folder)
    is_finished = state is not None and state["state"] == "finished"
    return (folder / "state.json").stat().st_mtime_ns if is_finished else None


def _run_job(command: Sequence[str]) -> int:
    """Run a command, whose messages appear as they come, and return its exit code. It ends when this one does."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            return process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
