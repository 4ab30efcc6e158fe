"""What to do about a command line that was refused."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

LANGUAGE = "--language"


def advise_usage(words: Sequence[str], program: Any) -> str | None:
    """Return what to do about a command line that was refused, where that can be told from its words.

    program: the command of the whole command line, as click has it.

    >>> advise_usage(["predict", "cards", "--out", "results"], None)
    'do: give a model with --bundle; `leopardnet train` and the page of `leopardnet start` make one'
    """
    for first, second in pairwise(words):
        if not first.startswith("-") and not second.startswith("-") and Path(f"{first} {second}").exists():
            return f'do: put quotes round a path with spaces: "{first} {second}"'
    if (verb := _find_verb(words, program)) and any(w.split("=")[0] == LANGUAGE for w in words[1:]):
        return f"do: write {LANGUAGE} before the verb: leopardnet {LANGUAGE} ru {verb} …"
    if words[:1] == ["predict"] and not any(w.split("=")[0] == "--bundle" for w in words):
        return "do: give a model with --bundle; `leopardnet train` and the page of `leopardnet start` make one"
    return None


def _find_verb(words: Sequence[str], program: Any) -> str | None:
    """Return the verb that a command line begins with, of one or two words, if it has no --language of its own."""
    command, n = program, 0
    while n < len(words) and (inner := getattr(command, "commands", {}).get(words[n])):
        command, n = inner, n + 1
    has_own = n > 0 and any(LANGUAGE in parameter.opts for parameter in command.params)
    return " ".join(words[:n]) if n and not has_own else None
