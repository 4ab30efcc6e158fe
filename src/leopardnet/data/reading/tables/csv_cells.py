"""Text tables as people save them: detection of encoding and separator, and cells with the place of their row."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from leopardnet.core.columns import FIRST_ROW
from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.tables.clock_time import parse_clock
from leopardnet.data.reading.tables.text_encoding import decode_text

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
MAX_CELL = 2**27
# A missing value in the files of R, pandas, Excel and databases. Excel writes its errors as texts, too.
_ERRORS = {"#NULL!", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!"}
MISSING = frozenset({"NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "nan", "NaN", "NAN", "-nan", "NaT"} | _ERRORS)
MISSING |= {"NULL", "null", "(null)", "\\N"}
_EXCEL_HINT = re.compile(r'"?sep=(.)"?[ \t]*\r?\n', re.IGNORECASE)  # a first line from which Excel takes it
_WHOLE = re.compile(r"(?:0|[1-9]\d*)(?:\.0)?")


@dataclass(frozen=True)
class Cells:
    """A text table: its header, rows of equal length, and notes on how it was read.

    `made` holds columns that are made of others, or of those of the header; `numbers` those of the rows where they
    do not follow the header one by one.
    """

    name: str
    header: tuple[str, ...]
    rows: list[list[str]]
    separator: str
    notes: tuple[str, ...] = ()
    made: Mapping[str, list[str]] = field(default_factory=dict)
    numbers: Sequence[int] = ()

    def column(self, name: str) -> list[str]:
        """Return the stripped cells of a column. Raises ManifestError for a missing or repeated column."""
        if name in self.made:
            return self.made[name]
        if self.header.count(name) != 1:
            raise ManifestError(
                "the header has a column twice" if name in self.header else "the table has no such column",
                where=self.name,
                found=name,
                expected="one of " + ", ".join(self.header),
            )
        i = self.header.index(name)
        return [r[i].strip() for r in self.rows]

    def number(self, i: int) -> int:
        """Return the number of the row at position `i`, as Excel and every editor show it: the header is row 1."""
        return self.numbers[i] if self.numbers else i + FIRST_ROW

    def where(self, i: int, column: str = "") -> str:
        """Return the place of the row at position `i` for messages."""
        return f"{self.name}, row {self.number(i)}" + (f", column {column}" if column else "")

    def keep(self, at: Sequence[int]) -> Cells:
        """Return the table with the rows at these positions, which keep their numbers."""
        made = {name: [texts[i] for i in at] for name, texts in self.made.items()}
        return replace(self, rows=[self.rows[i] for i in at], numbers=[self.number(i) for i in at], made=made)


def read_cells(
    data: bytes,
    *,
    name: str,
    encoding: str | None = None,
    separator: str | None = None,
    problems: Problems | None = None,
) -> Cells:
    """Parse the bytes of a CSV file into cells.

    Without `encoding` it is detected (see decode_text), with a note if it is neither UTF-8 nor UTF-16. The
    separator is the one of a first line such as `sep=;`, else the one of comma, semicolon, tab and bar that gives
    the header the most columns. Empty lines are
    skipped, and so are empty cells behind the last column. A row of another length than the header is a problem: it
    is filled up with empty cells, or left out if it is too long. Raises ManifestError for an open quote, and with
    the line for the first problem if `problems` is not given; ConfigError for a separator that is no character.

    >>> read_cells("файл;вид\\n1.jpg;тигр\\n".encode("cp1251"), name="x.csv").rows
    [['1.jpg', 'тигр']]
    """
    if separator is not None and (len(separator) != 1 or separator in '"\r\n'):
        raise ConfigError(
            "the separator must be one character",
            where="separator",
            found=repr(separator),
            expected="such as , or ; and not a quote or a line break",
        )
    text, notes = decode_text(data, name=name, encoding=encoding)
    text, hint = split_hint(text)
    sep = separator or hint or find_separator(text)
    lines = parse_lines(text, sep, name)
    if not lines:
        raise ManifestError("the table is empty", where=name, expected="a header and rows")
    header = tuple(h.strip() for h in lines[0][1])
    rows = [cells for _, cells in lines[1:]]
    if set(map(len, rows)) <= {len(header)}:
        is_plain = lines[-1][0] == len(lines)
        return Cells(name, header, rows, sep, notes, numbers=() if is_plain else [line for line, _ in lines[1:]])
    fit = _fit_rows(lines[1:], len(header), sep, name, problems or Problems(strict=True))
    return Cells(name, header, list(fit.values()), sep, notes, numbers=list(fit))


def _fit_rows(
    lines: Sequence[tuple[int, list[str]]], n: int, separator: str, name: str, problems: Problems
) -> dict[int, list[str]]:
    """Return the rows with `n` cells each, by their lines; those of another length are problems."""
    fit: dict[int, list[str]] = {}
    for line, cells in lines:
        is_long = any(c.strip() for c in cells[n:])
        if is_long or len(cells) < n:
            error = ManifestError(
                "a row and the header have different numbers of cells",
                where=f"{name}, line {line}",
                found=len(cells),
                expected=f"{n}, separated by {SEPARATORS.get(separator, repr(separator))}",
                todo="put quotes around cells that contain the separator",
            )
            problems.add(error, name, line, outcome="left out" if is_long else "its last cells are read as empty")
        if not is_long:
            fit[line] = [*cells[:n], *[""] * (n - len(cells))]
    if not fit and problems.first is not None:
        raise problems.first
    return fit


def split_hint(text: str) -> tuple[str, str | None]:
    """Return the text with an empty first line for one such as `sep=;`, and the separator that it names.

    >>> split_hint("sep=;\\na;b\\n")
    ('\\na;b\\n', ';')
    """
    hint = _EXCEL_HINT.match(text)
    return ("\n" + text[hint.end() :], hint[1]) if hint else (text, None)


def find_separator(text: str) -> str:
    """Return the separator that gives the first line with content the most cells; the comma among equals.

    >>> find_separator("path;label\\n1.jpg;tiger, or leopard\\n")
    ';'
    """
    header = next((line for line in text.splitlines() if line.strip()), "")
    return max(SEPARATORS, key=lambda s: len(next(csv.reader([header], delimiter=s), [])))


def parse_lines(text: str, separator: str, name: str) -> list[tuple[int, list[str]]]:
    """Return the rows that are not empty, with their last lines. Raises ManifestError for broken quotes."""
    if "\x00" in text:
        raise ManifestError("the file contains binary data", where=name, expected="a text table (CSV)")
    limit = csv.field_size_limit(MAX_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader if any(c.strip() for c in cells)]
    except csv.Error as error:
        raise ManifestError(
            "the table cannot be read",
            where=f"{name}, line {reader.line_num}",
            found=str(error),
            expected="quotes around whole cells only, and each one closed",
        ) from None
    finally:
        csv.field_size_limit(limit)


# --- cells to values ---


def parse_column(
    cells: Cells,
    column: str,
    parse: Callable[[str], Any],
    *,
    expected: str,
    missing: Collection[str] = (),
    on_fault: Callable[[int, ManifestError], None] | None = None,
) -> list[Any]:
    """Return the values of a column, None for empty cells and for those in `missing`.

    Raises ManifestError for a cell that `parse` refuses. With `on_fault`, that error and the position of the row go
    there instead, and the value is None.
    """
    if parse is str:
        empty = {"", *missing}
        return [None if text in empty else text for text in cells.column(column)]
    out: list[Any] = []
    known: dict[str, Any] = dict.fromkeys(("", *missing))
    for i, text in enumerate(cells.column(column)):
        if text not in known:
            try:
                known[text] = parse(text)
            except ValueError:
                fault = ManifestError(
                    "a cell cannot be read", where=cells.where(i, column), found=repr(text[:80]), expected=expected
                )
                if on_fault is None:
                    raise fault from None
                on_fault(i, fault)
                out.append(None)
                continue
        out.append(known[text])
    return out


def count_missing(column: Sequence[str]) -> Counter[str]:
    """Return how many cells of a column hold each text of MISSING.

    >>> count_missing(["tiger", "NA", "", "NA"])
    Counter({'NA': 2})
    """
    found = MISSING.intersection(column)
    return Counter({text: column.count(text) for text in found})


def shorten_codes(column: list[Any]) -> list[Any]:
    """Return a column of codes without the `.0` that other programs add where a cell of the column is missing.

    Only a column of whole numbers changes, each without leading zeros.

    >>> shorten_codes(["1.0", None, "12.0"]), shorten_codes(["001", "1.0"]), shorten_codes(["1.0", "1.5"])
    (['1', None, '12'], ['001', '1.0'], ['1.0', '1.5'])
    """
    texts = {t for t in column if t is not None}
    if not any(t.endswith(".0") for t in texts) or not all(map(_WHOLE.fullmatch, texts)):
        return column
    return [t and t.removesuffix(".0") for t in column]


def number(text: str) -> float:
    """Parse a finite number, with a decimal point or comma. Raises ValueError.

    >>> number("3,25")
    3.25
    """
    value = float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def whole_number(text: str) -> int:
    """Parse a whole number of 0 or more. Raises ValueError."""
    value = number(text)
    if value != int(value) or value < 0:
        raise ValueError(text)
    return int(value)


def local_time(text: str) -> datetime:
    """Parse a time, aware if it has a zone, else naive. Raises ValueError for what `parse_clock` does not read.

    >>> local_time("2021:12:30 22:34:56"), local_time("2021-12-30T22:34:56+10:00").isoformat()
    (datetime.datetime(2021, 12, 30, 22, 34, 56), '2021-12-30T22:34:56+10:00')
    """
    time = parse_clock(text)
    if time is None:
        raise ValueError(text)
    return time


def offset_text(time: datetime) -> str | None:
    """Return the fixed UTC offset of an aware time as a manifest writes it; None for a naive time.

    >>> offset_text(local_time("2021-12-30T22:34:56Z")), offset_text(local_time("2021-12-30T22:34:56-03:30"))
    ('+00:00', '-03:30')
    """
    offset = time.utcoffset()
    if offset is None:
        return None
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
