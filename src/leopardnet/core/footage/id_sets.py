"""Sets of ids in large tables: pandas makes a Python object of every value that it looks for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def is_among(column: pd.Series[Any], values: Iterable[Any]) -> pd.Series[bool]:
    """Return which texts of a column are among others; a missing one never is. Both may have millions.

    >>> is_among(pd.Series(["a", "b", None], dtype="str"), {"b", "c"}).tolist()
    [False, True, False]
    """
    wanted = values if isinstance(values, (pd.Series, pd.Index)) else list(values)
    texts, known = (pa.array(x, pa.large_string(), from_pandas=True) for x in (column, wanted))
    found = pc.is_in(texts, value_set=known, skip_nulls=True)
    return pd.Series(found.to_numpy(zero_copy_only=False), index=column.index)
