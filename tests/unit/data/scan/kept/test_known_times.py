"""What a scan read is not read again while the file is the same."""

import os
import sqlite3
from datetime import datetime

import pytest
from PIL import Image

from folders_of_footage import put
from leopardnet.data.scan import scan
from leopardnet.data.scan.kept import known_times
from leopardnet.data.scan.kept.known_times import choose_file

FIRST, SECOND = "2024:05:03 22:15:30", "2024:05:04 10:00:00"


def write(path, time, *, mtime_s):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = time
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path, exif=exif)
    os.utime(path, (mtime_s, mtime_s))


def scan_times(folder, known, **options):
    table = scan.scan(folder, known_times=known, **options).table
    return table["captured_at"].dt.day.fillna(0).astype(int).tolist()


@pytest.fixture
def cards(tmp_path):
    folder = tmp_path / "cards"
    for name in "abc":
        write(folder / f"{name}.jpg", FIRST, mtime_s=1_000)
    return folder


def test_only_files_that_changed_are_opened_again(tmp_path, cards):
    known = tmp_path / "known.sqlite"
    assert scan_times(cards, known) == [3, 3, 3]
    write(cards / "a.jpg", SECOND, mtime_s=1_000)  # as large and as old as before: what it says is not looked at
    write(cards / "b.jpg", SECOND, mtime_s=2_000)
    write(cards / "d.jpg", SECOND, mtime_s=1_000)
    assert scan_times(cards, known) == [3, 4, 3, 4]
    assert scan_times(cards, None) == [4, 4, 3, 4]


def test_the_row_is_the_same_whether_it_was_read_or_known(tmp_path, cards):
    known = tmp_path / "known.sqlite"
    first, again, bare = (scan.scan(cards, known_times=x).table for x in (known, known, None))
    assert first.equals(again) and first.equals(bare)
    assert again["time_source"].tolist() == ["exif"] * 3
    assert again["captured_at"].dt.to_pydatetime()[0] == datetime(2024, 5, 3, 22, 15, 30)


def test_an_interrupted_scan_goes_on_where_it_stood(tmp_path, cards, monkeypatch):
    monkeypatch.setattr(scan, "CHUNK", 1)
    monkeypatch.setattr(scan, "N_THREADS", 1)

    def stop(n_done, n_total):
        raise KeyboardInterrupt

    known = tmp_path / "known.sqlite"
    with pytest.raises(KeyboardInterrupt):
        scan.scan(cards, known_times=known, on_progress=stop)
    write(cards / "a.jpg", SECOND, mtime_s=1_000)
    assert scan_times(cards, known)[0] == 3, "the first file was kept"


def test_other_sources_of_times_are_kept_apart(tmp_path, cards):
    known = tmp_path / "known.sqlite"
    assert scan_times(cards, known) == [3, 3, 3]
    put(cards, "20240506_101010.avi", content=b"nothing")
    found = scan_times(cards, known, time_from=("filename",), filename_time="ymdhms")
    assert sorted(found) == [0, 0, 0, 6]


def test_what_has_no_time_and_what_only_the_file_system_dates_is_read_again(tmp_path):
    cards, known = tmp_path / "cards", tmp_path / "known.sqlite"
    put(cards, "a.avi", content=b"nothing")
    assert scan_times(cards, known) == [0]
    assert scan.scan(cards, known_times=known, time_from=("mtime",)).table["time_source"].tolist() == ["mtime"]
    with known_times.KnownTimes.open(known, {"a.avi": "x"}) as kept:
        assert kept.find(["a.avi"], scan.CaptureTimeReader()) == {}


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0 broken" * 50, b"text"])
def test_a_file_that_cannot_be_used_is_no_error(tmp_path, cards, content):
    known = tmp_path / "known.sqlite"
    known.write_bytes(content)
    assert scan_times(cards, known) == scan_times(cards, known) == [3, 3, 3]
    assert scan_times(cards, cards / "a.jpg" / "no_folder.sqlite") == [3, 3, 3]


def test_each_folder_has_a_file_of_its_own_that_does_not_tell_its_name(tmp_path):
    one, other = choose_file(tmp_path / "secret"), choose_file(tmp_path / "b")
    assert one != other and "secret" not in str(one)


def test_the_file_holds_no_path_not_even_those_of_an_older_version(tmp_path):
    cards, known = tmp_path / "cards", tmp_path / "known.sqlite"
    write(cards / "ranger_ivanova" / "secret_den.jpg", FIRST, mtime_s=1_000)
    with sqlite3.connect(known) as db:
        db.execute("CREATE TABLE times (how TEXT, path TEXT)")
        db.executemany("INSERT INTO times VALUES ('', ?)", [(f"secret_den/{i:04d}",) for i in range(500)])
    db.close()
    assert scan_times(cards, known) == scan_times(cards, known) == [3]
    kept = known.read_bytes()
    assert b"times_by_id" in kept and b"ivanova" not in kept and b"secret_den" not in kept


@pytest.mark.parametrize("waits", [True, False])
def test_threads_read_where_the_disk_is_waited_for_and_change_nothing(tmp_path, monkeypatch, waits):
    cards = tmp_path / "cards"
    for day in range(1, 8):
        write(cards / f"{day}.jpg", f"2024:05:{day:02d} 10:00:00", mtime_s=1_000)
    monkeypatch.setattr(scan, "CHUNK", 1)
    monkeypatch.setattr(scan, "PROBED_EVERY", 3)
    monkeypatch.setattr(scan, "thread_time" if waits else "perf_counter", lambda: 0.0)
    counts = []
    known = tmp_path / "known.sqlite"
    assert scan_times(cards, known, on_progress=lambda *n: counts.append(n)) == [1, 2, 3, 4, 5, 6, 7]
    assert counts == [(n, 7) for n in range(1, 8)] and scan_times(cards, known) == [1, 2, 3, 4, 5, 6, 7]
