"""The deployments of a Camtrap DP package: the deployment of each row, and its rounded coordinates."""

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

ROUNDED_DIGITS = 1  # cells of about 10 km
METRES_PER_DEGREE = 111_320.0  # along a great circle; a degree of longitude is shorter
GPS_ERROR_M = 30  # of an ordinary receiver
StudyArea = tuple[float, float, float]  # latitude, longitude, radius in metres


def uncertainty_m(coordinate_digits: int, *, radius_m: float = 0.0, known_m: float = GPS_ERROR_M) -> int:
    """Return the error of rounded coordinates: half the diagonal of a cell, and the error `known_m` of the place.

    >>> uncertainty_m(1), uncertainty_m(4)
    (7902, 38)
    """
    half_cell_m = 0.5 * 10.0**-coordinate_digits * METRES_PER_DEGREE
    return math.ceil(half_cell_m * math.sqrt(2) + known_m + radius_m)


@dataclass
class Deployment:
    """One row of the deployments table. Its period may grow with the observations in `spans`."""

    id: str
    site: str | None
    latitude: float
    longitude: float
    uncertainty_m: int
    start: datetime | None
    end: datetime | None
    spans: list[tuple[datetime, datetime]] = field(default_factory=list)  # start and end of its observations

    @property
    def n_outside(self) -> int:
        """The number of observations before the given start or after the given end."""
        return sum(bool((self.start and a < self.start) or (self.end and b > self.end)) for a, b in self.spans)

    def row(self) -> dict[str, Any]:
        """Return the cells of the table. Without a given period, it runs from the first to the last observation."""
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

    A place whose deployment says `exact_place` = no is rounded to one decimal, whatever `coordinate_digits` is.

    table: with the columns of `data.scan.deployments.DEPLOYMENTS`. names: the sites that use each deployment name.
    study_area: the place of deployments without coordinates in the table; without it, these are left out.
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
        self.coarsest_digits = coordinate_digits  # of the places found so far
        self.study_area = _check_area(study_area) if study_area else None
        self.found: dict[tuple[str | None, str | None], Deployment | None] = {}

    def find(self, row: Mapping[str, Any], zone: str) -> Deployment | None:
        """Return the deployment of a row, or None where its place is unknown. `zone` is that of a given period."""
        key = (strip_text(row["site"]), strip_text(row["deployment"]))
        if key not in self.found:
            self.found[key] = self._make(*key, zone)
        return self.found[key]

    def _make(self, site: str | None, name: str | None, zone: str) -> Deployment | None:
        known = self._find_record(site, name) or {}
        place = self._round_place(known)
        if place is None:
            return None
        zone = known.get("time_zone") or zone
        start, end = (_localize(known.get(k), zone) for k in ("start", "end"))
        id_ = self._id(site, name)
        while any(d and d.id == id_ for d in self.found.values()):
            id_ += "*"  # "a/b" may be the name of one deployment, and the site and name of another
        return Deployment(id_, site or strip_text(known.get("site")), *place, start, end)

    def _find_record(self, site: str | None, name: str | None) -> dict[str, Any] | None:
        """Find by name and site, by name alone where either lacks the site, or by site without a name."""
        if name is None:
            at_site = [r for r in self.records if site and strip_text(r["site"]) == site]
            return at_site[0] if len(at_site) == 1 else None
        named = [r for r in self.records if strip_text(r["deployment"]) == name]
        if site is None:
            return named[0] if len(named) == 1 else None
        return next((r for wanted in (site, None) for r in named if strip_text(r["site"]) == wanted), None)

    def _round_place(self, known: Mapping[str, Any]) -> tuple[float, float, int] | None:
        lat, lon, radius_m = known.get("latitude"), known.get("longitude"), 0.0
        if lat is None or lon is None:
            if self.study_area is None:
                return None
            lat, lon, radius_m = self.study_area
        digits = min(self.digits, ROUNDED_DIGITS) if known.get("exact_place") == "no" else self.digits
        known_m = known.get("coordinate_uncertainty_m")
        error_m = uncertainty_m(digits, radius_m=radius_m, known_m=GPS_ERROR_M if known_m is None else known_m)
        self.coarsest_digits = min(self.coarsest_digits, digits)
        return round(lat, digits) + 0.0, round(lon, digits) + 0.0, error_m

    def _id(self, site: str | None, name: str | None) -> str:
        """Return the name of the deployment, with the site in front where two sites use it."""
        if name is None:
            return f"site {site}" if site else "unknown"
        if len(self.names.get(name, ())) > 1:
            return f"{site}/{name}" if site else f"?/{name}"
        return f"deployment {name}" if name in MISSING else name


def strip_text(value: object) -> str | None:
    """Return the text of a cell without surrounding spaces; None for an empty one."""
    return (value.strip() or None) if isinstance(value, str) else None


def _localize(value: Any, zone: str) -> datetime | None:
    return None if value is None else value.to_pydatetime().replace(tzinfo=parse_time_zone(zone))


def _check_area(area: StudyArea) -> StudyArea:
    if len(area) != 3 or not (abs(area[0]) <= 90 and abs(area[1]) <= 180 and 0 <= area[2] < math.inf):
        raise ManifestError(
            "a study area cannot be used",
            found=area,
            expected="latitude, longitude and radius in metres, such as (43.1, 131.4, 40_000)",
        )
    return area
