"""Ranges and barriers as a map draws them: on a plane around a place, in metres, whatever meridian is near."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

MAX_SEGMENT_DEG = 0.25  # an edge of a shape is straight in degrees, and bent on the plane


@dataclass(frozen=True, slots=True)
class MapShape:
    """A range or a barrier with its name. geometry: of shapely, in degrees east and north (WGS84)."""

    kind: Literal["range", "barrier"]
    name: str
    geometry: Any


class LocalPlane:
    """The plane that touches the globe at a place: distances and directions from there are true.

    >>> plane = LocalPlane(43.0, 180.0)
    >>> [round(float(v)) for v in plane.project(np.array([-179.0]), np.array([43.0]))[0]]
    [81535, 485]
    """

    def __init__(self, latitude: float, longitude: float) -> None:
        self._projection = pyproj.Proj(proj="aeqd", ellps="WGS84", lat_0=latitude, lon_0=longitude)

    def project(self, longitudes: NDArray[np.float64], latitudes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return metres east and north of the place, float64 [N, 2], of degrees, float64 [N]."""
        return np.column_stack(self._projection(longitudes, latitudes))

    def project_shape(self, geometry: Any) -> Any:
        """Return a geometry on the plane. Rings that run over the antimeridian stay whole."""
        geometry = shapely.force_2d(geometry)
        whole = shapely.transform(geometry, _unroll) if _is_one_part(geometry) else _each_part(geometry, _unroll)
        dense = shapely.segmentize(whole, MAX_SEGMENT_DEG)
        return shapely.make_valid(shapely.transform(dense, lambda at: self.project(at[:, 0], at[:, 1])))


def _is_one_part(geometry: Any) -> bool:
    return geometry.geom_type in ("LineString", "Point")


def _each_part(geometry: Any, change: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Any:
    """Return a geometry with every ring or line changed for itself."""
    if geometry.geom_type == "Polygon":
        open_rings = (shapely.get_coordinates(r)[:-1] for r in (geometry.exterior, *geometry.interiors))
        rings = [shapely.LinearRing(change(points)) for points in open_rings]
        return shapely.Polygon(rings[0], [_align(r, rings[0]) for r in rings[1:]])
    parts = shapely.get_parts(geometry)
    return shapely.GeometryCollection(
        [shapely.transform(p, change) if _is_one_part(p) else _each_part(p, change) for p in parts]
    )


def _unroll(at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return points, degrees [N, 2], of which none jumps by a turn of the globe to the next."""
    return np.column_stack([np.unwrap(at[:, 0], period=360.0), at[:, 1]])


def _align(ring: Any, outer: Any) -> Any:
    """Return a hole shifted by whole turns to lie in its outer ring."""
    turns = round((outer.centroid.x - ring.centroid.x) / 360.0)
    return shapely.transform(ring, lambda at: at + [360.0 * turns, 0.0])
