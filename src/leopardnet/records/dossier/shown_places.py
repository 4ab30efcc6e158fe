"""The places of records and cameras as a dossier may show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from leopardnet.records.ranges.coarse_places import hide_places
from leopardnet.records.ranges.uncertain_places import PLACE, find_uncertainty_m


@dataclass(frozen=True, slots=True)
class Place:
    """A place in degrees (WGS84), and how far the camera may be from it.

    is_coarse: rounded, because exact places are not asked for or not allowed. is_assumed: nobody stated the error.
    """

    latitude: float
    longitude: float
    radius_m: float
    is_coarse: bool
    is_assumed: bool


def list_shown_places(table: pd.DataFrame, *, exact_places: bool) -> list[Place | None]:
    """Return the place of each record or deployment, None where it is unknown; exact as `hide_places` allows.

    >>> row = {"latitude": [43.123456], "longitude": [131.91234], "exact_place": "no"}
    >>> list_shown_places(pd.DataFrame(row), exact_places=True)
    [Place(latitude=43.1, longitude=131.9, radius_m=7902.0, is_coarse=True, is_assumed=True)]
    """
    whole = table.assign(**{c: np.nan for c in (*_NUMBERS, "exact_place") if c not in table}).reset_index(drop=True)
    shown = hide_places(whole.astype(dict.fromkeys(_NUMBERS, float)), exact_places=exact_places)
    shown["radius_m"] = np.nan
    known = shown["latitude"].notna() & shown["longitude"].notna()
    shown.loc[known, "radius_m"] = find_uncertainty_m(shown.loc[known, list(PLACE)])
    stated = whole["coordinate_uncertainty_m"].notna()
    coarse = whole["exact_place"].eq("no").fillna(False).astype(bool) | (not exact_places)
    return [
        Place(float(latitude), float(longitude), float(radius), bool(is_coarse), not is_stated)
        if is_known
        else None
        for latitude, longitude, radius, is_coarse, is_stated, is_known in zip(
            shown["latitude"], shown["longitude"], shown["radius_m"], coarse, stated, known, strict=True
        )
    ]


_NUMBERS = (*PLACE, "distance_km", "distance_error_km", "nearest_record_km")
