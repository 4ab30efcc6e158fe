"""A run that is killed, stopped, or out of room goes on with the same command, and ends with the same tables."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pandas as pd
import psutil
import pytest
from command_line import COMMAND
from command_line import leopardnet_process as leopardnet

from leopardnet.infer.journal import Journal

EMPTY_BYTES = 42_000  # a journal that holds no clip yet, rounded up

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@pytest.fixture(scope="module")
def clips(footage, tmp_path_factory):
    """A hundred and twenty clips: enough that a run can be met in its middle."""
    folder = tmp_path_factory.mktemp("clips")
    good = sorted(p for p in footage.rglob("*") if p.suffix in (".MP4", ".AVI", ".JPG"))
    for i in range(120):
        file = good[i % len(good)]
        shutil.copy(file, folder / f"{i:03d}{file.suffix}")
    (folder / "zero.mp4").write_bytes(b"")
    return folder


@pytest.fixture(scope="module")
def undisturbed(clips, tiny_bundle, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    leopardnet("predict", clips, "--bundle", tiny_bundle.folder, "--out", out, code=3)
    return out


def arguments(clips, bundle, out):
    return [str(COMMAND), "predict", str(clips), "--bundle", str(bundle.folder), "--out", str(out)]


def started(clips, bundle, out, *, n_kept, **options):
    """A run, once it has kept that many clips."""
    process = subprocess.Popen(
        arguments(clips, bundle, out), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    wal = out / "journal.sqlite-wal"
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if wal.exists() and wal.stat().st_size > EMPTY_BYTES + 4_000 * n_kept:  # a clip adds a page or two
            break
        time.sleep(0.002)
    return process


def journal_rows(out):
    """The rows that a run has kept, by rowid: the place of each in the order of writing."""
    with closing(sqlite3.connect(out / "journal.sqlite")) as journal:
        return {row[0]: row for row in journal.execute("SELECT rowid, * FROM clips")}


def assert_same(out, undisturbed):
    for name in ("predictions.parquet", "evidence.parquet"):
        pd.testing.assert_frame_equal(pd.read_parquet(out / name), pd.read_parquet(undisturbed / name))
    assert (out / "predictions.csv").read_bytes() == (undisturbed / "predictions.csv").read_bytes()


def test_killed_and_resumed_twice(clips, undisturbed, tiny_bundle, tmp_path):
    for n_kept in (2, 12):
        process = started(clips, tiny_bundle, tmp_path, n_kept=n_kept)
        process.kill()
        assert process.wait() == -signal.SIGKILL, "it was met in its middle"
        process.communicate()
        assert not (tmp_path / "predictions.csv").exists()
    kept = journal_rows(tmp_path)
    assert 0 < len(kept) < 121, "pages of the journal, which are not clips, said when to kill"
    _, err = leopardnet("predict", clips, "--bundle", tiny_bundle.folder, "--out", tmp_path, code=3)
    assert "1 of 121 clips could not be read" in err
    assert_same(tmp_path, undisturbed)
    rows = journal_rows(tmp_path)
    assert len(rows) == 121 and kept.items() <= rows.items(), "none was lost, doubled or classified again"
    leopardnet("predict", clips, "--bundle", tiny_bundle.folder, "--out", tmp_path, code=3)  # nothing left to do
    assert_same(tmp_path, undisturbed)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_on_request(number, clips, undisturbed, tiny_bundle, tmp_path):
    process = started(clips, tiny_bundle, tmp_path, n_kept=1)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert workers and not psutil.wait_procs(workers, timeout=60)[1], "no worker lives on"
    with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as journal:
        assert journal.execute("pragma integrity_check").fetchall() == [("ok",)]
    assert "of 121 clips" in err and "give the same command again to continue" in err and "Traceback" not in err
    kept = journal_rows(tmp_path)
    assert 1 <= len(kept) < 121
    leopardnet("predict", clips, "--bundle", tiny_bundle.folder, "--out", tmp_path, code=3)
    assert kept.items() <= journal_rows(tmp_path).items()
    assert_same(tmp_path, undisturbed)


def test_a_disk_that_is_full(clips, undisturbed, tiny_bundle, tmp_path):
    import resource

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (70_000, 70_000))

    command = arguments(clips, tiny_bundle, tmp_path)
    result = subprocess.run(command, capture_output=True, text=True, preexec_fn=small_files, check=False)
    assert result.returncode == 1, result.stderr
    assert "there is no room" in result.stderr and "all finished clips are kept" in result.stderr
    assert "Traceback" not in result.stderr
    leopardnet("predict", clips, "--bundle", tiny_bundle.folder, "--out", tmp_path, code=3)
    assert_same(tmp_path, undisturbed)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_read(footage, tiny_bundle, tmp_path):
    folder = tmp_path / "clips" / "closed"
    folder.mkdir(parents=True)
    shutil.copy(sorted(footage.rglob("*.MP4"))[0], folder / "a.mp4")
    leopardnet("scan", tmp_path / "clips", "--out", tmp_path / "m.parquet")
    folder.chmod(0)
    try:
        leopardnet(
            "predict", tmp_path / "m.parquet", "--bundle", tiny_bundle.folder, "--out", tmp_path / "o", code=3
        )
    finally:
        folder.chmod(0o755)
    row = pd.read_csv(tmp_path / "o/predictions.csv").iloc[0]
    assert row["status"] == "unreadable" and "cannot be reached" in row["reason"]


def test_a_journal_without_clips_is_as_small_as_the_tests_above_believe(tmp_path):
    with Journal.open(tmp_path, {}):
        assert (tmp_path / "journal.sqlite-wal").stat().st_size < EMPTY_BYTES
