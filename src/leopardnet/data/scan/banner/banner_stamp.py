"""The date and the time of day in the text of a banner."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Literal, NamedTuple, get_args

from leopardnet.data.reading.tables.clock_time import parse_clock
from leopardnet.media.banner_text import UNREAD

Order = Literal["dmy", "mdy", "ymd"]
ORDERS: tuple[Order, ...] = get_args(Order)

_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_SEP = r"\s?[-/.]\s?"
_DATE = (
    rf"(?:(?P<Y>20\d\d){_SEP}(?P<m>\d\d?){_SEP}(?P<d>\d\d?)"
    rf"|(?P<a>\d\d?){_SEP}(?P<b>\d\d?){_SEP}(?P<c>20\d\d|\d\d)"
    rf"|(?P<d1>\d\d?)[ .-]?(?P<mon1>{_MONTHS})[A-Z]*[ .,-]{{0,2}}(?P<Y1>20\d\d)"
    rf"|(?P<mon2>{_MONTHS})[A-Z]*[ .-]?(?P<d2>\d\d?)[ .,-]{{1,2}}(?P<Y2>20\d\d))"
)
_CLOCK = (
    r"(?:(?P<half1>[AP])\.?M\.?\s*)?(?P<H>\d\d?)\s?:\s?(?P<M>\d\d)(?:\s?:\s?(?P<S>\d\d))?"
    # Without AM or PM, nothing may follow that could be one in bad print.
    rf"(?:\s?(?P<half2>[AP])\.?\s?M\b\.?|(?!\s?[AP]\.?\s?[HMNW]|\s*{UNREAD}))"
)
_HALF = re.compile(r"(?<![A-Z])[AP]\.?\s?M(?![A-Z])", re.ASCII)
_DEGREES = re.compile(r"(?<=[\d°])\s?[CF](?=\d)", re.ASCII)  # before a date, without a space
_START, _END = r"(?<![A-Z\d:/.-])", r"(?!\s?[:.]|[A-Z\d]|[/-]\d)"
_BOTH = re.compile(rf"{_START}{_DATE}\s*{_CLOCK}{_END}", re.ASCII)  # also without a space between them
_DATE_ALONE = re.compile(rf"{_START}{_DATE}{_END}", re.ASCII)
_CLOCK_ALONE = re.compile(rf"{_START}{_CLOCK}{_END}", re.ASCII)
_SIGNS = str.maketrans({"年": "-", "月": "-", "日": " ", "−": "-", "–": "-", "—": "-", "一": "-", "_": " "})


class Stamp(NamedTuple):
    """A date and a time of day as they stand in a banner.

    `date`: `2014-07-01`, `8 OCT 2018`, or three numbers such as `7/5/2014` or `18/05/20` whose order is not known.
    `clock`: `9:13:17 PM`. Numbers keep their digits.
    """

    date: str
    clock: str

    @property
    def text(self) -> str:
        """The stamp as one text."""
        return f"{self.date} {self.clock}"

    @property
    def date_style(self) -> str:
        """The form of the date, such as `n/n/nnnn`, without regard to zeros in front."""
        year = "yy" if self.has_short_year else "yyyy"
        return f"{re.sub(r'[A-Z]+', 'x', re.sub(r'[0-9]+', 'n', self.date))} {year}"

    @property
    def clock_style(self) -> str:
        """The form of the clock, such as `n:n xM`."""
        return re.sub(r"[AP]M", "xM", re.sub(r"[0-9]+", "n", self.clock))

    @property
    def has_short_year(self) -> bool:
        """Whether the year has two digits, so that it may be the first or the last number."""
        return re.fullmatch(r"\d\d?/\d\d?/\d\d", self.date) is not None

    def parse(self, order: Order) -> datetime | None:
        """Return the time; None if there is no such time in this order of day, month and year.

        >>> Stamp("7/5/2014", "9:13 PM").parse("mdy"), Stamp("18/05/20", "09:13").parse("ymd")
        (datetime.datetime(2014, 7, 5, 21, 13), datetime.datetime(2018, 5, 20, 9, 13))
        """
        date = self.date
        if self.has_short_year:
            first, second, third = date.split("/")
            date = f"20{first}-{second}-{third}" if order == "ymd" else f"{first}/{second}/20{third}"
        elif order == "ymd" and "/" in date:
            return None
        return parse_clock(f"{date} {self.clock}", date_order=None if order == "ymd" else order)


def find_stamp(rows: Iterable[str]) -> Stamp | None:
    """Return the stamp in lines of text; None unless there is one date and one time of day, whole and undoubted.

    >>> find_stamp(["MOULTRIE 45F 08/10/2016 04:19PM NW1 15"]), find_stamp(["Cam 1 53F", "13:32  04/04/2019  12C"])
    (Stamp(date='08/10/2016', clock='04:19 PM'), Stamp(date='04/04/2019', clock='13:32'))
    >>> find_stamp(["2014-07-01", "M 1/3 7C"]) is None
    True
    """
    text = unicodedata.normalize("NFKC", " | ".join(rows)).translate(_SIGNS).upper()
    text = _DEGREES.sub(" ", text.replace("上午", " AM ").replace("下午", " PM "))
    both = {_make_stamp(found.groupdict()) for found in _BOTH.finditer(text)}
    rest = _BOTH.sub(" | ", text)
    dates = {stamp.date for stamp in both} | {_write_date(f.groupdict()) for f in _DATE_ALONE.finditer(rest)}
    clocks = {stamp.clock for stamp in both} | {_write_clock(f.groupdict()) for f in _CLOCK_ALONE.finditer(rest)}
    if len(dates) != 1 or len(clocks) != 1:
        return None
    stamp = Stamp(dates.pop(), clocks.pop())
    return stamp if stamp.clock.endswith("M") or not _HALF.search(text) else None  # an AM that is not at the clock


def _make_stamp(parts: dict[str, str | None]) -> Stamp:
    return Stamp(_write_date(parts), _write_clock(parts))


def _write_date(parts: dict[str, str | None]) -> str:
    if parts["Y"]:
        return f"{parts['Y']}-{parts['m']}-{parts['d']}"
    if parts["a"]:
        return f"{parts['a']}/{parts['b']}/{parts['c']}"
    i = 1 if parts["d1"] else 2
    return f"{parts[f'd{i}']} {parts[f'mon{i}']} {parts[f'Y{i}']}"


def _write_clock(parts: dict[str, str | None]) -> str:
    seconds, half = f":{parts['S']}" if parts["S"] else "", parts["half1"] or parts["half2"]
    return f"{parts['H']}:{parts['M']}{seconds}" + (f" {half}M" if half else "")
