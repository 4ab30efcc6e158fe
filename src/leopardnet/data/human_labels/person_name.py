"""The name of a person who labels, in one form wherever it comes from."""

from __future__ import annotations

MAX_CHARACTERS = 40


def tidy_name(name: str) -> str:
    """Return a name with single spaces and none around it; '' where it names nobody or cannot be kept.

    >>> tidy_name("  Anna  B. "), tidy_name("a/b"), tidy_name(" ")
    ('Anna B.', '', '')
    """
    found = " ".join(name.split())
    return found if found.isprintable() and len(found) <= MAX_CHARACTERS and "/" not in found else ""
