"""The file of what people said: it is only ever added to, shared by programs, and clear about what goes wrong."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from leopardnet.core.errors import LabelFileError
from leopardnet.data.human_labels import label_file
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.data.human_labels.label_file_errors import LabelDiskFullError, LabelFileBusyError


def entry(key="k1", clip="c1", labels=("tiger",), **values):
    return LabelEntry(
        **{"key": key, "clip_id": clip, "path": f"{clip}.avi", "labels": labels, "by": "AB"}
        | {"queue": "all"}
        | values
    )


@pytest.fixture
def file(tmp_path):
    with LabelFile(tmp_path / "labels.sqlite") as opened:
        yield opened


def test_an_entry_comes_back_as_it_was_given(file):
    at = "2026-01-02T03:04:05.000+10:00"
    given = entry(
        labels=("tiger", "deer"),
        seconds=(1.25, 2),
        boxes=({"xyxy": [0, 0, 1, 1]},),
        inclusion=0.1,
        queue="audit",
        bundle_id="b",
        note="тигр",
        starred=True,
        at=at,
    )
    assert file.add(given) == [1] and file.newest() == 1
    row = file.entries().iloc[0]
    assert (row["labels"], row["seconds"], row["boxes"]) == (
        '["tiger", "deer"]',
        "[1.25, 2.0]",
        '[{"xyxy": [0, 0, 1, 1]}]',
    )
    assert (row["inclusion"], row["queue"], row["note"], bool(row["starred"]), row["at"]) == (
        0.1,
        "audit",
        "тигр",
        True,
        at,
    )


def test_a_repeated_key_adds_nothing(file):
    assert file.add(entry("k1"), entry("k2", "c2")) == [1, 2]
    assert file.add(entry("k2", "c2"), entry("k3", "c3")) == [2, 3]
    assert file.entries()["clip_id"].tolist() == ["c1", "c2", "c3"]
    assert file.entries(after=2)["clip_id"].tolist() == ["c3"]


def test_of_several_entries_all_are_added_or_none(file):
    with pytest.raises(LabelFileError):
        file.add(entry("k1"), entry("k2", inclusion=7.0))  # a chance above 1
    assert file.newest() == 0 and file.add(entry("k1")) == [1]


def test_undo_is_an_entry_and_nothing_is_removed(file):
    (n,) = file.add(entry())
    assert file.undo({"u1": n}, by="AB") == [2]
    assert file.undo({"u1": n}, by="AB") == [2]  # asked for again after a lost answer
    assert file.entries()["undoes"].fillna(0).tolist() == [0, 1]


@pytest.mark.parametrize(
    ("n", "by", "words"), [(7, "AB", "no such"), (1, "CD", "another person"), (2, "AB", "no such")]
)
def test_only_ones_own_labels_can_be_taken_back(file, n, by, words):
    file.add(entry())
    with pytest.raises(LabelFileError, match=words):
        file.undo({"u": n}, by=by)


def test_twice_taken_back_is_refused(file):
    file.add(entry())
    file.undo({"u1": 1}, by="AB")
    with pytest.raises(LabelFileError, match="already"):
        file.undo({"u2": 1}, by="AB")


@pytest.mark.parametrize("statement", ["UPDATE entries SET labels = '[]'", "DELETE FROM entries"])
def test_the_file_itself_refuses_changes(file, statement):
    file.add(entry())
    with sqlite3.connect(file.path) as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)


def test_two_people_write_at_once_and_both_stay(file):
    with LabelFile(file.path) as other:
        file.add(entry("k1"))
        other.add(entry("k2", by="CD"))
        file.add(entry("k3"))
    assert file.entries()["by"].tolist() == ["AB", "CD", "AB"]


def test_a_program_that_is_killed_loses_nothing_that_was_acknowledged(tmp_path):
    program = (
        "import sys\nfrom pathlib import Path\nfrom leopardnet.data.human_labels.label_file import *\n"
        "file = LabelFile(Path(sys.argv[1]))\n"
        "for i in range(100000):\n"
        "    n = file.add(LabelEntry(key=str(i), clip_id=str(i), path='a', labels=['x'], by='A', queue='all'))\n"
        "    print(n[0], flush=True)\n"
    )
    path = tmp_path / "labels.sqlite"
    process = subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True)
    lines = [process.stdout.readline() for _ in range(30)]
    os.kill(process.pid, signal.SIGKILL)
    acknowledged = int([*lines, *process.stdout.read().splitlines()][-1])
    process.wait()
    with LabelFile(path) as file:
        assert file.newest() >= acknowledged >= 30
        assert file.add(entry("after")) == [file.newest()]


def test_a_held_file_says_so_and_keeps_what_it_has(file, monkeypatch):
    file.add(entry())
    file._db.execute("PRAGMA busy_timeout = 0")
    with sqlite3.connect(file.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LabelFileError, match="another program holds"):
            file.add(entry("k2"))
        other.execute("ROLLBACK")
    assert file.add(entry("k2")) == [2]


def test_a_full_disk_says_so_and_the_next_try_succeeds(file):
    file.add(entry())
    pages = file._db.execute("PRAGMA page_count").fetchone()[0]
    file._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LabelFileError, match="disk is full"):
        file.add(entry("k2", note="x" * 100_000))
    file._db.execute("PRAGMA max_page_count = 100000")
    assert file.add(entry("k2")) == [2]


def test_other_files_are_refused_and_stay_as_they_are(tmp_path):
    text = tmp_path / "text.sqlite"
    text.write_text("not a database, but long enough to be read as one\n" * 40)
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as db:
        db.execute("CREATE TABLE t (x)")
    later = tmp_path / "later.sqlite"
    LabelFile(later).close()
    with sqlite3.connect(later) as db:
        db.execute("PRAGMA user_version = 9")
    for path, words in ((text, "damaged"), (foreign, "no labels of leopardnet"), (later, "later version")):
        before = path.read_bytes()
        with pytest.raises(LabelFileError, match=words) as caught:
            LabelFile(path)
        assert path.read_bytes() == before and str(tmp_path) not in str(caught.value)
    with pytest.raises(LabelFileError, match="no such file"):
        LabelFile(tmp_path / "absent.sqlite", read_only=True)
    with pytest.raises(LabelFileError, match="cannot be written"):
        LabelFile(tmp_path / "no folder" / "labels.sqlite")


def test_a_file_opened_to_read_refuses_to_write(file):
    file.add(entry())
    with LabelFile(Path(file.path), read_only=True) as reader, pytest.raises(LabelFileError):
        reader.add(entry("k2"))


def test_several_labels_are_taken_back_as_one(file):
    numbers = file.add(entry("k1", "c1"), entry("k2", "c2"), entry("k3", "c3", by="CD"))
    with pytest.raises(LabelFileError, match="cannot be taken back"):
        file.undo({"u1": numbers[0], "u3": numbers[2]}, by="AB")  # one of them is of another person
    assert file.newest() == 3
    given = {"u1": numbers[0], "u2": numbers[1]}
    assert file.undo(given, by="AB") == file.undo(given, by="AB") == [4, 5]
    assert file.entries(after=3)["clip_id"].tolist() == ["c1", "c2"]


def test_a_full_disk_and_a_busy_file_are_errors_of_their_own(file, tmp_path):
    file.add(entry())
    pages = file._db.execute("PRAGMA page_count").fetchone()[0]
    file._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(LabelDiskFullError, match="disk is full"):
        file.add(*(entry(f"x{i}", note="x" * 4000) for i in range(3)))
    assert file.newest() == 1
    other = sqlite3.connect(tmp_path / "labels.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    file._db.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(LabelFileBusyError, match="another program holds") as refused:
        file.add(entry("k9"))
    assert "nothing was lost" in str(refused.value)
    other.close()


def test_who_only_reads_a_held_file_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(label_file, "WAIT_S", 0.05)
    LabelFile(tmp_path / "labels.sqlite").close()
    holder = sqlite3.connect(tmp_path / "labels.sqlite", isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LabelFileError, match="another program holds the file") as error:
        LabelFile(tmp_path / "labels.sqlite", read_only=True)
    assert "try again; nothing was changed" in str(error.value) and "save" not in str(error.value)
    holder.close()
