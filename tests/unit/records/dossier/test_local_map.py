"""The map and the time line of a dossier, measured in their drawings."""

import re

import numpy as np
import pandas as pd
import pytest
import shapely

from leopardnet.records.dossier.drawings.local_map import LocalPlane, MapPlace, draw_map
from leopardnet.records.dossier.drawings.time_line import TimeMark, choose_step_min, draw_time_line
from leopardnet.records.ranges.range_map import Barrier, RangeMap, RangePolygon

NOTHING = RangeMap()


def place(latitude, longitude, radius_m=30.0, name="A", role="confirmed"):
    return MapPlace(latitude, (longitude + 180) % 360 - 180, radius_m, name, role)


def centres(svg, role):
    return [tuple(map(float, xy)) for xy in re.findall(rf'class="{role}" cx="([\d.]+)" cy="([\d.]+)"', svg)]


def scale(svg):
    """Pixels per kilometre, as the bar says."""
    left, right = re.search(r'class="scale" d="M([\d.]+) .*?H([\d.]+)', svg).groups()
    n, unit = re.search(r">([\d.]+) (k?m)</text>", svg).groups()
    return (float(right) - float(left)) / (float(n) / (1 if unit == "km" else 1000))


def test_distances_on_the_map_are_those_of_the_globe():
    svg = draw_map(
        [place(43.0, 132.0), place(43.2, 132.0, name="B"), place(43.0, 132.3, name="C")], NOTHING, "leopard"
    )
    (ax, ay), (bx, by), (cx, cy) = centres(svg, "confirmed")
    per_km = scale(svg)
    # A fifth of a degree of latitude at 43 degrees is 22.22 km, 0.3 degrees of longitude 24.45 km.
    assert (ay - by) / per_km == pytest.approx(22.22, abs=0.05) and abs(ax - bx) < 0.2
    assert (cx - ax) / per_km == pytest.approx(24.45, abs=0.05) and abs(cy - ay) < 1  # parallels are bent


def test_a_map_over_the_antimeridian_is_the_same_as_elsewhere():
    drawn = []
    for longitude in (20.0, 180.0):
        ring = [(longitude + x, 43.0 + y) for x, y in ((-1, -1), (0.1, -1), (0.1, -0.1), (-1, -0.1))]
        ranges = RangeMap(
            (RangePolygon("leopard", "Range", shapely.Polygon(ring)),),
            (Barrier("River", shapely.LineString([(longitude - 1, 42.95), (longitude + 1, 42.97)])),),
        )
        places = [place(43.0, longitude - 0.02), place(43.1, longitude + 0.1, 7900.0, "B", "suspected")]
        drawn.append(str(draw_map(places, ranges, "leopard")))
    assert drawn[0] == drawn[1] and "Range" in drawn[0] and "River" in drawn[0]


def test_a_coarse_place_is_a_circle_of_its_size_and_others_are_points():
    svg = draw_map([place(43.0, 132.0, 8000.0), place(43.0, 132.4, 30.0, "B")], NOTHING, "leopard")
    (radius,) = re.findall(r'class="about confirmed".*?r="([\d.]+)"', svg)
    assert float(radius) / scale(svg) == pytest.approx(8.0, abs=0.02)


def test_only_the_range_of_the_animal_is_drawn_and_its_nearest_part_is_in_the_map():
    here, there = (shapely.box(131 + x, 42, 131.5 + x, 42.5) for x in (0, 2))
    ranges = RangeMap((RangePolygon("leopard", "", here), RangePolygon("tiger", "Tigers", there)))
    svg = str(draw_map([place(43.0, 131.2)], ranges, "leopard"))
    assert svg.count('class="range"') == 1 and "known range" in svg and "Tigers" not in svg


def test_without_a_place_of_the_record_there_is_no_map():
    assert draw_map([], NOTHING, "leopard") is None
    assert draw_map([place(43.0, 132.0, role="camera")], NOTHING, "leopard") is None


def boxes_of_names(svg):
    """Name, left, top, right and bottom of every text, with letters of 7 pixels."""
    found = re.findall(r'<text class="([\w-]+)" x="([\d.]+)" y="([\d.]+)" text-anchor="(\w+)">(.*?)</text>', svg)
    boxes = {}
    for kind, x, y, anchor, text in found:
        width = 7 * len(text)
        left = float(x) - {"start": 0, "middle": width / 2, "end": width}[anchor]
        boxes[kind, text] = (left, float(y) - 12, left + width, float(y) + 3)
    return boxes


def test_cameras_at_one_place_have_one_mark_and_one_name_and_no_name_covers_another():
    coarse = [place(43.6, 132.2, 7900.0, name) for name in ("S1", "T2", "S2")]
    coarse[1] = place(43.6, 132.2, 7900.0, "T2", "suspected")
    near = [place(43.6, 132.1, 7900.0, "T1"), place(43.6, 132.0, 7900.0, "A long name of a place")]
    area = RangeMap((RangePolygon("leopard", "Known range", shapely.box(131.5, 43.0, 131.95, 44.0)),))
    svg = str(draw_map([*coarse, *near, place(43.6, 132.2, name="idle", role="camera")], area, "leopard"))
    assert len(centres(svg, "confirmed")) == 3 and centres(svg, "suspected") == centres(svg, "camera") == []
    boxes = boxes_of_names(svg)
    assert ("of-place", "S1, T2, S2") in boxes and ("of-place", "T1") in boxes
    names = list(boxes.values())
    for i, (left, top, right, bottom) in enumerate(names):
        assert left >= 0 and right <= 720 and top >= 0 and bottom <= 460
        for a, b, c, d in names[:i]:
            assert right <= a or c <= left or bottom <= b or d <= top


def test_names_are_text():
    svg = draw_map([place(43.0, 132.0, name="<script>")], NOTHING, "leopard")
    assert "<script>" not in svg and "&lt;script&gt;" in svg


def test_the_name_of_a_range_does_not_leave_the_map():
    land = shapely.box(131.9, 42.5, 133.0, 43.1)
    name = "leopards of a land with a very long name " * 3
    svg = draw_map([place(43.0, 132.0)], RangeMap((RangePolygon("leopard", name, land),)), "leopard")
    x, shown = re.search(r'class="of-range" x="([\d.]+)".*?>(.*?)</text>', svg).groups()
    assert shown.endswith("…") and len(shown) <= 60 and 7 * len(shown) / 2 < float(x) < 720 - 7 * len(shown) / 2


def test_the_plane_is_true_from_its_place():
    east, north = LocalPlane(43.0, 132.0).project(np.array([132.0]), np.array([44.0]))[0]
    assert abs(east) < 1e-6 and north == pytest.approx(111_102.5, abs=0.5)  # a degree of latitude there


def test_marks_of_the_time_line_stand_in_their_lanes_in_proportion():
    day = pd.Timestamp("2021-12-30 22:00")
    marks = [
        TimeMark("A", day, "confirmed", "r1"),
        TimeMark("B", day + pd.Timedelta(hours=1), "suspected", "r2", error_s=600.0),
        TimeMark("A", day + pd.Timedelta(hours=4), "confirmed", "r3"),
        TimeMark("B", day + pd.Timedelta(hours=2), "sound", "s1"),
    ]
    svg = str(draw_time_line(marks))
    (first, y), (last, same_y) = centres(svg, "confirmed")
    ((second, other_y),) = centres(svg, "suspected")
    assert y == same_y != other_y
    assert (second - first) / (last - first) == pytest.approx(0.25, abs=0.001)
    left, right = re.search(r'class="error" d="M([\d.]+) [\d.]+H([\d.]+)', svg).groups()
    assert (float(right) - float(left)) / (last - first) == pytest.approx(1200 / 14_400, abs=0.001)
    assert "2021-12-31" in svg and svg.count('class="lane"') == 2


def test_one_mark_and_none():
    assert draw_time_line([]) is None
    assert centres(str(draw_time_line([TimeMark("A", pd.Timestamp("2021-12-30"), "confirmed", "")])), "confirmed")
    assert choose_step_min(60 * 24 * 3000) == 432_000
