"""Capture time from names and the file system, and the order of its sources."""

import os
from datetime import datetime

import pytest

from files_with_times import jpeg, read
from leopardnet.core.errors import ConfigError
from leopardnet.data.scan.capture_time import CaptureTimeReader, parse_filename_time


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("RC_2024-05-03_22.15.30.mp4", "ymdhms", datetime(2024, 5, 3, 22, 15, 30)),
        ("20240503221530.jpg", "ymdhms", datetime(2024, 5, 3, 22, 15, 30)),
        ("03.05.2024 22-15-30.jpg", "dmyhms", datetime(2024, 5, 3, 22, 15, 30)),
        ("05-03-2024_221530.jpg", "mdyhms", datetime(2024, 5, 3, 22, 15, 30)),
        ("S12_240503_2215_x.jpg", "_%y%m%d_%H%M_", datetime(2024, 5, 3, 22, 15)),
        ("IMAG0001.jpg", "ymdhms", None),
        ("20241303_221530.jpg", "ymdhms", None),
        ("20240503221530_20240504221530.jpg", "ymdhms", None),  # two places: which one is not known
        ("120240503221530.jpg", "ymdhms", None),  # digits before: a counter, not a date
    ],
)
def test_times_in_names(name, pattern, expected):
    assert parse_filename_time(f"20200101000000/{name}", pattern) == expected


@pytest.mark.parametrize("pattern", ["%Y%m%d", "hours", "%Y%m%d%H%M%q", "%Y%Y%m%d%H%M", "%Y%y%m%d%H%M"])
def test_a_name_pattern_must_give_a_whole_time(pattern):
    with pytest.raises(ConfigError, match="file-name pattern"):
        CaptureTimeReader(filename_time=pattern)


def test_mtime_is_used_only_when_asked_for_and_last(tmp_path):
    path = tmp_path / "20240503_221530.mp4"
    path.write_bytes(b"no header at all")
    stamp = datetime(2022, 6, 7, 8, 9, 10)
    os.utime(path, (stamp.timestamp(), stamp.timestamp()))
    assert read(path) == (None, None)
    assert read(path, time_from=("exif", "mtime")) == (stamp, "mtime")
    assert read(path, time_from=("exif", "mtime"), filename_time="ymdhms") == (
        datetime(2024, 5, 3, 22, 15, 30),
        "filename",
    )


def test_order_of_sources_is_the_order_given(tmp_path):
    path = jpeg(tmp_path / "20240503_221530.jpg", original="2021:03:14 22:15:30")
    assert read(path, filename_time="ymdhms")[1] == "exif"
    assert read(path, time_from=("filename", "exif"), filename_time="ymdhms")[1] == "filename"


def test_unknown_sources_are_refused():
    with pytest.raises(ConfigError, match="unknown source"):
        CaptureTimeReader(time_from=("exif", "guess"))
    with pytest.raises(ConfigError, match="no pattern for it"):
        CaptureTimeReader(time_from=("filename",))


def test_a_missing_and_an_empty_file_have_no_time(tmp_path):
    (tmp_path / "empty.jpg").touch()
    assert read(tmp_path / "empty.jpg") == (None, None)
    assert read(tmp_path / "absent.jpg") == (None, None)
