"""Findings about clocks."""

from datetime import datetime, timedelta

import pytest

from manifests_to_check import NOW


def test_clocks_that_were_reset_or_run_ahead(blind):
    times = [datetime(2005, 1, 1), datetime(2024, 5, 31), NOW + timedelta(hours=20), NOW + timedelta(days=2), None]
    rows = [{"path": f"s{i}/1.avi", "captured_at": t} for i, t in enumerate(times)]
    assert [row for row, _ in blind(rows, "clock_early")] == [1]
    assert [row for row, _ in blind(rows, "clock_ahead")] == [4]
    assert blind(rows, "no_time") == [(5, "1 of 5 clips have no capture time")]


def test_time_that_runs_backwards_against_file_numbers(blind):
    hours = {1: 0, 2: 1, 9: 2, 10: -24, 11: -23}
    rows = [
        {"path": f"c/IMAG{n}.JPG", "captured_at": datetime(2024, 5, 3) + timedelta(hours=h)}
        for n, h in hours.items()
    ]
    rows += [
        {"path": "c/VID5.AVI", "captured_at": datetime(2024, 5, 1)},
        {"path": "d/IMAG99.JPG", "captured_at": datetime(2024, 1, 1)},
    ]
    ((row, message),) = blind(rows, "clock_backwards")
    assert row == 4 and "26.0 h before IMAG9.JPG" in message


def test_seconds_backwards_and_names_without_order_are_no_clock_fault(blind):
    near = [{"path": f"c/{i}.jpg", "captured_at": datetime(2024, 5, 3, 12, 0, 30 - i)} for i in range(5)]
    assert blind(near, "clock_backwards") == []
    chaos = [{"path": f"c/x{i}.jpg", "captured_at": datetime(2024, 5, 1 + (i * 7) % 20)} for i in range(20)]
    assert blind(chaos, "clock_backwards") == []
    assert [row for row, _ in blind(chaos, "numbers_not_in_order")] == [1]


def test_times_outside_of_the_deployment(blind, tmp_path):
    places = tmp_path / "d.csv"
    places.write_text("deployment,start,end\nd1,2024-05-01,2024-05-31\n")
    rows = [
        {"path": f"{i}.avi", "deployment": "d1", "captured_at": datetime(2024, m, 15)} for i, m in enumerate([4, 5])
    ]
    assert [row for row, _ in blind(rows, "outside_deployment", deployments=places)] == [1]


def test_a_table_of_deployments_that_fits_no_clip_is_said(blind, tmp_path):
    places = tmp_path / "d.csv"
    places.write_text("deployment,start,end\nd1,2024-05-01,2024-05-31\n")
    rows = [{"path": f"{i}.avi", "deployment": name, "site": "ridge"} for i, name in enumerate(["d1", "d2", "d2"])]
    told = [text for _, text in blind(rows, "unknown_deployment", deployments=places)]
    assert told == ["clips of deployment ridge/d2: 2; the table has no row for them"]
    told = blind([{"path": "a.avi"}], "unknown_deployment", deployments=places)
    assert told == [(None, "no clip has a deployment, so no row of the deployments table is used")]
    assert blind(rows, "unknown_deployment") == []


def numbered(hours, *, names="c/IMG_{:04d}.JPG"):
    start = datetime(2024, 5, 3)
    return [{"path": names.format(n), "captured_at": start + timedelta(hours=h)} for n, h in sorted(hours.items())]


def test_a_counter_that_begins_anew_is_no_clock_fault(blind):
    wrapped = {n: i * 3 for i, n in enumerate([9997, 9998, 9999, 1, 2, 3])}
    assert blind(numbered(wrapped), "clock_backwards") == []
    assert blind(numbered(wrapped, names="c/IMG_{}.JPG"), "clock_backwards") == []
    assert blind(numbered({998: 0, 999: 1, 1: 2, 2: 3}, names="c/RC{:03d}.JPG"), "clock_backwards") == []


def test_a_clock_that_was_set_back_is_told_from_a_counter_that_begins_anew(blind):
    assert len(blind(numbered({1: 0, 2: 1, 100: -50, 101: -49}), "clock_backwards")) == 1  # no end of the counter
    assert len(blind(numbered({1: 0, 2: 5, 9998: 3, 9999: 7}), "clock_backwards")) == 1  # the highest is the latest
    assert len(blind(numbered({1: 0, 2: 1, 9998: -70_001, 9999: -70_000}), "clock_backwards")) == 1  # years before
    both = {9997: 0, 9998: 1, 9999: 2, 1: 3, 2: 20, 3: 4}
    assert [row for row, _ in blind(numbered(both), "clock_backwards")] == [3]


@pytest.mark.parametrize(
    ("time", "zone", "is_found"),
    [
        (datetime(2023, 3, 26, 2, 30), "Europe/Berlin", True),
        (datetime(2023, 3, 26, 1, 59), "Europe/Berlin", False),
        (datetime(2023, 3, 26, 3, 0), "Europe/Berlin", False),
        (datetime(2023, 10, 29, 2, 30), "Europe/Berlin", False),  # twice in autumn
        (datetime(2023, 3, 12, 2, 30), "America/Denver", True),
        (datetime(2023, 3, 26, 2, 30), "+01:00", False),
        (datetime(2023, 3, 26, 2, 30), None, False),
    ],
)
def test_an_hour_that_summer_time_skips(blind, tmp_path, time, zone, is_found):
    rows = [{"path": "a.jpg", "captured_at": time, "time_zone": zone, "deployment": "d1"}]
    found = blind(rows, "skipped_hour")
    assert bool(found) == is_found and ("02:30" in found[0][1] if found else True)
    places = tmp_path / "d.csv"
    places.write_text(f"deployment,time_zone\nd1,{zone or ''}\n")
    assert bool(blind([{**rows[0], "time_zone": None}], "skipped_hour", deployments=places)) == is_found
