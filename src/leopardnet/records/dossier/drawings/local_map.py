"""A map of the places of a record as SVG, from given shapes alone: range, barriers, cameras, scale and north."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten
from typing import Any, Literal

import numpy as np
import pyproj
import shapely
from markupsafe import Markup
from numpy.typing import NDArray

from leopardnet.core.language import format_number, translate
from leopardnet.pages.svg import ticks
from leopardnet.records.ranges.range_map import RangeMap

WIDTH, HEIGHT = 720.0, 460.0
MARGIN_SHARE = 0.18
LEAST_WIDTH_M = 4000.0
FARTHEST_RANGE_M = 1_500_000.0  # a range that is farther away than this would make everything else a dot
NEAR_X, NEAR_Y = 90.0, 14.0  # names of places that are nearer than this stand together
MAX_NAMES = 4
MAX_LETTERS, LETTER_WIDTH = 60, 7.0  # of the name of a range, which must not leave the map
MAX_SEGMENT_DEG = 0.25  # an edge of a shape is straight in degrees, and bent on the plane
Window = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class MapPlace:
    """Where a camera stands. radius_m: within which it lies; drawn as a circle where that can be seen."""

    latitude: float
    longitude: float
    radius_m: float
    name: str
    role: Literal["confirmed", "suspected", "camera", "earlier"]


def draw_map(places: Sequence[MapPlace], ranges: RangeMap, label: str) -> Markup | None:
    """Return the map, with the places of the record in its middle, or None where none of them is known.

    The nearest part of the range of the label is in the map if it is less than 1,500 km away.
    """
    found = [p for p in places if p.role in ("confirmed", "suspected")]
    if not found:
        return None
    plane = LocalPlane(found[0].latitude, found[0].longitude)
    at = plane.project(np.array([p.longitude for p in places]), np.array([p.latitude for p in places]))
    polygons = [
        (r.name or translate("known range"), plane.project_shape(r.polygon))
        for r in ranges.ranges
        if r.label == label
    ]
    lines = [(b.name, plane.project_shape(b.line)) for b in ranges.barriers]
    area = _choose_window(places, at, [polygon for _, polygon in polygons])
    frame = _Frame(area)
    body = [
        *(_draw_range(frame, name, polygon) for name, polygon in polygons),
        *(_draw_barrier(frame, name, line, at) for name, line in lines),
        *_draw_places(frame, places, at),
        _draw_scale(frame),
        _draw_north(),
    ]
    return Markup(
        '<svg class="map" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">'
        '<rect class="ground" width="{:g}" height="{:g}"/>{}</svg>'
    ).format(
        WIDTH,
        HEIGHT,
        translate("Map of the cameras, the known range and the barriers"),
        WIDTH,
        HEIGHT,
        Markup("").join(body),
    )


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
        """Return a geometry, whose edges are straight in degrees, on the plane."""
        dense = shapely.segmentize(geometry, MAX_SEGMENT_DEG)
        return shapely.make_valid(shapely.transform(dense, lambda at: self.project(at[:, 0], at[:, 1])))


class _Frame:
    """The part of the plane that is drawn, west, south, east, north in metres, and where its points are in it."""

    def __init__(self, area: Window) -> None:
        self.west, self.south, self.east, self.north = area
        self.box = shapely.box(*area)
        self.px_per_m = WIDTH / (self.east - self.west)

    def x(self, east_m: float) -> float:
        return (east_m - self.west) * self.px_per_m

    def y(self, north_m: float) -> float:
        return (self.north - north_m) * self.px_per_m

    def path(self, line: Any) -> str:
        points = shapely.get_coordinates(shapely.simplify(line, 0.4 / self.px_per_m))
        return "M" + "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)


def _choose_window(places: Sequence[MapPlace], at: Any, polygons: Sequence[Any]) -> Window:
    corners = []
    centre = shapely.MultiPoint(
        [xy for p, xy in zip(places, at, strict=True) if p.role in ("confirmed", "suspected")]
    )
    for place, (x, y) in zip(places, at, strict=True):
        if place.role != "camera":
            corners += [(x - place.radius_m, y - place.radius_m), (x + place.radius_m, y + place.radius_m)]
    lines = [shapely.shortest_line(polygon, centre) for polygon in polygons]
    nearest = min(lines, key=lambda line: line.length, default=None)
    if nearest is not None and nearest.length < FARTHEST_RANGE_M:
        corners.append(shapely.get_coordinates(nearest)[0])
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    middle, size = (low + high) / 2, (high - low) * (1 + 2 * MARGIN_SHARE)
    width = max(size[0], size[1] * WIDTH / HEIGHT, LEAST_WIDTH_M)
    half = np.array([width, width * HEIGHT / WIDTH]) / 2
    return (*map(float, middle - half), *map(float, middle + half))  # type: ignore[return-value]


def _draw_range(frame: _Frame, name: str, geometry: Any) -> Markup:
    seen = shapely.intersection(geometry, frame.box)
    polygons = [p for p in _parts(seen) if p.geom_type == "Polygon"]
    if not polygons:
        return Markup("")
    rings = [ring for p in polygons for ring in (p.exterior, *p.interiors)]
    path = "".join(frame.path(ring) + "Z" for ring in rings)
    spot = max(polygons, key=lambda p: p.area).representative_point()
    drawn = Markup('<path class="range" fill-rule="evenodd" d="{}"/>').format(path)
    shown = shorten(name, MAX_LETTERS, placeholder=" …")
    half = LETTER_WIDTH * len(shown) / 2
    x = min(max(frame.x(spot.x), half + 6), WIDTH - half - 6)
    y = min(frame.y(spot.y), HEIGHT - 52)  # above the scale
    return drawn + _write(x, y, shown, "of-range", "middle")


def _draw_barrier(frame: _Frame, name: str, geometry: Any, at: Any) -> Markup:
    """Draw a barrier with its name where the cameras, metres [N, 2], leave room for it."""
    seen = shapely.intersection(geometry, frame.box)
    lines = [p for p in _parts(seen) if p.geom_type == "LineString" and p.length > 0]
    if not lines:
        return Markup("")
    lines = list(shapely.get_parts(shapely.line_merge(shapely.union_all(lines))))
    longest, cameras = max(lines, key=lambda line: line.length), shapely.MultiPoint(at)
    spots = [longest.interpolate(share, normalized=True) for share in (0.2, 0.35, 0.5, 0.65)]
    spot = max(spots, key=cameras.distance)
    drawn = Markup('<path class="barrier" d="{}"/>').format("".join(map(frame.path, lines)))
    return drawn + _write(frame.x(spot.x) + 7, frame.y(spot.y) - 6, name, "of-barrier")


def _parts(geometry: Any) -> list[Any]:
    """Return the single parts of a geometry, however its collections are nested."""
    parts = list(shapely.get_parts(geometry))
    return [p for part in parts for p in (_parts(part) if hasattr(part, "geoms") else [part])]


def _draw_places(frame: _Frame, places: Sequence[MapPlace], at: Any) -> list[Markup]:
    order = {"camera": 0, "earlier": 1, "suspected": 2, "confirmed": 3}
    shown = sorted(zip(places, at, strict=True), key=lambda pair: order[pair[0].role])
    drawn: list[Markup] = []
    names = []
    for place, (east, north) in shown:
        x, y, radius = frame.x(east), frame.y(north), place.radius_m * frame.px_per_m
        if not (0 <= x <= WIDTH and 0 <= y <= HEIGHT):
            continue
        mark = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{:g}"><title>{}</title></circle>')
        if radius > 8:
            circle = Markup('<circle class="about {}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>')
            drawn.insert(0, circle.format(place.role, x, y, radius))
        drawn.append(mark.format(place.role, x, y, 3 if place.role == "camera" else 6, place.name))
        if place.role != "camera":
            names.append((x, y, place.name))
    return [*dict.fromkeys(drawn), *_write_names(names)]


def _write_names(names: Sequence[tuple[float, float, str]]) -> list[Markup]:
    """Write the names beside their places, together where they would cover each other."""
    groups: list[tuple[float, float, list[str]]] = []
    for x, y, name in names:
        near = (g for g in groups if abs(g[0] - x) < NEAR_X and abs(g[1] - y) < NEAR_Y)
        group = next(near, None)
        if group is None:
            groups.append((x, y, [name]))
        elif name not in group[2]:
            group[2].append(name)
    written = []
    for x, y, found in groups:
        more = f" +{len(found) - MAX_NAMES}" if len(found) > MAX_NAMES else ""
        is_left = x > WIDTH * 0.7
        text = ", ".join(found[:MAX_NAMES]) + more
        written.append(
            _write(x - 11 if is_left else x + 11, y + 4, text, "of-place", "end" if is_left else "start")
        )
    return written


def _draw_scale(frame: _Frame) -> Markup:
    """Draw a bar of a round length, about a fifth of the width."""
    length_m = ticks(0, 0.25 * WIDTH / frame.px_per_m, n_about=2)[-1]
    if length_m < 1000:
        words = translate("{n} m", n=format_number(length_m))
    else:
        words = translate("{n} km", n=format_number(length_m / 1000, 0 if length_m % 1000 == 0 else 1))
    left, y, end = 20.0, HEIGHT - 18, 20.0 + length_m * frame.px_per_m
    path = f"M{left} {y - 5}V{y}H{end:.1f}V{y - 5}"
    return Markup('<path class="scale" d="{}"/>').format(path) + _write(left + 6, y - 6, words, "of-scale")


def _draw_north() -> Markup:
    x = WIDTH - 26
    arrow = Markup('<path class="north" d="M{} 44V16M{} 24L{} 14L{} 24"/>').format(x, x - 5, x, x + 5)
    return arrow + _write(x, 60, translate("N"), "of-scale", "middle")


def _write(x: float, y: float, text: str, name: str, anchor: str = "start") -> Markup:
    y = min(max(y, 14.0), HEIGHT - 8)
    if not math.isfinite(x + y):
        return Markup("")
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        name, min(max(x, 6.0), WIDTH - 6), y, anchor, text
    )
