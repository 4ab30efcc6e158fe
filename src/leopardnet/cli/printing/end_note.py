"""The line that is printed where a signal ended a verb: what was stopped, what is kept, and how to go on."""

from __future__ import annotations

from collections.abc import Sequence

from leopardnet.core.processes.end_signals import EndRequest


def describe_end(request: EndRequest, words: Sequence[str]) -> str:
    """Return the line for a request to end. words: the command line, of which the first word is the verb.

    >>> describe_end(EndRequest(2, kept="stopped after 3 of 8 clips"), ["predict", "cards"])
    'predict was ended by Ctrl-C; stopped after 3 of 8 clips; give the same command again to continue'
    """
    verb = next((word for word in words if word.isalpha() and len(word) > 2), "leopardnet")
    kept = request.kept or "what was finished is kept, and nothing is half-written"
    todo = request.todo or "give the same command again to continue"
    return f"{verb} was ended by {request.name}; {kept}; {todo}"
