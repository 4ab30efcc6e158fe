"""Clips with a box at the same spot of one camera again and again, which are one look in a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.detect.same_spot import find_same_spots
from leopardnet.score.events import event_ids

Spots = Mapping[str, tuple[str, ...]]
"""By clip_id the clips of its group, the middle one first."""


def group_same_spots(predictions: pd.DataFrame, boxes: Mapping[str, Sequence[Any]]) -> Spots:
    """Return the groups of a predictions table. boxes: of the pictures, by clip_id, the best first."""
    found = np.full((len(predictions), 4), np.nan)
    for i, clip_id in enumerate(predictions["clip_id"]):
        if mine := boxes.get(clip_id):
            found[i] = mine[0][:4]
    if np.isnan(found).all():
        return {}
    sites = pd.factorize(predictions["site"])[0].astype(np.int64)
    found[sites < 0] = np.nan  # without a site, nobody knows the camera
    events, ids = event_ids(predictions).to_numpy(object), predictions["clip_id"].to_numpy(object)
    groups = [tuple(map(str, ids[rows])) for rows in find_same_spots(found, sites, events.__getitem__)]
    return {clip_id: group for group in groups for clip_id in group}


def keep_first_looks(ordered: pd.DataFrame, spots: Spots) -> pd.DataFrame:
    """Return clips without those that follow another one of their group."""
    group = ordered["clip_id"].map(lambda clip_id: spots[clip_id][0] if clip_id in spots else clip_id)
    return ordered[~group.duplicated()]
