"""First records: against confirmed earlier ones alone, with what clocks and places leave open."""

import pandas as pd
import pytest

from leopardnet.records.first_records import add_firsts
from leopardnet.records.record_settings import load_notable
from leopardnet.records.record_table import fill_records
from season_tables import records_of

HERE = {"latitude": 43.10001, "longitude": 131.40001, "site": "s1"}
NEAR = {"latitude": 43.20001, "longitude": 131.40001, "site": "s2"}  # 11.1 km north
FAR = {"latitude": 44.10001, "longitude": 131.40001, "site": "s3"}  # 111.1 km north
CONFIRMED = {"state": "confirmed", "by": "AB"}


def at(day, time="10:00"):
    return {"at_utc": pd.Timestamp(f"{day} {time}"), "captured_at": pd.Timestamp(f"{day} {time}")}


def firsts(*rows, column="first_in_area", **options):
    found = add_firsts(records_of(*rows), **options)
    return found[column].astype(object).where(found[column].notna(), None).tolist()


def test_only_confirmed_records_make_a_later_one_no_first():
    confirmed = ({**HERE, **CONFIRMED, **at("2020-01-01")}, {**HERE, **at("2020-06-01")})
    assert firsts(*confirmed) == [True, False] == firsts(*confirmed, column="first_at_site")
    suspected = ({**HERE, **at("2020-01-01")}, {**HERE, **CONFIRMED, **at("2020-06-01")})
    assert firsts(*suspected) == [True, True]
    refuted = ({**HERE, **at("2020-01-01"), "state": "refuted"}, {**FAR, **CONFIRMED, **at("2020-06-01")})
    found = add_firsts(records_of(*refuted))
    assert found["is_notable"].tolist() == [False, True]


def test_site_and_area_differ():
    rows = ({**HERE, **CONFIRMED, **at("2020-01-01")}, {**NEAR, **at("2020-06-01")}, {**FAR, **at("2020-06-01")})
    assert firsts(*rows) == [True, False, True]
    assert firsts(*rows, column="first_at_site") == [True, True, True]
    narrow = load_notable().model_copy(update={"area_km": 10.0})
    assert firsts(*rows, settings=narrow) == [True, True, True]


def test_another_label_is_no_history():
    rows = ({**HERE, **CONFIRMED, **at("2020-01-01"), "label": "tiger"}, {**HERE, **at("2020-06-01")})
    assert firsts(*rows) == [True, None], "nothing to compare with"


def test_without_any_confirmed_record_nothing_is_first():
    found = add_firsts(records_of({**HERE, **at("2020-01-01")}))
    assert pd.isna(found["first_in_area"][0]) and not found["is_notable"][0]


def test_the_nearest_earlier_record_and_the_years_since_the_last():
    rows = (
        {**NEAR, **CONFIRMED, **at("2014-01-01")},
        {**FAR, **CONFIRMED, **at("2012-01-01")},
        {**HERE, **at("2021-01-01")},
        {**FAR, **at("2013-01-01")},
    )
    found = add_firsts(records_of(*rows))
    assert found["nearest_record_id"].fillna("").tolist() == ["r1", "", "r0", "r1"]
    assert found["nearest_record_km"].fillna(-1).round(1).tolist() == [100.0, -1, 11.1, 0.0]
    assert found["first_in_years"].round(2).fillna(-1).tolist() == [-1, -1, 7.0, 1.0]
    assert found["rules"].fillna("").tolist() == ["first_in_area", "first_in_area", "first_in_years", ""]


def test_a_gap_of_years_needs_clocks_that_something_speaks_for():
    rows = ({**HERE, **CONFIRMED, **at("2012-01-01")}, {**NEAR, **CONFIRMED, **at("2015-01-01")})
    rows = (*rows, {**HERE, **at("2021-01-01")})
    for unchecked, years in (((), 6.0), (["c0"], 6.0), (["c1"], -1), (["c2"], -1)):
        found = add_firsts(records_of(*rows), unchecked=unchecked)
        assert found["first_in_years"].fillna(-1).round(2).iloc[2] == years


# --- what cannot be told ---


def test_records_that_may_be_of_one_time_share_the_first():
    rows = ({**HERE, **CONFIRMED, **at("2020-01-01", "10:00")}, {**NEAR, **CONFIRMED, **at("2020-01-01", "20:00")})
    assert firsts(*rows) == [True, True], "a clock of which nothing is known may be a day wrong"
    sure = [{**row, "clock_uncertainty_s": 60.0} for row in rows]
    assert firsts(*sure) == [True, False]


def test_an_unknown_time_leaves_it_open_and_is_to_be_checked():
    rows = ({**HERE, **CONFIRMED}, {**NEAR, **at("2020-06-01")}, {**FAR, **at("2020-06-01")})
    assert firsts(*rows) == [True, None, True]
    assert firsts(*rows, column="unclear") == [None, "first_cannot_tell", None]
    assert firsts(*rows, column="is_notable") == [True, False, True], "what cannot be told is no alert"
    strict = load_notable().model_copy(update={"notable": ("first_cannot_tell",), "to_check": ()})
    assert firsts(*rows, column="is_notable", settings=strict) == [False, True, False]
    both = ({**HERE, **CONFIRMED, **at("2020-01-01")}, {**NEAR})
    assert firsts(*both) == [True, None]
    earlier = (*rows, {**HERE, **CONFIRMED, **at("2010-01-01")})
    assert firsts(*earlier)[:2] == [None, False], "one that is certainly earlier is enough"


def test_a_confirmed_record_without_a_place_may_have_been_in_the_area():
    rows = ({**CONFIRMED, **at("2010-01-01"), "site": "s9"}, {**HERE, **at("2020-06-01")})
    assert firsts(*rows) == [None, None] and firsts(*rows, column="first_at_site") == [True, True]
    later = ({**CONFIRMED, **at("2022-01-01"), "site": "s9"}, {**HERE, **at("2020-06-01")})
    assert firsts(*later) == [None, True]


def test_a_place_that_may_lie_in_the_area_leaves_it_open():
    edge = {"latitude": 43.33001, "longitude": 131.40001, "site": "s2", "coordinate_uncertainty_m": 2_000.0}
    rows = ({**HERE, **CONFIRMED, **at("2010-01-01")}, {**edge, **at("2020-06-01")})  # 25.55 km north
    assert firsts(*rows) == [True, None]
    assert firsts(rows[0], {**rows[1], "coordinate_uncertainty_m": 200.0}) == [True, True]


def test_without_a_place_only_the_site_is_compared():
    rows = ({**HERE, **CONFIRMED, **at("2010-01-01")}, {"site": "s1", **at("2020-06-01")})
    found = add_firsts(records_of(*rows))
    assert found["first_at_site"].tolist() == [True, False] and pd.isna(found["first_in_area"][1])
    assert not found["is_notable"][1]


# --- seasons and rules ---


def test_earlier_seasons_are_history():
    now = {**HERE, **at("2021-06-01")}
    old = records_of({**HERE, **CONFIRMED, **at("2012-06-01"), "record_id": "old"})
    found = add_firsts(records_of(now), earlier=old)
    assert found["nearest_record_id"].tolist() == ["old"] and found["first_in_years"][0] == pytest.approx(
        9, abs=0.01
    )
    again = add_firsts(records_of({**now, **CONFIRMED}), earlier=records_of({**now, **CONFIRMED}))
    assert again["first_in_area"].tolist() == [True], "the same record twice is not its own history"


def test_inside_the_range_a_first_in_the_area_is_expected():
    rows = ({**FAR, **CONFIRMED, **at("2010-01-01")}, {**HERE, **at("2020-06-01")})
    records = records_of(*rows).assign(range_status=["inside", "inside"])
    assert add_firsts(records)["is_notable"].tolist() == [False, False]
    beyond = add_firsts(records.assign(range_status="beyond_barrier"))
    assert beyond["rules"].iloc[1] == "beyond_barrier + outside_range + first_in_area"
    open_ = add_firsts(records.assign(range_status="cannot_tell"))
    assert not open_["is_notable"].any()
    assert open_["unclear"].tolist() == ["range_cannot_tell + first_cannot_tell"] * 2
    refuted = add_firsts(records.assign(range_status="cannot_tell", state="refuted"))
    assert refuted["unclear"].isna().all()
    one = load_notable().model_copy(update={"notable": ("first_at_site",)})
    assert add_firsts(records, settings=one)["rules"].tolist() == ["first_at_site"] * 2


def test_no_record_at_all_has_every_column():
    empty = fill_records(records_of({**HERE}).iloc[:0])
    assert list(add_firsts(empty).columns) == list(empty.columns) and len(add_firsts(empty)) == 0
