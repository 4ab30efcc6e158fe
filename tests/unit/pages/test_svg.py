"""Charts as SVG."""

import re

from leopardnet.pages.svg import curve_chart, interval_bar, line_chart, reliability_chart, ticks


def test_charts_stay_inside_their_frame():
    chart = line_chart([(1, 0.2), (2, 0.9), (3, 5.0)], title="loss <x>", x_label="epoch")
    assert "loss &lt;x&gt;" in chart
    points = [(float(x), float(y)) for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', chart)]
    assert len(points) == 3 and all(44 <= x <= 406 and 12 <= y <= 184 for x, y in points)
    assert points[0][0] < points[1][0] and points[0][1] > points[2][1]  # up is more
    assert reliability_chart([(0.5, 0.5, 10), (1.0, 0.9, 40)]).count("bubble") == 2
    assert interval_bar(float("nan"), None, None) == "" and "band" not in interval_bar(0.5, None, None)


def test_a_curve_of_one_point_is_drawn():
    chart = curve_chart([("a<b", "#000", [(0.5, 1.0)])], title="t", x_label="x", y_label="y")
    assert 'd="M225.0 12.0 L225.0 12.0"' in chart and "a&lt;b" in chart


def test_ticks_are_round_and_inside():
    assert ticks(0, 0.07) == [0.0, 0.02, 0.04, 0.06]
    assert ticks(3, 3) == [3.0]
