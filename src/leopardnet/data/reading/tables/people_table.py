"""Tables that people keep, such as deployments and corrections: text, Excel, OpenDocument or Parquet, alike.

People save tables in whatever form their program offers. Here each becomes columns of plain texts, so that one set
of rules for names, numbers and times applies to all of them.
"""

from __future__ import annotations

import io
import math
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.sax import SAXException
from xml.sax.handler import ContentHandler

from leopardnet.core.columns import FIRST_ROW
from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import refuse_missing_table
from leopardnet.data.reading.safe_files import read_file, refuse_unsafe_members
from leopardnet.data.reading.tables.csv_cells import find_separator, parse_lines, split_hint
from leopardnet.data.reading.tables.text_encoding import decode_text

TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
SHEET_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".ods")
_ZIP, _OLE, _PARQUET = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"
_CELL_NAME = re.compile(rb'<(?:\w+:)?c r="([A-Z]{1,3})(\d{1,7})"')
MAX_CELLS = 20_000_000  # of a sheet, empty ones included
_MAX_WHOLE = 1e15  # beyond, floats do not hold every whole number

_BROKEN = (OSError, EOFError, ValueError, LookupError, NotImplementedError, RuntimeError)

Lines = list[tuple[int, list[str]]]


@dataclass(frozen=True)
class PeopleTable:
    """A table as texts: its columns by case-folded header, all of equal length, and where each row stands.

    `row_numbers` are lines of the file, or rows of the sheet, from 1. An empty cell is ''. `headers` are the names
    of the columns as they were written. Of a file with several sheets, `name` says which was read.
    """

    name: str
    columns: dict[str, list[str]]
    row_numbers: list[int]
    notes: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.row_numbers)

    def where(self, i: int, column: str = "") -> str:
        """Return the place of the row at position `i` for messages."""
        return f"{self.name}, line {self.row_numbers[i]}" + (f", column {column}" if column else "")


def read_people_table(
    path: Path, *, encoding: str | None = None, separator: str | None = None, keep_spaces: bool = False
) -> PeopleTable:
    """Read a table in .csv, .tsv, .txt, .xlsx, .xls, .ods or .parquet as columns of texts.

    Texts are stripped, or with `keep_spaces` only those of nothing but spaces, because a path may begin with one.

    The first row with content is the header; its names are stripped and case-folded. Empty rows are left out.
    `encoding` and `separator` of a text table are detected if not given. A sheet gives numbers without a needless
    `.0`, times in ISO 8601, and midnight as a date alone, because a sheet does not distinguish the two.

    Raises ManifestError for a file that is missing, damaged or no table, for a column that occurs twice, and for a
    row with more cells than the header.
    """
    path = Path(path)
    name = path.name
    refuse_missing_table(path)
    suffix = path.suffix.lower()
    if suffix not in (*TEXT_SUFFIXES, *SHEET_SUFFIXES, ".parquet"):
        expected = ", ".join((*TEXT_SUFFIXES, *SHEET_SUFFIXES, ".parquet"))
        raise ManifestError("unknown table format", where=name, expected=expected)
    try:
        data = read_file(path, where=name)
    except OSError as error:
        raise ManifestError("the table cannot be read", where=path, found=error.strerror) from None
    # The content decides, because a sheet is often saved under the suffix of a text table.
    if data.startswith(_PARQUET) or suffix == ".parquet":
        return _read_parquet(data, name)
    if data.startswith((_ZIP, _OLE)) or suffix in SHEET_SUFFIXES:
        lines, notes, name = _read_sheet(data, name)
    else:
        lines, notes = _read_text(data, name, encoding, separator)
    return _make_table(lines, name, notes, keep_spaces=keep_spaces)


def _read_text(
    data: bytes, name: str, encoding: str | None, separator: str | None
) -> tuple[Lines, tuple[str, ...]]:
    text, notes = decode_text(data, name=name, encoding=encoding)
    text, hint = split_hint(text)
    return parse_lines(text, separator or hint or find_separator(text), name), notes


def _read_sheet(data: bytes, name: str) -> tuple[Lines, tuple[str, ...], str]:
    """Return the rows of the first sheet with content, and where there are others a note and a name that say so."""
    from defusedxml.common import DefusedXmlException
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        if data.startswith(_ZIP):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                refuse_unsafe_members(archive, where=name)
                _refuse_broken_xml(archive)
                _refuse_stray_cells(archive, name)
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            sheets = {s: book.get_sheet_by_name(s).to_python(skip_empty_area=False) for s in book.sheet_names}
    except (CalamineError, DefusedXmlException, SAXException, zipfile.BadZipFile, zlib.error, *_BROKEN) as error:
        raise ManifestError(
            "the sheet cannot be read",
            where=name,
            found=f"{type(error).__name__}: {str(error)[:200]}",
            expected="a complete .xlsx, .xls or .ods file without a password",
            todo="open it and save it again, or save it as CSV in UTF-8",
        ) from None
    filled = [sheet for sheet, rows in sheets.items() if any(c not in ("", None) for row in rows for c in row)]
    if not filled:
        return [], (), name
    lines = [(i, [_format_cell(c) for c in row]) for i, row in enumerate(sheets[filled[0]], start=1)]
    kept = [(i, row) for i, row in lines if any(c.strip() for c in row)]
    if len(filled) == 1:
        return kept, (), name
    left_out = ", ".join(filled[1:])
    note = f"only the first sheet of {name}, {filled[0]}, was read; left out: {left_out}"
    return kept, (note,), f"{name}, sheet {filled[0]} (not read: {left_out})"


def _refuse_broken_xml(archive: zipfile.ZipFile) -> None:
    """Raise an error of defusedxml or SAX for XML that is cut or has entities, on which calamine may never end."""
    from defusedxml.sax import parseString

    for member in archive.namelist():
        if member.endswith((".xml", ".rels")):
            parseString(archive.read(member), ContentHandler())


def _refuse_stray_cells(archive: zipfile.ZipFile, name: str) -> None:
    """Raise ManifestError for an Excel sheet that spans too many cells, which would all be held in memory."""
    for member in archive.namelist():
        if not member.startswith("xl/worksheets/") or not member.endswith(".xml"):
            continue
        cells = _CELL_NAME.findall(archive.read(member))
        n_rows = max((int(row) for _, row in cells), default=0)
        # Longer names of columns come later: Z, AA, …
        last = max({column for column, _ in cells}, key=lambda c: (len(c), c), default=b"")
        n_columns = sum((letter - 64) * 26**i for i, letter in enumerate(reversed(last)))
        if n_rows * n_columns > MAX_CELLS:
            raise ManifestError(
                "a cell of the sheet is far away from the table",
                where=name,
                found=f"row {n_rows}, column {last.decode()}",
                expected=f"a sheet of at most {MAX_CELLS // 10**6} million cells",
                todo="clear the rows and columns around the table, or save it as CSV in UTF-8",
            )


def _read_parquet(data: bytes, name: str) -> PeopleTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(data))
        cells = [[_format_cell(v) for v in column.to_pylist()] for column in table.columns]
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError) as error:
        raise ManifestError(
            "the table cannot be read",
            where=name,
            found=f"{type(error).__name__}: {str(error)[:200]}",
            expected="a complete .parquet file",
        ) from None
    rows = [(i, list(row)) for i, row in enumerate(zip(*cells, strict=True), start=FIRST_ROW)]
    header = (1, list(table.column_names))
    return _make_table([header, *((i, r) for i, r in rows if any(c.strip() for c in r))], name, ())


def _make_table(lines: Lines, name: str, notes: tuple[str, ...], *, keep_spaces: bool = False) -> PeopleTable:
    if not lines:
        raise ManifestError("the table is empty", where=name, expected="a header and rows")
    written = [h.strip() for h in lines[0][1]]
    header = [h.casefold() for h in written]
    n = max((i for i, h in enumerate(header, start=1) if h), default=0)
    twice = [h for h, count in Counter(filter(None, header)).items() if count > 1]
    if twice:
        raise ManifestError(
            "the header has a column twice",
            where=name,
            found=written[header.index(twice[0])],
            expected="each column once",
        )
    for line, row in lines[1:]:
        if any(cell.strip() for cell in row[n:]):
            raise ManifestError(
                "a row has more cells than the header",
                where=f"{name}, line {line}",
                found=len(row),
                expected=f"at most {n}",
                todo="put quotes around cells that contain the separator, and name every column",
            )
    rows = [_fill(row, n) for _, row in lines[1:]]
    columns = {
        h: [row[i] if keep_spaces and not row[i].isspace() else row[i].strip() for row in rows]
        for i, h in enumerate(header[:n])
        if h
    }
    nameless = [i for i, h in enumerate(header[:n]) if not h and any(row[i].strip() for row in rows)]
    if nameless:
        notes += (f"{len(nameless)} columns of {name} have no name and were left out",)
    return PeopleTable(name, columns, [line for line, _ in lines[1:]], notes, tuple(filter(None, written)))


def _fill(row: Sequence[str], n: int) -> list[str]:
    """Return the first `n` cells; programs leave out empty cells at the end of a row."""
    return [*row[:n], *[""] * (n - len(row))]


def _format_cell(value: Any) -> str:
    """Return a cell of a sheet or of Parquet as text, '' if it is missing."""
    if isinstance(value, str):
        return value
    if value is None or value != value:  # NaN and NaT differ from themselves
        return ""
    if isinstance(value, datetime):
        text = value.isoformat(sep=" ")
        return text.removesuffix(" 00:00:00")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, float) and math.isfinite(value) and value == int(value) and abs(value) < _MAX_WHOLE:
        return str(int(value))
    if isinstance(value, timedelta):
        return str(value.total_seconds())
    return str(value)
