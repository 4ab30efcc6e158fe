"""The same box at one camera again and again: a stump or a leaf that the detector takes for an animal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

MIN_OVERLAP = 0.85  # intersection over union
MIN_CLIPS, MIN_EVENTS = 6, 3  # an animal that rests for half an hour is one event
MAX_AREA = 0.7  # a box of nearly the whole frame says nothing of a place
GRID = 0.004  # of the frame: boxes that differ by less are one, which bounds the work where a thousand are alike

Boxes = NDArray[np.float64]
Rows = NDArray[np.int64]


def find_same_spots(boxes: Boxes, sites: Rows, event_of: Callable[[int], object]) -> list[Rows]:
    """Return groups of clips whose box is that of many others of their site, the largest first.

    boxes: float64 [N, 4], the best box of each clip, nan without one; sites: int64 [N]; event_of: of a clip. A
    group has MIN_CLIPS clips from MIN_EVENTS events, all of which overlap with its first one by MIN_OVERLAP.
    """
    groups: list[Rows] = []
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    usable = np.flatnonzero(area <= MAX_AREA)  # nan is not
    for site in np.unique(sites[usable]):
        rows = usable[sites[usable] == site]
        groups += [g for g in group_boxes(boxes[rows], rows) if len({event_of(int(r)) for r in g}) >= MIN_EVENTS]
    groups.sort(key=lambda rows: (-len(rows), int(rows[0])))
    return groups


def group_boxes(boxes: Boxes, rows: Rows) -> list[Rows]:
    """Return groups of at least MIN_CLIPS rows whose boxes overlap with that of the first row of the group."""
    cells, first, of_cell = np.unique(
        np.round(boxes / GRID).astype(np.int64), axis=0, return_index=True, return_inverse=True
    )
    of_cell, weights = of_cell.reshape(-1), np.bincount(of_cell.reshape(-1), minlength=len(cells))
    alike = _find_alike(boxes[first])
    n_alike = alike @ weights
    taken, groups = np.zeros(len(cells), bool), []
    for i in np.lexsort((first, -n_alike)):
        if n_alike[i] < MIN_CLIPS:
            break
        members = alike.indices[alike.indptr[i] : alike.indptr[i + 1]]
        members = members[~taken[members]]
        if taken[i] or weights[members].sum() < MIN_CLIPS:
            continue
        taken[members] = True
        inside = np.flatnonzero(np.isin(of_cell, members))
        middle = inside[of_cell[inside] == i][:1]
        groups.append(rows[np.concatenate((middle, inside[inside != middle[0]]))])
    return groups


def _find_alike(boxes: Boxes) -> csr_array:
    """Return which boxes overlap by MIN_OVERLAP, int [K, K], each with itself."""
    sides = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    reach = sides * (1 / MIN_OVERLAP - 1) + 1e-9  # no side of a box that overlaps so far is further away
    near = cKDTree(boxes).query_ball_point(boxes, reach, p=np.inf, return_sorted=True)
    i = np.repeat(np.arange(len(boxes)), [len(x) for x in near])
    j = np.concatenate([np.asarray(x, np.int64) for x in near])
    low, high = np.maximum(boxes[i, :2], boxes[j, :2]), np.minimum(boxes[i, 2:], boxes[j, 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=1)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    is_alike = shared >= (MIN_OVERLAP - 1e-9) * (areas[i] + areas[j] - shared)
    found = csr_array((is_alike.astype(np.int64), (i, j)), shape=(len(boxes), len(boxes)))
    found.eliminate_zeros()
    return found
