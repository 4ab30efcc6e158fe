"""The deployments of a Camtrap DP package: which one a row belongs to, and where it stands, as exactly as one may say."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import parse_time_zone
from leopardnet.data.formats.camtrap_dp.spec import MISSING

METRES_PER_DEGREE = 111_320.0  # of a great circle; a degree of longitude is shorter
GPS_ERROR_M = 30  # of an ordinary receiver
StudyArea = tuple[float, float, float]


def uncertainty_m(coordinate_digits: int, *, radius_m: float = 0.0) -> int:
    """How far the true place may lie from rounded coordinates: half the diagonal of a cell, and the receiver's error.

    >>> uncertainty_m(1), uncertainty_m(4)
    (7902, 38)
    """
    half_cell_m = 0.5 * 10.0**-coordinate_digits * METRES_PER_DEGREE
    return math.ceil(half_cell_m * math.sqrt(2) + GPS_ERROR_M + radius_m)


@dataclass
class Deployment:
    """One row of the deployments table, growing with the files that fall into it."""

    id: str
    site: str | None
    latitude: float
    longitude: float
    uncertainty_m: int
    start: datetime | None
    end: datetime | None
    spans: list[tuple[datetime, datetime]] = field(default_factory=list)  # of its observations

    @property
    def n_outside(self) -> int:
        """Observations before the stated start or after the stated end."""
        return sum(bool((self.start and a < self.start) or (self.end and b > self.end)) for a, b in self.spans)

    def row(self) -> dict[str, Any]:
        """The cells of the table; a period that nobody stated runs from the first to the last file."""
        return {
            "deploymentID": self.id,
            "locationID": self.site,
            "latitude": self.latitude,
            "longitude": self.longitude,
            "coordinateUncertainty": self.uncertainty_m,
            "deploymentStart": self.start or min(a for a, _ in self.spans),
            "deploymentEnd": self.end or max(b for _, b in self.spans),
        }


class Places:
    """Finds the deployment of a row, and remembers those that were found.

    `table` has the columns of `data.scan.deployments.DEPLOYMENTS`. `study_area` is (latitude, longitude, radius in
    metres), where deployments are put whose coordinates the table lacks; without it they have no place.
    """

    def __init__(
        self,
        table: pd.DataFrame | None,
        names: Mapping[str, set[str | None]],
        *,
        study_area: StudyArea | None,
        coordinate_digits: int,
    ) -> None:
        records: Any = [] if table is None else table.astype(object).where(table.notna(), None).to_dict("records")
        self.records: list[dict[str, Any]] = records
        self.names, self.digits = names, coordinate_digits
        self.study_area = _checked(study_area) if study_area else None
        self.found: dict[tuple[str | None, str | None], Deployment | None] = {}

    def of(self, row: Mapping[str, Any], zone: str) -> Deployment | None:
        """The deployment of a row; None where nobody says where it stands. `zone` is that of a stated period."""
        key = (text(row["site"]), text(row["deployment"]))
        if key not in self.found:
            self.found[key] = self._make(*key, zone)
        return self.found[key]

    def _make(self, site: str | None, name: str | None, zone: str) -> Deployment | None:
        known = self._known(site, name) or {}
        place = self._place(known)
        if place is None:
            return None
        zone = known.get("time_zone") or zone
        start, end = (_moment(known.get(k), zone) for k in ("start", "end"))
        id_ = self._id(site, name)
        while any(d and d.id == id_ for d in self.found.values()):
            id_ += "*"  # "a/b" may be the name of one deployment and the site and name of another
        return Deployment(id_, site or text(known.get("site")), *place, start, end)

    def _known(self, site: str | None, name: str | None) -> dict[str, Any] | None:
        """By name and site; by name alone where one side leaves the site out; a row without a name by its site."""
        if name is None:
            of_site = [r for r in self.records if site and text(r["site"]) == site]
            return of_site[0] if len(of_site) == 1 else None
        named = [r for r in self.records if text(r["deployment"]) == name]
        if site is None:
            return named[0] if len(named) == 1 else None
        return next((r for wanted in (site, None) for r in named if text(r["site"]) == wanted), None)

    def _place(self, known: Mapping[str, Any]) -> tuple[float, float, int] | None:
        lat, lon, radius_m = known.get("latitude"), known.get("longitude"), 0.0
        if lat is None or lon is None:
            if self.study_area is None:
                return None
            lat, lon, radius_m = self.study_area
        digits = self.digits
        return round(lat, digits) + 0.0, round(lon, digits) + 0.0, uncertainty_m(digits, radius_m=radius_m)

    def _id(self, site: str | None, name: str | None) -> str:
        """The deployment's own name, with the site in front where two sites use the name."""
        if name is None:
            return f"site {site}" if site else "unknown"
        if len(self.names.get(name, ())) > 1:
            return f"{site}/{name}" if site else f"?/{name}"
        return f"deployment {name}" if name in MISSING else name


def text(value: Any) -> str | None:
    """The text of a cell without spaces around it; None for an empty one."""
    return (value.strip() or None) if isinstance(value, str) else None


def _moment(value: Any, zone: str) -> datetime | None:
    return None if value is None else value.to_pydatetime().replace(tzinfo=parse_time_zone(zone))


def _checked(area: StudyArea) -> StudyArea:
    ok = len(area) == 3 and abs(area[0]) <= 90 and abs(area[1]) <= 180 and 0 <= area[2] < math.inf
    if not ok:
        raise ManifestError(
            "a study area cannot be used",
            found=area,
            expected="latitude, longitude and radius in metres, such as (43.1, 131.4, 40_000)",
        )
    return area
