"""The stamps of a card judged together."""

from datetime import datetime

import pytest

from leopardnet.data.scan.banner.banner_card import judge_card
from leopardnet.data.scan.banner.banner_stamp import Stamp

NOW = datetime(2025, 6, 1)


def judge(*texts, **options):
    return judge_card([Stamp(*text.split(" ", 1)) for text in texts], now=NOW, **options)


def test_no_stamps():
    assert judge() == []


@pytest.mark.parametrize(
    ("witness", "expected"),
    [("05/27/2014 10:00", datetime(2014, 4, 3, 9, 0)), ("27/05/2014 10:00", datetime(2014, 3, 4, 9, 0))],
)
def test_a_date_above_12_settles_the_order_of_a_card(witness, expected):
    assert judge("04/03/2014 09:00", witness)[0] == expected


def test_without_such_a_date_both_orders_remain_and_only_equal_dates_are_taken():
    assert judge("04/03/2014 09:00", "05/05/2014 10:00") == [
        "04/03/2014 09:00: day or month first? Give --banner-dates or date_order",
        datetime(2014, 5, 5, 10, 0),
    ]


def test_the_order_may_be_given():
    assert judge("04/03/2014 09:00", date_order="dmy") == [datetime(2014, 3, 4, 9, 0)]
    assert judge("04/03/2014 09:00", date_order="mdy") == [datetime(2014, 4, 3, 9, 0)]
    assert judge("27/05/2014 09:00", date_order="mdy") == ["27/05/2014 09:00: no such time in the past"]


def test_among_many_dates_one_alone_settles_nothing():
    few = [f"0{day}/03/2014 09:00" for day in range(1, 10)]
    refused = judge(*few, "13/03/2014 09:00")
    assert refused[0] == "01/03/2014 09:00: day or month first? Give --banner-dates or date_order" and refused[
        -1
    ] == datetime(2014, 3, 13, 9)
    settled = judge(*few, "13/03/2014 09:00", "14/03/2014 09:00")
    assert settled[0] == datetime(2014, 3, 1, 9)


def test_contradicting_dates_settle_nothing():
    judged = judge("27/05/2014 09:00", "05/28/2014 09:00", "06/07/2014 09:00")
    assert judged == [
        datetime(2014, 5, 27, 9),
        datetime(2014, 5, 28, 9),
        "06/07/2014 09:00: day or month first? Give --banner-dates or date_order",
    ]


def test_a_short_year_needs_a_date_that_excludes_year_month_day():
    assert judge("18/05/20 09:00")[0] == "18/05/20 09:00: day or month first? Give --banner-dates or date_order"
    assert judge("18/05/20 09:00", "27/05/20 09:00") == [datetime(2020, 5, 18, 9), datetime(2020, 5, 27, 9)]
    assert judge("10/16/19 09:00") == [datetime(2019, 10, 16, 9)]


def test_times_that_do_not_exist_or_lie_ahead_are_refused():
    assert judge("2014-02-30 09:00", "2014-00-25 09:00", "2025-07-01 09:00", "2014-02-03 24:00") == [
        f"{text}: no such time in the past"
        for text in ("2014-02-30 09:00", "2014-00-25 09:00", "2025-07-01 09:00", "2014-02-03 24:00")
    ]
    assert judge("2025-06-01 20:00") == [datetime(2025, 6, 1, 20)]  # within a day, because of time zones


def test_a_stamp_that_lacks_what_the_others_have_is_refused():
    lost_half = judge("2014-07-01 09:00 PM", "2014-07-01 09:05 PM", "2014-07-01 09:07")
    assert lost_half[2] == "2014-07-01 09:07: written otherwise than the rest of its card"
    lost_zero = judge("01/17/2014 09:00", "1/18/2014 09:00", "01/19/2014 09:00")
    assert isinstance(lost_zero[1], str) and lost_zero[2] == datetime(2014, 1, 19, 9)
    lost_hour = judge("2014-07-01 09:00:00", "2014-07-01 1:05:00")
    assert isinstance(lost_hour[1], str)


def test_of_two_forms_of_equal_count_the_longer_one_stays():
    judged = judge("2014-07-01 09:00 PM", "2014-07-01 09:07")
    assert judged[0] == datetime(2014, 7, 1, 21) and isinstance(judged[1], str)


def test_an_hour_of_one_digit_without_half_is_doubtful_unless_the_clock_has_24_hours():
    assert isinstance(judge("2014-07-01 9:07")[0], str)
    assert judge("2014-07-01 9:07", "2014-07-01 21:07") == [datetime(2014, 7, 1, 9, 7), datetime(2014, 7, 1, 21, 7)]


def test_one_time_outside_of_its_neighbours_is_refused():
    texts = [f"2014-07-{day:02} 10:00" for day in range(1, 13)]
    texts[5] = "2014-07-26 10:00"
    judged = judge(*texts)
    assert judged[5] == "2014-07-26 10:00:00: not between its neighbours 2014-07-05 and 2014-07-07"
    assert [i for i, time in enumerate(judged) if isinstance(time, str)] == [5]


def test_a_clock_that_was_reset_in_between_is_kept():
    texts = [f"2014-07-{day:02} 10:00" for day in range(1, 13)] + [f"2010-01-0{day} 10:00" for day in range(1, 9)]
    assert all(isinstance(time, datetime) for time in judge(*texts))


def test_files_whose_names_are_in_no_order_of_time_are_kept():
    days = [5, 1, 9, 2, 8, 3]
    assert judge(*(f"2014-07-0{day} 10:00" for day in days)) == [datetime(2014, 7, day, 10) for day in days]
