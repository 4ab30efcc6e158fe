"""Clips that could not be read, in the terminal: the first of them, each with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leopardnet.cli.console import say
from leopardnet.core.language import translate_message

if TYPE_CHECKING:
    import pandas as pd

MOST_NAMED = 5


def name_unreadable(found: Sequence[tuple[str, str]]) -> int:
    """Print path and reason of the first clips of `found`, and return the number of the others."""
    for path, reason in found[:MOST_NAMED]:
        say(f"{path}: {translate_message(reason)}")
    return max(0, len(found) - MOST_NAMED)


def say_unreadable(table: pd.DataFrame) -> None:
    """Print which clips of a predictions table could not be read. A launcher's window shows nothing else."""
    rows = table[table["status"] == "unreadable"]
    name_unreadable(list(zip(rows["path"], rows["reason"].fillna("").map(str), strict=True)))
    n_unreadable, n_clips = len(rows), len(table)
    if n_unreadable:
        say(
            f"{n_unreadable} of {n_clips} clips could not be read; the column `reason` explains why, and "
            "--retry-failed tries them again"
        )
