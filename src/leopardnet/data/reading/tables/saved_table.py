"""Tables that leopardnet wrote, as a spreadsheet program may have saved them again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.columns import FLOAT, TIME, Column
from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import read_table
from leopardnet.data.reading.tables.clock_time import settle_date_order
from leopardnet.data.reading.tables.date_form import DateForm
from leopardnet.data.reading.tables.people_table import read_people_table

BOOLEAN = "boolean"
_FLAGS = {"true": True, "false": False, "1": True, "0": False, "истина": True, "ложь": False}
_EXPECTED = {TIME: "a time such as 2021-12-30 22:34:56", FLOAT: "a number", BOOLEAN: "true or false"}


def read_saved_table(path: Path, columns: Sequence[Column]) -> pd.DataFrame:
    """Read .parquet, or the texts of .csv, .xlsx or .ods as `columns` have it: times, numbers, flags.

    Any separator, dates such as 15.03.2021, decimal commas and TRUE are understood. Raises ManifestError for a file
    that cannot be read and for a cell that does not fit its column.
    """
    if path.suffix.lower() == ".parquet":
        return read_table(path)
    sheet = read_people_table(path)
    dtypes = {c.name: BOOLEAN if c.dtype == "bool" else c.dtype for c in columns}
    table = {}
    for name, texts in sheet.columns.items():
        dtype = dtypes.get(name, "")
        parse = _choose_parser(dtype, texts)
        values: list[Any] = []
        for i, text in enumerate(texts):
            values.append(parse(text) if text else None)
            if text and values[-1] is None:
                raise ManifestError(
                    "a value in the table cannot be used",
                    where=sheet.where(i, name),
                    found=repr(text),
                    expected=_EXPECTED[dtype],
                )
        table[name] = pd.Series(values, dtype=dtype if dtype in _EXPECTED else "str")
    return pd.DataFrame(table)


def _choose_parser(dtype: str, texts: Sequence[str]) -> Callable[[str], Any]:
    if dtype == TIME:
        return partial(DateForm(settle_date_order(texts)).read, time_of_day="00:00:00")
    return {FLOAT: _parse_number, BOOLEAN: lambda text: _FLAGS.get(text.casefold())}.get(dtype, str)


def _parse_number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None
