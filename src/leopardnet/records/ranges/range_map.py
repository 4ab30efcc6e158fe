"""Ranges per label and barriers: whether a place is inside, how far it is from the border, what lies between.

An edge is what RFC 7946 says: straight in longitude and latitude. Distances are geodesics on the WGS84 ellipsoid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import LineString, MultiLineString, Polygon
from shapely.geometry.base import BaseGeometry

from leopardnet.records.ranges.geodesics import GEOD, NearestPoints, find_nearest

Floats = NDArray[np.float64]
N_AROUND = 8  # points on the circle of uncertainty from which a barrier is looked at
STEP_M = 10_000.0  # of the geodesic to the range, between whose points it is taken as straight


@dataclass(frozen=True, slots=True)
class RangePolygon:
    """One polygon of the range of a label, in degrees of longitude and latitude."""

    label: str
    name: str
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class Barrier:
    """A line that an animal seldom crosses, such as a railway or a river."""

    name: str
    line: LineString


@dataclass(frozen=True, eq=False)
class Positions:
    """Where N places lie to the range of a label.

    is_inside: bool [N]; border: the nearest points of the border, with distances in metres.
    """

    is_inside: NDArray[np.bool_]
    border: NearestPoints


@dataclass(frozen=True, eq=False)
class RangeMap:
    """Ranges and barriers, as `read_ranges` gives them. Both may be empty."""

    ranges: tuple[RangePolygon, ...] = ()
    barriers: tuple[Barrier, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that have a range, in the order of the file."""
        return tuple(dict.fromkeys(r.label for r in self.ranges))

    def find_polygons(self, label: str) -> BaseGeometry:
        """Return the range of a label as one geometry: its polygons united, in one frame of longitudes."""
        return self._united[label]

    @cached_property
    def _united(self) -> dict[str, BaseGeometry]:
        return {x: _unite([r.polygon for r in self.ranges if r.label == x]) for x in self.labels}

    def locate(self, label: str, lon: Floats, lat: Floats) -> Positions:
        """Return where places lie to the range of a label. lon, lat: degrees, float64 [N], without nan.

        A place on the border is inside. Holes are outside.

        >>> square = Polygon([(131, 43), (132, 43), (132, 44), (131, 44)])
        >>> here = RangeMap((RangePolygon("leopard", "", square),))
        >>> found = here.locate("leopard", np.array([131.5, 132.5]), np.array([43.5, 43.5]))
        >>> found.is_inside.tolist(), (found.border.distance_m / 1000).round(1).tolist()
        ([True, False], [40.4, 40.4])
        """
        lon, lat = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
        united = self._united[label]
        is_inside = np.zeros(len(lon), bool)
        for turn in (-720.0, -360.0, 0.0, 360.0, 720.0):
            is_inside |= shapely.covers(united, shapely.points(lon + turn, lat))
        return Positions(is_inside, find_nearest(lon, lat, _list_edges(united.boundary)))

    def find_barriers(self, lon: float, lat: float, to: tuple[float, float], uncertainty_m: float) -> list[str]:
        """Return the names of the barriers that certainly lie on the geodesic from a place to another one.

        to: longitude and latitude, such as the nearest point of a range. A barrier counts if the place may be
        anywhere within `uncertainty_m`, and the line crosses it still.
        """
        if not self.barriers:
            return []
        starts = [(lon, lat)]
        if uncertainty_m > 0:
            angles = np.linspace(0, 360, N_AROUND, endpoint=False)
            full = np.full(N_AROUND, 1.0)
            around = GEOD.fwd(lon * full, lat * full, angles, uncertainty_m * full)
            starts += list(zip(around[0].tolist(), around[1].tolist(), strict=True))
        lines = [_draw_geodesic(start, to) for start in starts]
        return list(dict.fromkeys(b.name for b in self.barriers if all(_crosses(line, b.line) for line in lines)))


def _unite(polygons: Sequence[Polygon]) -> BaseGeometry:
    """Return the union of polygons, each moved by full turns to lie beside the first.

    So two halves that meet at the antimeridian become one, without a border between them.
    """
    first = polygons[0].centroid.x
    moved = [_shift(p, -360.0 * round((p.centroid.x - first) / 360.0)) for p in polygons]
    return shapely.union_all(moved)


def _shift(geometry: Any, degrees: float) -> Any:
    return shapely.transform(geometry, lambda xy: xy + np.array([degrees, 0.0])) if degrees else geometry


def _list_edges(border: BaseGeometry) -> Floats:
    """Return every edge of lines as lon0, lat0, lon1, lat1, float64 [E, 4]."""
    lines = border.geoms if isinstance(border, MultiLineString) else [border]
    points = [np.asarray(line.coords)[:, :2] for line in lines]
    return np.concatenate([np.hstack([p[:-1], p[1:]]) for p in points])


def _draw_geodesic(start: tuple[float, float], end: tuple[float, float]) -> LineString:
    """Return the geodesic as a line whose longitudes do not jump."""
    length_m = GEOD.inv(*start, *end)[2]
    between = GEOD.npts(*start, *end, npts=int(length_m // STEP_M)) if length_m > STEP_M else []
    places = np.array([start, *between, end])
    places[:, 0] = np.unwrap(places[:, 0], period=360.0)
    return LineString(places)


def _crosses(line: LineString, barrier: LineString) -> bool:
    return any(bool(line.intersects(_shift(barrier, turn))) for turn in (-360.0, 0.0, 360.0))
