"""Selection tables of Raven (Cornell Lab of Ornithology): text with tabs, one row for each selection and view."""

from __future__ import annotations

import math
from collections.abc import Sequence

from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.sound_tables.stretch_row import StretchRow, check_stretch, parse_number

SUFFIX = ".Table.1.selections.txt"
BEGIN, END, LOW, HIGH = "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)"
COLUMNS = ("Selection", "View", "Channel", BEGIN, END, LOW, HIGH, "Annotation")
LABELS = ("Annotation", "Species", "Label", "Call Type")  # the columns that people put their labels in
TOP_HZ = 8000.0  # of a selection whose pitch is not known


def format_raven(rows: Sequence[StretchRow]) -> str:
    """Return a selection table; a label of several lines or with tabs becomes one line.

    >>> print(format_raven([StretchRow(2.0, 2.4, "bird")]).splitlines()[1].split(chr(9))[:4])
    ['1', 'Spectrogram 1', '1', '2.000']
    """
    lines: list[Sequence[str]] = [COLUMNS]
    for i, row in enumerate(rows, 1):
        low, high = (
            default if math.isnan(hz) else hz for hz, default in ((row.low_hz, 0.0), (row.high_hz, TOP_HZ))
        )
        numbers = (f"{row.start_s:.3f}", f"{row.end_s:.3f}", f"{low:.1f}", f"{high:.1f}")
        lines.append((str(i), "Spectrogram 1", "1", *numbers, " ".join(row.label.split())))
    return "".join("\t".join(line) + "\n" for line in lines)


def parse_raven(text: str, *, where: str) -> list[StretchRow]:
    """Return the selections of a table, each once though Raven writes it for each view.

    Raises ManifestError for a table without the times, and for a row that cannot be used, with its line.
    """
    text = text.lstrip("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = [line.split("\t") for line in text.split("\n")]
    header = lines[0]
    if BEGIN not in header or END not in header:
        raise ManifestError(
            "this is no selection table of Raven",
            where=where,
            found=", ".join(header)[:120].strip() or "an empty file",
            expected=f"columns {BEGIN} and {END}, separated by tabs",
        )
    column = next((c for c in LABELS if c in header), None)
    rows: dict[object, StretchRow] = {}
    for n, cells in enumerate(lines[1:], 2):
        if not any(cells):
            continue
        values, place = dict(zip(header, cells, strict=False)), f"{where}, line {n}"
        start_s, end_s = (parse_number(values.get(c, ""), where=f"{place}, {c}") for c in (BEGIN, END))
        low, high = (parse_number(values[c], where=place) if values.get(c) else math.nan for c in (LOW, HIGH))
        label = values.get(column, "").strip() if column else ""
        row = check_stretch(StretchRow(start_s, end_s, label, low, high), where=place)
        rows.setdefault((values.get("Selection") or n, start_s, end_s), row)  # numbers may stand twice
    return list(rows.values())
