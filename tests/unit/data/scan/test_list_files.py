"""Which files under a folder are footage, and which links are followed."""

import os
import unicodedata
from pathlib import Path

import pytest

from folders_of_footage import paths_of, put
from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
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


def test_thumbnails_and_bins_of_network_disks_are_no_footage(tmp_path):
    put(
        tmp_path,
        "a/1.jpg",
        "a/@eaDir/1.jpg/SYNOPHOTO_THUMB_XL.jpg",
        "#recycle/2.jpg",
        "RECYCLER/3.jpg",
        ".Trashes/501/4.jpg",
        "a/1.jpg:Zone.Identifier",
    )
    report = scan_report(tmp_path)
    assert report.manifest.table["path"].tolist() == ["a/1.jpg"] and report.n_system_files == 4
    assert report.other_files == {".identifier": 1}


def test_a_raw_picture_beside_a_jpeg_is_its_companion_and_alone_a_row(tmp_path):
    put(tmp_path, "a/1.JPG", "a/1.nef", "a/2.NEF", "b/1.NEF", "a/1.xmp", "a/3.heic")
    report = scan_report(tmp_path)
    assert report.manifest.table["path"].tolist() == ["a/1.JPG", "a/2.NEF", "a/3.heic", "b/1.NEF"]
    assert report.other_files == {".nef": 1, ".xmp": 1}


def test_pictures_and_videos_of_one_name_are_counted(tmp_path):
    put(tmp_path, "a/IMG_1.HEIC", "a/IMG_1.MOV", "a/IMG_2.JPG", "b/IMG_2.MOV")
    assert scan_report(tmp_path).paired_videos == ("a/IMG_1.MOV",)


def test_odd_names_keep_their_rows_in_every_table(tmp_path):
    names = ["a\nb.jpg", " c.jpg", "d.jpg ", "tab\t.jpg", 'q",;.jpg', "=cmd.jpg", "NA.jpg", "h/X.JPG", "h/x.jpg"]
    put(tmp_path / "card", *names, "i" * 251 + ".jpg", "site /1.jpg")
    made = scan(tmp_path / "card", pattern="{site}/*")
    assert set(names) <= set(made.table["path"]) and len(made) == 11 and made.table["site"].nunique() == 2
    for suffix in ("csv", "parquet"):
        read = Manifest.read(made.write(tmp_path / f"m.{suffix}")).table
        assert read["path"].equals(made.table["path"]) and read["site"].equals(made.table["site"])


def test_a_carriage_return_in_a_name_is_refused_before_a_table_breaks(tmp_path):
    with pytest.raises(ManifestError, match="carriage return"):
        scan(put(tmp_path, "a\rb.jpg"))
