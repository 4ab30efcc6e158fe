"""The stamps of one card judged together: which of them are certain, and in which order day and month stand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from leopardnet.data.reading.tables.clock_time import DateOrder
from leopardnet.data.scan.banner.banner_stamp import ORDERS, Order, Stamp

_SLACK = timedelta(days=1)  # because of time zones
_MANY = 10  # stamps from which on a single one does not decide about the order of day and month
_MAX_CONTRARY = 0.01
_MAX_FALLING = 0.1

Judgement = datetime | str


def judge_card(stamps: Sequence[Stamp], *, now: datetime, date_order: DateOrder | None = None) -> list[Judgement]:
    """Return the time of each stamp, or in words why it is refused.

    stamps: of one card, in the order of its file names; now: a naive time after which no picture was taken.

    A time is refused where there is no such time, where its stamp lacks seconds, AM or a digit of the others,
    where day and month could be exchanged, and where it alone leaves the order of its neighbours.

    >>> now = datetime(2025, 1, 1)
    >>> judge_card([Stamp("7/5/2014", "9:13 PM"), Stamp("7/25/2014", "9:13 PM")], now=now)[0]
    datetime.datetime(2014, 7, 5, 21, 13)
    >>> judge_card([Stamp("7/5/2014", "9:13 PM")], now=now)
    ['7/5/2014 9:13 PM: day or month first? Give --banner-dates or date_order']
    """
    judged: list[Judgement] = [f"{stamp.text}: written otherwise than the rest of its card" for stamp in stamps]
    groups: dict[str, list[int]] = {}
    for i, stamp in enumerate(stamps):
        groups.setdefault(stamp.date_style, []).append(i)
    for group in groups.values():
        alike = _select_alike([stamps[i] for i in group])
        chosen = [group[i] for i in alike]
        for i, time in zip(chosen, _order_dates([stamps[i] for i in chosen], now, date_order), strict=True):
            judged[i] = time
    return _refuse_jumps(judged)


def _select_alike(stamps: Sequence[Stamp]) -> list[int]:
    """Return which stamps are whole: with the parts of most others, and two digits where zeros stand in front."""
    kinds = [stamp.clock_style for stamp in stamps]
    counts = Counter(kinds)
    usual = max(counts, key=lambda kind: (counts[kind], len(kind)))
    hours = [stamp.clock.partition(":")[0] for stamp in stamps]
    date_has_zeros = any(re.search(r"\b0\d", stamp.date) for stamp in stamps)
    hour_has_zeros = any(hour.startswith("0") for hour in hours)
    # Without AM and PM, an hour of one digit is doubtful unless another hour shows that the clock has 24.
    is_whole_day = "M" in usual or any(not 1 <= int(hour) <= 12 for hour in hours)
    return [
        i
        for i, stamp in enumerate(stamps)
        if kinds[i] == usual
        and not (date_has_zeros and re.search(r"\b\d\b", stamp.date))
        and (len(hours[i]) == 2 or (is_whole_day and not hour_has_zeros))
    ]


def _order_dates(stamps: Sequence[Stamp], now: datetime, date_order: DateOrder | None) -> list[Judgement]:
    readings = [{order: stamp.parse(order) for order in ORDERS} for stamp in stamps]
    possible = [
        {order: time for order, time in reading.items() if time is not None and time <= now + _SLACK}
        for reading in readings
    ]
    order = date_order or _settle_order(possible)
    judged: list[Judgement] = []
    for stamp, times in zip(stamps, possible, strict=True):
        distinct = {times[order]} if order in times else set() if order else set(times.values())
        if len(distinct) == 1:
            judged.append(distinct.pop())
        elif distinct:
            judged.append(f"{stamp.text}: day or month first? Give --banner-dates or date_order")
        else:
            judged.append(f"{stamp.text}: no such time in the past")
    return judged


def _settle_order(possible: Sequence[dict[Order, datetime]]) -> Order | None:
    """Return the order in which nearly all stamps can be read, if more than a misreading excludes the others."""
    n_failed = {order: sum(order not in times for times in possible) for order in ORDERS}
    best = min(ORDERS, key=lambda order: n_failed[order])
    needed = n_failed[best] + (1 if len(possible) < _MANY else 2)
    is_certain = all(n_failed[order] >= needed for order in ORDERS if order != best)
    return best if is_certain and n_failed[best] <= _MAX_CONTRARY * len(possible) else None


def _refuse_jumps(judged: Sequence[Judgement]) -> list[Judgement]:
    """Refuse times outside of their two neighbours, which are in order themselves, if most times are in order."""
    at = [i for i, time in enumerate(judged) if isinstance(time, datetime)]
    times = [datetime.min, *(time for time in judged if isinstance(time, datetime)), datetime.max]
    n_falling = sum(a > b for a, b in pairwise(times))
    result = list(judged)
    if n_falling <= _MAX_FALLING * len(at):
        for i, before, time, after in zip(at, times, times[1:], times[2:], strict=False):
            if before <= after and not before <= time <= after:
                result[i] = (
                    f"{time:%Y-%m-%d %H:%M:%S}: not between its neighbours {before:%Y-%m-%d} and {after:%Y-%m-%d}"
                )
    return result
