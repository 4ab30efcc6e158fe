"""Small charts as inline SVG: they need no library in the browser, scale with the page and follow its theme."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from leopardnet.core.language import format_number, localise_decimals, translate

WIDTH, HEIGHT = 420.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 14.0, 12.0, 36.0
Points = Sequence[tuple[float, float]]


def ticks(low: float, high: float, *, n_about: int = 5) -> list[float]:
    """Return about `n_about` round values from `low` to `high`, none outside.

    >>> ticks(0, 1)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> ticks(1, 6)
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    """
    span = (high - low) or 1.0
    magnitude = 10.0 ** math.floor(math.log10(span / n_about))
    step = next(m * magnitude for m in (1, 2, 2.5, 5, 10) if m * magnitude * n_about >= span * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(i * step, 10) for i in range(first, math.floor(high / step + 1e-9) + 1)]


def line_chart(points: Points, *, title: str, x_label: str, unit_range: bool = False) -> Markup:
    """Return a line through the points (x, y) as SVG. y runs from 0 to 1, or from 0 to the maximum."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    x_range = (min(xs), max(xs)) if max(xs) > min(xs) else (min(xs) - 0.5, max(xs) + 0.5)
    y_range = (0.0, 1.0) if unit_range else (min(0.0, *ys), max(ys) * 1.08 or 1.0)
    x_ticks = [t for t in ticks(*x_range, n_about=8) if t == int(t)] or [x_range[0]]
    area = _PlotArea(x_range, y_range)
    dots = [
        Markup('<circle class="dot" cx="{}" cy="{}" r="3"><title>{} {:g}: {}</title></circle>').format(
            f"{area.x(x):.1f}", f"{area.y(y):.1f}", x_label, x, format_number(y, 3)
        )
        for x, y in points
    ]
    body = Markup('<path class="line" d="{}"/>').format(_path(area, points)) + Markup("").join(dots)
    return _svg(area.axes(x_ticks, ticks(*y_range), x_label) + body, title)


def curve_chart(
    curves: Sequence[tuple[str, str, Points]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    x_range: tuple[float, float] = (0.0, 1.0),
) -> Markup:
    """Return lines as SVG, one for each (name, CSS colour, points). Points are shares (x, y); y runs from 0 to 1.

    A line of a single point is drawn as a dot.
    """
    area = _PlotArea(x_range, (0.0, 1.0))
    lines = [
        Markup('<path class="series" style="stroke:{}" d="{}"><title>{}</title></path>').format(
            colour,
            _path(area, points if len(points) > 1 else [*points, *points]),
            name,  # a dot has round ends
        )
        for name, colour, points in curves
    ]
    axes = area.axes(ticks(*x_range), ticks(0, 1), x_label, y_label)
    return _svg(axes + Markup("").join(lines), title)


def reliability_chart(bins: Sequence[tuple[float, float, int]], *, multi: bool = False) -> Markup:
    """Return a dot for each bin as SVG, confidence against accuracy. A larger dot holds more clips.

    bins: (mean confidence, accuracy, number of clips). multi: a bin holds the probabilities of independent labels.
    """
    what = translate("probability") if multi else translate("top probability")
    point = translate("there: {share}, labels of clips: {n}") if multi else translate("right: {share}, clips: {n}")
    area = _PlotArea((0.0, 1.0), (0.0, 1.0))
    most = max((n for *_, n in bins), default=1)
    diagonal = Markup('<path class="guide" d="M{:.1f} {:.1f}L{:.1f} {:.1f}"/>').format(
        area.x(0), area.y(0), area.x(1), area.y(1)
    )
    dots = [
        Markup('<circle class="bubble" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
            f"{area.x(c):.1f}",
            f"{area.y(a):.1f}",
            f"{3 + 6 * math.sqrt(n / most):.1f}",
            f"{what}: {format_number(c, 2)}, {point.format(share=format_number(a, 2), n=format_number(n))}",
        )
        for c, a, n in bins
    ]
    axes = area.axes(ticks(0, 1), ticks(0, 1), what)
    title = translate("Share of right labels against top probability")
    title = translate("Share of clips that show a label against its probability") if multi else title
    return _svg(axes + diagonal + Markup("").join(dots), title)


def interval_bar(value: float, low: float | None, high: float | None) -> Markup:
    """Return a value between 0 and 1 as a tick on a track, with its interval as a band; nothing for nan."""
    if math.isnan(value):
        return Markup("")
    band = ""
    if low is not None and high is not None:
        width = max(high - low, 0.01)
        band = Markup('<rect class="band" x="{:.1f}" y="1" width="{:.1f}" height="6" rx="3"/>').format(
            100 * low, 100 * width
        )
    return Markup(
        '<svg class="interval" viewBox="-2 0 104 8" aria-hidden="true">'
        '<rect class="track" y="3" width="100" height="2" rx="1"/>'
        '{}<rect class="tick" x="{:.1f}" width="3" height="8" rx="1.5"/></svg>'
    ).format(band, 100 * value - 1.5)


class _PlotArea:
    """The area inside the axes, on which values of two ranges have their place in SVG units."""

    def __init__(self, x_range: tuple[float, float], y_range: tuple[float, float]) -> None:
        self.x_range, self.y_range = x_range, y_range

    def x(self, value: float) -> float:
        low, high = self.x_range
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = self.y_range
        return HEIGHT - BOTTOM - (value - low) / ((high - low) or 1) * (HEIGHT - TOP - BOTTOM)

    def axes(self, x_ticks: Sequence[float], y_ticks: Sequence[float], x_label: str, y_label: str = "") -> Markup:
        rows = [
            Markup(
                '<path class="grid" d="M{} {:.1f}H{}"/><text x="{}" y="{:.1f}" text-anchor="end">{}</text>'
            ).format(LEFT, self.y(t), WIDTH - RIGHT, LEFT - 8, self.y(t) + 4, localise_decimals(f"{t:g}"))
            for t in y_ticks
        ]
        columns = [
            Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>').format(
                self.x(t), HEIGHT - BOTTOM + 16, localise_decimals(f"{t:g}")
            )
            for t in x_ticks
        ]
        name = Markup('<text class="axis" x="{}" y="{}" text-anchor="middle">{}</text>').format(
            (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 3, x_label
        )
        side = Markup(
            '<text class="axis" transform="translate(11 {:.1f}) rotate(-90)" text-anchor="middle">{}</text>'
        )
        return Markup("").join([*rows, *columns, name, side.format((TOP + HEIGHT - BOTTOM) / 2, y_label)])


def _path(area: _PlotArea, points: Points) -> str:
    return " ".join(f"{'L' if i else 'M'}{area.x(x):.1f} {area.y(y):.1f}" for i, (x, y) in enumerate(points))


def _svg(body: Markup, title: str) -> Markup:
    return Markup('<svg class="figure" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, HEIGHT, escape(title), body
    )
