"""Tables whose columns the caller names: text or a sheet, with columns that are joined of several."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.safe_files import read_file
from leopardnet.data.reading.several_species import join_columns
from leopardnet.data.reading.tables.clock_time import parse_clock
from leopardnet.data.reading.tables.csv_cells import MISSING, Cells, read_cells
from leopardnet.data.reading.tables.people_table import SHEET_SUFFIXES, read_people_table

_DATE_ALONE = re.compile(r"\d{4}-\d\d-\d\d")
N_TRIED = 50  # cells that say whether a column holds times
_JOINED = (("path", "/"), ("label", ","), ("species", ","))


def read_named_cells(
    source: Path, columns: Mapping[str, str], *, encoding: str | None, separator: str | None, problems: Problems
) -> tuple[Cells, dict[str, str]]:
    """Return the cells of a table, and its column for each field of `columns`.

    The header of a sheet is matched without regard to case, and in a column of times a date alone is midnight. A
    path may name several columns, joined by `/`, and a label or species several, joined by `,` (see
    `join_columns`), where no single column has that name. Rows of another length than the header go to `problems`,
    and so do cells that do not fit in a joined column. Raises ManifestError for a table that cannot be read, and
    for a missing part of a joined column.
    """
    if source.suffix.lower() in SHEET_SUFFIXES:
        sheet = read_people_table(source)
        columns = {field: _find_header(name, sheet.headers, field) for field, name in columns.items()}
        lines = [list(row) for row in zip(*sheet.columns.values(), strict=True)]
        cells = Cells(sheet.name, sheet.headers, lines, "", sheet.notes, numbers=sheet.row_numbers)
    else:
        cells = _read_text(source, encoding, separator, problems)
    made: dict[str, list[str]] = {}
    if source.suffix.lower() in SHEET_SUFFIXES and (times := columns.get("captured_at")) is not None:
        made[times] = _write_midnights(cells.column(times))
    for field, sign in _JOINED:
        name = columns.get(field, "")
        parts = [p.strip() for p in name.split(sign)]
        if name in cells.header or len(parts) < 2:
            continue
        texts = {p: [t if t not in MISSING else "" for t in cells.column(p)] for p in parts}
        if field == "path":
            texts = {p: [t.rstrip("/\\") for t in cell] for p, cell in texts.items()}
            made[name] = ["/".join(filter(None, row)) for row in zip(*texts.values(), strict=True)]
        else:
            made[name] = join_columns(texts, cells, problems)
    return replace(cells, made=made), dict(columns)


def _find_header(name: str, headers: Sequence[str], field: str) -> str:
    """Return the header that is this name but for the case, or several that are joined; else the name itself."""
    known = {header.casefold(): header for header in headers}
    sign = dict(_JOINED).get(field)
    if (whole := known.get(name.strip().casefold())) or sign is None:
        return whole or name.strip()
    return sign.join(known.get(part.strip().casefold(), part.strip()) for part in name.split(sign))


def note_unused_times(cells: Cells, columns: Mapping[str, str]) -> list[str]:
    """Return a note where the table has times, and no column of `columns` is theirs."""
    if "captured_at" in columns:
        return []
    found = [name for name in cells.header if name not in columns.values() and _holds_times(cells.column(name))]
    notes, named = list[str](), " or ".join(found)
    if found:
        notes.append(f"the times in the table are not read; name their column ({named}) with --captured-at")
    return notes


def _holds_times(texts: Sequence[str]) -> bool:
    first = [text for text in texts if text not in MISSING][:N_TRIED]
    return bool(first) and all(any(parse_clock(text, date_order=x) for x in ("dmy", "mdy")) for text in first)


def _write_midnights(texts: list[str]) -> list[str]:
    """Return times with 00:00:00 behind each date alone, which is how a sheet gives midnight."""
    if not any(":" in text for text in texts):
        return texts  # a column of dates
    return [f"{text} 00:00:00" if _DATE_ALONE.fullmatch(text) else text for text in texts]


def _read_text(source: Path, encoding: str | None, separator: str | None, problems: Problems) -> Cells:
    try:
        data = read_file(source, where=source.name)
    except OSError as error:
        raise ManifestError(
            "the table cannot be read", where=source.name, found=error.strerror, expected="a CSV file"
        ) from None
    return read_cells(data, name=source.name, encoding=encoding, separator=separator, problems=problems)
