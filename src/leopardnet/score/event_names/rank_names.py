"""Names of events as one table: columns `event` (0, 1, …) and `name`, those of an event together, in order.

A million events have a million lists of names, most of them empty, so nothing here goes through them one by one.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from leopardnet.core.labels import JOINER, split_labels

Texts = NDArray[np.object_]  # of str, or None


def split_cells(cells: pd.Series[str]) -> pd.Series[str]:
    """Return the names in each cell, one per row, with the index of their cells; none of a cell that is missing.

    >>> split_cells(pd.Series(["tiger + deer", None, "deer"])).to_dict()  # the first row has two
    {0: 'deer', 2: 'deer'}
    """
    known = cells.dropna()
    return known.map({text: split_labels(text) for text in known.unique()}).explode().dropna()


def rank_names(
    event: NDArray[np.int64], names: pd.Series[str], scores: NDArray[np.float64], *, n_digits: int | None = None
) -> pd.DataFrame:
    """Return each name of an event once, the highest `score` first: columns event, name, score.

    event, scores: [N], of each of N names. Scores that are equal, to so many digits, stay in order.

    >>> names = pd.Series(["deer", "tiger", "deer", "deer"])
    >>> ranked = rank_names(np.array([0, 0, 0, 1]), names, np.array([0.5, 0.8, 0.9, 0.1]))
    >>> ranked.to_numpy().tolist()
    [[0, 'deer', 0.9], [0, 'tiger', 0.8], [1, 'deer', 0.1]]
    """
    order = np.arange(len(event))
    table = pd.DataFrame({"event": event, "name": names.to_numpy(object), "score": scores, "order": order})
    best = table.groupby(["event", "name"], sort=False, as_index=False).agg({"score": "max", "order": "first"})
    by = best["score"] if n_digits is None else best["score"].round(n_digits)
    return best.iloc[np.lexsort((best["order"], -by, best["event"]))].drop(columns="order")


def take_first(names: pd.DataFrame, n: int, column: str = "name") -> Texts:
    """Return what the first row of each of n events has in a column, object [n]; None where it has no row.

    >>> take_first(pd.DataFrame({"event": [1, 1], "name": ["tiger", "deer"]}), 2).tolist()
    [None, 'tiger']
    """
    found = np.full(n, None, object)
    found[names["event"].to_numpy()[::-1]] = names[column].to_numpy(object)[::-1]
    return found


def join_names(names: pd.DataFrame, n: int, separator: str = JOINER) -> Texts:
    """Return the names of each of n events, joined, object [n]; None where there is none.

    >>> join_names(pd.DataFrame({"event": [1, 1], "name": ["tiger", "deer"]}), 2).tolist()
    [None, 'tiger + deer']
    """
    starts = np.searchsorted(names["event"], np.arange(n + 1)).astype(np.int32)
    lists = pa.ListArray.from_arrays(starts, pa.array(names["name"].to_numpy(object), pa.string()))
    joined = pc.binary_join(lists, separator).to_numpy(zero_copy_only=False)
    return np.asarray(np.where(np.diff(starts) > 0, joined, None), object)


def join_as_json(names: pd.DataFrame, n: int) -> Texts:
    """Return the names of each of n events as a JSON list, object [n].

    >>> join_as_json(pd.DataFrame({"event": [1, 1], "name": ["tiger", "deer"]}), 2).tolist()
    ['[]', '["tiger", "deer"]']
    """
    encode = json.JSONEncoder().encode
    quoted = join_names(names.assign(name=[encode(str(x)) for x in names["name"]]), n, ", ")
    return np.array([f"[{text or ''}]" for text in quoted], object)
