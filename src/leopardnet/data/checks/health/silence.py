"""Cameras that fell silent: at the end, in the middle, or before the first clip."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from leopardnet.data.checks.finding import Finding
from leopardnet.data.checks.health.camera_unit import DAY, CameraUnit
from leopardnet.data.checks.health.visits import Days, chance_of_silence, measure_clumping

MIN_VISITS = 10
MIN_DAYS = 3.0  # shorter silence is no fault that anybody would drive out for
LEVEL_END, LEVEL_MIDDLE = 0.005, 0.002  # for a sound camera whose visits come as unevenly as its own
_CLOCK_SLACK_DAYS = 1.0


def find_silences(unit: CameraUnit) -> Iterator[Finding]:
    """Yield a camera that stopped before its end, was silent for unusually long, or began late or too early.

    What is unusual follows from its own visits, see `chance_of_silence`; a silence in its problem periods is known
    and is none. A camera with fewer than 10 visits says nothing.
    """
    yield from _check_beginning(unit)
    if len(unit.visits) < MIN_VISITS:
        return
    start, end, last = unit.moment("start"), unit.moment("end"), float(unit.visits[-1])
    if end <= unit.to_days([unit.now])[0]:
        yield from _check_end(unit, end - last)
    if _is_unusual(unit.visits, -start):
        yield unit.warn(
            "set_up_date",
            f"the first clip is {-start:.0f} days after the start in the deployments table, where it filmed "
            f"{_rate(unit)} later: it was set up later, or its clock is wrong",
        )
    yield from _check_middle(unit)


def _check_beginning(unit: CameraUnit) -> Iterator[Finding]:
    start = unit.moment("start")
    n_before = int((unit.days < start - _CLOCK_SLACK_DAYS).sum())
    if n_before:
        yield unit.warn(
            "set_up_date",
            f"{n_before} of {len(unit.days)} clips are up to {start:.0f} days before the start in the deployments "
            "table: the date of set-up or the clock is wrong, or clips of another camera are among them",
        )


def _check_end(unit: CameraUnit, silence: float) -> Iterator[Finding]:
    if _is_unusual(unit.visits, silence):
        yield unit.warn(
            "stopped_early",
            f"the last clip is {silence:.0f} days before the end in the deployments table, though it filmed "
            f"{_rate(unit)}: the battery was flat or the card full; enter a problem period",
            len(unit.clips) - 1,
        )


def _check_middle(unit: CameraUnit) -> Iterator[Finding]:
    """Yield the longest silence between two visits, if it is unusual by the measure of the rest of the time."""
    gaps = np.diff(unit.visits)
    k = int(gaps.argmax())
    silence, length = float(gaps[k]), float(unit.visits[-1])
    if silence < MIN_DAYS or _is_known_problem(unit, float(unit.visits[k]), float(unit.visits[k + 1])):
        return
    joined = np.where(np.arange(len(unit.visits)) > k, unit.visits - silence, unit.visits)
    clumping = measure_clumping(joined, 0.0, length - silence)
    if chance_of_silence(len(gaps), silence, length, clumping, anywhere=True) < LEVEL_MIDDLE:
        i = int(np.searchsorted(unit.days, unit.visits[k + 1]))
        since = (unit.first + float(unit.visits[k]) * DAY).date()
        yield unit.warn(
            "silence",
            f"no clip for {silence:.0f} days since {since}, though it filmed {_rate(unit, silence)}: it was off, "
            "turned away or covered; enter a problem period",
            i,
        )


def _is_unusual(visits: Days, silence: float) -> bool:
    """Return whether a silence before the first or after the last visit is unusual for these visits."""
    if not silence >= MIN_DAYS:
        return False
    length = float(visits[-1] - visits[0])
    clumping = measure_clumping(visits, float(visits[0]), float(visits[-1]))
    return chance_of_silence(len(visits) - 1, silence, length + silence, clumping, anywhere=False) < LEVEL_END


def _is_known_problem(unit: CameraUnit, begin: float, end: float) -> bool:
    """Return whether a problem period of the table overlaps with a silence."""
    text = unit.facts.get("problems")
    if not isinstance(text, str):
        return False
    for part in text.split(";"):
        first, last = part.strip().split("/")
        begins = unit.to_days([pd.Timestamp(first)])[0]
        if begins < end and (not last or unit.to_days([pd.Timestamp(last)])[0] > begin):
            return True
    return False


def _rate(unit: CameraUnit, silence: float = 0.0) -> str:
    per_day = len(unit.visits) / max(float(unit.visits[-1]) - silence, 1.0)
    return f"{per_day:.1f} times a day" if per_day >= 1 else f"every {1 / per_day:.1f} days"
