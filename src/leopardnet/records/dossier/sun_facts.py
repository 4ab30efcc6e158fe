"""The light of a clip against the sun, as it stood at its place by its clock."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from leopardnet.core.footage.light import COLOUR, INFRARED
from leopardnet.data.checks.health.clock_light import BRIGHT_DEG, DARK_DEG
from leopardnet.data.checks.health.sun import convert_to_utc, find_daylight, sun_altitude
from leopardnet.records.dossier.shown_places import Place


@dataclass(frozen=True, slots=True)
class SunFact:
    """The light of a clip and the sun at that moment.

    light: 'infrared', 'colour' or '' where it is not known. altitude_deg: of the sun, nan where place or zone is
    not known. rise, set: of that day, in local time; None where the sun does not rise or set, and `is_up` tells
    which.
    """

    light: str = ""
    altitude_deg: float = math.nan
    rise: pd.Timestamp | None = None
    set: pd.Timestamp | None = None
    is_up: bool = False

    @property
    def fits(self) -> bool | None:
        """Whether light and clock agree: infrared in the dark, colour by day; None where they tell nothing.

        >>> SunFact("infrared", 40.0).fits, SunFact("infrared", -20.0).fits, SunFact("colour", 3.0).fits
        (False, True, None)
        """
        if not self.light or not (self.altitude_deg > BRIGHT_DEG or self.altitude_deg < DARK_DEG):
            return None
        return (self.light == COLOUR) == (self.altitude_deg > BRIGHT_DEG)

    @property
    def is_infrared(self) -> bool:
        """Whether the pictures are in infrared."""
        return self.light == INFRARED


def find_sun(place: Place | None, captured_at: pd.Timestamp | None, time_zone: str, light: str) -> SunFact:
    """Return the sun of a clip at a place as it may be shown: a rounded one moves it by a tenth of a degree.

    captured_at: in the local time of the zone; '' where that is not known.
    """
    if place is None or captured_at is None or not time_zone:
        return SunFact(light)
    midnight = captured_at.normalize()
    moment, begin = convert_to_utc(pd.Series([captured_at, midnight]), time_zone)
    altitude = sun_altitude(np.array([moment]), place.latitude, place.longitude)[0]
    rise, fall, is_up = find_daylight(begin, place.latitude, place.longitude)
    rises_at, sets_at = (None if m is None else midnight + pd.Timedelta(minutes=m) for m in (rise, fall))
    return SunFact(light, float(altitude), rises_at, sets_at, is_up)
