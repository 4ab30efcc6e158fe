"""Text tables as people save them: which encoding, which separator, and every cell with its row."""

from __future__ import annotations

import codecs
import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leopardnet.core.errors import ManifestError

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
MAX_CELL = 2**27
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
TIME_FORMATS = (
    "%Y:%m:%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d-%b-%Y %H:%M:%S",
)


@dataclass(frozen=True)
class Cells:
    """A text table: its header, its rows of equal length, and notes on how it was read."""

    name: str
    header: tuple[str, ...]
    rows: list[list[str]]
    separator: str
    notes: tuple[str, ...] = ()

    def column(self, name: str) -> list[str]:
        """The cells of a column, without spaces around them. Raises ManifestError with the columns there are."""
        if self.header.count(name) != 1:
            raise ManifestError(
                "a column stands twice in the header" if name in self.header else "the table has no such column",
                where=self.name,
                found=name,
                expected="one of " + ", ".join(self.header),
            )
        i = self.header.index(name)
        return [r[i].strip() for r in self.rows]

    def where(self, i: int, column: str = "") -> str:
        """The place of the row at position `i`, for messages: rows count from 1 below the header."""
        return f"{self.name}, row {i + 1}" + (f", column {column}" if column else "")


def read_cells(data: bytes, *, name: str, encoding: str | None = None, separator: str | None = None) -> Cells:
    """The cells of a CSV file's bytes.

    The encoding is told by a byte-order mark, else UTF-8, else cp1251 (with a note); the separator is the one of
    comma, semicolon, tab and bar that gives the header most columns. Empty lines are left out. Raises ManifestError
    with the line for rows of another length than the header, and for open quotes.

    >>> read_cells("файл;вид\\n1.jpg;тигр\\n".encode("cp1251"), name="x.csv").rows
    [['1.jpg', 'тигр']]
    """
    text, notes = _decode(data, name, encoding)
    sep = separator or _separator(text)
    lines = _parse(text, sep, name)
    if not lines:
        raise ManifestError("the table is empty", where=name, expected="a header and rows")
    header = tuple(h.strip() for h in lines[0][1])
    rows = [cells for _, cells in lines[1:]]
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            raise ManifestError(
                "a row does not have as many cells as the header",
                where=f"{name}, line {line}",
                found=len(cells),
                expected=f"{len(header)}, separated by {SEPARATORS.get(sep, repr(sep))}",
                todo="put quotes around cells that hold the separator",
            )
    return Cells(name, header, rows, sep, notes)


def _decode(data: bytes, name: str, encoding: str | None) -> tuple[str, tuple[str, ...]]:
    marked = next((e for bom, e in _BOMS if data.startswith(bom)), None)
    try:
        return data.decode(encoding or marked or "utf-8"), ()
    except UnicodeDecodeError as error:
        if encoding or marked:
            raise ManifestError(
                "the table is not in this encoding",
                where=f"{name}, byte {error.start}",
                expected=encoding or marked,
                todo="give the right --encoding",
            ) from None
    except LookupError:
        raise ManifestError(
            "this encoding is not known", found=encoding, expected="such as utf-8, cp1251 or gb18030"
        ) from None
    try:
        text = data.decode("cp1251")
    except UnicodeDecodeError as error:
        raise ManifestError(
            "the table is neither in UTF-8 nor in cp1251",
            where=f"{name}, byte {error.start}",
            todo="give its --encoding, such as gb18030",
        ) from None
    return text, (f"{name} is not in UTF-8 and was read as cp1251; give --encoding if names look wrong",)


def _separator(text: str) -> str:
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(SEPARATORS, key=lambda s: len(next(csv.reader([header], delimiter=s), [])))


def _parse(text: str, separator: str, name: str) -> list[tuple[int, list[str]]]:
    if "\x00" in text:
        raise ManifestError("the file holds binary data", where=name, expected="a text table (CSV)")
    limit = csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader if any(c.strip() for c in cells)]
    except csv.Error as error:
        raise ManifestError(
            "the table cannot be read",
            where=f"{name}, line {reader.line_num}",
            found=str(error),
            expected="quotes only around whole cells, each closed",
        ) from None
    finally:
        csv.field_size_limit(limit)


# --- cells to values ---


def parse_column(cells: Cells, column: str, parse: Callable[[str], Any], *, expected: str) -> list[Any]:
    """The values of a column, None for empty cells. Raises ManifestError with the row that `parse` refuses."""
    out: list[Any] = []
    known: dict[str, Any] = {"": None}
    for i, text in enumerate(cells.column(column)):
        if text not in known:
            try:
                known[text] = parse(text)
            except ValueError:
                raise ManifestError(
                    "a cell cannot be read", where=cells.where(i, column), found=repr(text[:80]), expected=expected
                ) from None
        out.append(known[text])
    return out


def number(text: str) -> float:
    """A finite number; a decimal comma counts as a point. Raises ValueError.

    >>> number("3,25")
    3.25
    """
    value = float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def whole_number(text: str) -> int:
    """A whole number of 0 or more. Raises ValueError."""
    value = number(text)
    if value != int(value) or value < 0:
        raise ValueError(text)
    return int(value)


def local_time(text: str, *, formats: Sequence[str] = ()) -> datetime:
    """The time in a cell, aware where it carries a zone, else naive. Raises ValueError.

    Without `formats`: ISO 8601, the forms of EXIF and of Timelapse, and the Russian form `30.12.2021 22:34`. Forms
    such as 01/02/2021 can mean two days and must be described.

    >>> local_time("2021:12:30 22:34:56"), local_time("2021-12-30T22:34:56+10:00").isoformat()
    (datetime.datetime(2021, 12, 30, 22, 34, 56), '2021-12-30T22:34:56+10:00')
    """
    if not formats:
        try:
            if len(text) > 10:  # a date alone is not a time
                return datetime.fromisoformat(text)
        except ValueError:
            pass
    for fmt in formats or TIME_FORMATS:
        try:
            return datetime.strptime(text, fmt)
        except ValueError:
            continue
    raise ValueError(text)


def offset_text(time: datetime) -> str | None:
    """The fixed offset of an aware time, as a manifest writes it; None for a naive one.

    >>> offset_text(local_time("2021-12-30T22:34:56Z")), offset_text(local_time("2021-12-30T22:34:56-03:30"))
    ('+00:00', '-03:30')
    """
    offset = time.utcoffset()
    if offset is None:
        return None
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
