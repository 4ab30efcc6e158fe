"""Date and time of day in the text of a banner."""

from datetime import datetime

import pytest

from leopardnet.data.scan.banner.banner_stamp import Stamp, find_stamp
from leopardnet.media.banner_text import UNREAD


@pytest.mark.parametrize(
    ("rows", "date", "clock"),
    [
        (["2015-05-07 11:44:05 PM M 1/3 7°C", "HC500 HYPERFIRE"], "2015-05-07", "11:44:05 PM"),
        (["MOULTRIE 45℉ 08 / 10/2016 04:19PM NW1 15"], "08/10/2016", "04:19 PM"),
        (["HCO ScoutGuard 04.28.2013 00:52:31"], "04/28/2013", "00:52:31"),
        (["STEALTH CAM 13:32 04/04/2019 12C"], "04/04/2019", "13:32"),
        (["15:34 18/05/20 22C"], "18/05/20", "15:34"),
        (["21°C 29.69inHg SECTEUR-NOR 08 OCT 2018 04:36 pm"], "08 OCT 2018", "04:36 PM"),
        (["Jan 5, 2021", "3:04 PM"], "5 JAN 2021", "3:04 PM"),  # on two lines
        (["2014-07-0112:41:20"], "2014-07-01", "12:41:20"),  # the space is not seen
        (["11/5/20216:01AM"], "11/5/2021", "6:01 AM"),
        (["MOULTRIE 87℃08/27/2016 01:55AM ¿"], "08/27/2016", "01:55 AM"),
        (["096F 35C05/27/2021 12:47:59"], "05/27/2021", "12:47:59"),
        (["19:11 21/10/19 ¿ STEALTH CAM"], "21/10/19", "19:11"),
        (["15:3418/05/20"], None, None),  # 34 or 3418
        (["２０１９年07月05日 下午 02:41:55"], "2019-07-05", "02:41:55 PM"),
        (["AM 2:41 05/07/2019"], "05/07/2019", "2:41 AM"),
    ],
)
def test_stamps_of_many_cameras(rows, date, clock):
    assert find_stamp(rows) == (Stamp(date, clock) if date else None)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        ["RECONYX"],
        ["2014-07-01 7°C"],  # no clock
        ["28 21:59"],  # no month
        ["2014-07-01 23:0028"],  # a colon was not seen
        ["2014-07-01 10:00:00 2014-07-02"],  # which?
        ["2014-07-01 10:00", "11:00"],
        ["2014-07-01 10:00:00:00"],
        ["12014-07-01 10:00"],
        ["07/05/2014 04:19PH"],  # PM in bad print
        ["07/05/2014 04:19 PH"],
        ["2016-03-24 10:30:12 AMM 3/10"],
        ["2016-03-24 10:30."],  # more follows
        ["C07/05/2014 04:19"],  # a C that may be a digit
        ["07/05/2014 04:19 AMUR"],
        ["PM", "07/05/2014 04:19"],  # PM that may belong to it
        [f"07/05/2014 04:19 {UNREAD}"],
        ["8 ОКТ 2018 04:36"],  # Cyrillic letters are not in the weights, so none is accepted
        ["8 OKT 2018 04:36"],
    ],
)
def test_what_is_not_whole_and_undoubted_is_no_stamp(rows):
    assert find_stamp(rows) is None


def test_a_short_year_may_stand_first_or_last():
    stamp = Stamp("18/05/20", "15:34")
    assert stamp.parse("dmy") == datetime(2020, 5, 18, 15, 34)
    assert stamp.parse("ymd") == datetime(2018, 5, 20, 15, 34)
    assert stamp.parse("mdy") is None


def test_a_long_year_shows_its_place():
    assert Stamp("05/06/2014", "15:34").parse("ymd") is None
    assert {Stamp("2014-05-06", "0:34").parse(order) for order in ("dmy", "mdy")} == {datetime(2014, 5, 6, 0, 34)}
    assert Stamp("2014-05-36", "0:34").parse("dmy") is None
