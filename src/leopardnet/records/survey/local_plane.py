"""A plane around places, in kilometres, for distances and grids of up to a few hundred kilometres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Proj

from leopardnet.core.errors import ManifestError

Degrees = NDArray[np.float64]
MAX_EXTENT_KM = 500.0
DIRECTIONS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


@dataclass(frozen=True)
class LocalPlane:
    """An azimuthal equidistant projection: x to the east and y to the north of a centre, in km.

    Distances from the centre are exact; at 200 km others are right to about one in a thousand.
    """

    projection: Any

    @classmethod
    def around(cls, latitude: Degrees, longitude: Degrees) -> LocalPlane:
        """Return the plane whose centre is the middle of these places, also across the antimeridian."""
        lat, lon = np.radians(latitude), np.radians(longitude)
        middle = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]).mean(axis=1)
        lat_0 = float(np.degrees(np.arctan2(middle[2], np.hypot(middle[0], middle[1]))))
        lon_0 = float(np.degrees(np.arctan2(middle[1], middle[0])))
        return cls(Proj(proj="aeqd", lat_0=lat_0, lon_0=lon_0, ellps="WGS84", units="km"))

    def to_km(self, latitude: Degrees, longitude: Degrees) -> NDArray[np.float64]:
        """Return x and y, float64 [N, 2], of places in degrees.

        >>> plane = LocalPlane.around(np.array([43.0]), np.array([131.0]))
        >>> plane.to_km(np.array([43.0, 44.0]), np.array([131.0, 131.0])).round(1).tolist()
        [[0.0, 0.0], [0.0, 111.1]]
        """
        x, y = self.projection(np.asarray(longitude, float), np.asarray(latitude, float))
        return np.stack([x, y], axis=-1)

    def to_degrees(self, points_km: NDArray[np.float64]) -> tuple[Degrees, Degrees]:
        """Return latitude and longitude of points, float64 [N, 2]."""
        longitude, latitude = self.projection(points_km[..., 0], points_km[..., 1], inverse=True)
        return np.asarray(latitude), np.asarray(longitude)


def refuse_wide(points_km: NDArray[np.float64], *, where: str, todo: str) -> None:
    """Raise ManifestError for points, float64 [N, 2], that are too far apart for a plane."""
    extent = float(np.hypot(*np.ptp(points_km, axis=0))) if len(points_km) else 0.0
    if not extent <= MAX_EXTENT_KM:
        raise ManifestError(
            "the places are too far apart",
            where=where,
            found=f"{extent:.0f} km",
            expected=f"at most {MAX_EXTENT_KM:.0f} km",
            todo=f"look for latitude and longitude that are swapped; {todo}",
        )


def name_direction(x_km: float, y_km: float) -> str:
    """Return the direction of a step to the east and the north, as one of eight.

    >>> name_direction(1.0, 1.1), name_direction(-3.0, 0.1)
    ('NE', 'W')
    """
    return DIRECTIONS[round(np.degrees(np.arctan2(x_km, y_km)) / 45) % 8]
