"""Flat tables in CSV, Parquet, JSON lines and XLSX, in which no cell runs as a formula.

A spreadsheet runs a cell that begins with = + - @ as a formula, even if a stranger chose its text as the name of a
folder. In CSV such a text gets an apostrophe in front, which spreadsheets show as plain text, and which
`plain_text` removes. XLSX marks texts as texts, and the other two formats are not for spreadsheets.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import CSV_TIME, atomic_path
from leopardnet.data.formats.sheets.workbook import FOR_PROGRAMS, MAX_CELL, list_records, write_workbook

SheetFormat = Literal["csv", "parquet", "jsonl", "xlsx"]
SHEET_FORMATS: tuple[SheetFormat, ...] = ("csv", "parquet", "jsonl", "xlsx")
# East Asian spreadsheets treat the full-width signs alike.
_RUNS = re.compile("^'*\\s*[=+\\-@\t\r\n＝＋－＠]")
MAX_XLSX_ROWS = 1_048_575  # below the header


def runs_as_formula(text: str) -> bool:
    """Return whether a spreadsheet may run this text as a formula.

    >>> runs_as_formula("=1+1"), runs_as_formula(" @sum(a1)"), runs_as_formula("site-1")
    (True, True, False)
    """
    return _RUNS.match(text) is not None


def harmless_text(text: str) -> str:
    """Return the text, with an apostrophe in front if a spreadsheet would run it. `plain_text` removes it.

    >>> harmless_text("=cmd|'/c calc'!a0"), harmless_text("site-1")
    ("'=cmd|'/c calc'!a0", 'site-1')
    """
    return "'" + text if runs_as_formula(text) else text


def plain_text(cell: str) -> str:
    """Return the text from which `harmless_text` made this cell.

    >>> plain_text(harmless_text("=1+1")), plain_text("'tis")
    ('=1+1', "'tis")
    """
    return cell[1:] if cell.startswith("'") and runs_as_formula(cell[1:]) else cell


def write_sheet(
    table: pd.DataFrame, out: Path, *, format: SheetFormat, bom: bool = False, link_to: Path | None = None
) -> tuple[str, ...]:
    """Write the table to `out`, whole or not at all, and return notes on changed cells.

    Numbers have a decimal point in every locale. bom: a byte-order mark at the head of a CSV file, by which Excel
    recognizes UTF-8. link_to: of XLSX, see `write_workbook`. Columns of lists and dicts are written as JSON. Raises
    ManifestError for a table too long for XLSX.
    """
    table = table.assign(
        **{c: table[c].map(_format_json, na_action="ignore") for c in _object_columns(table, format)}
    )
    with atomic_path(Path(out)) as part:
        if format == "parquet":
            table.to_parquet(part, index=False)
            return ()
        if format == "jsonl":
            part.write_text("".join(_format_lines(table)), "utf-8", newline="")
            return ()
        return _write_xlsx(table, part, link_to) if format == "xlsx" else _write_csv(table, part, bom=bom)


def read_sheet(path: Path, *, format: SheetFormat) -> pd.DataFrame:
    """Read a table that `write_sheet` wrote, with the original texts. All cells of CSV are texts."""
    if format == "parquet":
        return pd.read_parquet(path)
    if format == "jsonl":
        lines = Path(path).read_text("utf-8").split("\n")
        return pd.DataFrame([json.loads(line) for line in lines if line])
    if format == "xlsx":
        found = pd.read_excel(
            path, sheet_name=None, engine="calamine", dtype=object, keep_default_na=False, na_values=[""]
        )
        shown, *aside = found.values()
        return shown.join([ids[[c for c in ids.columns if c in FOR_PROGRAMS]] for ids in aside])
    table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    table = table.rename(columns=plain_text)
    return table.assign(**{c: table[c].map(plain_text, na_action="ignore") for c in table.columns})


# --- the formats ---


def _write_csv(table: pd.DataFrame, path: Path, *, bom: bool) -> tuple[str, ...]:
    texts = {c: table[c] for c in table.columns if _is_text(table[c])}
    n_changed = sum(runs_as_formula(cell) for v in texts.values() for cell in v.dropna())
    safe = table.assign(**{c: v.map(harmless_text, na_action="ignore") for c, v in texts.items()})
    with path.open("w", encoding="utf-8-sig" if bom else "utf-8", newline="") as file:
        safe.rename(columns=harmless_text).to_csv(
            file, index=False, date_format=CSV_TIME, quoting=csv.QUOTE_MINIMAL, decimal=".", lineterminator="\r\n"
        )
    note = f"cells that a spreadsheet would run as a formula, with an apostrophe in front: {n_changed}"
    return (note,) * bool(n_changed)


def _format_lines(table: pd.DataFrame) -> Iterable[str]:
    for row in list_records(table):
        yield json.dumps({k: _to_json_value(v) for k, v in row.items()}, ensure_ascii=False, allow_nan=False) + "\n"


def _write_xlsx(table: pd.DataFrame, path: Path, link_to: Path | None) -> tuple[str, ...]:
    if len(table) > MAX_XLSX_ROWS:
        raise ManifestError(
            "the table is too long for XLSX",
            found=f"{len(table)} rows",
            expected=f"at most {MAX_XLSX_ROWS}",
            todo="write CSV or Parquet",
        )
    n_cut = write_workbook(table, path, link_to=link_to)
    return (f"cells longer than {MAX_CELL} characters, cut: {n_cut}",) * bool(n_cut)


# --- values ---


def _is_text(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_string_dtype(column.dtype) or column.dtype == object


def _object_columns(table: pd.DataFrame, format: SheetFormat) -> list[str]:
    """Return the columns of lists and dicts, which only JSON lines can hold unchanged."""
    if format == "jsonl":
        return []
    objects = [c for c in table.columns if table[c].dtype == object]
    return [c for c in objects if any(isinstance(v, (list, dict)) for v in table[c])]


def _format_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _to_json_value(value: Any) -> Any:
    """Return the value as JSON knows it: ISO times, plain numbers, null for a number that is not finite."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {k: _to_json_value(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_json_value(v) for v in value]
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
