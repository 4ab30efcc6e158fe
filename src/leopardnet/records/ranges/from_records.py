"""A range from confirmed records: circles around them, or their hull, as GeoJSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely
from pydantic import Field
from shapely.geometry import Polygon

from leopardnet.core.errors import ManifestError
from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.core.settings.settings_file import load_settings
from leopardnet.core.settings.settings_model import Settings
from leopardnet.core.tables import write_json
from leopardnet.records.ranges.coarse_places import hide_places
from leopardnet.records.ranges.geodesics import GEOD
from leopardnet.records.ranges.uncertain_places import PLACE, find_uncertainty_m, list_places
from leopardnet.records.record_table import CONFIRMED

N_POINTS = 72  # of a circle, which is drawn around it so that the circle is inside
DIGITS = 4  # of written coordinates: 10 m
MAX_LATITUDE = 85.0
TURNS = (-360.0, 0.0, 360.0)


class DrawnRange(Settings):
    """How a range is drawn: how far beyond each record, and whether the land between records belongs to it."""

    buffer_km: float = Field(gt=0, le=500)
    shape: Literal["hull", "union"]


def load_drawn_range(path: Path | None = None) -> DrawnRange:
    """Return the settings of a YAML file, by default those that ship.

    >>> load_drawn_range().shape
    'hull'
    """
    return load_settings(DrawnRange, path or configs_dir() / "records" / "range_from_records.yaml")


def draw_ranges(
    records: pd.DataFrame, *, settings: DrawnRange | None = None, exact_places: bool = False
) -> dict[str, Any]:
    """Return GeoJSON with the range of each label that has a confirmed record with a place.

    Places are rounded to one decimal, all of them, unless `exact_places` and no owner forbids exact ones; the
    circles grow by the rounding, so that every record lies inside with its buffer. A range across the antimeridian
    is split there. Raises ManifestError without a confirmed record with a place, or for one near a pole.

    >>> drawn = ln.draw_ranges(ln.read_records(Path("records")))  # doctest: +SKIP
    """
    settings = settings or load_drawn_range()
    rows = records[records["state"].eq(CONFIRMED) & records["latitude"].notna() & records["longitude"].notna()]
    if rows.empty:
        raise ManifestError(
            "there is no confirmed record with a place to draw a range from",
            where="records",
            found=f"{len(records)} records, {int(records['state'].eq(CONFIRMED).sum())} of them confirmed",
            todo="confirm records with `leopardnet review`, and give their coordinates in the deployments table",
        )
    is_exact = exact_places and not rows["exact_place"].eq("no").any()
    features = [
        _draw(str(label), hide_places(mine, exact_places=is_exact), settings, is_exact)
        for label, mine in rows.groupby("label", sort=True)
    ]
    return {"type": "FeatureCollection", "features": features}


def write_drawn_ranges(drawn: dict[str, Any], path: Path) -> Path:
    """Write the ranges as a GeoJSON file and return its path. Raises ManifestError for another suffix."""
    path = Path(path)
    if path.suffix.lower() not in (".geojson", ".json"):
        raise ManifestError("unknown format of a range", where=path.name, expected=".geojson or .json")
    write_json(drawn, path)
    return path


def _draw(label: str, rows: pd.DataFrame, settings: DrawnRange, is_exact: bool) -> dict[str, Any]:
    places, _ = list_places(rows[list(PLACE)])
    if (places["latitude"].abs() > MAX_LATITUDE).any():
        raise ManifestError(
            "a range near a pole cannot be drawn",
            where=f"records of {label}",
            found=f"latitude {places['latitude'].abs().max():.1f}",
            expected=f"at most {MAX_LATITUDE:.0f}",
        )
    radius_m = (settings.buffer_km * 1000 + find_uncertainty_m(places)) / np.cos(np.pi / N_POINTS)
    first = float(places["longitude"].iloc[0])
    turned = places["longitude"] - 360.0 * ((places["longitude"] - first) / 360.0).round()
    circles = [_draw_circle(*x) for x in zip(turned, places["latitude"], radius_m, strict=True)]
    united = shapely.union_all(circles)
    area = united.convex_hull if settings.shape == "hull" else united
    years = rows["captured_at"].dt.year.dropna()
    span = f", {years.min():.0f} to {years.max():.0f}" if len(years) else ""
    properties = {
        "kind": "range",
        "label": label,
        "name": f"{label}: {len(rows)} confirmed records at {len(places)} places{span}",
        **settings.model_dump(),
        "places": "exact" if is_exact else "rounded to 0.1 degrees",
    }
    return {"type": "Feature", "properties": properties, "geometry": _to_geometry(area)}


def _draw_circle(lon: float, lat: float, radius_m: float) -> Polygon:
    angles = np.linspace(0.0, 360.0, N_POINTS, endpoint=False)
    full = np.ones(N_POINTS)
    east, north, _ = GEOD.fwd(lon * full, lat * full, angles, radius_m * full)
    east = np.asarray(east) + 360.0 * np.round((lon - np.asarray(east)) / 360.0)
    return Polygon(np.stack([east, north], axis=1))


def _to_geometry(area: Any) -> dict[str, Any]:
    """Return the geometry split at the antimeridian, outer rings counter-clockwise, as the RFC wishes."""
    world = shapely.box(-180.0, -90.0, 180.0, 90.0)
    moved = (shapely.transform(area, lambda xy, turn=turn: xy + np.array([turn, 0.0])) for turn in TURNS)
    within = shapely.intersection([shapely.set_precision(x, 10.0**-DIGITS) for x in moved], world)
    parts = [shapely.geometry.polygon.orient(p) for p in shapely.get_parts(within) if p.area > 0]
    rings = [
        [[[round(x, DIGITS), round(y, DIGITS)] for x, y in ring.coords] for ring in (p.exterior, *p.interiors)]
        for p in parts
    ]
    return {"type": "MultiPolygon", "coordinates": rings}
