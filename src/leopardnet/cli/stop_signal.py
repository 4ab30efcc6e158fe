"""Stopping a run on request: the first signal gives the clips in progress a second, the second ends at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer

from leopardnet.cli.console import EXIT_STOPPED, say
from leopardnet.core.errors import RunStopped

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


@contextmanager
def explain_stop() -> Iterator[None]:
    """End with one line and exit code 130 where a run is stopped, or Ctrl-C is pressed before its long work."""
    try:
        yield
    except (RunStopped, KeyboardInterrupt) as error:
        what = error.what if isinstance(error, RunStopped) else "ended at once; all finished clips are kept"
        say(f"{what}\ngive the same command again to continue")
        raise typer.Exit(EXIT_STOPPED) from None


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether a stop was requested. A run that is stopped ends with exit code 130."""
    received: list[int] = []

    def handle(number: int, frame: object) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        say("stopping: clips in progress have a second to finish; a second signal ends at once")

    numbers = [getattr(signal, name) for name in SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        with explain_stop():
            yield lambda: bool(received)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
