"""A planned survey from tables of places: the same figures in degrees, and places that cannot be used."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.records.survey.expected_captures import Detection
from leopardnet.records.survey.local_plane import LocalPlane, name_direction
from leopardnet.records.survey.plan_survey import plan_survey

HOW = Detection(0.01, 0.05, 2.0, 60)


def places(points_km, names="c", longitude=131.0):
    """Places around 43° N, from x and y in km."""
    plane = LocalPlane.around(np.array([43.0]), np.array([longitude]))
    latitude, lon = plane.to_degrees(np.array(points_km, float).reshape(-1, 2))
    names = [f"{names}{i}" for i in range(len(latitude))]
    return pd.DataFrame({"deployment": names, "latitude": latitude, "longitude": lon})


@pytest.mark.parametrize("longitude", [131.0, 179.99])
def test_a_place_between_two_cameras_is_better_than_one_upon_them(longitude):
    cameras = places([(0, 0), (8, 0)], longitude=longitude)
    found = plan_survey(cameras, HOW, candidates=places([(0, 0), (4, 3)], "new", longitude), n_add=1)
    assert found.added["place"].tolist() == ["new1"] and found.n_cameras == 2
    assert found.added["n_animals"][0] > found.expected.n_animals > 0


def test_without_candidates_nothing_is_added():
    found = plan_survey(places([(0, 0)]), HOW, n_add=5)
    assert found.added.empty and found.area_km2 == pytest.approx(16.0**2)  # 4 sigma to each side


def test_a_place_without_coordinates_is_named():
    table = places([(0, 0), (1, 1)])
    table.loc[1, "longitude"] = np.nan
    with pytest.raises(ManifestError, match="no coordinates") as caught:
        plan_survey(table, HOW)
    assert "row 3" in str(caught.value) and "c1" in str(caught.value)


def test_swapped_coordinates_are_found_by_the_distance():
    table = places([(0, 0), (1, 1)])
    table.loc[1, ["latitude", "longitude"]] = [31.0, 43.0]
    with pytest.raises(ManifestError, match="too far apart"):
        plan_survey(table, HOW)


def test_no_camera_is_refused():
    with pytest.raises(ManifestError, match="no camera"):
        plan_survey(places([]), HOW)


@pytest.mark.parametrize(
    ("step", "name"), [((0, 1), "N"), ((1, 0), "E"), ((0, -1), "S"), ((-1, 0), "W"), ((-1, 1), "NW")]
)
def test_directions(step, name):
    assert name_direction(*step) == name


@pytest.mark.parametrize("buffer_km", [None, 20.0, 200.0, 1e6])
@pytest.mark.parametrize("apart_km", [100.0, 390.0])
def test_two_cameras_far_apart_are_twice_one(buffer_km, apart_km):
    one = plan_survey(places([(0, 0)]), HOW).expected
    two = plan_survey(places([(0, 0), (apart_km, 0)]), HOW, buffer_km=buffer_km).expected
    found = [two.n_animals / one.n_animals, two.n_recaptures / one.n_recaptures]
    assert found == pytest.approx([2, 2], rel=0.01) and two.n_moves == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("buffer_km", [0.0, -1.0, float("inf"), float("nan")])
def test_a_buffer_without_land_is_refused(buffer_km):
    with pytest.raises(ConfigError, match="buffer_km"):
        plan_survey(places([(0, 0)]), HOW, buffer_km=buffer_km)
