"""The captures of a record over time, a lane for each camera, as SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from leopardnet.core.language import format_day, translate

WIDTH, LANE, TOP, BOTTOM, NAMES = 720.0, 30.0, 12.0, 44.0, 170.0
STEPS_MIN = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14_400, 43_200, 86_400, 432_000)
MAX_TICKS = 7
DAY_MIN = 1440
MAX_NAME = 26  # letters


@dataclass(frozen=True, slots=True)
class TimeMark:
    """A capture, or a sound (state 'sound'), in a lane. error_s: of the clock, nan if unknown."""

    lane: str
    moment: pd.Timestamp
    state: str
    words: str
    error_s: float = math.nan


def draw_time_line(marks: Sequence[TimeMark]) -> Markup | None:
    """Return the marks in their lanes as SVG, in their order; None without a mark. Clock errors are bars."""
    if not marks:
        return None
    lanes = list(dict.fromkeys(m.lane for m in marks))
    first, last = min(m.moment for m in marks), max(m.moment for m in marks)
    margin = max((last - first) * 0.06, pd.Timedelta(minutes=5))
    start, end = first - margin, last + margin
    height = TOP + LANE * len(lanes) + BOTTOM
    px_per_s = (WIDTH - NAMES - 16) / (end - start).total_seconds()

    def x(moment: pd.Timestamp) -> float:
        return NAMES + (moment - start).total_seconds() * px_per_s

    middle = {lane: TOP + LANE * (i + 0.5) for i, lane in enumerate(lanes)}
    body = [_draw_axis(x, start, end, TOP + LANE * len(lanes))]
    body += [
        Markup('<path class="lane" d="M{} {:.1f}H{}"/><text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
            NAMES, y, WIDTH - 16, NAMES - 10, y + 4, _shorten(lane)
        )
        for lane, y in middle.items()
    ]
    body += [_draw_mark(m, x(m.moment), middle[m.lane], px_per_s) for m in marks]
    return Markup('<svg class="time" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, height, translate("The clips over time, a line for each camera"), Markup("").join(body)
    )


def choose_step_min(length_min: float) -> int:
    """Return the step of the axis, in minutes, that gives at most seven of them.

    >>> choose_step_min(60), choose_step_min(1500)
    (10, 360)
    """
    return next((step for step in STEPS_MIN if length_min / step <= MAX_TICKS), STEPS_MIN[-1])


def _draw_axis(x: Callable[[pd.Timestamp], float], start: pd.Timestamp, end: pd.Timestamp, y: float) -> Markup:
    step = choose_step_min((end - start).total_seconds() / 60)
    moment = start.normalize() + pd.Timedelta(minutes=step) * math.ceil(
        (start - start.normalize()) / pd.Timedelta(minutes=step)
    )
    parts, day = [], None
    while moment <= end:
        words = "" if step >= DAY_MIN else f"{moment:%H:%M}"
        parts.append(
            Markup(
                '<path class="grid" d="M{:.1f} {}V{:.1f}"/>'
                '<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>'
            ).format(x(moment), TOP, y, x(moment), y + 16, words)
        )
        if moment.date() != day:
            day = moment.date()
            parts.append(
                Markup('<text class="day" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>').format(
                    x(moment), y + (16 if step >= DAY_MIN else 32), format_day(day)
                )
            )
        moment += pd.Timedelta(minutes=step)
    return Markup("").join(parts)


def _draw_mark(mark: TimeMark, x: float, y: float, px_per_s: float) -> Markup:
    error = Markup("")
    if mark.error_s * px_per_s > 2:
        width = min(mark.error_s * px_per_s, WIDTH)
        left, right = max(x - width, NAMES), min(x + width, WIDTH - 16)
        error = Markup('<path class="error" d="M{:.1f} {:.1f}H{:.1f}"/>').format(left, y, right)
    if mark.state == "sound":
        shape = Markup('<path class="sound" d="M{:.1f} {:.1f}l5 9h-10z">').format(x, y - 5)
        return error + shape + Markup("<title>{}</title></path>").format(mark.words)
    return error + Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="5.5"><title>{}</title></circle>').format(
        mark.state, x, y, mark.words
    )


def _shorten(name: str) -> str:
    return name if len(name) <= MAX_NAME else name[: MAX_NAME - 1] + "…"
