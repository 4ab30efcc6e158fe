"""Times and dates in the ways in which they are written."""

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leopardnet.data.reading.clock_time import (
    find_date_orders,
    is_ambiguous_date,
    parse_clock,
    parse_offset,
    settle_date_order,
)

EVENING = datetime(2023, 8, 22, 21, 6, 26)


@pytest.mark.parametrize(
    "text",
    [
        "2023:08:22 21:06:26",
        "2023-08-22T21:06:26",
        "2023/8/22 09:06:26 PM",
        "2023:08:22 09:06:26pm",
        "2023-08-22 9:06:26 p.m.",
        "22.08.2023 21:06:26",
        "22.8.2023, 21:06:26",
        "22-Aug-2023 21:06:26",
        "Tue, 22 Aug 2023 21:06:26",
        "TUE AUG 22 21:06:26 2023\n\0",
        "Aug 22 09:06:26 PM 2023",
        "20230822T210626",
        "20230822 210626",
        "  2023:08:22 21:06:26\0left over",
    ],
)
def test_one_moment_in_many_forms(text):
    assert parse_clock(text) == EVENING


@pytest.mark.parametrize(
    ("text", "hours"),
    [("+10:00", 10), (" +1000", 10), ("+10", 10), ("Z", 0), (" UTC", 0), ("-03:30", -3.5), (" PM -05:00", -5)],
)
def test_a_stated_offset_is_kept(text, hours):
    clock = "09:06:26" if "PM" in text else "21:06:26"
    zone = timezone(timedelta(hours=hours))
    assert parse_clock(f"2023-08-22 {clock}{text}") == EVENING.replace(tzinfo=zone)
    assert parse_offset(text.replace(" PM", "")) == zone


@pytest.mark.parametrize(
    "text",
    [
        "",
        "    :  :     :  :  ",
        "0000:00:00 00:00:00",
        "2023:02:30 10:00:00",
        "2023:08:22 24:08:19",
        "2023:08:22 21:60:00",
        "2023:08:22 21:06:26 PM",
        "2023:08:22 00:06:26 AM",
        "2023:08:22 21:06:26 +99:00",
        "2023:08:22 21:06:26 +10:75",
        "2023:08:22 21:06:26 h",
        "x 2023:08:22 21:06:26",
        "2023:08:22 21:06:2",
        "2023-08-22",
        "22 Foo 2023 10:00:00",
        "5/1/2023 10:00",
        "22.08.23 10:00",
    ],
)
def test_what_is_not_understood_whole_is_no_time(text):
    assert parse_clock(text) is None


def test_day_and_month_in_the_order_that_is_given():
    assert parse_clock("5/1/2023 10:00", date_order="dmy") == datetime(2023, 1, 5, 10)
    assert parse_clock("5/1/2023 10:00 PM", date_order="mdy") == datetime(2023, 5, 1, 22)
    assert parse_clock("5/31/2023 10:00", date_order="dmy") is None


@pytest.mark.parametrize(
    ("texts", "orders"),
    [
        (["5/1/2023", "31/1/2023 10:00"], {"dmy"}),
        (["5/1/2023", "1-31-2023"], {"mdy"}),
        (["5/5/2023", "2023-05-01", ""], {"dmy", "mdy"}),
        (["31/1/2023", "1/31/2023"], set()),
        ([], {"dmy", "mdy"}),
    ],
)
def test_the_order_of_day_and_month_in_a_column(texts, orders):
    assert find_date_orders(texts) == orders
    assert settle_date_order(texts) in (orders or {None})
    assert settle_date_order([*texts, "4/1/2023"]) == (orders.pop() if len(orders) == 1 else None)


def test_ambiguous_dates():
    texts = ("5/1/2023 10:00", "5/5/2023", "13/5/2023", "2023-05-01", "1.5.2023")
    assert [t for t in texts if is_ambiguous_date(t)] == ["5/1/2023 10:00"]


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), st.sampled_from([None, -720, -210, 0, 345, 840]))
def test_iso_times_come_back(time, minutes):
    time = time.replace(tzinfo=None if minutes is None else timezone(timedelta(minutes=minutes)))
    assert parse_clock(time.isoformat()) == parse_clock(time.isoformat(sep=" ")) == time


@given(st.text(max_size=40))
def test_no_text_raises(text):
    assert parse_clock(text, date_order="mdy") is None or isinstance(parse_clock(text, date_order="mdy"), datetime)
    parse_offset(text), is_ambiguous_date(text), find_date_orders([text])
