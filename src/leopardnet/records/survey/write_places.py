"""Places to visit as files with coordinates, GeoJSON and GPX: only where they are asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from leopardnet.core.tables import atomic_path, write_json
from leopardnet.records.survey.local_plane import LocalPlane
from leopardnet.records.survey.rank_places import RankedPlaces

_SPACE = "http://www.topografix.com/GPX/1/1"
_FACTS = ("rank", "kind", "name", "label", "weight", "record_id", "state", "score", "reasons", "is_coarse")
_DIGITS = 5  # of degrees: a metre


def write_geojson(places: RankedPlaces, path: Path) -> int:
    """Write the places as GeoJSON (RFC 7946), cells as squares; return how many were left out.

    Cameras whose owner forbids the exact place are left out.

    >>> ln.write_geojson(places, Path("p.geojson"))  # doctest: +SKIP
    """
    features = [
        {"type": "Feature", "geometry": _draw(row), "properties": {k: _hide_nan(row[k]) for k in _FACTS}}
        for row in _list_shown(places)
    ]
    write_json({"type": "FeatureCollection", "features": features}, Path(path))
    return len(places.table) - len(features)


def write_gpx(places: RankedPlaces, path: Path) -> int:
    """Write the places as the way points of a GPX file for a navigation device; return how many were left out.

    Cameras whose owner forbids the exact place are left out.

    >>> ln.write_gpx(places, Path("p.gpx"))  # doctest: +SKIP
    """
    ElementTree.register_namespace("", _SPACE)
    root = ElementTree.Element(f"{{{_SPACE}}}gpx", version="1.1", creator="leopardnet")
    rows = _list_shown(places)
    for row in rows:
        at = {name: f"{row[long]:.{_DIGITS}f}" for name, long in (("lat", "latitude"), ("lon", "longitude"))}
        point = ElementTree.SubElement(root, f"{{{_SPACE}}}wpt", at)
        for name, text in (
            ("name", f"{row['rank']} {row['name']}"),
            ("desc", row["reasons"]),
            ("type", row["kind"]),
        ):
            ElementTree.SubElement(point, f"{{{_SPACE}}}{name}").text = text
    with atomic_path(Path(path)) as part:
        ElementTree.ElementTree(root).write(part, encoding="utf-8", xml_declaration=True)
    return len(places.table) - len(rows)


def _list_shown(places: RankedPlaces) -> list[dict[Any, Any]]:
    rows: list[dict[Any, Any]] = places.table[~places.table["is_hidden"]].to_dict("records")
    return rows


def _hide_nan(value: Any) -> Any:
    return None if value != value else value  # JSON has no NaN


def _draw(row: dict[Any, Any]) -> dict[str, Any]:
    """Return the geometry of a place: a point, or the square of a cell, against the clock as the format asks."""
    if np.isnan(row["side_km"]):
        return {"type": "Point", "coordinates": [round(row["longitude"], _DIGITS), round(row["latitude"], _DIGITS)]}
    plane = LocalPlane.around(np.array([row["latitude"]]), np.array([row["longitude"]]))
    half = row["side_km"] / 2
    corners = np.array([(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)])
    latitude, longitude = plane.to_degrees(corners)
    ring = [
        [round(x, _DIGITS), round(y, _DIGITS)] for x, y in zip(longitude.tolist(), latitude.tolist(), strict=True)
    ]
    return {"type": "Polygon", "coordinates": [ring]}
