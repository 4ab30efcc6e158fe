import json

import numpy as np
import pandas as pd
import pytest

from leopardnet.records.encounters.encounter_settings import load_encounter_settings
from leopardnet.records.encounters.repeated_captures import find_repeated_captures, scan_stations
from planted_records import plant

NIGHT = ("2021-12-30 20:00", "2021-12-31 01:00", "2021-12-31 06:00", "2021-12-31 18:00")
QUIET = ("2021-10-05 10:00", "2021-11-01 10:00", "2021-11-20 10:00", "2022-01-10 10:00")


def work(*stations, start="2021-10-01", end="2022-01-29"):
    table = pd.DataFrame({"station": list(stations), "start": start, "end": end})
    return table.astype({"start": "datetime64[us]", "end": "datetime64[us]"})


def season(*more, told=None):
    rows = [("A", at, dict(told or {})) for at in NIGHT]
    return plant(*rows, *(("B", at) for at in QUIET), *more)


def test_a_station_with_four_captures_in_a_day_is_worth_a_visit_and_says_no_more():
    hints = find_repeated_captures(season(), work("A", "B"))
    assert hints["station"].tolist() == ["A"]
    row = hints.iloc[0]
    assert (row["words"], row["state"], row["label"]) == ("worth a visit", "confirmed", "leopard")
    assert (row["n_captures"], row["n_confirmed"], row["n_suspected"], row["n_history"]) == (4, 4, 0, 4)
    assert (row["start"], row["end"]) == (pd.Timestamp(NIGHT[0]), pd.Timestamp(NIGHT[3]))
    assert row["span_days"] == pytest.approx(22 / 24)
    assert row["camera_days"] == 120 and row["expected"] == 0 and row["p_value"] <= 0.01 and row["n_looked_at"] == 2
    assert json.loads(row["record_ids"]) == ["r0", "r1", "r2", "r3"]
    assert row[["n_alarm_calls", "n_prey", "n_prey_suspected"]].isna().all(), "nobody looked"


def test_what_the_history_leads_to_expect_comes_from_the_rest_of_it():
    rows = [("A", at) for at in (*QUIET, *NIGHT)]
    row = find_repeated_captures(plant(*rows), work("A")).iloc[0]
    assert row["n_history"] == 8 and row["expected"] == pytest.approx(4 * (22 / 24) / (120 - 22 / 24))


def test_a_burst_of_clips_is_one_capture():
    rows = [("A", pd.Timestamp(NIGHT[0]) + pd.Timedelta(minutes=2 * i)) for i in range(20)]
    table = scan_stations(plant(*rows), work("A"))
    assert table[["words", "n_captures", "n_history"]].to_numpy().tolist() == [["too few captures", 0, 1]]
    assert table["p_value"].isna().all() and len(find_repeated_captures(plant(*rows), work("A"))) == 0


def test_suspected_records_give_a_suspected_hint_and_are_counted_apart():
    suspected = find_repeated_captures(season(told={"state": "suspected"}), work("A", "B")).iloc[0]
    assert (suspected["state"], suspected["n_confirmed"], suspected["n_suspected"]) == ("suspected", 0, 4)
    mixed = season(("A", "2021-12-31 12:00", {"state": "suspected"}))
    table = scan_stations(mixed, work("A", "B"))
    assert table.groupby("station")["state"].agg(list).to_dict() == {
        "A": ["confirmed", "suspected"],
        "B": ["confirmed"],
    }
    hints = find_repeated_captures(mixed, work("A", "B"))
    assert hints["state"].tolist() == ["confirmed"] and hints["n_captures"].tolist() == [4]
    assert len(find_repeated_captures(season(told={"state": "refuted"}), work("A", "B"))) == 0


def test_time_without_work_is_no_history():
    """Three captures in three days are news in a season, and none if the camera worked for four days."""
    rows = [("A", f"2021-12-{day} 12:00") for day in (28, 29, 30)]
    assert len(find_repeated_captures(plant(*rows), work("A"))) == 1
    short = scan_stations(plant(*rows), work("A", start="2021-12-27", end="2021-12-31"))
    assert short["words"].tolist() == ["chance explains it"] and short["camera_days"].tolist() == [4.0]


def test_captures_outside_the_periods_of_work_are_counted_and_named():
    table = scan_stations(season(), work("A", "B", end="2021-12-31")).set_index("station")
    assert table["n_outside"].to_dict() == {"A": 3, "B": 1} and table["n_history"].to_dict() == {"A": 1, "B": 3}
    none = scan_stations(season(), work())
    assert none["words"].unique().tolist() == ["no period of work is known of the station"]
    assert none["n_outside"].tolist() == [4, 4] and none["camera_days"].isna().all()


def test_two_cameras_of_a_station_work_at_the_same_time_once():
    table = scan_stations(season(), pd.concat([work("A", "B"), work("A", end="2021-11-30")]))
    assert table["camera_days"].tolist() == [120.0, 120.0]


def test_periods_may_name_sites_and_stations_of_two_owners_are_two():
    by_site = work("A", "B").rename(columns={"station": "site"})
    assert len(find_repeated_captures(season(), by_site)) == 1
    others = season(*(("A", at, {"owner": "college"}) for at in QUIET))
    hints = find_repeated_captures(others, work("A", "B"))
    assert hints[["station", "owner", "n_history"]].to_numpy().tolist() == [["A", "reserve", 4]]
    of_one = work("A", "B").assign(owner="college")
    assert set(scan_stations(season(), of_one)["words"]) == {"no period of work is known of the station"}
    ownerless = season()
    ownerless["owner"] = None
    assert find_repeated_captures(ownerless, work("A", "B"))["owner"].isna().tolist() == [True]


def test_alarm_calls_and_prey_stand_beside_a_hint_and_do_not_change_it():
    deer = {"label": "sika_deer"}
    records = season(
        ("A", "2021-12-30 10:00", deer),
        ("A", "2021-12-30 10:10", deer),  # the same event
        ("A", "2021-12-31 10:00", deer | {"state": "suspected"}),
        ("A", "2021-12-31 10:00", deer | {"state": "refuted"}),
        ("A", "2022-01-05 10:00", deer),  # long after
        ("B", "2021-12-31 10:00", deer),
    )
    calls = pd.DataFrame({"station": ["A", "A", "A", "B"], "owner": ["reserve", "reserve", "college", "reserve"]})
    calls["captured_at"] = pd.to_datetime(
        ["2021-12-30 19:59", "2021-11-30 19:59", "2021-12-30 19:59", "2021-12-30 19:59"]
    )
    calls["is_confirmed"] = [True, True, True, True]
    hints = find_repeated_captures(records, work("A", "B"), calls=calls)
    beside = ["n_alarm_calls", "n_alarm_calls_suspected", "n_prey", "n_prey_suspected"]
    assert hints[beside].to_numpy().tolist() == [[1, 0, 1, 1]]
    calls["is_confirmed"] = [False, True, True, True]
    hints = find_repeated_captures(records, work("A", "B"), calls=calls)
    assert hints[beside].to_numpy().tolist() == [[0, 1, 1, 1]]
    alone = find_repeated_captures(season(), work("A", "B"))
    assert hints["p_value"].tolist() == alone["p_value"].tolist() and set(hints["label"]) == {"leopard"}


def test_records_that_say_no_place_or_time_and_no_records_at_all_give_no_hint():
    records = season()
    assert len(scan_stations(records.assign(captured_at=pd.NaT), work("A", "B"))) == 0
    assert len(scan_stations(records.assign(station=None), work("A", "B"))) == 0
    assert len(find_repeated_captures(plant(), work("A"))) == 0


def test_the_same_question_has_the_same_answer_whatever_the_order_of_rows():
    settings = load_encounter_settings()
    records, periods = season(), work("A", "B")
    first = scan_stations(records, periods, settings)
    again = scan_stations(records.sample(frac=1, random_state=1), periods.iloc[::-1], settings)
    assert first.equals(again) and np.isfinite(first["p_value"]).all()
