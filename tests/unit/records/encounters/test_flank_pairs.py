import numpy as np
import pandas as pd
import pytest

from leopardnet.records.encounters.encounter_settings import load_encounter_settings
from leopardnet.records.encounters.flank_pairs import find_flank_pairs
from planted_records import plant

LEFT, RIGHT = {"deployment": "A-left"}, {"deployment": "A-right"}


def pairs(*rows):
    table = find_flank_pairs(plant(*rows))
    return list(zip(table["record_id_1"], table["record_id_2"], table["is_together"], strict=True))


def test_two_cameras_of_one_station_within_a_minute_are_a_pair():
    records = plant(
        ("A", "2021-12-30 20:00:00", LEFT),
        ("A", "2021-12-30 20:01:00", RIGHT | {"state": "suspected", "clock_uncertainty_s": 0.0}),
        ("A", "2021-12-30 22:00:00", LEFT),
        ("A", "2021-12-30 22:01:01", RIGHT),
    )
    table = find_flank_pairs(records)
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["station"], row["owner"], row["label"], row["state"]) == ("A", "reserve", "leopard", "suspected")
    assert (row["deployment_1"], row["deployment_2"], row["path_2"]) == ("A-left", "A-right", "A/1.mp4")
    assert (row["apart_s"], row["clock_uncertainty_s"], row["is_together"]) == (60.0, 0.0, "yes")
    assert row["captured_at_1"] == pd.Timestamp("2021-12-30 20:00:00")
    records["state"] = "confirmed"
    assert find_flank_pairs(records)["state"].tolist() == ["confirmed"]


@pytest.mark.parametrize(
    ("seconds", "clock", "expected"),
    [
        (40, 10.0, "yes"),
        (41, 10.0, "cannot_tell"),
        (79, 10.0, "cannot_tell"),
        (81, 10.0, None),
        (0, np.nan, "cannot_tell"),
    ],
)
def test_clocks_that_may_be_wrong_leave_it_open(seconds, clock, expected):
    clocks = {"clock_uncertainty_s": clock}
    second = pd.Timestamp("2021-12-30 20:00") + pd.Timedelta(seconds=seconds)
    found = pairs(("A", "2021-12-30 20:00", LEFT | clocks), ("A", second, RIGHT | clocks))
    assert [x[2] for x in found] == ([expected] if expected else [])


@pytest.mark.parametrize(
    "second",
    [
        ("A", "2021-12-30 20:00:10", LEFT),
        ("B", "2021-12-30 20:00:10", RIGHT),
        ("A", "2021-12-30 20:00:10", RIGHT | {"label": "tiger"}),
        ("A", "2021-12-30 20:00:10", RIGHT | {"owner": "college"}),
        ("A", "2021-12-30 20:00:10", RIGHT | {"state": "refuted"}),
        ("A", "2021-12-30 20:00:10", {"deployment": None}),
        ("A", None, RIGHT),
    ],
)
def test_what_is_no_pair(second):
    assert pairs(("A", "2021-12-30 20:00:00", LEFT), second) == []


def test_every_record_is_in_one_pair_at_most_with_the_nearest():
    rows = [
        ("A", "2021-12-30 20:00:00", LEFT),
        ("A", "2021-12-30 20:00:20", RIGHT),
        ("A", "2021-12-30 20:00:25", LEFT),
        ("A", "2021-12-30 20:00:40", LEFT),
        ("A", "2021-12-30 20:01:30", RIGHT),
    ]
    assert pairs(*rows) == [("r1", "r2", "yes"), ("r3", "r4", "yes")]


def test_the_limit_is_a_setting_and_no_record_is_no_pair():
    records = plant(("A", "2021-12-30 20:00:00", LEFT), ("A", "2021-12-30 20:00:20", RIGHT))
    short = load_encounter_settings().model_copy(update={"flank_pair_s": 10.0})
    assert len(find_flank_pairs(records)) == 1 and len(find_flank_pairs(records, short)) == 0
    assert len(find_flank_pairs(plant())) == 0
