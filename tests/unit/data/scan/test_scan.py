"""From a folder of footage to a manifest."""

import json
import unicodedata
from datetime import datetime

import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import leopardnet.cli.dataset  # noqa: F401  (registers the verbs)  # noqa: F401  (registers the verbs)
from folders_of_footage import paths_of, put
from leopardnet.cli.console import app
from leopardnet.core.errors import ConfigError
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id
from leopardnet.data.scan.list_files import list_footage
from leopardnet.data.scan.scan import scan, scan_report


def still(path, time):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = time
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path, exif=exif)


def test_videos_and_stills_of_any_case_in_natural_order(tmp_path):
    put(tmp_path, "b/IMAG0010.AVI", "b/IMAG0009.avi", "a10/x.JPG", "a9/x.jpeg", "a9/notes.txt", "top.Mp4")
    m = scan(tmp_path)
    assert m.table["path"].tolist() == ["top.Mp4", "a9/x.jpeg", "a10/x.JPG", "b/IMAG0009.avi", "b/IMAG0010.AVI"]
    assert m.table["kind"].tolist() == ["video", "still", "still", "video", "video"]
    assert m.table["clip_id"].tolist() == [clip_id(p) for p in m.table["path"]]
    assert m.table["source"].eq("scan").all()


def test_empty_files_keep_their_row(tmp_path):
    put(tmp_path, "a/1.avi")
    put(tmp_path, "a/2.avi", content=b"")
    report = scan_report(tmp_path)
    assert len(report.manifest) == 2
    assert report.empty_files == ("a/2.avi",)


def test_equal_base_names_are_different_clips(tmp_path):
    put(tmp_path, "a/IMAG0001.AVI", "b/IMAG0001.AVI")
    assert scan(tmp_path).table["clip_id"].nunique() == 2


def test_a_decomposed_name_opens_and_has_the_id_of_the_composed_one(tmp_path):
    name = unicodedata.normalize("NFD", "Taï/é 1.avi")
    put(tmp_path, name)
    row = scan(tmp_path, pattern="{site}/*").table.iloc[0]
    assert (tmp_path / row["path"]).read_bytes() == b"footage"
    assert row["clip_id"] == clip_id(unicodedata.normalize("NFC", name))
    assert row["site"] == unicodedata.normalize("NFC", "Taï")


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
    [
        {"container_time": "local"},
        {"burst_gap_s": -1.0},
        {"time_from": ("guess",)},
        {"filename_time": "x"},
        {"time_from": ("banner",), "date_order": "ymd"},
        {"date_order": "dmy"},  # without banner
    ],
)
def test_wrong_options_are_refused_before_any_file_is_read(tmp_path, options):
    with pytest.raises(ConfigError):
        scan(tmp_path / "absent", **options)


def test_conservation_of_files(tmp_path):
    rng = [f"s{i % 3}/d{i % 5}/{i}.{'AVI' if i % 2 else 'jpg'}" for i in range(60)]
    put(tmp_path, *rng)
    assert sorted(paths_of(tmp_path)) == sorted(rng)
    assert list_footage(tmp_path).sizes == {p: 7 for p in paths_of(tmp_path)}


def run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_the_verb_writes_a_manifest_and_says_what_it_found(tmp_path):
    put(tmp_path / "clips", "n/d1/1.avi", "loose.mp4", "notes.txt")
    out = tmp_path / "m.parquet"
    result = run("scan", tmp_path / "clips", "--out", out, "--pattern", "{site}/{deployment}/*")
    assert result.exit_code == 0, result.output
    assert "so that they have no site (1): " in result.output and "loose.mp4" in result.output
    assert ".txt 1" in result.output
    assert str(tmp_path) not in result.output.partition("next:")[0], "which repeats what was typed"
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
