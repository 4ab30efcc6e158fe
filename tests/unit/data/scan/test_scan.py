"""From a folder of footage to a manifest."""

import json
import os
import unicodedata
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

import leopardnet.cli.dataset  # noqa: F401  (registers the verbs)
from leopardnet.cli.console import app
from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id
from leopardnet.data.scan.folder_pattern import FolderPattern, camera_folder
from leopardnet.data.scan.list_files import list_footage
from leopardnet.data.scan.scan import scan, scan_report


def put(root, *paths, content=b"footage"):
    for path in paths:
        full = root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(content)
    return root


def still(path, time):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = time
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path, exif=exif)


def paths_of(root, **options):
    return scan(root, **options).table["path"].tolist()


# --- which files ---


def test_videos_and_stills_of_any_case_in_natural_order(tmp_path):
    put(tmp_path, "b/IMAG0010.AVI", "b/IMAG0009.avi", "a10/x.JPG", "a9/x.jpeg", "a9/notes.txt", "top.Mp4")
    m = scan(tmp_path)
    assert m.table["path"].tolist() == ["top.Mp4", "a9/x.jpeg", "a10/x.JPG", "b/IMAG0009.avi", "b/IMAG0010.AVI"]
    assert m.table["kind"].tolist() == ["video", "still", "still", "video", "video"]
    assert m.table["clip_id"].tolist() == [clip_id(p) for p in m.table["path"]]
    assert m.table["source"].eq("scan").all()


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


def test_empty_files_keep_their_row(tmp_path):
    put(tmp_path, "a/1.avi")
    put(tmp_path, "a/2.avi", content=b"")
    report = scan_report(tmp_path)
    assert len(report.manifest) == 2
    assert report.empty_files == ("a/2.avi",)


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


def test_equal_base_names_are_different_clips(tmp_path):
    put(tmp_path, "a/IMAG0001.AVI", "b/IMAG0001.AVI")
    assert scan(tmp_path).table["clip_id"].nunique() == 2


# --- names ---


def test_a_decomposed_name_opens_and_has_the_id_of_the_composed_one(tmp_path):
    name = unicodedata.normalize("NFD", "Taï/é 1.avi")
    put(tmp_path, name)
    row = scan(tmp_path, pattern="{site}/*").table.iloc[0]
    assert (tmp_path / row["path"]).read_bytes() == b"footage"
    assert row["clip_id"] == clip_id(unicodedata.normalize("NFC", name))
    assert row["site"] == unicodedata.normalize("NFC", "Taï")


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


# --- links ---


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


# --- folders ---


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("s/d/DCIM/100RECNX/a.jpg", "s/d"),
        ("s/dcim/101MEDIA/a.jpg", "s"),
        ("s/100EK113/a.avi", "s"),
        ("s/100_BTCF/a.jpg", "s"),
        ("s/100DSCIM/a.jpg", "s"),
        ("DCIM/100CANON/a.jpg", ""),
        ("s/100_WCAM/a.jpg", "s"),
        ("s/101SITEA/a.jpg", "s/101SITEA"),
        ("s/DCIMX/a.jpg", "s/DCIMX"),
        ("a.jpg", ""),
        ("s/100STLTH/101STLTH/a.jpg", "s"),
    ],
)
def test_card_folders_are_taken_out(path, folder):
    assert camera_folder(path) == folder


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("{site}/{deployment}/*", "n/d1/a.jpg", {"site": "n", "deployment": "d1"}),
        ("{site}/{deployment}/*", "n/d1/DCIM/100RECNX/a.jpg", {"site": "n", "deployment": "d1"}),
        ("{site}/{deployment}/*", "n/d1/more/a.jpg", {"site": "n", "deployment": "d1"}),
        ("{site}/{deployment}/*", "n/a.jpg", None),
        ("{site}_{deployment}/*", "ridge_a_2024/x.jpg", {"site": "ridge", "deployment": "a_2024"}),
        ("*/{site}/{ignore}/*", "2024/n/x/a.jpg", {"site": "n"}),
        ("{label}/{site}-{sequence}.*", "tiger/n-17.jpg", {"label": "tiger", "site": "n", "sequence": "17"}),
        ("{site}.x/*", "nyx/a.jpg", None),
        ("/{site}/*/", "n/a.jpg", {"site": "n"}),
    ],
)
def test_patterns(pattern, path, expected):
    assert FolderPattern.parse(pattern).match(path) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "{place}/*",
        "{site}/{site}/*",
        "*/*",
        "",
        "{site}{deployment}/*",
        "{site/*",
        "site}/{label}",
        "{site}/**.jpg",
    ],
)
def test_patterns_that_mean_nothing_are_refused(pattern):
    with pytest.raises(ConfigError, match="pattern"):
        FolderPattern.parse(pattern)


@given(st.text("abc_-. {}[](*+?^$|", min_size=1, max_size=12).filter(lambda s: "/" not in s and s.strip(".")))
def test_any_folder_name_comes_back_as_the_site(name):
    assert FolderPattern.parse("{site}/*").match(f"{name}/a.jpg") == {"site": name}


def test_a_path_that_does_not_match_keeps_its_row_without_a_site(tmp_path):
    put(tmp_path, "n/d1/1.avi", "loose.avi")
    report = scan_report(tmp_path, pattern="{site}/{deployment}/*")
    assert report.unmatched_paths == ("loose.avi",)
    by_path = report.manifest.table.set_index("path")
    assert by_path.loc["n/d1/1.avi", ["site", "deployment"]].tolist() == ["n", "d1"]
    assert by_path.loc["loose.avi", ["site", "deployment"]].isna().all()


def test_a_label_folder_fills_label_and_species(tmp_path):
    put(tmp_path, "tiger/1.avi", "empty/2.avi")
    t = scan(tmp_path, pattern="{label}/*").table
    assert t["label"].tolist() == ["empty", "tiger"] and t["species"].tolist() == ["empty", "tiger"]


# --- time ---


def test_times_bursts_and_deployments_together(tmp_path):
    for i, time in enumerate(["2024:05:03 12:00:00", "2024:05:03 12:00:02", "2024:05:03 12:10:00"]):
        still(tmp_path / f"n/d1/DCIM/100RECNX/R{i}.JPG", time)
    put(tmp_path, "n/d2/2.avi")
    places = tmp_path / "deployments.csv"
    places.write_text("deployment,time_zone,clock_correction,start,end\nd1,+10:00,3600,2024-05-03 13:00:01,\n")
    seen = []
    options = {"pattern": "{site}/{deployment}/*", "deployments": places, "on_progress": lambda *n: seen.append(n)}
    report = scan_report(tmp_path, **options)
    t = report.manifest.table
    assert t["captured_at"].tolist()[:3] == [
        datetime(2024, 5, 3, 13),
        datetime(2024, 5, 3, 13, 0, 2),
        datetime(2024, 5, 3, 13, 10),
    ]
    assert t["time_source"].tolist()[:3] == ["exif"] * 3 and pd.isna(t["time_source"][3])
    assert t["time_zone"].tolist()[:3] == ["+10:00"] * 3
    assert report.unknown_deployments == {"n/d2": 1}
    assert report.n_outside_period == 1
    assert t["sequence_id"][0] == t["sequence_id"][1] != t["sequence_id"][2]
    assert seen[-1] == (4, 4)
    assert report.manifest.clips()[0].captured_at.isoformat() == "2024-05-03T13:00:00+10:00"
    grouped = scan(tmp_path, group_bursts=True, **options).table
    assert grouped["kind"].tolist() == ["burst", "still", "video"]
    assert json.loads(grouped["paths"][0]) == t["path"].tolist()[:2]


def test_without_a_table_no_zone_is_guessed(tmp_path):
    still(tmp_path / "1.jpg", "2024:05:03 12:00:00")
    m = scan(tmp_path)
    assert m.table["time_zone"].isna().all()
    assert m.clips()[0].captured_at is None


def test_a_container_time_is_utc_only_when_told_so(tmp_path):
    head = b"\0\0\0\x0cftypisom" + b"\0\0\0\x74moov" + b"\0\0\0\x6cmvhd" + bytes(4)
    put(tmp_path, "n/d1/1.mp4", content=head + (3_723_712_496).to_bytes(4, "big") + bytes(92))
    places = tmp_path / "d.csv"
    places.write_text("deployment,time_zone\nd1,Asia/Vladivostok\n")
    camera = scan(tmp_path, pattern="{site}/{deployment}/*", deployments=places).table.iloc[0]
    assert camera["captured_at"] == datetime(2021, 12, 30, 12, 34, 56)
    utc = scan(tmp_path, container_time="utc").table.iloc[0]
    assert (utc["captured_at"], utc["time_zone"]) == (datetime(2021, 12, 30, 12, 34, 56), "+00:00")
    local = scan(tmp_path, pattern="{site}/{deployment}/*", deployments=places, container_time="utc").table.iloc[0]
    assert (local["captured_at"], local["time_zone"]) == (datetime(2021, 12, 30, 22, 34, 56), "Asia/Vladivostok")


@pytest.mark.parametrize(
    "options",
    [{"container_time": "local"}, {"burst_gap_s": -1.0}, {"time_from": ("guess",)}, {"filename_time": "x"}],
)
def test_wrong_options_are_refused_before_any_file_is_read(tmp_path, options):
    with pytest.raises(ConfigError):
        scan(tmp_path / "absent", **options)


def test_conservation_of_files(tmp_path):
    rng = [f"s{i % 3}/d{i % 5}/{i}.{'AVI' if i % 2 else 'jpg'}" for i in range(60)]
    put(tmp_path, *rng)
    assert sorted(paths_of(tmp_path)) == sorted(rng)
    assert list_footage(tmp_path).sizes == {p: 7 for p in paths_of(tmp_path)}


# --- the verb ---


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_the_verb_writes_a_manifest_and_says_what_it_found(tmp_path):
    put(tmp_path / "clips", "n/d1/1.avi", "loose.mp4", "notes.txt")
    out = tmp_path / "m.parquet"
    result = run("scan", tmp_path / "clips", "--out", out, "--pattern", "{site}/{deployment}/*")
    assert result.exit_code == 0, result.output
    assert "1 paths are not built like" in result.output and "loose.mp4" in result.output
    assert ".txt 1" in result.output
    assert str(tmp_path) not in result.output
    read = Manifest.read(out)
    assert len(read) == 2 and (read.root / "loose.mp4").is_file()


def test_the_verb_as_json(tmp_path):
    put(tmp_path / "clips", "1.avi")
    result = run("scan", tmp_path / "clips", "--out", tmp_path / "m.csv", "--json")
    document = json.loads(result.stdout)
    assert document["files"] == 1 and document["videos"] == 1 and document["without a time"] == 1


def test_the_verb_refuses_a_table_name_it_cannot_write(tmp_path):
    put(tmp_path / "clips", "1.avi")
    result = run("scan", tmp_path / "clips", "--out", tmp_path / "m.txt")
    assert result.exit_code == 2
    assert not (tmp_path / "m.txt").exists()
