"""`leopardnet import`: what it writes, prints and refuses."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

import leopardnet.cli.import_labels  # noqa: F401  (registers the verb)
from leopardnet.cli.console import app
from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.manifest import Manifest

FORMATS = ("csv", "coco", "camtrap-dp", "voc", "yolo", "folders", "megadetector")


def call(*args):
    return CliRunner().invoke(app, ["import", *map(str, args)], catch_exceptions=True)


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "images.csv"
    path.write_text("path,label,site,sequence_id\na/1.jpg,AmurTiger,n,s1\na/2.jpg,blank,n,s1\nb/3.jpg,human,,\n")
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_help_with_an_example(name):
    result = call(name, "--help")
    assert result.exit_code == 0
    assert f"leopardnet import {name}" in " ".join(result.stdout.split())


def test_the_line_of_the_documentation(table, tmp_path):
    out = tmp_path / "out" / "manifest.parquet"
    result = call(
        "csv",
        table,
        "--root",
        tmp_path,
        "--path",
        "path",
        "--label",
        "label",
        "--site",
        "site",
        "--sequence",
        "sequence_id",
        "--out",
        out,
        "--label-map",
        "amur",
    )
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert "manifest.parquet: rows: 3, clips: 3, sites: 1; labels: tiger 1, empty 1" in " ".join(
        result.stderr.split()
    )
    assert "human 1" in result.stderr
    m = Manifest.read(out)
    assert m.root.resolve() == tmp_path.resolve()
    assert m.table["label"].tolist()[:2] == ["tiger", "empty"] and m.table["species"].tolist() == [
        "AmurTiger",
        "blank",
        "human",
    ]


def test_json_is_one_document_on_stdout(table, tmp_path):
    result = call(
        "csv",
        table,
        "--root",
        tmp_path,
        "--path",
        "path",
        "--label",
        "label",
        "--out",
        tmp_path / "m.csv",
        "--json",
    )
    data = json.loads(result.stdout)
    assert (data["n_rows"], data["n_clips"], data["n_sites"]) == (3, 3, 0)
    assert data["labels"] == {"amur_tiger": 1, "empty": 1, "human": 1}
    assert data["notes"] == ["names that became labels: AmurTiger → amur_tiger, blank → empty"]


def test_an_unknown_label_is_refused_and_nothing_written(table, tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text("labels: {tiger: [AmurTiger]}\n")
    args = (
        "csv",
        table,
        "--root",
        tmp_path,
        "--path",
        "path",
        "--label",
        "label",
        "--out",
        tmp_path / "m.parquet",
        "--label-map",
        path,
    )
    result = call(*args)
    assert isinstance(result.exception, ManifestError) and "blank 1, human 1" in str(result.exception)
    assert not (tmp_path / "m.parquet").exists()
    assert call(*args, "--on-unknown", "other").exit_code == 0
    assert Manifest.read(tmp_path / "m.parquet").table["label"].tolist() == ["tiger", "other", "other"]


@pytest.mark.parametrize(
    "extra",
    [
        ("--out", "m.xlsx"),
        ("--out", "m.parquet", "--on-unknown", "other"),
        ("--out", "m.parquet", "--boxes", "x0,y0"),
    ],
)
def test_conflicts_are_one_sentence(table, tmp_path, extra):
    result = call("csv", table, "--root", tmp_path, "--path", "path", "--label", "label", *extra)
    assert result.exit_code == 2 and extra[-2] in result.stderr
    assert not list(tmp_path.glob("m.*"))


def test_usage_errors_are_exit_code_2(table, tmp_path):
    assert (
        call("csv", table, "--root", tmp_path / "none", "--path", "path", "--out", tmp_path / "m.parquet").exit_code
        == 2
    )
    assert call("csv", table, "--root", tmp_path, "--out", tmp_path / "m.parquet").exit_code == 2


def test_time_zone_is_a_column_or_a_zone(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("path,when,zone\na.jpg,2021-12-30 22:34:56,+10:00\n")
    for given, expected in (("zone", "+10:00"), ("Asia/Vladivostok", "Asia/Vladivostok")):
        result = call(
            "csv",
            path,
            "--root",
            tmp_path,
            "--path",
            "path",
            "--captured-at",
            "when",
            "--time-zone",
            given,
            "--out",
            tmp_path / "m.parquet",
        )
        assert result.exit_code == 0, result.output
        assert Manifest.read(tmp_path / "m.parquet").table["time_zone"].tolist() == [expected]


def test_boxes_of_a_detector_join_a_manifest(table, tmp_path):
    call("csv", table, "--root", tmp_path, "--path", "path", "--label", "label", "--out", tmp_path / "m.parquet")
    results = {
        "detection_categories": {"1": "animal"},
        "images": [{"file": "a/1.jpg", "detections": [{"category": "1", "conf": 0.9, "bbox": [0, 0, 1, 1]}]}],
    }
    (tmp_path / "md.json").write_text(json.dumps(results))
    result = call(
        "megadetector",
        tmp_path / "md.json",
        "--root",
        tmp_path,
        "--into",
        tmp_path / "m.parquet",
        "--out",
        tmp_path / "b.parquet",
    )
    assert result.exit_code == 0, result.output
    t = Manifest.read(tmp_path / "b.parquet").table
    assert t["label"].tolist() == ["amur_tiger", "empty", "human"]
    assert json.loads(t["boxes"][0])[0]["label"] == "animal" and t["boxes"][1:].isna().all()


def test_the_other_formats_reach_their_readers(tmp_path):
    (tmp_path / "tiger").mkdir()
    (tmp_path / "tiger/1.jpg").touch()
    (tmp_path / "tiger/1.xml").write_text("<annotation><filename>1.jpg</filename></annotation>")
    (tmp_path / "tiger/1.txt").write_text("")
    (tmp_path / "data.yaml").write_text("names: [tiger]\ntrain: tiger\n")
    (tmp_path / "c.json").write_text(
        json.dumps({"images": [{"id": 1, "file_name": "tiger/1.jpg"}], "categories": [], "annotations": []})
    )
    lines = [("voc", tmp_path), ("yolo", tmp_path), ("coco", tmp_path / "c.json"), ("folders", tmp_path)]
    found = {}
    for name, source in lines:
        result = call(
            name, source, "--root", tmp_path, "--out", tmp_path / f"{name}.parquet", "--site-from", "{site}/*"
        )
        assert result.exit_code == 0, (name, result.output)
        t = Manifest.read(tmp_path / f"{name}.parquet").table
        assert t["path"].tolist() == ["tiger/1.jpg"] and t["site"].tolist() == ["tiger"]
        found[name] = None if pd.isna(t["label"][0]) else t["label"][0]
    assert found == {"voc": "empty", "yolo": "empty", "coco": None, "folders": "tiger"}


def test_what_cannot_be_used_is_listed_beside_the_manifest_and_refused_by_strict(tmp_path):
    images = [{"id": 1, "file_name": "a/1.jpg", "datetime": "=cmd"}, {"id": 2, "file_name": "a/2.jpg"}]
    data = {"images": images, "categories": [], "annotations": [{"id": 1, "image_id": 9, "category_id": 1}]}
    source, out = tmp_path / "c.json", tmp_path / "m.parquet"
    source.write_text(json.dumps(data))
    args = ("coco", source, "--root", tmp_path, "--out", out)
    result = call(*args, "--json")
    assert result.exit_code == 0, result.output
    assert "3 problems in the source" in " ".join(result.stderr.split())
    assert str(tmp_path) not in result.stderr.partition("next:")[0], "which repeats what was typed"
    assert json.loads(result.stdout)["n_problems"] == 3
    listed = pd.read_csv(tmp_path / "m.parquet.problems.csv")
    assert listed.columns.tolist() == ["file", "row", "problem"] and len(Manifest.read(out)) == 2
    assert sorted(listed["row"]) == ["annotations[0]", "annotations[0]", "images[0]"]
    refused = call(*args[:-1], tmp_path / "strict.parquet", "--strict")
    assert isinstance(refused.exception, ManifestError) and not list(tmp_path.glob("strict*"))
    del images[0]["datetime"], data["annotations"][0]
    source.write_text(json.dumps(data))
    assert call(*args).exit_code == 0 and not (tmp_path / "m.parquet.problems.csv").exists()


@pytest.mark.parametrize(
    ("name", "source", "options"),
    [
        ("csv", "path,label\na/1.jpg,tiger\nnotes.txt,tiger\n", ("--path", "path", "--label", "label")),
        ("megadetector", '[{"file": "a/1.jpg", "detections": []}, {"file": 7}]', ()),
        ("folders", None, ()),
    ],
)
def test_every_format_lists_what_it_cannot_use_and_refuses_it_with_strict(tmp_path, name, source, options):
    root = tmp_path / "footage"
    (root / "a").mkdir(parents=True)
    for path in ("a/1.jpg", "loose.jpg"):
        (root / path).write_bytes(b"x")
    where = root if source is None else tmp_path / "source"
    if source is not None:
        where.write_text(source)
    result = call(name, where, "--root", root, *options, "--out", tmp_path / "m.csv")
    assert result.exit_code == 0 and "1 problem in the source" in " ".join(result.stderr.split()), result.output
    assert len(pd.read_csv(tmp_path / "m.csv.problems.csv")) == 1
    refused = call(name, where, "--root", root, *options, "--out", tmp_path / "strict.csv", "--strict")
    assert isinstance(refused.exception, ManifestError) and not list(tmp_path.glob("strict*"))


def test_a_form_of_times_without_their_column_is_refused(table, tmp_path):
    out = tmp_path / "m.parquet"
    result = call("csv", table, "--root", tmp_path, "--path", "path", "--out", out, "--time-format", "dmy")
    assert result.exit_code == 2 and "--captured-at" in result.output and not out.exists()


@pytest.mark.parametrize("separator", ["ab", ""])
def test_a_separator_that_is_no_character_is_refused(table, tmp_path, separator):
    out = tmp_path / "m.parquet"
    result = call("csv", table, "--root", tmp_path, "--path", "path", "--out", out, "--separator", separator)
    assert result.exit_code != 0 and not out.exists()
    assert isinstance(result.exception, ConfigError) and "one character" in str(result.exception)
