"""The least number of animals that can have made the records of an encounter: never too high, and checkable.

Two records are *apart* if no animal can have made both: even with both clocks as far off and both places as near as
stated, it would have had to go faster than its top speed. Records that are pairwise apart need one animal each, and
the largest such set found is the answer, with its records as the proof.

With exact clocks and places, "one animal can go from a to b" is an order: who can go from a to b and from b to c
can go from a to c. By the theorem of Dilworth, the largest set of records pairwise apart is then as large as the
least number of walks that explain all records, so the answer is exact. It is found by matching each record with
the next of its walk (n records less the largest matching), and the set itself by the theorem of König. With
uncertain clocks or places the relation is no order; the set that König's construction yields is still pairwise
apart, so the answer is still certain, but a larger set may exist.

Sets of records apart lie within a short time, which an animal needs through the whole encounter. So the records are
cut where nothing happens for so long, and longer stretches are searched in windows of twice that time that overlap
by half: each set lies within one of them. Of an encounter with more than 400 windows, which no rare animal has,
only those of the most stations are searched, and a window of more than 2,000 records is searched in parts: the
answer is then certain, but a larger set may exist.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from leopardnet.records.encounters.link_records import TOLERANCE_KM
from leopardnet.records.encounters.posts import Indices, Posts

_MOST_AT_ONCE = 2_000  # records; memory grows with their square
_MOST_WINDOWS = 400  # with two records or more, of an encounter


def find_records_apart(time_s: NDArray[np.float64], of_post: Indices, posts: Posts, *, top_km_h: float) -> Indices:
    """Return the positions of records of which no two can be of one animal, the most that were found, int64 [K].

    time_s: float64 [N], finite, in any order. of_post: int64 [N], positions in `posts`. Records of one station, of
    an unknown place or of a clock of unknown uncertainty are never apart from others. There is always one record
    in the answer, unless there are none at all.
    """
    order = np.argsort(time_s, kind="stable")
    best = order[:1]
    if len(order) < 2:
        return best
    reach_s = _bound_seconds(of_post, posts, top_km_h)
    blocks = [
        (len(np.unique(posts.station[of_post[order[i:j]]])), i, j)
        for i, j in _cut_windows(time_s[order], reach_s)
        if j - i > 1
    ]
    for n_stations, i, j in sorted(blocks, key=lambda block: -block[0])[:_MOST_WINDOWS]:
        if n_stations <= len(best):
            break
        rows = order[i:j]
        found = rows[_find_apart(time_s[rows], of_post[rows], posts, top_km_h)]
        best = found if len(found) > len(best) else best
    return np.sort(best)


def is_apart(time_s: NDArray[np.float64], of_post: Indices, posts: Posts, *, top_km_h: float) -> NDArray[np.bool_]:
    """Return for each pair of records whether no animal can have made both, bool [N, N]."""
    i, j = of_post[:, None], of_post[None, :]
    seconds = np.abs(time_s[:, None] - time_s[None, :]) + posts.clock_s[i] + posts.clock_s[j]
    found: NDArray[np.bool_] = posts.least_km(i, j) > top_km_h * seconds / 3600 + TOLERANCE_KM
    return found


def _find_apart(time_s: NDArray[np.float64], of_post: Indices, posts: Posts, top_km_h: float) -> Indices:
    """Return positions of records pairwise apart; records are sorted by time."""
    apart = is_apart(time_s, of_post, posts, top_km_h=top_km_h)
    if not apart.any():
        return np.zeros(1, np.int64)
    follows = np.triu(~apart, 1)  # [N, N]: one animal can have made the row, and then the column
    next_of = maximum_bipartite_matching(csr_matrix(follows), perm_type="column")
    before = np.full(len(time_s), -1)
    before[next_of[next_of >= 0]] = np.flatnonzero(next_of >= 0)
    # König: from the rows without a match, along links to columns and along matches back to rows.
    rows, columns = next_of < 0, np.zeros(len(time_s), bool)
    while True:
        columns_now = follows[rows].any(axis=0)
        rows_now = rows.copy()
        rows_now[before[columns_now]] = True  # every such column is matched, or the matching could grow
        if (rows_now == rows).all() and (columns_now == columns).all():
            return np.flatnonzero(rows & ~columns)
        rows, columns = rows_now, columns_now


def _bound_seconds(of_post: Indices, posts: Posts, top_km_h: float) -> float:
    """Return a time such that records further apart in time are never apart: the way through all posts."""
    xyz = posts.xyz_km[np.unique(of_post)]
    xyz = xyz[np.isfinite(xyz).all(axis=1)]
    if not len(xyz):
        return 0.0
    diagonal = np.sqrt(((xyz.max(axis=0) - xyz.min(axis=0)) ** 2).sum())
    return float(diagonal / top_km_h * 3600)


def _cut_windows(time_s: NDArray[np.float64], reach_s: float) -> list[tuple[int, int]]:
    """Return begins and ends of stretches of sorted times; every stretch of `reach_s` lies within one of them."""
    cuts = [0, *(np.flatnonzero(np.diff(time_s) > reach_s) + 1).tolist(), len(time_s)]
    windows = []
    for i, j in pairwise(cuts):
        if time_s[j - 1] - time_s[i] <= 2 * reach_s:
            windows.append((i, j))
            continue
        starts = np.arange(time_s[i], time_s[j - 1], reach_s)
        begins = np.searchsorted(time_s, starts)
        ends = np.minimum(np.searchsorted(time_s, starts + 2 * reach_s, side="right"), j)
        windows += list(dict.fromkeys(zip(begins.tolist(), ends.tolist(), strict=True)))
    return [(k, min(k + _MOST_AT_ONCE, j)) for i, j in windows for k in range(i, j, _MOST_AT_ONCE)]
