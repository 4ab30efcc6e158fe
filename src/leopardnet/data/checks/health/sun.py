"""How high the sun stood: the equations of NOAA's solar calculator (Meeus, Astronomical Algorithms)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.manifest import parse_time_zone

RISEN_DEG = -0.833  # of the centre, as sunrise and sunset are defined: half the disc, and refraction


def sun_altitude(at_utc: NDArray[np.datetime64], latitude: float, longitude: float) -> NDArray[np.float64]:
    """Return the altitude of the sun's centre in degrees, without refraction, float64 [N].

    at_utc: times in UTC; latitude, longitude: in degrees. Right to a few hundredths of a degree from 1900 to 2100.

    >>> noon = np.array(["2024-06-20T12:00"], "datetime64[s]")
    >>> sun_altitude(noon, 0.0, 0.0).round(1).tolist()
    [66.6]
    """
    days = (at_utc - np.datetime64("2000-01-01T12:00")) / np.timedelta64(1, "s") / 86_400
    t = days / 36_525
    mean_longitude = np.radians((280.46646 + t * (36_000.76983 + t * 0.0003032)) % 360)
    anomaly = np.radians(357.52911 + t * (35_999.05029 - 0.0001537 * t))
    eccentricity = 0.016708634 - t * (0.000042037 + 0.0000001267 * t)
    centre = np.radians(
        np.sin(anomaly) * (1.914602 - t * (0.004817 + 0.000014 * t))
        + np.sin(2 * anomaly) * (0.019993 - 0.000101 * t)
        + np.sin(3 * anomaly) * 0.000289
    )
    node = np.radians(125.04 - 1934.136 * t)
    apparent = mean_longitude + centre - np.radians(0.00569 + 0.00478 * np.sin(node))
    obliquity = np.radians(23.439291 - 0.0130042 * t + 0.00256 * np.cos(node))
    declination = np.arcsin(np.sin(obliquity) * np.sin(apparent))
    y = np.tan(obliquity / 2) ** 2
    equation_of_time = 4 * np.degrees(  # minutes by which the sun is ahead of a clock
        y * np.sin(2 * mean_longitude)
        - 2 * eccentricity * np.sin(anomaly)
        + 4 * eccentricity * y * np.sin(anomaly) * np.cos(2 * mean_longitude)
        - 0.5 * y * y * np.sin(4 * mean_longitude)
        - 1.25 * eccentricity * eccentricity * np.sin(2 * anomaly)
    )
    minutes = ((days + 0.5) % 1) * 1440 + equation_of_time + 4 * longitude
    hour_angle = np.radians(minutes / 4 - 180)
    north = np.radians(latitude)
    altitude = np.arcsin(
        np.sin(north) * np.sin(declination) + np.cos(north) * np.cos(declination) * np.cos(hour_angle)
    )
    return np.asarray(np.degrees(altitude), np.float64)


def find_daylight(
    midnight_utc: np.datetime64, latitude: float, longitude: float
) -> tuple[int | None, int | None, bool]:
    """Return sunrise and sunset in whole minutes after a midnight, None where there is none, and whether it is up.

    midnight_utc: the local midnight in UTC. The sun rises where its upper edge is seen, with usual refraction: its
    centre is then 0.833 degrees below the horizon. Mountains are not known. The last value is for the midnight.

    >>> find_daylight(np.datetime64("2024-03-20T00:00"), 0.0, 0.0)  # the equinox on the equator
    (365, 1091, False)
    """
    minutes = midnight_utc.astype("datetime64[s]") + np.arange(1441) * np.timedelta64(60, "s")
    is_up = sun_altitude(minutes, latitude, longitude) > RISEN_DEG
    rises, sets = (np.flatnonzero(is_up[1:] & ~is_up[:-1]), np.flatnonzero(~is_up[1:] & is_up[:-1]))
    rise, fall = (int(found[0]) + 1 if len(found) else None for found in (rises, sets))
    return rise, fall, bool(is_up[0])


def convert_to_utc(times: pd.Series[Any], zone: str) -> NDArray[np.datetime64]:
    """Return local times of a zone as UTC; an hour that occurs twice is taken as summer time."""
    aware = times.dt.tz_localize(
        parse_time_zone(zone), ambiguous=np.ones(len(times), bool), nonexistent="shift_forward"
    )
    return np.asarray(aware.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy("datetime64[s]"))
