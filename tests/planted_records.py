"""Records of animals at places that lie at stated distances, for tests of what is said about encounters."""

import numpy as np
import pandas as pd
from pyproj import Geod

LATITUDE, LONGITUDE = 43.5, 131.9  # of every station that is not told otherwise


def north(km):
    """Return the latitude so many kilometres north of the first place."""
    return Geod(ellps="WGS84").fwd(LONGITUDE, LATITUDE, 0, km * 1000)[1]


def plant(*rows):
    """Return records from (station, time) or (station, time, {column: value}); km_north moves a place.

    By default they are of leopards, confirmed, of one owner, with exact clocks and places and a known zone.
    """
    if not rows:
        return plant(("A", "2021-12-30")).iloc[:0]
    made = []
    for i, (station, at, *more) in enumerate(rows):
        told = more[0] if more else {}
        km = told.get("km_north", 0)
        row = {
            "record_id": f"r{i}",
            "clip_id": f"c{i}",
            "path": f"{station}/{i}.mp4",
            "label": "leopard",
            "state": "confirmed",
            "site": station,
            "station": station,
            "deployment": station,
            "owner": "reserve",
            "captured_at": at,
            "clock_uncertainty_s": 0.0,
            "latitude": north(km) if km else LATITUDE,
            "longitude": LONGITUDE,
            "coordinate_uncertainty_m": 0.0,
            "has_zone": True,
        }
        made.append(row | {k: v for k, v in told.items() if k != "km_north"})
    table = pd.DataFrame(made)
    table["captured_at"] = pd.to_datetime(table["captured_at"]).astype("datetime64[us]")
    table["at_utc"] = (table["captured_at"] - pd.Timedelta(hours=10)).where(table.pop("has_zone").astype(bool))
    numbers = ["clock_uncertainty_s", "latitude", "longitude", "coordinate_uncertainty_m"]
    return table.astype(dict.fromkeys(numbers, np.float64))
