"""The deployments table: zones, clocks, sites and periods."""

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.data.scan.deployments import apply_deployments, is_outside_period, read_deployments

NOON = datetime(2024, 5, 3, 12, 0, 0)


@pytest.fixture
def write(tmp_path):
    def csv(text):
        path = tmp_path / "deployments.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return csv


def rows(**columns):
    n = len(next(iter(columns.values())))
    base = {"path": [f"{i}.jpg" for i in range(n)], "kind": "still", "captured_at": [NOON] * n}
    return Manifest.from_rows(pd.DataFrame({**base, **columns}), Path()).table


def test_a_whole_table_is_read(write):
    t = read_deployments(
        write(
            "deployment,site,latitude,longitude,time_zone,start,end,clock_correction,note\n"
            "d1,north,43.1,131.5,Asia/Vladivostok,2024-05-01,2024-06-01 10:00:00,-3600,x\n"
            "d2,,,,+10:00,,,,\n"
        )
    )
    assert t["clock_correction_s"].tolist() == [-3600.0, 0.0]
    assert t["start"][0] == datetime(2024, 5, 1) and t["end"][0] == datetime(2024, 6, 1, 10)
    assert t["latitude"][0] == 43.1 and pd.isna(t["latitude"][1])
    assert "note" not in t.columns


@pytest.mark.parametrize(
    ("head", "cells", "seconds"),
    [
        ("clock_correction", '"2015-01-01 00:03:00, 2015-01-02 00:03:10"', 86410.0),
        ("clock_correction", "+90.5", 90.5),
        ("camera_time,true_time", "2024-05-03 13:00:00,2024-05-03 12:00:00", -3600.0),
        ("camera_time,true_time", ",", 0.0),
    ],
)
def test_corrections_as_seconds_or_as_a_pair(write, head, cells, seconds):
    assert read_deployments(write(f"deployment,{head}\nd1,{cells}\n"))["clock_correction_s"].tolist() == [seconds]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name\nx\n", "not a deployments table"),
        ("deployment,clock_correction\nd1,soon\n", "clock correction cannot be read"),
        ("deployment,camera_time,true_time\nd1,2024-05-03 13:00:00,\n", "clock correction cannot be read"),
        (
            "deployment,clock_correction,camera_time,true_time\nd1,5,2024-05-03 13:00:00,2024-05-03 13:00:00\n",
            "two clock corrections",
        ),
        ("deployment,time_zone\nd1,Mars/Olympus\n", "row 1, column time_zone"),
        ("deployment,start,end\nd1,2024-05-03,2024-05-01\n", "ends before it starts"),
        ("deployment,start\nd1,spring\n", "date cannot be read"),
        ("deployment,latitude\nd1,43N\n", "coordinate cannot be read"),
        ("deployment,latitude\nd1,431\n", "between -90 and 90"),
        ("deployment\nd1\nd1\n", "same deployment twice"),
        ('deployment\n""\n', "deployment"),
    ],
)
def test_wrong_tables_are_refused_with_their_place(write, text, message):
    with pytest.raises(ManifestError, match=message):
        read_deployments(write(text))


def test_clock_zone_and_site_are_applied_and_unknown_deployments_listed(write):
    places = read_deployments(write("deployment,site,time_zone,clock_correction\nd1,north,Asia/Vladivostok,3600\n"))
    t = rows(deployment=["d1", "d2", None, "d2"])
    applied = apply_deployments(t, places)
    assert applied.table["captured_at"].tolist() == [datetime(2024, 5, 3, 13), NOON, NOON, NOON]
    assert applied.table["time_zone"].tolist()[0] == "Asia/Vladivostok"
    assert applied.table["time_zone"].isna().tolist() == [False, True, True, True]
    assert applied.table["site"].tolist()[0] == "north" and applied.table["site"].isna().sum() == 3
    assert applied.unknown == {"d2": 2}
    assert t["site"].isna().all(), "the given table stays as it was"


def test_a_time_in_utc_becomes_local_time(write):
    places = read_deployments(write("deployment,time_zone,clock_correction\nd1,Asia/Vladivostok,60\n"))
    applied = apply_deployments(rows(deployment=["d1"], time_zone=["+00:00"]), places)
    assert applied.table["captured_at"].tolist() == [datetime(2024, 5, 3, 22, 1)]
    assert applied.table["time_zone"].tolist() == ["Asia/Vladivostok"]


def test_deployments_of_one_name_are_told_apart_by_their_site(write):
    places = read_deployments(write("deployment,site,clock_correction\ncheck1,north,60\ncheck1,south,120\n"))
    applied = apply_deployments(rows(deployment=["check1"] * 4, site=["south", "north", None, "west"]), places)
    assert [t.minute for t in applied.table["captured_at"]] == [2, 1, 0, 0]
    assert applied.unknown == {"check1": 1, "west/check1": 1}


def test_a_time_outside_of_the_period_is_found_and_the_last_day_counts_whole(write):
    places = read_deployments(
        write("deployment,start,end\nd1,2024-05-03,2024-05-03\nd2,2024-05-04,\nd3,,2024-05-02\nd4,,\n")
    )
    t = rows(deployment=["d1", "d2", "d3", "d4", "d9", None])
    assert is_outside_period(t, places).tolist() == [False, True, True, False, False, False]
    late = t.assign(captured_at=pd.Series([datetime(2024, 5, 3, 23, 59)] * 6, dtype="datetime64[us]"))
    assert not is_outside_period(late, places)[0]


def test_rows_without_a_time_stay_without_one(write):
    places = read_deployments(write("deployment,time_zone,clock_correction\nd1,+10:00,60\n"))
    t = rows(deployment=["d1"]).assign(captured_at=pd.Series([None], dtype="datetime64[us]"))
    applied = apply_deployments(t, places).table
    assert applied["captured_at"].isna().all() and applied["time_zone"].isna().all()
