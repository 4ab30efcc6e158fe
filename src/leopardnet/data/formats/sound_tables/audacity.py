"""Label tracks of Audacity: a line for each label, and perhaps a second one with its range of pitch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.sound_tables.stretch_row import StretchRow, check_stretch, parse_number

SUFFIX = ".labels.txt"


def format_audacity(rows: Sequence[StretchRow]) -> str:
    r"""Return a label track; a label of several lines or with tabs becomes one line.

    >>> format_audacity([StretchRow(2.0, 2.4, "bird", 800.0, 1200.0)])
    '2.000000\t2.400000\tbird\n\\\t800.000000\t1200.000000\n'
    """
    lines = []
    for row in rows:
        lines.append(f"{row.start_s:.6f}\t{row.end_s:.6f}\t{' '.join(row.label.split())}")
        if not (math.isnan(row.low_hz) or math.isnan(row.high_hz)):
            lines.append(f"\\\t{row.low_hz:.6f}\t{row.high_hz:.6f}")
    return "".join(line + "\n" for line in lines)


def parse_audacity(text: str, *, where: str) -> list[StretchRow]:
    """Return the labels of a track. A label of a point in time has no length.

    Raises ManifestError for a line that cannot be used, with its number.
    """
    rows: list[StretchRow] = []
    for n, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        cells, place = line.split("\t"), f"{where}, line {n}"
        if not line.strip():
            continue
        if len(cells) < 2 or (cells[0] == "\\" and not rows):
            raise ManifestError(
                "this is no label track of Audacity",
                where=place,
                found=repr(line)[:80],
                expected="start, end and label, separated by tabs",
            )
        if cells[0] == "\\":
            low, high = (parse_number(c, where=place) if c else math.nan for c in (*cells[1:], "", "")[:2])
            rows[-1] = replace(rows[-1], low_hz=low, high_hz=high)
            continue
        start_s, end_s = (parse_number(c, where=place) for c in cells[:2])
        label = " ".join(cells[2:]).strip()
        rows.append(check_stretch(StretchRow(start_s, end_s, label), where=place))
    return rows
