"""Posts: the distinct places, clocks and uncertainties of records, and how far apart two of them are at least.

Distances are computed between posts, of which there are few, and never between records. The least distance of two
posts is the straight line between them, which is shorter than every way over the ground (by 1 m at 100 km, by 40 m
at 350 km), less the uncertainty of both places. So what is out of reach by this distance is out of reach.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import Geod

from leopardnet.records.ranges.uncertain_places import find_uncertainty_m

WGS84 = Geod(ellps="WGS84")
Indices = NDArray[np.int64]
_KEYS = "_station latitude longitude coordinate_uncertainty_m clock_uncertainty_s _has_zone".split()  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Posts:
    """P posts and the post of each record.

    of_record: int64 [N]. station: int64 [P], equal for posts of one station, where the distance is 0. xyz_km:
    float64 [P, 3], straight coordinates on the ellipsoid, nan where the place is unknown. reach_km: float64 [P],
    uncertainty of the place. clock_s: float64 [P], uncertainty of the clock, inf if unknown. has_zone: bool [P],
    whether times are UTC. latitude, longitude: float64 [P], degrees.
    """

    of_record: Indices
    station: Indices
    xyz_km: NDArray[np.float64]
    reach_km: NDArray[np.float64]
    clock_s: NDArray[np.float64]
    has_zone: NDArray[np.bool_]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]

    @property
    def is_placed(self) -> NDArray[np.bool_]:
        """Whether the place of each post is known, bool [P]."""
        return np.asarray(np.isfinite(self.xyz_km).all(axis=1))

    def least_km(self, i: Indices, j: Indices) -> NDArray[np.float64]:
        """Return the distance between posts i and j that is certain, of the shape to which both broadcast.

        It is 0 within a station, and nan between stations if a place is unknown.
        """
        straight = np.sqrt(((self.xyz_km[i] - self.xyz_km[j]) ** 2).sum(axis=-1))
        certain = np.maximum(straight - self.reach_km[i] - self.reach_km[j], 0.0)
        return np.where(self.station[i] == self.station[j], 0.0, certain)

    def take(self, rows: Indices | NDArray[np.bool_]) -> Posts:
        """Return the same posts for some of the records, or for the records in another order."""
        return replace(self, of_record=self.of_record[rows])


def find_posts(records: pd.DataFrame) -> Posts:
    """Return the posts of records: distinct combinations of station, place, clock and their uncertainties.

    A station is that of one owner: equal names of two owners are two stations. A record without a station has one
    of its own. Places without a stated uncertainty are as exact as their digits say.
    """
    table = records[["latitude", "longitude", "coordinate_uncertainty_m", "clock_uncertainty_s"]].astype("float64")
    table = table.assign(_station=number_stations(records), _has_zone=records["at_utc"].notna())
    of_record = np.asarray(table.groupby(_KEYS, dropna=False, sort=False).ngroup(), np.int64)
    first = np.unique(of_record, return_index=True)[1]
    posts = table.iloc[first]
    latitude, longitude = posts["latitude"].to_numpy(), posts["longitude"].to_numpy()
    return Posts(
        of_record=of_record,
        station=posts["_station"].to_numpy(np.int64),
        xyz_km=_to_straight(latitude, longitude),
        reach_km=find_uncertainty_m(posts) / 1000,
        clock_s=posts["clock_uncertainty_s"].fillna(np.inf).to_numpy(),
        has_zone=posts["_has_zone"].to_numpy(bool),
        latitude=latitude,
        longitude=longitude,
    )


def number_stations(records: pd.DataFrame) -> Indices:
    """Return the number of each record's station, int64 [N]; a record without a station has one of its own."""
    owner, station = (records[c].astype(object) for c in ("owner", "station"))
    known = pd.DataFrame({"o": owner.fillna(""), "s": station}).groupby(["o", "s"], sort=False).ngroup()
    number = np.array(known.where(station.notna(), -1), np.int64)
    missing = number < 0
    number[missing] = number.max(initial=-1) + 1 + np.arange(missing.sum())
    return number


def count_seconds(records: pd.DataFrame) -> NDArray[np.float64]:
    """Return the time of each record in seconds, float64 [N]: UTC, or local time without a zone; nan if unknown."""
    times = records["at_utc"].fillna(records["captured_at"]).to_numpy("datetime64[us]")
    seconds: NDArray[np.float64] = times.astype(np.int64) / 1e6
    seconds[np.isnat(times)] = np.nan
    return seconds


def measure_steps(posts: Posts, i: Indices, j: Indices) -> NDArray[np.float64]:
    """Return the geodesic distance in km from each post i to post j, float64 [M]; nan if a place is unknown."""
    n = len(posts.station)
    pairs, back = np.unique(i * n + j, return_inverse=True)
    a, b = pairs // n, pairs % n
    metres: Any = WGS84.inv(posts.longitude[a], posts.latitude[a], posts.longitude[b], posts.latitude[b])[2]
    return (np.asarray(metres, np.float64) / 1000)[back]


def _to_straight(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coordinates in km from the centre of the ellipsoid, float64 [P, 3]."""
    phi, lam = np.radians(latitude), np.radians(longitude)
    radius = WGS84.a / np.sqrt(1 - WGS84.es * np.sin(phi) ** 2)  # of the prime vertical
    x, y = radius * np.cos(phi) * np.cos(lam), radius * np.cos(phi) * np.sin(lam)
    return np.stack([x, y, radius * (1 - WGS84.es) * np.sin(phi)], axis=-1) / 1000
