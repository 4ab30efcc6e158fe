"""Which files under a folder are footage, and which links are followed."""

import os
import unicodedata
from pathlib import Path

import pytest

from folders_of_footage import paths_of, put
from leopardnet.core.errors import ManifestError
from leopardnet.data.scan.scan import scan, scan_report


def test_hidden_and_system_files_are_left_out_and_counted(tmp_path):
    put(
        tmp_path,
        "a/1.avi",
        "a/._1.avi",
        "a/.hidden.mp4",
        "a/Thumbs.db",
        "a/1.THM",
        ".trash/1.avi",
        "System Volume Information/1.avi",
        "$RECYCLE.BIN/1.mp4",
    )
    report = scan_report(tmp_path)
    assert report.manifest.table["path"].tolist() == ["a/1.avi"]
    assert report.n_system_files == 5
    assert report.other_files == {".db": 1, ".thm": 1}


@pytest.mark.parametrize("made", [[], ["readme.txt", "x/y.csv"], [".hidden/1.avi"]])
def test_a_folder_without_footage_is_an_error(tmp_path, made):
    put(tmp_path, *made)
    with pytest.raises(ManifestError, match="holds no footage"):
        scan(tmp_path)


def test_a_missing_folder_and_a_file_are_no_folders(tmp_path):
    put(tmp_path, "1.avi")
    for root in (tmp_path / "absent", tmp_path / "1.avi"):
        with pytest.raises(ManifestError, match="no such folder"):
            scan(root)


def test_an_unreadable_folder_stops_the_scan_with_its_name(tmp_path, monkeypatch):
    put(tmp_path, "a/1.avi", "b/secret/2.avi")
    real = os.scandir

    def scandir(path):
        if Path(path).name == "secret":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(ManifestError) as caught:
        scan(tmp_path)
    assert "b/secret" in str(caught.value) and "Permission denied" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_two_names_that_differ_only_in_normal_form_are_refused(tmp_path):
    put(tmp_path, unicodedata.normalize("NFD", "é.avi"), unicodedata.normalize("NFC", "é.avi"))
    if len(list(tmp_path.iterdir())) < 2:
        pytest.skip("this file system stores both spellings as one")
    with pytest.raises(ManifestError, match="accented"):
        scan(tmp_path)


@pytest.mark.parametrize("name", [b"\xd0\xd2\xc5.avi", b"back\\slash.avi", b"~tilde.avi", b"C:drive.avi"])
def test_names_that_no_table_can_hold_are_refused_by_name(tmp_path, name):
    put(tmp_path, "ok.avi")
    try:
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    except (OSError, ValueError):
        pytest.skip("this file system does not take such a name")
    with pytest.raises(ManifestError, match="name cannot be used") as caught:
        scan(tmp_path)
    str(caught.value).encode("utf-8")  # the message itself can be printed


def link(path, target):
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.symlink_to(target)
    except OSError:
        pytest.skip("no links here")


def test_links_that_leave_the_root_are_refused(tmp_path):
    put(tmp_path / "outside", "1.avi")
    for name, target in (("dir", "../outside"), ("2.avi", "../outside/1.avi")):
        root = put(tmp_path / f"root_{name}", "1.avi")
        link(root / name, target)
        with pytest.raises(ManifestError, match="leads out of the folder") as caught:
            scan(root)
        assert name in str(caught.value) and "outside" not in str(caught.value)


def test_links_inside_the_root_are_not_followed_twice(tmp_path):
    put(tmp_path, "a/1.avi")
    link(tmp_path / "b", "a")
    link(tmp_path / "a/loop", "..")
    link(tmp_path / "a/2.avi", "1.avi")
    report = scan_report(tmp_path)
    assert report.manifest.table["path"].tolist() == ["a/1.avi"]
    assert report.n_links == 3


def test_links_to_hidden_content_are_footage_of_their_own(tmp_path):
    put(tmp_path, ".annex/objects/x1", ".store/7.avi")
    link(tmp_path / "a/1.avi", "../.annex/objects/x1")
    link(tmp_path / "a/copy.avi", "1.avi")
    link(tmp_path / "b", ".store")
    link(tmp_path / "a/gone.avi", "../.annex/objects/x2")
    assert paths_of(tmp_path) == ["a/1.avi", "a/gone.avi", "b/7.avi"]


def test_a_folder_is_listed_once_however_many_links_lead_to_it(tmp_path):
    put(tmp_path, ".store/deep/7.avi", "1.avi")
    link(tmp_path / "a", ".store")
    link(tmp_path / "b", ".store/deep")
    link(tmp_path / "c", "b")
    assert len(paths_of(tmp_path)) == 2


def test_a_link_to_itself_keeps_a_row_and_does_not_hang(tmp_path):
    put(tmp_path, "1.avi")
    link(tmp_path / "2.avi", "2.avi")
    assert paths_of(tmp_path) == ["1.avi", "2.avi"]
