"""The altitude of the sun against an almanac: equinox, solstices, sunrise tables."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.data.checks.health.sun import convert_to_utc, sun_altitude


def altitude(at, latitude, longitude):
    return float(sun_altitude(np.array([at], "datetime64[s]"), latitude, longitude)[0])


@pytest.mark.parametrize(
    ("at", "latitude", "longitude", "expected"),
    [
        # Meeus, Astronomical Algorithms, example 25.a: declination -7.78507 degrees on 1992-10-13 at 0 h.
        ("1992-10-13T00:00", 90.0, 0.0, -7.785),
        ("2024-06-20T20:51", 90.0, 0.0, 23.44),  # solstice: the obliquity
        ("2024-12-21T09:20", 90.0, 0.0, -23.44),
        ("2024-03-20T03:06", 90.0, 0.0, 0.0),  # equinox
        ("2024-09-22T12:44", 90.0, 0.0, 0.0),
    ],
)
def test_the_altitude_at_the_pole_is_the_declination(at, latitude, longitude, expected):
    assert altitude(at, latitude, longitude) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("at", "minutes"), [("2024-02-11", -14.2), ("2024-05-14", 3.7), ("2024-07-26", -6.5), ("2024-11-03", 16.4)]
)
def test_noon_comes_by_the_equation_of_time(at, minutes):
    """On 3 November noon comes 16.4 minutes early; as the sun sinks, its highest point comes a little sooner."""
    times = np.datetime64(f"{at}T11:30") + np.arange(3600).astype("timedelta64[s]")
    highest = times[sun_altitude(times, 45.0, 0.0).argmax()]
    assert (np.datetime64(f"{at}T12:00") - highest) / np.timedelta64(60, "s") == pytest.approx(minutes, abs=0.4)


def test_east_is_earlier_and_the_zone_is_read():
    noon = pd.Series(pd.to_datetime(["2021-12-31 13:15"]))  # solar noon at 132.0 E, in UTC+10
    for zone in ("Asia/Vladivostok", "+10:00"):
        at = convert_to_utc(noon, zone)
        assert at[0] == np.datetime64("2021-12-31T03:15")
        around = at + np.array([-7200, 0, 7200]).astype("timedelta64[s]")
        before, high, after = sun_altitude(around, 43.1, 132.0)
        assert before == pytest.approx(after, abs=0.1) and high == pytest.approx(90 - 43.1 - 23.1, abs=0.1)


def test_hours_that_occur_twice_or_never_are_taken_as_something():
    times = pd.Series(pd.to_datetime(["2024-10-27 02:30", "2024-03-31 02:30"]))
    assert convert_to_utc(times, "Europe/Berlin").tolist() == [
        np.datetime64("2024-10-27T00:30:00").item(),
        np.datetime64("2024-03-31T01:00:00").item(),
    ]
