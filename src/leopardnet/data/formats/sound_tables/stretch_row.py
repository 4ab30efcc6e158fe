"""One stretch of sound as the tables of other programs hold it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from leopardnet.core.errors import ManifestError


@dataclass(frozen=True, slots=True)
class StretchRow:
    """A stretch of a clip, in seconds, with a label ('' for none) and its range of pitch in Hz, or nan."""

    start_s: float
    end_s: float
    label: str = ""
    low_hz: float = math.nan
    high_hz: float = math.nan


def parse_number(text: str, *, where: str) -> float:
    """Return a number of a table, with a point or a comma. Raises ManifestError for anything else.

    >>> parse_number("1,5", where="line 1")
    1.5
    """
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ManifestError("this is no number", where=where, found=repr(text)[:40], expected="such as 12.5")
    return value


def check_stretch(row: StretchRow, *, where: str) -> StretchRow:
    """Return the row. Raises ManifestError where it ends before it begins."""
    if row.start_s > row.end_s:
        raise ManifestError(
            "a stretch of sound has a beginning and a later end",
            where=where,
            found=f"{row.start_s:g} to {row.end_s:g} s",
            todo="correct or delete it",
        )
    return row
