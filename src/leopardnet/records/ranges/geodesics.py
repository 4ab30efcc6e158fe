"""Geodesic distances from places to edges that are straight in longitude and latitude, to a tenth of a metre.

The nearest point is found by halving edges: a piece can be left out once its middle is farther away than the best
middle by more than half its length. This needs no projection and no assumption about the shape of the border.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

GEOD = Geod(ellps="WGS84")
# No degree is longer than this; the lengths of pieces are upper bounds.
METRES_PER_DEGREE = 111_700.0
SHORT_M = 1_000.0  # half the length of pieces on which the distance has one minimum
GUESS_M = 2.0  # by which the distance on a plane may be wrong: such a piece is bent by less
N_NARROWINGS = 35  # by the golden section: 2 km to a tenth of a millimetre
RADIUS_M = 6_371_000.0
MARGIN = 0.01  # geodesics and distances on this sphere differ by less than 0.6 %
MAX_PAIRS = 1_000_000  # of places and edges in one round: 8 MB for each table of them
_GOLDEN = (np.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True, eq=False)
class NearestPoints:
    """For N places the nearest point of a set of edges: distance_m, lon and lat, each float64 [N]."""

    distance_m: Floats
    lon: Floats
    lat: Floats


def find_nearest(lon: Floats, lat: Floats, edges: Floats) -> NearestPoints:
    """Return the nearest point of any edge to each place.

    lon, lat: degrees, float64 [N]; edges: lon0, lat0, lon1, lat1, float64 [E, 4], at least one.

    >>> meridian = np.array([[0.0, -10.0, 0.0, 10.0]])
    >>> found = find_nearest(np.array([1.0]), np.array([0.0]), meridian)
    >>> found.distance_m.round(3).tolist(), abs(found.lat).round(6).tolist()
    ([111319.491], [0.0])
    """
    out = np.empty((3, len(lon)))
    size = max(1, MAX_PAIRS // len(edges))
    for start in range(0, len(lon), size):
        part = slice(start, start + size)
        out[:, part] = _find_nearest(lon[part], lat[part], edges)
    return NearestPoints(*out)


def measure_distance_m(lon0: Floats, lat0: Floats, lon1: Floats, lat1: Floats) -> Floats:
    """Return the geodesic distance of pairs of places on the WGS84 ellipsoid, in metres; shapes broadcast.

    >>> float(measure_distance_m(131.88, 43.12, 132.88, 43.12).round(1))
    81381.6
    """
    places = np.broadcast_arrays(*(np.asarray(x, np.float64) for x in (lon0, lat0, lon1, lat1)))
    a, b, c, d = (np.ravel(x) for x in places)
    distances = GEOD.inv(a, b, c, d)[2]
    return np.asarray(distances, np.float64).reshape(places[0].shape)


def _find_nearest(lon: Floats, lat: Floats, edges: Floats) -> Floats:
    """Return distance, lon and lat, float64 [3, N]."""
    n = len(lon)
    place, edge = _choose_pairs(lon, lat, edges)
    t, half = np.full(len(place), 0.5), np.full(len(place), 0.5)  # middle and half length, as shares of the edge
    while True:
        middle_m = _distance_at(lon, lat, edges, place, edge, t)
        half_m = half * _bound_lengths(edges)[edge]
        best_m = np.full(n, np.inf)
        np.minimum.at(best_m, place, middle_m)
        keep = middle_m - half_m <= best_m[place]
        place, edge, t, half, half_m = place[keep], edge[keep], t[keep], half[keep], half_m[keep]
        if not (long := half_m > SHORT_M).any():
            break
        place, edge, half = (np.concatenate([x[~long], x[long], x[long]]) for x in (place, edge, half * 1.0))
        quarter = half[np.count_nonzero(~long) :] / 2  # of the pieces that are cut, twice
        n_whole, n_cut = np.count_nonzero(~long), np.count_nonzero(long)
        sides = np.repeat([-1.0, 1.0], n_cut) * quarter
        t = np.concatenate([t[~long], np.tile(t[long], 2) + sides])
        half[n_whole:] = quarter
    guess_m = _distance_at(lon, lat, edges, place, edge, _guess(lon, lat, edges, place, edge, t, half))
    best_m = np.full(n, np.inf)
    np.minimum.at(best_m, place, guess_m)
    keep = guess_m <= best_m[place] + GUESS_M
    place, edge, t, half = place[keep], edge[keep], t[keep], half[keep]
    t = _narrow(lon, lat, edges, place, edge, t, half)
    found_m = _distance_at(lon, lat, edges, place, edge, t)
    order = np.lexsort((np.round(found_m, 3), place))
    first = order[np.unique(place[order], return_index=True)[1]]
    return np.stack([found_m[first], *_point_at(edges, edge[first], t[first])])


def _choose_pairs(lon: Floats, lat: Floats, edges: Floats) -> tuple[Ints, Ints]:
    """Return the pairs of place and edge that may be nearest, by distances on a sphere and a wide margin."""
    middle = (edges[:, :2] + edges[:, 2:]) / 2
    cosine = _to_vectors(lon, lat) @ _to_vectors(middle[:, 0], middle[:, 1]).T  # [N, E]
    # For neighbours the cosine has no digits left; a metre more or less is within the margin.
    sphere_m = RADIUS_M * np.arccos(np.clip(cosine, -1.0, 1.0))
    best_m = sphere_m.min(axis=1, keepdims=True)
    place, edge = np.nonzero(sphere_m * (1 - MARGIN) - _bound_lengths(edges) / 2 <= best_m * (1 + MARGIN) + 10.0)
    return place, edge


def _to_vectors(lon: Floats, lat: Floats) -> Floats:
    """Return unit vectors, float64 [N, 3]."""
    east, north = np.deg2rad(lon), np.deg2rad(lat)
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1)


def _guess(
    lon: Floats, lat: Floats, edges: Floats, place: Ints, edge: Ints, middle: Floats, half: Floats
) -> Floats:
    """Return about the share of the edge at which each short piece is nearest, as if it were on a plane."""
    ends = []
    for t in (middle - half, middle + half):
        azimuth, _, metres = GEOD.inv(lon[place], lat[place], *_point_at(edges, edge, t))
        angle = np.deg2rad(azimuth)
        ends.append(np.stack([metres * np.sin(angle), metres * np.cos(angle)]))
    start, along = ends[0], ends[1] - ends[0]
    share: Floats = -(start * along).sum(axis=0) / np.maximum((along**2).sum(axis=0), 1e-12)
    found: Floats = middle + half * (2 * np.clip(share, 0.0, 1.0) - 1)
    return found


def _narrow(
    lon: Floats, lat: Floats, edges: Floats, place: Ints, edge: Ints, middle: Floats, half: Floats
) -> Floats:
    """Return the share of the edge at which each piece is nearest, by the golden section; ends included."""
    low, high = middle - half, middle + half
    a, b = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_a, at_b = (_distance_at(lon, lat, edges, place, edge, t) for t in (a, b))
    for _ in range(N_NARROWINGS):
        left = at_a < at_b
        low, high = np.where(left, low, a), np.where(left, b, high)
        new = np.where(left, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        at_new = _distance_at(lon, lat, edges, place, edge, new)
        a, b = np.where(left, new, b), np.where(left, a, new)
        at_a, at_b = np.where(left, at_new, at_b), np.where(left, at_a, at_new)
    tries = np.stack([middle - half, (low + high) / 2, middle + half])
    values = np.stack([_distance_at(lon, lat, edges, place, edge, t) for t in tries])
    nearest: Floats = tries[values.argmin(axis=0), np.arange(len(place))]
    return nearest


def _distance_at(lon: Floats, lat: Floats, edges: Floats, place: Ints, edge: Ints, t: Floats) -> Floats:
    return measure_distance_m(lon[place], lat[place], *_point_at(edges, edge, t))


def _point_at(edges: Floats, edge: Ints, t: Floats) -> tuple[Floats, Floats]:
    start, end = edges[edge, :2], edges[edge, 2:]
    lon, lat = (start + (end - start) * t[:, None]).T
    return lon, lat


def _bound_lengths(edges: Floats) -> Floats:
    """Return an upper bound of the length of each edge in metres, float64 [E]."""
    least = np.where(edges[:, 1] * edges[:, 3] <= 0, 0.0, np.abs(edges[:, [1, 3]]).min(axis=1))
    across = np.abs(edges[:, 2] - edges[:, 0]) * np.cos(np.deg2rad(least))
    return np.asarray(METRES_PER_DEGREE * np.hypot(across, edges[:, 3] - edges[:, 1]), np.float64)
