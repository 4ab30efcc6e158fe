"""Distances on the ellipsoid, against published pairs and against dense sampling."""

import numpy as np
import pytest
from shapely.geometry import LineString, Polygon

from leopardnet.records.ranges.geodesics import find_nearest, measure_distance_m
from leopardnet.records.ranges.range_map import Barrier, RangeMap, RangePolygon

# Charles Karney, GeodTest (doi 10.5281/zenodo.32156) as in the tests of GeographicLib: lat, lon, lat, lon, metres.
PAIRS = (
    (35.60777, -139.44815, -11.17491, -69.95921, 8935244.5604818305),
    (55.52454, 106.05087, 77.03196, 197.18234, 4105086.1713924406),
    (-21.97856, 142.59065, 41.84138, 98.56635, 8394328.894657671),
    (-41.32, 174.81, 40.96, -5.50, 19959679.26735382),
)


@pytest.mark.parametrize("pair", PAIRS)
def test_published_distances_are_met(pair):
    lat0, lon0, lat1, lon1, metres = pair
    assert measure_distance_m(lon0, lat0, lon1, lat1) == pytest.approx(metres, abs=1e-3)


@pytest.mark.parametrize("pair", PAIRS)
def test_the_tip_of_a_needle_is_as_far_as_its_pair(pair):
    """A needle that points away from the place has its nearest point at its tip, whose distance is published."""
    lat0, lon0, lat1, lon1, metres = pair
    away = 0.001 * np.array([lon1 - lon0, lat1 - lat0]) / np.hypot(lon1 - lon0, lat1 - lat0)
    edges = np.array([[lon1, lat1, lon1 + away[0], lat1 + away[1]]])
    found = find_nearest(np.array([lon0]), np.array([lat0]), edges)
    assert found.distance_m[0] == pytest.approx(metres, abs=150) and found.distance_m[0] <= metres + 1e-3


def sample(ring, lon, lat, n=4000):
    """The shortest distance to densely sampled edges, straight in longitude and latitude."""
    ring = np.asarray(ring, float)
    t = np.linspace(0, 1, n)[None, :, None]
    points = (ring[:-1, None] + (ring[1:] - ring[:-1])[:, None] * t).reshape(-1, 2)
    return measure_distance_m(lon, lat, points[:, 0], points[:, 1]).min()


RINGS = {
    "small": [[131, 43], [131.3, 43.1], [131.2, 43.4], [131, 43]],
    "long edges": [[100, 40], [150, 45], [130, 65], [100, 40]],
    "far north": [[20, 78], [60, 80], [40, 84], [20, 78]],
    "southern": [[-72, -50], [-68, -52], [-70, -40], [-72, -50]],
    "antimeridian": [[170, 60], [195, 62], [185, 68], [170, 60]],
}


@pytest.mark.parametrize("name", RINGS)
def test_distances_agree_with_dense_sampling_to_a_metre(name, rng):
    ring = np.array(RINGS[name], float)
    low, high = ring.min(axis=0) - 3, ring.max(axis=0) + 3
    lon = rng.uniform(low[0], high[0], 12)
    lat = np.clip(rng.uniform(low[1], high[1], 12), -89, 89)
    edges = np.hstack([ring[:-1], ring[1:]])
    found = find_nearest(lon, lat, edges)
    step_m = np.hypot(*(np.diff(ring, axis=0).T)).max() * 111_700 / 4000
    for i in range(len(lon)):
        sampled = sample(ring, lon[i], lat[i])
        assert found.distance_m[i] <= sampled + 1e-3, "nothing that was sampled is nearer"
        # Beside a straight border a sample is at most half a step away from the foot of the place.
        assert sampled - found.distance_m[i] <= np.hypot(found.distance_m[i], step_m / 2) - found.distance_m[i] + 1


def test_the_nearest_point_is_where_the_distance_says(rng):
    ring = np.array(RINGS["small"], float)
    lon, lat = rng.uniform(130, 132, 20), rng.uniform(42, 44, 20)
    found = find_nearest(lon, lat, np.hstack([ring[:-1], ring[1:]]))
    np.testing.assert_allclose(measure_distance_m(lon, lat, found.lon, found.lat), found.distance_m, atol=1e-6)


# --- properties of ranges ---

PLACES = np.array([131.1, 131.9, 130.0, 133.0, 131.5]), np.array([43.2, 43.2, 43.0, 44.0, 43.05])


def locate(*polygons, places=PLACES):
    found = RangeMap(tuple(RangePolygon("leopard", "", Polygon(*p)) for p in polygons)).locate("leopard", *places)
    return found.is_inside.tolist(), found.border.distance_m


def test_reversed_rings_and_full_turns_change_nothing():
    ring = [[131, 43], [132, 43], [132, 44], [131, 44], [131, 43]]
    inside, metres = locate((ring,))
    for other in (ring[::-1], [[x + 360, y] for x, y in ring], [[x - 360, y] for x, y in ring]):
        found = locate((other,))
        assert found[0] == inside
        np.testing.assert_allclose(found[1], metres, atol=1e-3)
    turned = locate((ring,), places=(PLACES[0] - 360, PLACES[1]))
    assert turned[0] == inside
    np.testing.assert_allclose(turned[1], metres, atol=1e-3)


def test_a_hole_is_outside_and_its_rim_a_border():
    ring = [[131, 43], [132, 43], [132, 44], [131, 44], [131, 43]]
    hole = [[131.4, 43.4], [131.6, 43.4], [131.6, 43.6], [131.4, 43.6], [131.4, 43.4]]
    inside, metres = locate((ring, [hole]), places=(np.array([131.5, 131.2]), np.array([43.5, 43.5])))
    assert inside == [False, True]
    # A tenth of a degree of longitude at 43.5 degrees north: cos(43.5°) · 11,132 m on the sphere, 8,092 m here.
    assert metres[0] == pytest.approx(0.1 * 111_320 * np.cos(np.deg2rad(43.5)), rel=0.003)


def test_a_range_that_is_split_at_the_antimeridian_is_the_one_that_crosses_it():
    crossing = ([[178, 60], [184, 60], [184, 64], [178, 64], [178, 60]],)
    west = ([[178, 60], [180, 60], [180, 64], [178, 64], [178, 60]],)
    east = ([[-180, 60], [-176, 60], [-176, 64], [-180, 64], [-180, 60]],)
    places = np.array([179.9, -179.9, -175.0, 177.0, 180.0]), np.array([62.0, 62.0, 62.0, 62.0, 62.0])
    inside, metres = locate(crossing, places=places)
    assert inside == [True, True, False, False, True] and metres.min() > 50_000, "the seam is no border"
    for halves in ((west, east), (east, west)):
        found = locate(*halves, places=places)
        assert found[0] == inside
        np.testing.assert_allclose(found[1], metres, atol=1e-3)


def test_polygons_of_one_label_that_overlap_are_one_range():
    left = ([[131, 43], [132, 43], [132, 44], [131, 44], [131, 43]],)
    right = ([[131.5, 43], [133, 43], [133, 44], [131.5, 44], [131.5, 43]],)
    inside, metres = locate(left, right, places=(np.array([131.99]), np.array([43.5])))
    assert inside == [True] and metres[0] > 50_000


# --- barriers ---


def barriers(*lines, at=(132.5, 43.5), to=(132.0, 43.5), off_m=30.0):
    named = tuple(Barrier(f"b{i}", LineString(line)) for i, line in enumerate(lines))
    return RangeMap((), named).find_barriers(*at, to, off_m)


def test_a_barrier_counts_if_it_lies_between_from_anywhere_within_the_uncertainty():
    between, behind = [[132.2, 43], [132.2, 44]], [[132.6, 43], [132.6, 44]]
    assert barriers(between, behind) == ["b0"]
    assert barriers(between, off_m=20_000) == ["b0"], "30 km away: still between"
    assert barriers(between, off_m=40_000) == [], "the record may be on this side"
    assert barriers([[132.2, 43], [132.2, 43.4]]) == [], "a barrier that ends before is none"


def test_a_barrier_is_met_across_the_antimeridian():
    line = [[180, 60], [180, 64]]
    for lon in (180.0, -180.0):
        assert barriers([[lon, y] for _, y in line], at=(-179.0, 62.0), to=(179.0, 62.0)) == ["b0"]
        assert barriers([[lon, y] for _, y in line], at=(179.0, 62.0), to=(181.0, 62.0)) == ["b0"]
