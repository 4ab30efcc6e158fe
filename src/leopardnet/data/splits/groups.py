"""Groups of manifest rows that a split must keep together."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.errors import ManifestError

By = Literal["site", "time", "sequence"]


def find_groups(table: pd.DataFrame, *, by: By, keep_together: pd.Series[Any] | None = None) -> NDArray[np.int64]:
    """Return a group number for each row (int64 [n_rows], from 0); a split must not separate the rows of a group.

    Rows of one clip and rows of one sequence belong together, and with `by="site"` also rows of one site; a row
    without a site is grouped by its deployment, if it has one. `keep_together` adds more groups, such as copies of
    one picture: one value per row of the manifest, aligned by position, where missing values join nothing. Groups
    are numbered by their smallest clip_id, so the order of the rows does not matter. Raises ManifestError if
    `keep_together` has another length than the table.

    >>> rows = pd.DataFrame({"clip_id": ["a", "b", "c"], "site": ["s1", None, "s1"]})
    >>> rows = rows.assign(deployment=None, sequence_id=None)
    >>> find_groups(rows, by="site").tolist()
    [0, 1, 0]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(table)
    links = [table["clip_id"], table["sequence_id"]]
    if by == "site":
        links += [table["site"], table["deployment"].where(table["site"].isna())]
    if keep_together is not None:
        if len(keep_together) != n:
            raise ManifestError(
                "keep_together does not fit the manifest",
                found=f"{len(keep_together)} values",
                expected=f"{n}, one for each row",
            )
        links.append(pd.Series(np.asarray(keep_together, dtype=object), index=table.index))
    # Rows and the values that they share are the nodes of a bipartite graph; its components are the groups.
    rows, nodes, n_nodes = [], [], n
    for values in links:
        codes, uniques = pd.factorize(values)
        shared = codes >= 0
        rows.append(np.flatnonzero(shared))
        nodes.append(codes[shared] + n_nodes)
        n_nodes += len(uniques)
    i, j = np.concatenate(rows), np.concatenate(nodes)
    graph = coo_array((np.ones(len(i), np.int8), (i, j)), shape=(n_nodes, n_nodes))
    component = connected_components(graph, directed=False)[1][:n]
    first = table["clip_id"].groupby(component).min().sort_values()
    return pd.Series(np.arange(len(first)), index=first.index).reindex(component).to_numpy(np.int64)
