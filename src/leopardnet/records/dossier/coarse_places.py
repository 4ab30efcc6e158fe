"""Where a camera may be said to stand: exactly only where that is asked for and its owner does not forbid it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leopardnet.data.formats.camtrap_dp.places import GPS_ERROR_M, uncertainty_m

COARSE_DIGITS = 1  # of degrees: cells of about 11 by 8 km in the north of Asia
COARSE_KM, FAR_COARSE_KM = 1.0, 10.0  # to which distances are rounded that would give a coarse place away


@dataclass(frozen=True, slots=True)
class Place:
    """A place in degrees (WGS84), and how far the camera may be from it.

    is_coarse: rounded to one decimal. is_assumed: the error of an ordinary receiver, because none is stated.
    """

    latitude: float
    longitude: float
    radius_m: float
    is_coarse: bool
    is_assumed: bool


def find_place(row: Mapping[str, Any], *, exact: bool) -> Place | None:
    """Return the place of a record or deployment as it may be shown, None where it is unknown.

    >>> find_place({"latitude": 43.123456, "longitude": 131.91234, "exact_place": "no"}, exact=True)
    Place(latitude=43.1, longitude=131.9, radius_m=7902.0, is_coarse=True, is_assumed=True)
    """
    latitude, longitude = _number(row.get("latitude")), _number(row.get("longitude"))
    if not math.isfinite(latitude + longitude):
        return None
    stated = _number(row.get("coordinate_uncertainty_m"))
    is_assumed = math.isnan(stated)
    radius = float(GPS_ERROR_M) if is_assumed else stated
    if exact and row.get("exact_place") != "no":
        return Place(latitude, longitude, radius, is_coarse=False, is_assumed=is_assumed)
    coarse = round(latitude, COARSE_DIGITS) + 0.0, round(longitude, COARSE_DIGITS) + 0.0
    own_radius = 0.0 if is_assumed else stated  # the rule counts a receiver's error itself
    wide = float(uncertainty_m(COARSE_DIGITS, radius_m=own_radius))
    return Place(*coarse, wide, is_coarse=True, is_assumed=is_assumed)


def blur_km(distance_km: float, place: Place | None, *, step_km: float = COARSE_KM) -> float:
    """Return a distance from a place as it may be said: rounded where the place is not exact.

    >>> blur_km(12.34, None), blur_km(12.34, Place(43.1, 131.9, 7902.0, True, False))
    (12.34, 12.0)
    """
    is_exact = place is None or not place.is_coarse
    return distance_km if is_exact or math.isnan(distance_km) else round(distance_km / step_km) * step_km


def _number(value: Any) -> float:
    return math.nan if value is None or value != value else float(value)
