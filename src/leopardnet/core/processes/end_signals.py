"""The signals that ask a program to end: Ctrl-C, SIGTERM, a closed terminal. All of them unwind, as Ctrl-C does."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # what of them the system has


class EndRequest(KeyboardInterrupt):
    """The program was asked to end by this signal.

    kept: what of its work stays. todo: what the user does to go on.
    """

    def __init__(self, number: int, *, kept: str = "", todo: str = "") -> None:
        super().__init__(number)
        self.number, self.kept, self.todo = number, kept, todo

    @property
    def exit_code(self) -> int:
        """The exit code that shells expect of a program that a signal ended.

        >>> EndRequest(signal.SIGINT).exit_code, EndRequest(signal.SIGTERM).exit_code
        (130, 143)
        """
        return 128 + self.number

    @property
    def name(self) -> str:
        """The name of the signal, as people say it.

        >>> EndRequest(signal.SIGINT).name, EndRequest(signal.SIGTERM).name
        ('Ctrl-C', 'SIGTERM')
        """
        return "Ctrl-C" if self.number == signal.SIGINT else signal.Signals(self.number).name


def raise_end_request(number: int, frame: FrameType | None = None) -> None:
    """Raise EndRequest: a handler of signals by which all that is open is closed, and no worker lives on."""
    raise EndRequest(number)


@contextmanager
def handle_end_signals(handle: Callable[[int, FrameType | None], None] = raise_end_request) -> Iterator[None]:
    """Let `handle` answer these signals within the block. In other threads than the main one, nothing changes.

    A closed terminal does not count where it is to be ignored, as after `nohup`.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for name in _NAMES if (number := getattr(signal, name, None))}
    if hasattr(signal, "SIGHUP") and before[signal.SIGHUP] == signal.SIG_IGN:
        del before[signal.SIGHUP]
    try:
        for number in before:
            signal.signal(number, handle)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def find_end_request(error: BaseException) -> EndRequest | None:
    """Return the request that ended the program with this error, or None if it ended for another reason.

    The error is the request itself, a plain KeyboardInterrupt, or the SystemExit that typer makes of one of them.
    """
    for cause in (error, getattr(error.__context__, "__cause__", None)):
        if isinstance(cause, KeyboardInterrupt):
            return cause if isinstance(cause, EndRequest) else EndRequest(signal.SIGINT)
    return None


def describe_end(request: EndRequest, words: Sequence[str]) -> str:
    """Return the line for a request to end. words: the command line, of which the first word is the verb.

    >>> describe_end(EndRequest(2, kept="stopped after 3 of 8 clips"), ["predict", "cards"])
    'predict was ended by Ctrl-C; stopped after 3 of 8 clips; give the same command again to continue'
    """
    verb = next((word for word in words if word.isalpha() and len(word) > 2), "leopardnet")
    kept = request.kept or "what was finished is kept, and nothing is half-written"
    todo = request.todo or "give the same command again to continue"
    return f"{verb} was ended by {request.name}; {kept}; {todo}"
