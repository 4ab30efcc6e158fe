"""Distinct places, and by how much each may be wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.data.formats.camtrap_dp.places import uncertainty_m

Floats = NDArray[np.float64]

PLACE = ("latitude", "longitude", "coordinate_uncertainty_m")
EXACT_DIGITS = 6


def find_uncertainty_m(places: pd.DataFrame) -> Floats:
    """Return by how much each place may be off: as stated, else by the digits of its coordinates, float64 [N].

    A place with four digits or more is taken as exact to about 30 m, as of a receiver. One with fewer was rounded,
    and lies anywhere in its cell. places: latitude, longitude, coordinate_uncertainty_m.

    >>> find_uncertainty_m(pd.DataFrame([[43.1234, 131.4321, np.nan], [43.1, 131.4, np.nan], [43.1, 131.4, 50.0]],
    ...                                 columns=list(PLACE))).tolist()
    [38.0, 7902.0, 50.0]
    """
    stated = places["coordinate_uncertainty_m"].to_numpy(np.float64)
    pairs = zip(places["latitude"], places["longitude"], strict=True)
    implied = [float(uncertainty_m(max(_count_digits(lat), _count_digits(lon)))) for lat, lon in pairs]
    return np.where(np.isnan(stated), implied, stated)


def _count_digits(degrees: float) -> int:
    """Return the number of decimal places with which a coordinate was written."""
    text = f"{degrees:.{EXACT_DIGITS}f}".rstrip("0")
    return len(text.partition(".")[2])


def list_places(rows: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Return the distinct places of rows with the columns PLACE, and which of them each row has, int64 [N]."""
    codes = np.asarray(rows.groupby(list(PLACE), dropna=False, sort=False).ngroup(), np.int64)
    first = np.unique(codes, return_index=True)[1]
    return rows.iloc[first].reset_index(drop=True), codes
