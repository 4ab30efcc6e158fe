"""A table as an XLSX file: one sheet for people to read and filter, a second one for what only programs need."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

MAX_CELL = 32_767
MAX_LINKS = 65_000  # Excel repairs a sheet with more than 65,530
MAX_LINK = 2000  # characters
MAX_UP = 2  # folders that a link goes up: farther off, it would name folders that are nobody's business
EXCEL_BEGINS = datetime(1900, 3, 1)  # Excel's calendar is wrong before this day
N_MEASURED = 500  # rows that a column is fitted to
WIDEST = 60  # characters
FOR_PROGRAMS = ("clip_id", "bundle_id", "labels_id", "evidence_times_s")


def write_workbook(table: pd.DataFrame, path: Path, *, link_to: Path | None = None) -> int:
    """Write the table to `path` and return how many cells were cut because they are too long for Excel.

    Where the table has a `path` of each row, ids and lists are on a second sheet, in the same order of rows.
    link_to: the folder of the footage, relative to that of the workbook; then paths are links to the files.
    """
    import xlsxwriter

    aside = [c for c in table.columns if c in FOR_PROGRAMS] if "path" in table.columns else []
    shown = [c for c in table.columns if c not in aside]
    n_cut = 0
    # constant_memory writes rows to disk at once; the other two keep a name such as =x or http://x a text.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(path, options) as book:
        book.set_properties({"author": "", "created": datetime(2000, 1, 1)})
        as_time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheets = [(book.add_worksheet("clips"), shown, link_to)]
        sheets += [(book.add_worksheet("ids"), ["path", *aside], None)] if aside else []
        for sheet, columns, root in sheets:
            _begin(sheet, table[columns])
            for i, row in enumerate(list_records(table[columns]), start=1):
                n_cut += _write_row(sheet, i, row, as_time, root)
    return n_cut


def find_link_root(root: Path, out: Path) -> Path | None:
    """Return the folder of the footage relative to that of the file `out`; None where it is too far off.

    >>> find_link_root(Path("work/cards"), Path("work/results/r.xlsx")).as_posix()
    '../cards'
    """
    try:
        relative = Path(os.path.relpath(root.resolve(), out.resolve().parent))
    except ValueError:  # another drive
        return None
    return relative if relative.parts.count("..") <= MAX_UP else None


def list_records(table: pd.DataFrame) -> Iterable[Mapping[str, Any]]:
    """Yield rows as plain values, None where missing, converting 10,000 at a time."""
    for start in range(0, len(table), 10_000):
        page = table.iloc[start : start + 10_000].astype(object)
        rows: Any = page.where(page.notna(), None).to_dict("records")
        yield from rows


def _begin(sheet: Worksheet, table: pd.DataFrame) -> None:
    """Write the head of a sheet, which stays in sight, with a filter for each column and columns that fit."""
    sheet.freeze_panes(1, 0)
    if len(table.columns):
        sheet.autofilter(0, 0, len(table), len(table.columns) - 1)
    for j, name in enumerate(table.columns):
        cells = table.iloc[:N_MEASURED, j].dropna().map(lambda v: f"{v:.6g}" if isinstance(v, float) else str(v))
        longest = max((len(text) for text in cells), default=0)
        sheet.set_column(j, j, min(WIDEST, max(longest, len(str(name)) + 2) + 1))  # the filter has a button
        sheet.write_string(0, j, str(name))


def _write_row(sheet: Worksheet, i: int, row: Mapping[str, Any], as_time: Format, root: Path | None) -> int:
    n_cut = 0
    for j, (name, value) in enumerate(row.items()):
        if isinstance(value, datetime) and value >= EXCEL_BEGINS:
            sheet.write_datetime(i, j, value, as_time)
        elif isinstance(value, bool):
            sheet.write_boolean(i, j, value)
        elif isinstance(value, (int, float)):
            sheet.write_number(i, j, value)
        elif value is not None:
            text = value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
            n_cut += len(text) > MAX_CELL
            link = "" if root is None or name != "path" else f"external:{(root / text).as_posix()}"
            if link and i <= MAX_LINKS and len(link) < MAX_LINK:
                sheet.write_url(i, j, link, string=text)
            else:
                sheet.write_string(i, j, text[:MAX_CELL])
    return n_cut
