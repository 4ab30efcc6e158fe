"""Reading ranges and barriers from GeoJSON (RFC 7946): longitude first, WGS84.

Nothing is mended: a ring that crosses itself, a pair of coordinates in the wrong order or another projection is an
error that names the feature, because a range that is silently wrong hides records.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from shapely.geometry import LineString, Polygon
from shapely.validation import explain_validity

from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import is_label_id
from leopardnet.data.reading.safe_files import read_json
from leopardnet.records.ranges.range_map import Barrier, RangeMap, RangePolygon

EXPECTED = "GeoJSON (RFC 7946): polygons with properties label and kind=range, and lines with kind=barrier"
KINDS = {"range": ("Polygon", "MultiPolygon"), "barrier": ("LineString", "MultiLineString")}
WGS84 = ("CRS84", "EPSG::4326", "EPSG:4326")  # programs name it, though RFC 7946 has no other
MAX_POSITIONS = 2_000_000
_Place = tuple[float, float]


def read_ranges(path: Path) -> RangeMap:
    """Read the ranges and barriers of a GeoJSON file.

    A feature has `properties.kind`: `range`, a polygon or multipolygon with `properties.label`, the label that
    lives there; or `barrier`, a line or multiline. Both may have `properties.name`. Longitudes may go beyond 180
    for a range across the antimeridian; one that is split there, as the RFC wishes, is the same range.

    Raises ManifestError, with the name of the feature, for everything that cannot be meant so.

    >>> ln.find_records(predictions, ranges=ln.read_ranges(Path("ranges.geojson")))  # doctest: +SKIP
    """
    path = Path(path)
    return parse_ranges(read_json(path, expected=EXPECTED), name=path.name)


def parse_ranges(data: Any, *, name: str) -> RangeMap:
    """Return the ranges and barriers of parsed GeoJSON; `name` is that of the file, for errors.

    >>> ring = [[131, 43], [132, 43], [132, 44], [131, 43]]
    >>> data = {"type": "Feature", "properties": {"kind": "range", "label": "leopard"},
    ...         "geometry": {"type": "Polygon", "coordinates": [ring]}}
    >>> parse_ranges(data, name="x.geojson").labels
    ('leopard',)
    """
    if not isinstance(data, dict) or data.get("type") not in ("FeatureCollection", "Feature"):
        found = data.get("type") if isinstance(data, dict) else type(data).__name__
        _refuse("this is no collection of features", name, found=found, expected=EXPECTED)
    _check_crs(data, name)
    features = [data] if data["type"] == "Feature" else data.get("features")
    if not isinstance(features, list) or not features:
        _refuse("the file has no feature", name, expected=EXPECTED)
    ranges, barriers = list[RangePolygon](), list[Barrier]()
    for i, feature in enumerate(features):
        where = _name_feature(feature, i, name)
        properties, geometry = _take_parts(feature, where)
        kind, title = properties["kind"], properties.get("name")
        title = str(title) if isinstance(title, (str, int, float)) and not isinstance(title, bool) else ""
        if kind == "range":
            label = _take_label(properties, where)
            polygons = [_read_polygon(rings, where) for rings in _list_parts(geometry, "Polygon", where)]
            ranges += [RangePolygon(label, title, polygon) for polygon in polygons]
        else:
            lines = [_read_line(line, where) for line in _list_parts(geometry, "LineString", where)]
            barriers += [Barrier(title or f"barrier {i + 1}", line) for line in lines]
    return RangeMap(tuple(ranges), tuple(barriers))


def _refuse(
    what: str, where: str, *, found: object = None, expected: object = None, todo: str | None = None
) -> NoReturn:
    raise ManifestError(what, where=where, found=found, expected=expected, todo=todo)


def _check_crs(data: dict[str, Any], where: str) -> None:
    crs = data.get("crs")
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, dict) else None
    found = properties.get("name") if isinstance(properties, dict) else crs
    if not (isinstance(found, str) and found.endswith(WGS84)):
        _refuse(
            "the GeoJSON is in another coordinate system",
            f"{where}, crs",
            found=found,
            expected="longitude and latitude in degrees, WGS84",
            todo="export it again as EPSG:4326 (WGS 84); in QGIS: Export, Save Features As, CRS",
        )


def _name_feature(feature: Any, i: int, file: str) -> str:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    title = properties.get("name") if isinstance(properties, dict) else None
    return f"{file}, feature {i + 1}" + (f" ({title})" if isinstance(title, str) and title else "")


def _take_parts(feature: Any, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return properties and geometry of a feature whose kind is known and fits its geometry."""
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        _refuse("this is no feature", where, expected='{"type": "Feature", "properties": …, "geometry": …}')
    _check_crs(feature, where)
    properties, geometry = feature.get("properties"), feature.get("geometry")
    properties = properties if isinstance(properties, dict) else {}
    if not isinstance(properties.get("kind"), str) or properties["kind"] not in KINDS:
        _refuse(
            "a feature does not say whether it is a range or a barrier",
            f"{where}, properties.kind",
            found=properties.get("kind"),
            expected="range or barrier",
        )
    if not isinstance(geometry, dict) or not geometry.get("coordinates"):
        _refuse(
            "a feature has no geometry", where, found=geometry, expected="coordinates", todo="remove or draw it"
        )
    kinds = KINDS[properties["kind"]]
    if geometry.get("type") not in kinds:
        _refuse(
            f"a {properties['kind']} has the wrong geometry",
            where,
            found=geometry.get("type"),
            expected=" or ".join(kinds),
        )
    return properties, geometry


def _take_label(properties: dict[str, Any], where: str) -> str:
    label = properties.get("label")
    if not isinstance(label, str) or not is_label_id(label):
        _refuse(
            "a range does not say of which label it is",
            f"{where}, properties.label",
            found=label,
            expected="a label of the model, such as leopard",
        )
    return label


def _list_parts(geometry: dict[str, Any], single: str, where: str) -> list[Any]:
    coordinates = geometry["coordinates"]
    if not isinstance(coordinates, list):
        _refuse("a feature has no coordinates", where, found=type(coordinates).__name__, expected="a list")
    return [coordinates] if geometry["type"] == single else coordinates


# --- positions, lines and rings ---


def _read_polygon(rings: Any, where: str) -> Polygon:
    if not isinstance(rings, list) or not rings:
        _refuse("a polygon has no ring", where, expected="a ring of at least four positions")
    read = []
    for i, ring in enumerate(rings):
        here = where if len(rings) == 1 else f"{where}, {'outer ring' if i == 0 else f'hole {i}'}"
        places = _read_positions(ring, here)
        if len(places) < 4 or places[0] != places[-1]:
            _refuse(
                "a ring is not closed" if len(places) >= 4 else "a ring has too few positions",
                here,
                found=f"{len(places)} positions, from {_show(places[0])} to {_show(places[-1])}",
                expected="at least four positions, the last one equal to the first",
            )
        read.append(places)
    polygon = Polygon(read[0], read[1:])
    if not polygon.is_valid or polygon.area == 0:
        # GEOS says 'Self-intersection[131.5 43.2]'; for holes that leave their ring, it names these.
        reason, _, point = explain_validity(polygon).partition("[")
        _refuse(
            "a polygon cannot be used: " + (reason if not polygon.is_valid else "it has no area").casefold(),
            where,
            found=f"at longitude and latitude {point.rstrip(']')}" if point else None,
            expected="rings that do not cross or touch themselves, with holes inside",
            todo="correct it where it was drawn; nothing is mended here, because a wrong border hides records",
        )
    return polygon


def _read_line(line: Any, where: str) -> LineString:
    places = _read_positions(line, where)
    if len(set(places)) < 2:
        _refuse("a barrier is a single point", where, found=_show(places[0]), expected="two positions or more")
    return LineString(places)


def _read_positions(positions: Any, where: str) -> list[_Place]:
    """Return longitude and latitude of each position. Raises ManifestError for the first that cannot be one."""
    if not isinstance(positions, list) or not positions:
        _refuse("coordinates are missing", where, found=positions, expected="positions such as [131.4, 43.1]")
    if len(positions) > MAX_POSITIONS:
        _refuse("a feature has too many positions", where, found=len(positions), expected=MAX_POSITIONS)
    places = list(_list_places(positions, where))
    for (lon, lat), (next_lon, next_lat) in itertools.pairwise(places):
        if abs(next_lon - lon) > 180:
            _refuse(
                "an edge goes more than half around the globe",
                where,
                found=f"from {_show((lon, lat))} to {_show((next_lon, next_lat))}",
                expected="edges of less than 180 degrees of longitude",
                todo="across the antimeridian, go on beyond 180 (179, 181), or split the feature there (RFC 7946)",
            )
    return places


def _list_places(positions: Sequence[Any], where: str) -> Iterator[_Place]:
    for i, position in enumerate(positions):
        here = f"{where}, position {i + 1}"
        values = position[:2] if isinstance(position, list) else []
        if len(values) < 2 or not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
            _refuse("coordinates are missing", here, found=position, expected="[longitude, latitude]")
        lon, lat = (float(v) if abs(v) < 1e9 else math.inf for v in values)  # an int may be too long for a float
        if not (math.isfinite(lon) and math.isfinite(lat)) or abs(lon) > 540 or abs(lat) > 540:
            _refuse(
                "these are not degrees",
                here,
                found=_show((lon, lat)),
                expected="longitude and latitude, WGS84",
                todo="the file seems to be in metres of a projection; export it again as EPSG:4326 (WGS 84)",
            )
        if abs(lat) > 90:
            swapped = " (read the other way around, they would be a place)" if abs(lon) <= 90 else ""
            _refuse(
                "longitude and latitude seem to be swapped" if swapped else "a latitude is off the globe",
                here,
                found=_show((lon, lat)) + swapped,
                expected="longitude first, then latitude between -90 and 90",
                todo="exchange the two numbers of every position" if swapped else None,
            )
        yield lon, lat


def _show(place: _Place) -> str:
    return f"[{place[0]:g}, {place[1]:g}]"
