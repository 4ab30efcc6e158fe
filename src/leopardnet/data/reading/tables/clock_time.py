"""Times and dates as cameras, programs and people write them: one parser for headers, tables and clock corrections.

A text is understood whole or not at all, because a part that is cut off, such as PM, gives a wrong hour.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal

DateOrder = Literal["dmy", "mdy"]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?"
_OFFSET = r"(?P<offset>Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)"
_HALF = r"(?:[ ]?(?P<half>[ap])\.?m\.?)?"
_CLOCK = rf"(?P<H>\d\d?):(?P<M>\d\d)(?::(?P<S>\d\d)(?:[.,](?P<f>\d{{1,9}}))?)?{_HALF}(?:[ ]?{_OFFSET})?"
_COMPACT = rf"(?P<H>\d\d)(?P<M>\d\d)(?P<S>\d\d)?(?P<f>(?!))?(?P<half>(?!))?{_OFFSET}?"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE | re.ASCII)
    for form in (
        rf"(?P<Y>\d{{4}})[:/.-](?P<m>\d\d?)[:/.-](?P<d>\d\d?)(?:[ ]+|T){_CLOCK}",
        rf"(?P<d>\d\d?)\.(?P<m>\d\d?)\.(?P<Y>\d{{4}}),?[ ]+{_CLOCK}",
        rf"(?:[a-z]{{3,9}},?[ ]+)?{_MONTH}[ ]+(?P<d>\d\d?)[ ]+{_CLOCK}[ ]+(?P<Y>\d{{4}})",
        rf"(?:[a-z]{{3,9}},?[ ]+)?(?P<d>\d\d?)[ -]{_MONTH}[ -](?P<Y>\d{{4}})[ ]+{_CLOCK}",
        rf"(?P<Y>\d{{4}})(?P<m>\d\d)(?P<d>\d\d)[ T]{_COMPACT}",
    )
)
_EITHER_ORDER = re.compile(
    rf"(?P<a>\d\d?)[/-](?P<b>\d\d?)[/-](?P<Y>\d{{4}}),?[ ]+{_CLOCK}", re.IGNORECASE | re.ASCII
)
_EITHER_DATE = re.compile(r"\s*(\d\d?)[/-](\d\d?)[/-]\d{4}\b", re.ASCII)
_MAX_OFFSET = timedelta(hours=14)
YEARS = range(1900, 2200)  # a time beyond them is a fault of a clock or a program


def parse_clock(text: str, *, date_order: DateOrder | None = None) -> datetime | None:
    """Parse a time, aware if its offset is stated, else naive; None if any part of the text is not understood.

    None is also the answer for zeros, blanks, dates that do not exist, years that are not in YEARS, hour 24, and a
    date without a time of day.
    Text behind a NUL is ignored. Dates such as 5/1/2023 are understood only with `date_order`.

    >>> parse_clock("2024:03:03 09:22:33 PM"), parse_clock("MON MAR 03 10:22:33 2024")
    (datetime.datetime(2024, 3, 3, 21, 22, 33), datetime.datetime(2024, 3, 3, 10, 22, 33))
    >>> parse_clock("2024-03-03T10:22:33+10:00").isoformat(), parse_clock("03.05.2024 10:22").isoformat()
    ('2024-03-03T10:22:33+10:00', '2024-05-03T10:22:00')
    >>> parse_clock("0000:00:00 00:00:00") is None, parse_clock("2024-03-03") is None
    (True, True)
    """
    time = _parse(text.partition("\0")[0].strip(), date_order)
    return time if time is not None and time.year in YEARS else None


def _parse(text: str, date_order: DateOrder | None) -> datetime | None:
    if len(text) < len("20230822 2106"):
        return None
    if len(text) == 19 and text[4] == text[7] in "-:" and text[13] == text[16] == ":" and text[10] in " T":
        with suppress(ValueError):  # the form of ISO and EXIF, several times faster than an expression
            return datetime.fromisoformat(text[:10].replace(":", "-") + text[10:])
    for form in _FORMS:
        if found := form.fullmatch(text):
            return _make_time(found.groupdict())
    if date_order and (found := _EITHER_ORDER.fullmatch(text)):
        parts = found.groupdict()
        day, month = ("a", "b") if date_order == "dmy" else ("b", "a")
        return _make_time({**parts, "d": parts[day], "m": parts[month]})
    return None


def _make_time(parts: dict[str, str | None]) -> datetime | None:
    hour = int(parts["H"] or 0)
    if half := parts["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (half in "pP")
    month = _MONTHS.index(name.lower()) + 1 if (name := parts.get("month")) else int(parts["m"] or 0)
    microsecond = int(f"{parts['f'] or '':0<6}"[:6])
    try:
        zone = parse_offset(offset) if (offset := parts["offset"]) else None
        if offset and zone is None:
            return None
        minute, second = int(parts["M"] or 0), int(parts["S"] or 0)
        return datetime(int(parts["Y"] or 0), month, int(parts["d"] or 0), hour, minute, second, microsecond, zone)
    except ValueError:
        return None  # a date or hour that does not exist, such as all zeros after re-encoding


def parse_offset(text: str) -> timezone | None:
    """Parse an offset from UTC, such as +10:00, -0330 or Z; None for any other text.

    >>> parse_offset("+10:00"), parse_offset("   :  ")
    (datetime.timezone(datetime.timedelta(seconds=36000)), None)
    """
    text = text.partition("\0")[0].strip()
    if not re.fullmatch(_OFFSET, text, re.IGNORECASE | re.ASCII):
        return None
    if text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if offset > _MAX_OFFSET or int(digits[2:]) > 59:
        return None
    return timezone(-offset if text[0] == "-" else offset)


def find_date_orders(texts: Iterable[str]) -> set[DateOrder]:
    """Return the orders of day and month in which all dates such as 5/1/2023 or 25-12-2023 can be read.

    One number above 12 settles it for all. Both orders remain where nothing settles it, also where there is no such
    date; none remains where the dates contradict each other. A date like 5/5/2023 is the same in both.

    >>> sorted(find_date_orders(["5/1/2023", "5/31/2023"])), sorted(find_date_orders(["5/1/2023"]))
    (['mdy'], ['dmy', 'mdy'])
    """
    orders: set[DateOrder] = {"dmy", "mdy"}
    for text in texts:
        if found := _EITHER_DATE.match(text):
            first, second = int(found[1]), int(found[2])
            orders -= {"mdy"} if first > 12 else set()
            orders -= {"dmy"} if second > 12 else set()
    return orders


def settle_date_order(texts: Sequence[str]) -> DateOrder | None:
    """Return the order of day and month of these dates; None if it is not certain.

    >>> settle_date_order(["5/1/2023", "5/31/2023"]), settle_date_order(["5/1/2023"])
    ('mdy', None)
    """
    dates = [text for text in texts if _EITHER_DATE.match(text)]
    orders = find_date_orders(dates)
    if len(orders) == 2 and any(map(is_ambiguous_date, dates)):
        return None
    return min(orders, default=None)


def is_ambiguous_date(text: str) -> bool:
    """Return whether the text begins with a date that is another day with day and month exchanged.

    >>> is_ambiguous_date("5/1/2023 10:00"), is_ambiguous_date("5/5/2023"), is_ambiguous_date("5/31/2023")
    (True, False, False)
    """
    found = _EITHER_DATE.match(text)
    return found is not None and int(found[1]) != int(found[2]) and max(int(found[1]), int(found[2])) <= 12
