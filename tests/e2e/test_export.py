"""Predictions of rendered footage in every format, by one command each, checked by the tools of the field.

Rendered footage says nothing about animals; here it only makes every kind of row.
"""

from __future__ import annotations

import importlib.util
import json
import socket
import subprocess
import sys
from getpass import getuser
from pathlib import Path

import pandas as pd
import pytest
from command_line import leopardnet
from file_texts import content, files_in, json_of

import leopardnet as ln
from leopardnet.cli.console import main
from leopardnet.core.manifest import Manifest
from leopardnet.data.formats.camtrap_dp.lint import lint_camtrap_dp
from leopardnet.data.formats.camtrap_dp.read import read_camtrap_dp
from leopardnet.data.formats.coco import read_coco
from leopardnet.data.formats.megadetector.read import read_megadetector
from leopardnet.export.write_results import FORMATS

SCHEMAS = Path(__file__).resolve().parents[3] / "shared" / "schemas"
TABLES = ("deployments", "media", "observations")
OUT = {
    "csv": "r.csv",
    "parquet": "r.parquet",
    "jsonl": "r.jsonl",
    "xlsx": "r.xlsx",
    "megadetector": "md.json",
    "camtrap-dp": "package",
    "coco": "coco.json",
    "yolo": "yolo",
    "voc": "voc",
    "timelapse": "timelapse.csv",
}


@pytest.fixture(scope="module")
def results(labelled, tiny_bundle, tmp_path_factory):
    """Predictions of all clips, one more file that no decoder can read, a manifest with zones, and corrections."""
    here = tmp_path_factory.mktemp("export")
    broken = "site01/2021-12/broken.AVI"
    (labelled.root / broken).parent.mkdir(parents=True, exist_ok=True)
    (labelled.root / broken).write_bytes(b"no video")
    row = labelled.table.iloc[[0]].assign(path=broken, kind="video", label=None, label_source=None, clip_id=None)
    rows = labelled.table.assign(time_zone="Asia/Vladivostok")
    table = pd.concat([rows, row.assign(time_zone="Asia/Vladivostok")], ignore_index=True).drop(columns="clip_id")
    manifest = Manifest.from_rows(table, labelled.root)
    manifest.write(here / "m.parquet")
    ln.predict(manifest, tiny_bundle, out=here / "results")
    paths = manifest.table["path"].drop_duplicates()
    pd.DataFrame({"path": paths[:2], "label": ["tiger", "empty"], "by": "A. Person"}).to_csv(
        here / "c.csv", index=False
    )
    deployments = manifest.table["deployment"].dropna().unique()
    pd.DataFrame({"deployment": deployments, "latitude": 43.115512, "longitude": 131.885534}).to_csv(
        here / "d.csv", index=False
    )
    (labelled.root / broken).unlink()
    return here


@pytest.fixture(scope="module")
def exported(results):
    """Every format, one command each."""
    with pytest.MonkeyPatch.context() as patch:
        for format, name in OUT.items():
            options = ["--manifest", results / "m.parquet", "--corrections", results / "c.csv"]
            options += ["--deployments", results / "d.csv"] if format in ("camtrap-dp", "csv") else []
            arguments = [
                "export",
                results / "results",
                "--format",
                format,
                "--out",
                results / "out" / name,
                *options,
            ]
            patch.setattr(sys, "argv", ["leopardnet", *map(str, arguments)])
            with pytest.raises(SystemExit) as stop:
                main()
            assert not stop.value.code, format
    return results / "out"


def predictions(results):
    return pd.read_parquet(results / "results/predictions.parquet")


def test_every_format_is_there_and_has_every_clip(results, exported):
    assert set(OUT) == set(FORMATS)
    n = len(predictions(results))
    assert n > 30 and "unreadable" in set(predictions(results)["status"])
    assert len(pd.read_csv(exported / "r.csv")) == len(pd.read_parquet(exported / "r.parquet")) == n
    assert (
        len(pd.read_excel(exported / "r.xlsx", engine="calamine"))
        == len(pd.read_csv(exported / "timelapse.csv"))
        == n
    )
    assert len((exported / "r.jsonl").read_text("utf-8").splitlines()) == n
    assert len(json_of(exported / "md.json")["images"]) == len(json_of(exported / "coco.json")["images"]) == n
    assert len(pd.read_csv(exported / "package/media.csv")) == n
    assert (exported / "yolo/data.yaml").is_file() and (exported / "voc").is_dir()


# --- the field's own checkers ---


def validated(path):
    """Run MegaDetector's validator in another process: importing it changes how Pillow reads cut pictures."""
    if importlib.util.find_spec("megadetector") is None:
        pytest.skip("megadetector-utils is not installed: pip install --no-deps -r tests/requirements-no-deps.txt")
    code = """if True:
        import json, sys
        from megadetector.postprocessing.validate_batch_results import validate_batch_results
        print("found:" + json.dumps(validate_batch_results(sys.argv[1])["validation_results"]))
    """
    result = subprocess.run([sys.executable, "-W", "ignore", "-c", code, str(path)], capture_output=True, text=True)
    assert "found:" in result.stdout, result.stderr
    return json.loads(result.stdout.split("found:")[1])


def test_megadetectors_own_validator_has_no_complaint(exported, tmp_path):
    found = validated(exported / "md.json")
    assert found["errors"] == [] and found["warnings"] == [] and found["detection_category_id_to_count"]["1"] > 0
    data = json_of(exported / "md.json")
    data["images"][0]["detections"][0]["conf"] = 1
    (tmp_path / "bad.json").write_text(json.dumps(data | {"more": 1}))
    assert validated(tmp_path / "bad.json")["errors"], "the validator finds a fault"


def test_megadetector_results_fit_the_schema_of_the_format(exported):
    jsonschema = pytest.importorskip("jsonschema")
    if not (SCHEMAS / "own").is_dir():
        pytest.skip("the folder with schemas is not beside this checkout")
    schema = json_of(SCHEMAS / "own/md-batch-1.6.schema.json")
    faults = jsonschema.validators.validator_for(schema)(schema).iter_errors
    data = json_of(exported / "md.json")
    assert [fault.message for fault in faults(data)] == []
    assert list(faults(data | {"images": None})), "the schema finds a fault"


@pytest.fixture
def official():
    if not (SCHEMAS / "camtrap-dp-1.0.2").is_dir():
        pytest.skip("the folder with the official schemas is not beside this checkout")
    return lambda name: json_of(SCHEMAS / name)


def profile_faults(official, description):
    from jsonschema import Draft4Validator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT4

    geojson = official("geojson/geojson.json")
    geojson.pop("id", None)
    known = {
        "https://specs.frictionlessdata.io/schemas/data-package.json": official(
            "frictionless-data-package-1/data-package.json"
        ),
        "http://json.schemastore.org/geojson.json": geojson,
    }
    registry = Registry().with_resources((u, Resource(contents=c, specification=DRAFT4)) for u, c in known.items())
    validator = Draft4Validator(official("camtrap-dp-1.0.2/camtrap-dp-profile.json"), registry=registry)
    return [e.message for e in validator.iter_errors(description)]


def frictionless_faults(official, folder):
    """Check the tables with frictionless and without a network: schemas in place of their addresses."""
    frictionless = pytest.importorskip("frictionless")
    description = json_of(folder / "datapackage.json")
    description.pop("profile")
    for resource in description["resources"]:
        resource["schema"] = official(f"camtrap-dp-1.0.2/{resource['name']}-table-schema.json")
    report = frictionless.Package.from_descriptor(description, basepath=str(folder)).validate()
    return [error.message for task in report.tasks for error in task.errors] + [e.message for e in report.errors]


def test_the_package_is_valid_camtrap_dp(official, exported, tmp_path):
    assert profile_faults(official, json_of(exported / "package/datapackage.json")) == []
    assert frictionless_faults(official, exported / "package") == []
    assert lint_camtrap_dp(exported / "package") == []
    for name in ("datapackage.json", *(f"{t}.csv" for t in TABLES)):  # a fault would be found
        text = (exported / "package" / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace(",machine,", ",robot,"), "utf-8")
    assert frictionless_faults(official, tmp_path)


def test_the_package_says_what_the_predictions_say(results, exported):
    seen = pd.read_csv(exported / "package/observations.csv", keep_default_na=False)
    said = predictions(results)
    machine = seen[(seen["observationLevel"] == "media") & (seen["classificationMethod"] == "machine")]
    assert len(machine) == int((said["status"] != "unreadable").sum())
    assert (seen["observationType"] == "unclassified").sum() == (said["status"] == "unreadable").sum() == 1
    human = seen[(seen["observationLevel"] == "media") & (seen["classificationMethod"] == "human")]
    assert set(human["mediaID"][human["scientificName"] == "Panthera tigris"]) >= {said["clip_id"][0]}
    assert {"media", "event"} == set(seen["observationLevel"]) and not seen["count"].astype(bool).any()
    assert pd.read_csv(exported / "package/deployments.csv")[
        ["latitude", "longitude"]
    ].drop_duplicates().to_numpy().tolist() == [[43.1, 131.9]]


def test_our_own_readers_read_what_was_written(results, exported):
    said, root = predictions(results), results
    for got in (
        read_megadetector(exported / "md.json", root=root).manifest,
        read_coco(exported / "coco.json", root=root).manifest,
        read_camtrap_dp(exported / "package", root=root).manifest,
    ):
        assert sorted(got.table["path"]) == sorted(said["path"])


# --- what no file may hold ---


def test_no_file_names_a_user_a_host_or_a_place_on_this_machine(results, exported, tiny_run, labelled, tmp_path):
    said, report, log = results / "results", tmp_path / "report.html", tmp_path / "run.log"
    _, progress = leopardnet(
        "predict",
        results / "m.parquet",
        "--bundle",
        tiny_run.folder / "bundle",
        "--out",
        tmp_path / "again",
        code=3,
    )
    log.write_text(progress.partition("next:")[0], "utf-8")  # what comes next repeats what was typed
    leopardnet(
        "report", said, "--manifest", results / "m.parquet", "--bundle", tiny_run.folder / "bundle", "--out", report
    )
    places = {
        str(labelled.root),
        str(results),
        str(tiny_run.folder),
        str(Path.home()),
        str(Path(__file__).parents[2]),
    }
    words = {w for w in (getuser(), socket.gethostname(), Path.home().name) if len(w) > 4} | places
    found = [
        (path.name, word)
        for path in files_in(exported, said, report, tiny_run.folder, tmp_path / "again")
        for word in sorted(words)
        if word in content(path)
    ]
    assert found == []
    assert [w for w in sorted(places - {str(tmp_path)}) if w in log.read_text("utf-8")] == []


def test_this_way_of_looking_finds_what_is_hidden(tmp_path):
    pd.DataFrame({"a": ["/home/anna"]}).to_parquet(tmp_path / "x.parquet")
    pd.DataFrame({"a": ["/home/anna"]}).to_excel(tmp_path / "x.xlsx")
    (tmp_path / "x.json").write_text(json.dumps({"a": "/home/anna"}).replace("/", "\\/"))
    assert all("/home/anna" in content(p) for p in files_in(tmp_path)) and len(files_in(tmp_path)) == 3


def test_names_of_people_are_not_in_the_files(exported):
    assert not [p for p in files_in(exported) if "A. Person" in content(p)]


# --- the command itself ---


@pytest.fixture
def command(monkeypatch, capfd):
    """A function that runs the command in this process: (stdout, stderr). No traceback, ever."""

    def run(*arguments, code=0):
        monkeypatch.setattr(sys, "argv", ["leopardnet", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main()
        out, err = capfd.readouterr()
        assert (stop.value.code or 0) == code and "Traceback" not in out + err, out + err
        return out, err

    return run


def test_corrections_are_asked_for_only_where_none_were_given(results, command, tmp_path):
    export = ("export", results / "results", "--out", tmp_path / "x.csv")
    assert "give it to `export` with --corrections" in command(*export)[1]
    assert "with --corrections" not in command(*export, "--corrections", results / "c.csv")[1]


def test_export_counts_what_it_leaves_out(results, command, tmp_path):
    out, err = command(
        "export",
        results / "results",
        "--format",
        "camtrap-dp",
        "--out",
        tmp_path / "dp.zip",
        "--time-zone",
        "+10:00",
        "--study-area",
        "43,131.4,40000",
        "--json",
    )
    said = json.loads(out)
    assert said["n_rows"] + said["n_left_out"] == len(predictions(results)) and "written:" in err
    assert lint_camtrap_dp(tmp_path / "dp.zip") == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--out", "x.json"], 1, "not known"),
        (["--out", "x", "--format", "excel"], 2, "excel"),
        (["--out", "x.csv", "--study-area", "43"], 2, "three numbers"),
        (["--out", "x.csv", "--format", "timelapse", "--column", "Species"], 2, "DataLabel=field"),
        (["--out", "x.csv", "--format", "timelapse", "--column", "My label=decision"], 1, "no such data label"),
        (["--out", "x", "--format", "camtrap-dp"], 1, "no row of the manifest"),
        (["--out", "x.csv", "--time-zone", "Mars"], 1, "time zone"),
        (["--out", "x.csv", "--corrections", "gone.csv"], 1, "no such table"),
    ],
)
def test_a_wrong_wish_is_one_message_and_writes_nothing(
    results, command, tmp_path, arguments, code, said, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    _, err = command("export", results / "results", *arguments, code=code)
    assert said in err and not list(tmp_path.iterdir())


def test_sort_shows_first_and_copies_on_request(results, labelled, command, tmp_path):
    arguments = ("sort", results / "results", "--root", labelled.root, "--out", tmp_path / "sorted")
    out, err = command(*arguments)
    assert "Would be copied" in out and "nothing was written" in err and not list(tmp_path.iterdir())
    out, err = command(*arguments, "--copy", "--json")
    said = json.loads(out)
    copied = [p for p in (tmp_path / "sorted").rglob("*") if p.is_file()]
    readable = predictions(results)["status"] != "unreadable"
    assert len(copied) == said["copied"] == sum(said["folders"].values()) == readable.sum()
    assert set(said["folders"]) == {p.name for p in (tmp_path / "sorted").iterdir()}
    _, err = command("sort", results / "results", "--out", tmp_path / "x", code=1)
    assert "the folder of the clips is not known" in err


def test_an_alarm_of_the_watch_goes_with_what_leaves(results, labelled, command, tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    for name in ("predictions.parquet", "evidence.parquet"):
        (folder / name).write_bytes((results / "results" / name).read_bytes())
    ways = (
        ("export", folder, "--format", "csv", "--out", tmp_path / "r.csv"),
        ("sort", folder / "predictions.parquet", "--root", labelled.root, "--out", tmp_path / "sorted"),
    )
    for text, is_said in (
        ("", False),
        ("not JSON", False),
        ("[1]", False),
        (json.dumps({"says": "The promise still applies.", "alarm": None}), False),
        (json.dumps({"says": "The promise no longer applies.", "alarm": {"block": "first 5"}}), True),
    ):
        (folder / "watch.json").write_text(text, "utf-8")
        for way in ways:
            _, err = command(*way)
            assert ("The promise no longer applies." in err) == is_said and "still applies" not in err


def test_convert_opens_no_pickle(tiny_bundle, command, tmp_path):
    (tmp_path / "w.pt").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    _, err = command("convert", tmp_path / "w.pt", "--like", tiny_bundle.folder, "--out", tmp_path / "made", code=1)
    assert "more than plain weights" in err and [p.name for p in tmp_path.iterdir()] == ["w.pt"]
