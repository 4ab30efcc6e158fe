"""Stopping a verb on request: what is kept, and how to go on. `console.main` says it, for all verbs in one way."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import FrameType

from leopardnet.cli.console import say
from leopardnet.core.errors import RunStopped
from leopardnet.core.processes.end_signals import EndRequest, handle_end_signals, raise_end_request


@contextmanager
def explain_stop(kept: str, *, todo: str = "") -> Iterator[None]:
    """Let a verb that is ended within the block say what stays of its work.

    todo: how it is continued, where that is not the same command.
    """
    try:
        yield
    except EndRequest as request:
        request.kept, request.todo = request.kept or kept, request.todo or todo
        raise


def explain_training(out: Path, *, overwrite: bool) -> AbstractContextManager[None]:
    """Let a training that is ended within the block say what stays of it, and how it goes on. out: its folder."""
    return explain_stop(
        f"finished epochs are kept in {out}",
        todo="give the same command again without --overwrite to continue" if overwrite else "",
    )


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Yield a function that returns whether a stop was requested.

    The first signal gives the clips in progress a second, the second ends at once.
    """
    received: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        if received:
            raise_end_request(number)
        received.append(number)
        say("stopping: clips in progress have a second to finish; a second signal ends at once")

    with explain_stop("all finished clips are kept"), handle_end_signals(handle):
        try:
            yield lambda: bool(received)
        except RunStopped as stop:
            number = received[0] if received else signal.SIGINT
            raise EndRequest(number, kept=stop.what, todo=str(stop.parts["do"] or "")) from None
