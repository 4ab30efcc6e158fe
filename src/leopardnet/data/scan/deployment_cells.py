"""Cells of a deployments table: clock corrections, moments, degrees, uncertainties and periods of problems."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import parse_time_zone
from leopardnet.data.reading.tables.csv_cells import number
from leopardnet.data.reading.tables.date_form import DateForm

MAX_CORRECTION_S = 100 * 366 * 86_400.0  # a clock that was reset is off by decades, not by centuries
_ANSWERS = {"yes": {"yes", "y", "true", "1", "да"}, "no": {"no", "n", "false", "0", "нет"}}


def parse_correction(given: str, camera: str, true: str, *, where: str, dates: DateForm) -> float:
    """Return the seconds to add to the camera's time, from a number or a pair of times; 0 for empty cells."""
    pair = [camera, true]
    if given and any(pair):
        raise ManifestError(
            "a row has two clock corrections",
            where=where,
            expected="clock_correction, or camera_time and true_time",
        )
    if given:
        with suppress(ValueError):
            if abs(seconds := number(given)) <= MAX_CORRECTION_S:
                return seconds
        pair = [p.strip() for p in given.split(";" if ";" in given else ",", 1)]
    if not any(pair):
        return 0.0
    times = [dates.read(p) for p in pair]
    if sum(t is None for t in times) == 1:  # a spreadsheet stores midnight as a date alone
        times = [t or dates.read(p, "00:00:00") for t, p in zip(times, pair, strict=False)]
    if len(times) == 2 and times[0] and times[1] and (times[0].tzinfo is None) == (times[1].tzinfo is None):
        seconds = (times[1] - times[0]).total_seconds()
        if abs(seconds) <= MAX_CORRECTION_S:
            return seconds
    raise ManifestError(
        "a clock correction cannot be read, or is longer than a hundred years",
        where=where,
        found=given or " and ".join(map(repr, pair)),
        expected="seconds such as -3600, or camera and true time such as 2015-01-01 00:03:00, 2024-05-03 14:30:00",
    )


def parse_moment(text: str, zone: str, where: str, time_of_day: str, dates: DateForm) -> datetime | None:
    """Parse a date with or without a time; `time_of_day` completes a date alone."""
    if not text:
        return None
    moment = dates.read(text, time_of_day)
    if moment is not None and moment.tzinfo is not None and zone:
        moment = moment.astimezone(parse_time_zone(zone)).replace(tzinfo=None)
    if moment is None or moment.tzinfo is not None:
        raise ManifestError(
            "a date cannot be read" if moment is None else "a date has an offset, but its row has no time_zone",
            where=where,
            found=repr(text),
            expected="local time such as 2024-05-03, 2024-05-03 14:30:00 or 03.05.2024 14:30",
            todo="give other forms with --date-format, such as '%d/%m/%y %H:%M'" if moment is None else None,
        )
    return moment


def parse_degrees(text: str, where: str, limit: int) -> float:
    """Return decimal degrees between -limit and limit; nan for an empty cell."""
    try:
        degrees = number(text) if text else math.nan
    except ValueError:
        raise ManifestError(
            "a coordinate cannot be read", where=where, found=repr(text), expected="decimal degrees such as 43.1155"
        ) from None
    if abs(degrees) > limit:
        raise ManifestError(
            "a coordinate is off the globe", where=where, found=text, expected=f"between -{limit} and {limit}"
        )
    return degrees


def parse_size(text: str, where: str) -> float:
    """Return a number of metres or seconds, 0 or more; nan for an empty cell.

    >>> parse_size("25", "row 1")
    25.0
    """
    try:
        size = number(text) if text else math.nan
    except ValueError:
        size = -1.0
    if size < 0 or math.isinf(size):
        raise ManifestError("an uncertainty cannot be read", where=where, found=repr(text), expected="0 or more")
    return size


def parse_yes_no(text: str, where: str) -> str | None:
    """Return 'yes', 'no', or None for an empty cell.

    >>> parse_yes_no("Нет", "row 1"), parse_yes_no("", "row 1")
    ('no', None)
    """
    if not text:
        return None
    for answer, words in _ANSWERS.items():
        if text.casefold() in words:
            return answer
    raise ManifestError("a cell is neither yes nor no", where=where, found=repr(text), expected="yes, no, or empty")


def join_problems(periods: Sequence[tuple[datetime | None, datetime | None]], where: str) -> str | None:
    """Return the periods in which a camera did not work as one text, `from/to; from/to`, or None without any.

    A period without an end lasts until the end of the deployment, and is written without one.

    >>> join_problems([(datetime(2021, 12, 1), datetime(2021, 12, 5, 12)), (None, None)], "row 1")
    '2021-12-01 00:00:00/2021-12-05 12:00:00'
    """
    texts = []
    for first, last in periods:
        if first is None and last is None:
            continue
        if first is None or (last is not None and last < first):
            raise ManifestError(
                "a period of problems has no beginning" if first is None else "a period of problems ends too early",
                where=where,
                found=f"from {first or 'nothing'} to {last}",
                expected="problem1_from not after problem1_to",
            )
        texts.append(f"{first}/{last or ''}")
    return "; ".join(texts) or None
