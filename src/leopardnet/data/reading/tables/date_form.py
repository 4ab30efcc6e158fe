"""The form of the dates in a table: one of the usual ones, an order of day and month, or a described format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from leopardnet.core.errors import ConfigError
from leopardnet.data.reading.tables.clock_time import YEARS, DateOrder, parse_clock

_ORDERS: dict[str, DateOrder] = {"dmy": "dmy", "mdy": "mdy"}
_TIME_OF_DAY = re.compile(r"[ T,]*%[-#]?[HIMSpXTR].*")


@dataclass(frozen=True, slots=True)
class DateForm:
    """How the dates of a table are written. `format` is that of `strptime`; else all that `parse_clock` reads."""

    order: DateOrder | None = None
    format: str | None = None

    @classmethod
    def parse(cls, text: str, *, where: str = "date_format") -> DateForm:
        """Return the form of a text: dmy, mdy, or a format such as `%d/%m/%y %H:%M`. `where` names the setting.

        Raises ConfigError for any other text, also for a format without year, month and day.

        >>> DateForm.parse("mdy").read("5/1/2023 10:00"), DateForm.parse("%d/%m/%y %H:%M").read("1/5/23 10:00")
        (datetime.datetime(2023, 5, 1, 10, 0), datetime.datetime(2023, 5, 1, 10, 0))
        """
        if text in _ORDERS:
            return cls(_ORDERS[text])
        try:
            now = datetime(2023, 5, 31, 10, 20, 30, tzinfo=UTC)
            is_whole = datetime.strptime(now.strftime(text), text).date() == now.date()
        except ValueError:
            is_whole = False
        if not is_whole:
            raise ConfigError(
                "this is no form of a date",
                where=where,
                found=text,
                expected="dmy, mdy, or a format with year, month and day such as '%d/%m/%y %H:%M'",
            )
        return cls(format=text)

    def read(self, text: str, time_of_day: str = "") -> datetime | None:
        """Parse a time; `time_of_day` completes a date alone. None for a text that is not understood.

        >>> DateForm().read("2023-05-01", "23:59:59"), DateForm.parse("%d/%m/%y %H:%M").read("1/5/23", "10:00:00")
        (datetime.datetime(2023, 5, 1, 23, 59, 59), datetime.datetime(2023, 5, 1, 10, 0))
        """
        completed = f"{text} {time_of_day}"
        form, date_alone = self.format, _TIME_OF_DAY.sub("", self.format or "") + " %H:%M:%S"
        found = _read_as(text, form) if form else None
        found = found or (_read_as(completed, date_alone) if form and time_of_day else None)
        found = found or parse_clock(text, date_order=self.order)  # a sheet gives its dates in ISO 8601
        return found or (parse_clock(completed, date_order=self.order) if time_of_day else None)


def _read_as(text: str, form: str) -> datetime | None:
    try:
        time = datetime.strptime(text, form)
    except ValueError:
        return None
    return time if time.year in YEARS else None
