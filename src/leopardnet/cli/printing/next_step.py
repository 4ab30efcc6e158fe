"""The last line of a verb: the command that usually comes next, with the names that were just used."""

from __future__ import annotations

import re

from leopardnet.cli.console import say

PLAIN = re.compile(r"[\w./:\\@+,=-]+")


def say_next(*words: object) -> None:
    """Print a command that can be given as it stands, to stderr."""
    say(f"next:   {write_command(*words)}")


def write_command(*words: object) -> str:
    """Return a command line of this program, with quotes round words that a shell would divide.

    >>> write_command("check", "cards 2021/m.parquet"), write_command("check", "Архив/m.csv")
    ('leopardnet check "cards 2021/m.parquet"', 'leopardnet check Архив/m.csv')
    """
    texts = map(str, words)
    return " ".join(["leopardnet", *(text if PLAIN.fullmatch(text) else f'"{text}"' for text in texts)])
