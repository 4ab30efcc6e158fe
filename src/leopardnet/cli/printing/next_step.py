"""The last line of a verb: the command that usually comes next, with the names that were just used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from leopardnet.cli.console import say

PLAIN = re.compile(r"[\w./:\\@+,=-]+")


def say_next(*words: object) -> None:
    """Print a command that can be given as it stands, to stderr."""
    say(f"next:   {write_command(*words)}")


def name_labels(results: Path, footage: Sequence[object]) -> list[object]:
    """Return the option --labels with the file that `review` keeps for these results, or nothing without one.

    footage: the options by which verbs find it, such as --manifest and its path.
    """
    from leopardnet.data.human_labels.label_file import find_given_labels

    manifest = footage[1] if footage[:1] == ["--manifest"] else None
    found = find_given_labels(results, manifest.parent if isinstance(manifest, Path) else None)
    return [] if found is None else ["--labels", found]


def write_command(*words: object) -> str:
    """Return a command line of this program, with quotes round words that a shell would divide.

    >>> write_command("check", "cards 2021/m.parquet"), write_command("check", "Архив/m.csv")
    ('leopardnet check "cards 2021/m.parquet"', 'leopardnet check Архив/m.csv')
    """
    texts = map(str, words)
    return " ".join(["leopardnet", *(text if PLAIN.fullmatch(text) else f'"{text}"' for text in texts)])
