"""The cells of a table as plain values."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd


def list_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as mappings, None where a value is missing."""
    return [
        {str(k): None if not isinstance(v, list) and pd.isna(v) else v for k, v in row.items()}
        for row in table.to_dict("records")
    ]


def read_text(row: Any, name: str) -> str:
    """Return the text in a column of a row, '' where there is none."""
    value = row.get(name)
    return "" if value is None else str(value)


def read_number(value: Any) -> float:
    """Return a number, nan for a missing one."""
    return math.nan if value is None or pd.isna(value) else float(value)


def read_counts(row: Any, name: str) -> tuple[int, int] | None:
    """Return the confirmed and the suspected ones of a count; None where nobody searched."""
    sure, open_ = row.get(name), row.get(f"{name}_suspected")
    return None if sure is None else (int(sure), int(open_ or 0))
