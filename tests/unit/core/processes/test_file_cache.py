"""Caches: what was not used for longest goes first, and a disk that fails is no error."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from leopardnet.core.processes.file_cache import FileCache, MemoryCache


def fill(cache, *keys, n_bytes=10):
    """Write a file for each key, each used one second after the one before."""
    for i, key in enumerate(keys):
        cache.write(key, bytes(n_bytes))
        os.utime(cache.path(key), (1000 + i, 1000 + i))


def test_the_cap_holds_and_the_least_used_goes_first(tmp_path):
    cache = FileCache(tmp_path / "c", suffix=".jpg", max_bytes=45)
    fill(cache, "a", "b", "c", "d")
    assert cache.read("a") == bytes(10)  # now it is the one used last
    cache.write("e", bytes(10))
    assert [k for k in "abcde" if cache.find(k)] == ["a", "d", "e"] or [
        k for k in "abcde" if cache.find(k)
    ] == list("acde")
    assert sum(p.stat().st_size for p in (tmp_path / "c").iterdir()) <= 45


def test_a_file_larger_than_the_cap_stays_until_the_next(tmp_path):
    cache = FileCache(tmp_path, suffix=".mp4", max_bytes=5)
    fill(cache, "a")
    assert cache.read("a") == bytes(10)
    cache.write("b", bytes(10))
    assert cache.find("a") is None and cache.find("b")


def test_another_start_finds_the_files_and_cuts_them_to_a_smaller_cap(tmp_path):
    fill(FileCache(tmp_path, suffix=".jpg", max_bytes=100), "a", "b", "c")
    (tmp_path / "x.json").write_text("[]")
    again = FileCache(tmp_path, suffix=".jpg", max_bytes=12)
    assert again.find("c") and not again.find("a") and not again.find("b")
    assert (tmp_path / "x.json").exists()  # not of this cache


def test_unfinished_files_of_a_process_that_is_gone_are_deleted(tmp_path):
    old, new = tmp_path / ".a.jpg.1.part", tmp_path / ".b.jpg.1.part"
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (1000, 1000))
    FileCache(tmp_path, suffix=".jpg", max_bytes=10)
    assert not old.exists() and new.exists()


def test_a_folder_that_is_gone_costs_no_answer(tmp_path):
    cache = FileCache(tmp_path / "c", suffix=".jpg", max_bytes=100)
    (tmp_path / "c").rmdir()
    cache.write("a", b"x")
    assert cache.read("a") is None


@pytest.mark.parametrize("cap", [30, 25])
def test_memory_keeps_what_was_read_last(cap):
    cache = MemoryCache(cap)
    for key in "ab":
        cache.write(key, bytes(10))
    assert cache.read("a") == bytes(10)
    cache.write("c", bytes(10))
    assert [k for k in "abc" if cache.read(k)] == (["a", "b", "c"] if cap == 30 else ["a", "c"])
    cache.write("a", b"new")
    assert cache.read("a") == b"new"


def test_the_last_room_of_a_disk_is_left_for_results(tmp_path, monkeypatch):
    cache = FileCache(tmp_path, suffix=".jpg", max_bytes=100)
    for free, n_files in ((2_000_000_009, 0), (2_000_000_010, 1)):
        monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        cache.write("a", bytes(10))
        assert len(list(tmp_path.iterdir())) == n_files


def test_a_disk_that_fails_leaves_no_part(tmp_path, monkeypatch):
    cache = FileCache(tmp_path, suffix=".jpg", max_bytes=100)
    write = Path.write_bytes

    def fail(path, data):
        write(path, data[:3])
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(Path, "write_bytes", fail)
    cache.write("a", bytes(10))
    assert cache.read("a") is None and list(tmp_path.iterdir()) == []
