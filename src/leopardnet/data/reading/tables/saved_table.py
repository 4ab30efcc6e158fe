"""Tables that leopardnet wrote, as a spreadsheet program may have saved them again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.columns import FLOAT, INT, TIME, Column
from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import read_table
from leopardnet.data.reading.tables.clock_time import find_date_orders, is_ambiguous_date, settle_date_order
from leopardnet.data.reading.tables.date_form import DateForm
from leopardnet.data.reading.tables.people_table import PeopleTable, read_people_table

BOOLEAN = "boolean"
_FLAGS = {"true": True, "false": False, "1": True, "0": False, "истина": True, "ложь": False}
_EXPECTED = {
    TIME: "a time such as 2021-12-30 22:34:56",
    FLOAT: "a number",
    INT: "a whole number",
    BOOLEAN: "true or false",
}
# What a spreadsheet program writes in place of a text that it took for a formula, in English and in Russian.
_ERRORS = {"#NULL!", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#N/A"}
_ERRORS |= {"#ПУСТО!", "#ССЫЛКА!", "#ЗНАЧ!", "#ДЕЛ/0!", "#ИМЯ?", "#ЧИСЛО!", "#Н/Д"}
MAX_CELL = 32_767  # characters: a text of this length was cut


def read_saved_table(path: Path, columns: Sequence[Column]) -> pd.DataFrame:
    """Read .parquet, or the texts of .csv, .xlsx or .ods as `columns` have it: times, numbers, flags.

    Any separator, dates such as 15.03.2021, decimal commas and TRUE are understood. Raises ManifestError for a file
    that cannot be read, for a cell that does not fit its column, or that the program has cut or replaced by an
    error, and for dates whose day and month cannot be told apart.
    """
    if path.suffix.lower() == ".parquet":
        return read_table(path)
    return parse_saved_cells(read_people_table(path), columns)


def parse_saved_cells(sheet: PeopleTable, columns: Sequence[Column]) -> pd.DataFrame:
    """Return the texts of a table as `columns` have it; see `read_saved_table`."""
    dtypes = {c.name: BOOLEAN if c.dtype == "bool" else c.dtype for c in columns}
    table = {}
    for name, texts in sheet.columns.items():
        dtype = dtypes.get(name, "")
        if dtype == TIME:
            _refuse_ambiguous(texts, sheet, name)
        parse = _choose_parser(dtype, texts)
        known = {text: parse(text) if text else None for text in dict.fromkeys(texts)}
        if refused := {text for text, value in known.items() if text and value is None}:
            i = next(i for i, text in enumerate(texts) if text in refused)
            raise ManifestError(
                "a value in the table cannot be used",
                where=sheet.where(i, name),
                found=repr(texts[i][:80]),
                expected=_EXPECTED.get(dtype, "a text, which the program has cut or replaced"),
            )
        table[name] = pd.Series([known[text] for text in texts], dtype=dtype if dtype in _EXPECTED else "str")
    return pd.DataFrame(table)


def _refuse_ambiguous(texts: Sequence[str], sheet: PeopleTable, name: str) -> None:
    if settle_date_order(texts) is not None or not find_date_orders(texts):
        return
    i = next((i for i, text in enumerate(texts) if is_ambiguous_date(text)), None)
    if i is not None:
        raise ManifestError(
            "day and month of the dates cannot be told apart",
            where=sheet.where(i, name),
            found=texts[i],
            expected=_EXPECTED[TIME],
            todo="give the column the format yyyy-mm-dd hh:mm:ss in the spreadsheet program, and save it again",
        )


def _choose_parser(dtype: str, texts: Sequence[str]) -> Callable[[str], Any]:
    if dtype == TIME:
        return partial(DateForm(settle_date_order(texts)).read, time_of_day="00:00:00")
    numbers = {FLOAT: _parse_number, INT: _parse_whole, BOOLEAN: lambda text: _FLAGS.get(text.casefold())}
    return numbers.get(dtype, _check_text)


def _parse_number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _parse_whole(text: str) -> int | None:
    value = _parse_number(text)
    return int(value) if value is not None and value.is_integer() else None


def _check_text(text: str) -> str | None:
    return None if text in _ERRORS or len(text) == MAX_CELL else text
