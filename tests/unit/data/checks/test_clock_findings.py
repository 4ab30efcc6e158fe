"""Findings about clocks."""

from datetime import datetime, timedelta

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
