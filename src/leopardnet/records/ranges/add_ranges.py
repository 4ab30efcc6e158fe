"""Where each record lies to the range of its label, widened by what is not known of its place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.labels import JOINER
from leopardnet.records.ranges.range_map import RangeMap
from leopardnet.records.ranges.uncertain_places import PLACE, find_uncertainty_m, list_places
from leopardnet.records.record_table import BEYOND, CANNOT_TELL, INSIDE, NO_PLACE, NO_RANGE, OUTSIDE

CALCULATION_M = 1.0  # the error of the distance itself


def add_ranges(records: pd.DataFrame, ranges: RangeMap) -> pd.DataFrame:
    """Return the records with range_status, distance_km, distance_error_km and barriers.

    A record is `inside` or `outside` only if all places within its uncertainty are; else `cannot_tell`, with the
    distance of the stated place. It is `beyond_barrier` if it is outside, and a barrier lies on the geodesic from
    it to the nearest point of the range, wherever within its uncertainty it is. Rows, order and scores stay.
    """
    found = pd.DataFrame(
        {"range_status": NO_RANGE, "distance_km": np.nan, "distance_error_km": np.nan, "barriers": None},
        index=records.index,
    ).astype({"range_status": "str", "barriers": "str"})
    has_place = records["latitude"].notna() & records["longitude"].notna()
    for label in ranges.labels:
        mine = records["label"].eq(label)
        found.loc[mine & ~has_place, "range_status"] = NO_PLACE
        rows = records.loc[mine & has_place, list(PLACE)]
        if rows.empty:
            continue
        places, i_place = list_places(rows)
        located = _locate(label, places, ranges)
        found.loc[rows.index] = located.iloc[i_place].set_axis(rows.index)
    return records.assign(**{str(c): found[c] for c in found})


def _locate(label: str, places: pd.DataFrame, ranges: RangeMap) -> pd.DataFrame:
    lat, lon = places["latitude"].to_numpy(np.float64), places["longitude"].to_numpy(np.float64)
    off_m = find_uncertainty_m(places) + CALCULATION_M
    positions = ranges.locate(label, lon, lat)
    border = positions.border
    near = border.distance_m <= off_m
    barriers = [
        JOINER.join(ranges.find_barriers(lon[i], lat[i], (border.lon[i], border.lat[i]), off_m[i])) or None
        if not (near[i] or positions.is_inside[i])
        else None
        for i in range(len(places))
    ]
    status: Any = np.select(
        [near, positions.is_inside, np.array([b is not None for b in barriers])],
        [CANNOT_TELL, INSIDE, BEYOND],
        OUTSIDE,
    )
    found = {
        "range_status": status,
        "distance_km": np.where(positions.is_inside, 0.0, border.distance_m / 1000),
        "distance_error_km": np.where(positions.is_inside & ~near, 0.0, off_m / 1000),
        "barriers": barriers,
    }
    return pd.DataFrame(found).astype({"range_status": "str", "barriers": "str"})
