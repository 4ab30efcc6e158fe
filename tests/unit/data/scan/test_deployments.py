"""The deployments table: zones, clocks, sites and periods."""

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
import xlsxwriter

from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.data.reading.tables.date_form import DateForm
from leopardnet.data.scan.deployments import (
    apply_deployments,
    is_outside_period,
    read_deployments,
    read_deployments_table,
)

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
        ("deployment,clock_correction\nd1,1e300\n", r"longer than a hundred years(.|\n)*line 2"),
        ("deployment,clock_correction\nd1,-99999999999\n", r"longer than a hundred years(.|\n)*-99999999999"),
        ("deployment,camera_time,true_time\nd1,0001-01-01 10:00:00,2024-05-03 13:00:00\n", "longer than a hundred"),
        ("deployment,camera_time,true_time\nd1,2024-05-03 13:00:00,\n", "clock correction cannot be read"),
        (
            "deployment,clock_correction,camera_time,true_time\nd1,5,2024-05-03 13:00:00,2024-05-03 13:00:00\n",
            "two clock corrections",
        ),
        ("deployment,time_zone\nd1,Mars/Olympus\n", "line 2, column time_zone"),
        ("deployment,start,end\nd1,2024-05-03,2024-05-01\n", "ends before it starts"),
        ("deployment,start\nd1,spring\n", "date cannot be read"),
        ("deployment,latitude\nd1,43N\n", "coordinate cannot be read"),
        ("deployment,latitude\nd1,431\n", "line 2, column latitude"),
        ("deployment\nd1\nd1\n", "same deployment twice"),
        ("deployment,site\n,north\n", "names no deployment"),
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


def read_text(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "deployments.csv"
    path.write_bytes(text.encode(encoding))
    return read_deployments(path)


def test_a_table_from_a_german_or_russian_office_is_read(tmp_path):
    text = (
        "Deployment ;Site;Time Zone;START;end;Latitude;longitude;clock_correction\r\n"
        ";;;;;;;\r\n"
        "d1;Ключ;Asia/Vladivostok;01.05.2023 10:00;01.06.2023;43,1;131,4;-3600,5\r\n"
        "d2;Падь;;;;;;01.01.2016 00:00; 10.03.2023 09:00\r\n".replace("00:00; 10", "00:00, 10")
    )
    t = read_text(tmp_path, text, "cp1251")
    assert t["site"].tolist() == ["Ключ", "Падь"] and t["time_zone"][0] == "Asia/Vladivostok"
    assert (t["start"][0], t["end"][0]) == (datetime(2023, 5, 1, 10), datetime(2023, 6, 1, 23, 59, 59))
    assert (t["latitude"][0], t["longitude"][0], t["clock_correction_s"][0]) == (43.1, 131.4, -3600.5)
    assert t["clock_correction_s"][1] == (datetime(2023, 3, 10, 9) - datetime(2016, 1, 1)).total_seconds()


def test_a_note_tells_the_encoding_that_was_guessed(tmp_path):
    path = tmp_path / "d.csv"
    path.write_bytes("deployment,site\nd1,Ключ\n".encode("cp1251"))
    assert "read as cp1251" in read_deployments_table(path)[1][0]


def test_missing_values_of_r_are_empty_and_counted(tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("deployment,site,start,latitude,camera_time,true_time\nd1,NA,NA,NaN,NA,NA\n")
    table, notes = read_deployments_table(path)
    assert table.drop(columns=["deployment", "clock_correction_s"]).isna().all(axis=None)
    assert notes == ("5 cells of d.csv such as NA were read as empty",)


def test_a_sheet_is_read_and_its_midnights_are_times_of_a_pair(tmp_path):
    path = tmp_path / "d.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet, style = book.add_worksheet(), book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        sheet.write_row(0, 0, ["deployment", "camera_time", "true_time", "end", "latitude"])
        sheet.write_string(1, 0, "d1")
        for j, time in enumerate([datetime(2016, 1, 1), datetime(2023, 3, 10, 9), datetime(2023, 6, 1)], start=1):
            sheet.write_datetime(1, j, time, style)
        sheet.write_number(1, 4, 43)
    t = read_deployments(path)
    assert t["clock_correction_s"][0] == (datetime(2023, 3, 10, 9) - datetime(2016, 1, 1)).total_seconds()
    assert t["end"][0] == datetime(2023, 6, 1, 23, 59, 59) and t["latitude"][0] == 43


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("5/1/2023 10:00,6/1/2023", "day and month can be mistaken"),
        ("5/31/2023,31/5/2023", "others with the month"),
        ("2023-05-01 10:00 +02:00,", "has an offset"),
        ("2023-05-01 25:00,", "date cannot be read"),
        ("2023-05-01 10:00 XM,", "date cannot be read"),
    ],
)
def test_dates_that_can_be_mistaken_are_refused(tmp_path, cells, message):
    with pytest.raises(ManifestError, match=message) as error:
        read_text(tmp_path, f"deployment,start,end\nd1,,\nd2,{cells}\n")
    assert "line 3, column start" in str(error.value)


def test_one_day_above_twelve_settles_the_order(tmp_path):
    t = read_text(tmp_path, "deployment,start,end\nd1,5/1/2023 10:00 PM,6/13/2023\n")
    assert (t["start"][0], t["end"][0]) == (datetime(2023, 5, 1, 22), datetime(2023, 6, 13, 23, 59, 59))
    assert read_text(tmp_path, "deployment,start\nd1,5/5/2023\n")["start"][0] == datetime(2023, 5, 5)


def test_clock_pairs_know_am_and_pm_and_offsets_of_both(tmp_path):
    text = "deployment,clock_correction\nd1,{}\n"
    pm = '"2024-05-03 01:00:00 PM, 2024-05-03 12:00:00"'
    assert read_text(tmp_path, text.format(pm))["clock_correction_s"][0] == -3600
    zones = '"2024-05-03 13:00:00+10:00, 2024-05-03 02:00:00Z"'
    assert read_text(tmp_path, text.format(zones))["clock_correction_s"][0] == -3600
    for wrong in ('"2024-05-03 13:00:00+10:00, 2024-05-03 12:00:00"', '"2024-05-03, 2024-05-04"'):
        with pytest.raises(ManifestError, match="line 2"):
            read_text(tmp_path, text.format(wrong))


def test_a_time_with_an_offset_becomes_local_time_of_its_deployment(tmp_path):
    places = read_text(tmp_path, "deployment,time_zone,start\nd1,Europe/Berlin,2024-05-03T10:00:00Z\n")
    assert places["start"][0] == datetime(2024, 5, 3, 12)
    applied = apply_deployments(rows(deployment=["d1"] * 3, time_zone=["+01:00", None, "+02:00"]), places).table
    assert [t.hour for t in applied["captured_at"]] == [13, 12, 12]
    assert set(applied["time_zone"]) == {"Europe/Berlin"}


# --- forms that the caller describes ---


@pytest.mark.parametrize(
    ("date_format", "cells"),
    [
        ("mdy", "5/1/2023 10:00,6/1/2023"),
        ("dmy", "1/5/2023 10:00,1/6/2023"),
        ("%m/%d/%y %H:%M", "5/1/23 10:00,6/1/23"),
        ("%d-%b-%y %I:%M %p", "01-May-23 10:00 AM,01-Jun-23"),
        ("%d/%m/%y %H:%M", "2023-05-01 10:00,1/6/23"),
    ],
)
def test_the_form_of_dates_can_be_given(write, date_format, cells):
    t = read_deployments(write(f"deployment,start,end\nd1,{cells}\n"), date_format=date_format)
    assert t["start"][0] == datetime(2023, 5, 1, 10) and t["end"][0] == datetime(2023, 6, 1, 23, 59, 59)


def test_a_clock_pair_is_read_in_the_given_form(write):
    table = write('deployment,clock_correction\nd1,"1/5/23 10:00; 1/5/23 11:00"\n')
    assert read_deployments(table, date_format="%d/%m/%y %H:%M")["clock_correction_s"][0] == 3600.0


@pytest.mark.parametrize("date_format", ["", "%H:%M", "%Q", "%d.%m", "yyyy-mm-dd", "ymd"])
def test_what_is_no_form_of_a_date_is_refused(date_format, write):
    with pytest.raises(ConfigError, match="no form of a date"):
        DateForm.parse(date_format)


def test_a_date_in_another_form_than_the_given_one_is_refused_with_its_line(write):
    with pytest.raises(ManifestError, match="line 3, column start"):
        read_deployments(write("deployment,start\nd1,5/1/2023\nd2,5/31/2023\n"), date_format="dmy")


def test_codes_and_missing_values_of_other_programs_in_names(write):
    t, notes = read_deployments_table(write("deployment,site\n1.0,7.0\n2.0,NA\n"))
    assert t["deployment"].tolist() == ["1", "2"] and t["site"][0] == "7" and pd.isna(t["site"][1])
    assert "column deployment of deployments.csv" in notes[1] and "column site" in notes[2]
    assert read_deployments(write("deployment,site\n001,a\n1.0,b\n"))["deployment"].tolist() == ["001", "1.0"]
    with pytest.raises(ManifestError, match="names no deployment"):
        read_deployments(write("deployment,site\nNA,a\nd2,b\n"))


def test_an_encoding_can_be_given(tmp_path):
    path = tmp_path / "deployments.csv"
    path.write_bytes("deployment,site\nd1,Łąka\n".encode("cp1250"))
    assert read_deployments(path, encoding="cp1250")["site"].tolist() == ["Łąka"]


def test_stations_owners_and_uncertainties_are_read(write):
    t = read_deployments(
        write(
            "deployment,station,camera,owner,coordinate_uncertainty_m,clock_uncertainty_s,exact_place\n"
            "d1,S1,7.0,Park,30,0,Yes\nd2,S1,8,Заповедник,,,нет\nd3,,,,1000,60,\n"
        )
    )
    assert t["camera"].tolist()[:2] == ["7", "8"] and t["owner"][1] == "Заповедник"
    assert t["coordinate_uncertainty_m"].tolist()[::2] == [30, 1000] and pd.isna(t["coordinate_uncertainty_m"][1])
    assert t["clock_uncertainty_s"].tolist()[::2] == [0, 60]
    assert t["exact_place"].tolist()[:2] == ["yes", "no"] and pd.isna(t["exact_place"][2])
    assert t["problems"].isna().all()


def test_periods_of_problems_are_joined(write):
    t = read_deployments(
        write(
            "Deployment,Problem1_from,Problem1_to,Problem2_from,Problem2_to\n"
            "d1,2021-12-01,2021-12-05,2021-12-20 10:00,\nd2,,,,\n"
        )
    )
    assert t["problems"][0] == "2021-12-01 00:00:00/2021-12-05 23:59:59; 2021-12-20 10:00:00/"
    assert pd.isna(t["problems"][1])


@pytest.mark.parametrize(
    "header, cell, words",
    [
        ("coordinate_uncertainty_m", "-5", "0 or more"),
        ("clock_uncertainty_s", "a minute", "0 or more"),
        ("exact_place", "perhaps", "neither yes nor no"),
        ("problem1_to", "2021-12-05", "has no beginning"),
        ("problem1_from,problem1_to", "2021-12-05,2021-12-01", "ends too early"),
        ("problem1_from", "5th of May", "cannot be read"),
    ],
)
def test_a_wrong_cell_is_named(write, header, cell, words):
    with pytest.raises(ManifestError, match=words) as error:
        read_deployments(write(f"deployment,{header}\nd1,{cell}\n"))
    assert "line 2" in str(error.value)
