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

from leopardnet.core.language import format_number, translate, translate_label
from leopardnet.pages.svg import ticks
from leopardnet.records.ranges.range_map import RangeMap

WIDTH, HEIGHT = 720.0, 460.0
MARGIN_SHARE = 0.18
LEAST_WIDTH_M = 4000.0
FARTHEST_RANGE_M = 1_500_000.0  # a range that is farther away than this would make everything else a dot
SAME_PX = 4.0  # marks that are nearer than this are one place, with one name
MAX_NAMES = 4
MAX_LETTERS, LETTER_WIDTH, LINE_HEIGHT = 60, 7.4, 15.0  # of a name on the map
N_SPOTS = 12  # along each side, where the name of a range may stand
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
    marks = _list_marks(frame, places, at)
    names = _Names([(m.x - 8, m.y - 8, m.x + 8, m.y + 8) for m in marks])
    signs = [_draw_scale(frame, names), _draw_north(names)]
    for mark in reversed(marks):
        if mark.role != "camera":
            names.write_beside([(mark.x, mark.y)], mark.name, "of-place")
    barriers = [_draw_barrier(frame, names, name, line, at) for name, line in lines]
    areas = [_draw_range(frame, names, name, polygon) for name, polygon in polygons]
    body = [*areas, *barriers, *signs, *(m.draw() for m in marks), *names.written]
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


@dataclass(frozen=True, slots=True)
class _Mark:
    """A place on the map, in pixels, of all cameras whose places are drawn as one."""

    x: float
    y: float
    radius: float
    name: str
    role: str

    def draw(self) -> Markup:
        about = Markup("")
        if self.radius > 8:
            about = Markup('<circle class="about {}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>').format(
                self.role, self.x, self.y, self.radius
            )
        return about + Markup(
            '<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{:g}"><title>{}</title></circle>'
        ).format(self.role, self.x, self.y, 3 if self.role == "camera" else 6, self.name)


def _list_marks(frame: _Frame, places: Sequence[MapPlace], at: Any) -> list[_Mark]:
    """Return one mark for each place in the map: that of its most telling camera, with the names of such ones."""
    order = ("camera", "earlier", "suspected", "confirmed")
    groups: list[list[tuple[float, float, MapPlace]]] = []
    for place, (east, north) in zip(places, at, strict=True):
        x, y = frame.x(east), frame.y(north)
        if 0 <= x <= WIDTH and 0 <= y <= HEIGHT:
            near = (g for g in groups if abs(g[0][0] - x) < SAME_PX and abs(g[0][1] - y) < SAME_PX)
            group = next(near, None)
            if group is None:
                groups.append([(x, y, place)])
            else:
                group.append((x, y, place))
    marks = []
    for group in groups:
        role = max((p.role for _, _, p in group), key=order.index)
        is_told = [p.role != "camera" or role == "camera" for _, _, p in group]
        names = list(dict.fromkeys(p.name for (_, _, p), told in zip(group, is_told, strict=True) if told))
        more = f" +{len(names) - MAX_NAMES}" if len(names) > MAX_NAMES else ""
        radius_m = max(p.radius_m for _, _, p in group)
        x, y, _ = group[0]
        marks.append(_Mark(x, y, radius_m * frame.px_per_m, ", ".join(names[:MAX_NAMES]) + more, role))
    return sorted(marks, key=lambda m: order.index(m.role))


def _draw_range(frame: _Frame, names: _Names, name: str, geometry: Any) -> Markup:
    """Draw a range with its name in its widest part where there is room."""
    seen = shapely.intersection(geometry, frame.box)
    polygons = [p for p in _parts(seen) if p.geom_type == "Polygon"]
    if not polygons:
        return Markup("")
    rings = [ring for p in polygons for ring in (p.exterior, *p.interiors)]
    path = "".join(frame.path(ring) + "Z" for ring in rings)
    west, south, east, north = frame.box.bounds
    grid = np.stack(np.meshgrid(np.linspace(west, east, N_SPOTS), np.linspace(south, north, N_SPOTS)), axis=-1)
    spots = [p.representative_point() for p in polygons]
    spots += [p for p in shapely.points(grid.reshape(-1, 2)) if shapely.contains(seen, p)]
    spots.sort(key=lambda spot: -seen.boundary.distance(spot))
    shown = shorten(name, MAX_LETTERS, placeholder=" …")
    names.write_best([(frame.x(p.x), frame.y(p.y), "middle") for p in spots], shown, "of-range")
    return Markup('<path class="range" fill-rule="evenodd" d="{}"/>').format(path)


def _draw_barrier(frame: _Frame, names: _Names, name: str, geometry: Any, at: Any) -> Markup:
    """Draw a barrier with its name where the cameras, metres [N, 2], leave room for it."""
    seen = shapely.intersection(geometry, frame.box)
    lines = [p for p in _parts(seen) if p.geom_type == "LineString" and p.length > 0]
    if not lines:
        return Markup("")
    lines = list(shapely.get_parts(shapely.line_merge(shapely.union_all(lines))))
    longest, cameras = max(lines, key=lambda line: line.length), shapely.MultiPoint(at)
    spots = [longest.interpolate(share, normalized=True) for share in (0.2, 0.35, 0.5, 0.65, 0.8)]
    spots.sort(key=cameras.distance, reverse=True)
    names.write_beside([(frame.x(spot.x), frame.y(spot.y)) for spot in spots], name, "of-barrier")
    return Markup('<path class="barrier" d="{}"/>').format("".join(map(frame.path, lines)))


def _parts(geometry: Any) -> list[Any]:
    """Return the single parts of a geometry, however its collections are nested."""
    parts = list(shapely.get_parts(geometry))
    return [p for part in parts for p in (_parts(part) if hasattr(part, "geoms") else [part])]


def _draw_scale(frame: _Frame, names: _Names) -> Markup:
    """Draw a bar of a round length, about a fifth of the width."""
    length_m = ticks(0, 0.25 * WIDTH / frame.px_per_m, n_about=2)[-1]
    if length_m < 1000:
        words = translate("{n} m", n=format_number(length_m))
    else:
        words = translate("{n} km", n=format_number(length_m / 1000, 0 if length_m % 1000 == 0 else 1))
    left, y, end = 20.0, HEIGHT - 18, 20.0 + length_m * frame.px_per_m
    path = f"M{left} {y - 5}V{y}H{end:.1f}V{y - 5}"
    names.write(left + 6, y - 6, "start", words, "of-scale")
    return Markup('<path class="scale" d="{}"/>').format(path)


def _draw_north(names: _Names) -> Markup:
    x = WIDTH - 26
    names.write(x, 60, "middle", translate_label("N"), "of-scale")
    return Markup('<path class="north" d="M{} 44V16M{} 24L{} 14L{} 24"/>').format(x, x - 5, x, x + 5)


class _Names:
    """The names on a map, and the boxes that they should not cover: left, top, right, bottom in pixels."""

    def __init__(self, taken: Sequence[Window]) -> None:
        self.taken = list(taken)
        self.written: list[Markup] = []

    def write_beside(self, points: Sequence[tuple[float, float]], text: str, name: str) -> None:
        """Write a name beside the first of some points, and at the side of it, where it covers least."""
        spots = []
        for x, y in points:
            spots += [
                (x + 11, y + 4, "start"),
                (x - 11, y + 4, "end"),
                (x, y - 13, "middle"),
                (x, y + 22, "middle"),
            ]
        self.write_best(spots, text, name)

    def write_best(self, spots: Sequence[tuple[float, float, str]], text: str, name: str) -> None:
        """Write a name at the first spot, x, y and anchor, where it covers least."""
        self.write(*min(spots, key=lambda spot: self._measure_covered(text, *spot)), text, name)

    def write(self, x: float, y: float, anchor: str, text: str, name: str) -> None:
        """Write a name, moved so that it stays within the map."""
        if not (text and math.isfinite(x + y)):
            return
        left, top, right, bottom = _find_box(text, x, y, anchor)
        x += max(4 - left, 0) - max(right - WIDTH + 4, 0)
        y += max(2 - top, 0) - max(bottom - HEIGHT + 4, 0)
        self.taken.append(_find_box(text, x, y, anchor))
        words = Markup('<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
        self.written.append(words.format(name, x, y, anchor, text))

    def _measure_covered(self, text: str, x: float, y: float, anchor: str) -> float:
        """Return how much a name would cover of what is there, and of what lies outside the map, in px²."""
        left, top, right, bottom = _find_box(text, x, y, anchor)
        width, height = right - left, bottom - top
        seen = max(min(right, WIDTH) - max(left, 0), 0) * max(min(bottom, HEIGHT) - max(top, 0), 0)
        return (width * height - seen) + sum(
            max(min(right, c) - max(left, a), 0) * max(min(bottom, d) - max(top, b), 0) for a, b, c, d in self.taken
        )


def _find_box(text: str, x: float, y: float, anchor: str) -> Window:
    """Return the box of a name: left, top, right, bottom in pixels."""
    width = LETTER_WIDTH * len(text)
    left = x - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
    return left, y - LINE_HEIGHT, left + width, y + 4
