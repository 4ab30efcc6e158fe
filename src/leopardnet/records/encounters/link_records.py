"""Which records may be of one walk: linked by time and feasible speed, in sorted windows.

Two records of a label are linked if they are at most `max_gap_h` apart in time and `max_km` in space, and an
animal could have gone from one to the other; uncertain clocks and places count in favour of the link. Not every
pair is looked at. Within a station, neighbours in time suffice. Between two stations, the first record of the
other that can be reached suffices for each record: all later ones in the gap are neighbours of that one at its own
station.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from leopardnet.records.encounters.posts import Indices, Posts

TOLERANCE_KM = 1e-6  # floating-point noise never makes two animals of one
_CHUNK = 4_000_000  # looked up at once


def link_records(
    time_s: NDArray[np.float64], posts: Posts, *, max_gap_s: float, max_km: float, top_km_h: float
) -> Indices:
    """Return the number of each record's group, int64 [N], for records of one label.

    time_s: float64 [N], nan if unknown. top_km_h: inf if no speed is known. Records without time are alone. Times
    with and without a zone are never compared.
    """
    n = len(time_s)
    group = np.arange(n, dtype=np.int64)
    for has_zone in (True, False):
        rows = np.flatnonzero(np.isfinite(time_s) & (posts.has_zone[posts.of_record] == has_zone))
        if len(rows) < 2:
            continue
        post = posts.of_record[rows]
        a, b = _list_neighbours(posts.station[post], time_s[rows], max_gap_s)
        group = _unite(group, rows[a], rows[b])
        for a, b in _list_crossings(post, time_s[rows], posts, max_gap_s, max_km, top_km_h):
            group = _unite(group, rows[a], rows[b])
    return group


def _unite(group: Indices, a: Indices, b: Indices) -> Indices:
    """Return the groups after records a and b have been linked."""
    ga, gb = group[a], group[b]
    open_links = ga != gb
    if not open_links.any():
        return group
    n = len(group)
    links = coo_matrix((np.ones(open_links.sum(), np.int8), (ga[open_links], gb[open_links])), shape=(n, n))
    numbers: Indices = connected_components(links, directed=False)[1].astype(np.int64)
    return numbers[group]


def _list_neighbours(station: Indices, time_s: NDArray[np.float64], gap: float) -> tuple[Indices, Indices]:
    """Return pairs of records that follow each other at a station within the gap."""
    order = np.lexsort((time_s, station))
    is_link = (np.diff(station[order]) == 0) & (np.diff(time_s[order]) <= gap)
    return order[:-1][is_link], order[1:][is_link]


def _list_crossings(
    post: Indices, time_s: NDArray[np.float64], posts: Posts, gap: float, max_km: float, top_km_h: float
) -> Iterator[tuple[Indices, Indices]]:
    """Yield pairs of records of two stations: each record with the first of another post that it can reach."""
    order = np.lexsort((time_s, post))
    at = time_s[order] - time_s.min()
    used, first, counts = np.unique(post[order], return_index=True, return_counts=True)
    end = first + counts
    step = at.max() + 2 * gap + 1
    key = np.repeat(np.arange(len(used)), counts) * step + at  # sorted by post, then by time
    p, q, wait_s = _find_near_posts(used, posts, max_km, top_km_h)
    meets = (at[end[q] - 1] >= at[first[p]] + wait_s) & (at[first[q]] <= at[end[p] - 1] + gap) & (wait_s <= gap)
    p, q, wait_s = p[meets], q[meets], wait_s[meets]
    total = np.cumsum(counts[p])
    chunk = total // _CHUNK
    for number in np.unique(chunk):
        mine = chunk == number
        n = counts[p[mine]]
        a = np.repeat(first[p[mine]] - np.cumsum(n) + n, n) + np.arange(n.sum())
        target = np.repeat(q[mine], n)
        b = np.searchsorted(key, target * step + at[a] + np.repeat(wait_s[mine], n))
        b = np.minimum(b, len(key) - 1)
        is_link = (b >= first[target]) & (b < end[target]) & (at[b] - at[a] <= gap)
        is_link &= at[b] >= at[a]
        yield order[a[is_link]], order[b[is_link]]


def _find_near_posts(
    used: Indices, posts: Posts, max_km: float, top_km_h: float
) -> tuple[Indices, Indices, NDArray[np.float64]]:
    """Return ordered pairs of posts of two stations, as positions in `used`, and the seconds between them.

    The seconds are what an animal needs at least, less the uncertainty of both clocks, and at least 0.
    """
    placed = np.flatnonzero(posts.is_placed[used])
    none = np.zeros(0, np.int64)
    if len(placed) < 2:
        return none, none, np.zeros(0)
    radius = max_km + 2 * posts.reach_km[used[placed]].max() + TOLERANCE_KM
    near = cKDTree(posts.xyz_km[used[placed]]).query_pairs(radius, output_type="ndarray").astype(np.int64)
    i, j = placed[near[:, 0]], placed[near[:, 1]]
    km = posts.least_km(used[i], used[j])
    keep = (km <= max_km) & (posts.station[used[i]] != posts.station[used[j]])
    i, j, km = i[keep], j[keep], km[keep]
    clock_s = posts.clock_s[used[i]] + posts.clock_s[used[j]]
    wait_s = np.maximum((km - TOLERANCE_KM) / top_km_h * 3600 - clock_s, 0.0)
    return np.append(i, j), np.append(j, i), np.append(wait_s, wait_s)
