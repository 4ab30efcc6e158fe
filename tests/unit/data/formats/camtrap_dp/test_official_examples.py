"""What is written, and the sample of the reader's tests, against the official schemas of Camtrap DP 1.0.2."""

import csv
import importlib.util
import json
import re
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from leopardnet.core.manifest import Manifest
from leopardnet.data.formats.camtrap_dp.spec import COLUMNS, MISSING
from leopardnet.data.formats.camtrap_dp.write import write_camtrap_dp

SCHEMAS = Path(__file__).resolve().parents[6] / "shared" / "schemas"
pytestmark = pytest.mark.skipif(
    not (SCHEMAS / "camtrap-dp-1.0.2").is_dir(),
    reason="the folder with the official schemas is not beside this checkout",
)


def load(name):
    return json.loads((SCHEMAS / name).read_text("utf-8"))


def fields(table):
    return load(f"camtrap-dp-1.0.2/{table}-table-schema.json")["fields"]


def is_of_type(cell, field):
    kind = field["type"]
    if kind == "datetime":
        try:
            return datetime.strptime(cell, field["format"]).tzinfo is not None
        except ValueError:
            return False
    forms = {
        "integer": r"[-+]?\d+",
        "number": r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?",
        "boolean": "true|false|True|False|TRUE|FALSE|1|0",
    }
    return kind not in forms or re.fullmatch(forms[kind], cell) is not None


def faults_of_cell(cell, field):
    rules = field.get("constraints", {})
    if cell in MISSING:
        return ["required"] * bool(rules.get("required"))
    if not is_of_type(cell, field):
        return ["type"]
    found = ["enum"] * ("enum" in rules and cell not in rules["enum"])
    found += ["pattern"] * ("pattern" in rules and re.search(rules["pattern"], cell) is None)
    found += ["minimum"] * ("minimum" in rules and float(cell) < rules["minimum"])
    return found + ["maximum"] * ("maximum" in rules and float(cell) > rules["maximum"])


def faults(table, text, *, ids, whole=True):
    """All faults of a table as (row, column, rule). `ids` collects keys; not `whole`: columns may be absent."""
    schema = {f["name"]: f for f in fields(table)}
    header, *rows = csv.reader(text.splitlines())
    if (whole and header != list(schema)) or not set(header) <= set(schema):
        return [(0, "header", str(header))]
    found = []
    for i, row in enumerate(rows, start=1):
        cells = dict(zip(header, row, strict=True))
        found += [(i, c, rule) for c, cell in cells.items() for rule in faults_of_cell(cell, schema[c])]
        key = cells[COLUMNS[table][0]]
        found += [(i, COLUMNS[table][0], "unique")] * (key in ids.setdefault(table, set()))
        ids[table].add(key)
        for column, other in (("deploymentID", "deployments"), ("mediaID", "media")):
            if other != table and column in cells and cells[column] and cells[column] not in ids.get(other, ()):
                found.append((i, column, "foreign key"))
    return found


def all_faults(texts, *, whole=True):
    ids = {}
    return [f for t in COLUMNS for f in faults(t, texts[t], ids=ids, whole=whole)]


def profile_faults(description):
    from jsonschema import Draft4Validator
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT4

    geojson = load("geojson/geojson.json")
    geojson.pop("id", None)
    known = {
        "https://specs.frictionlessdata.io/schemas/data-package.json": load(
            "frictionless-data-package-1/data-package.json"
        ),
        "http://json.schemastore.org/geojson.json": geojson,
    }
    registry = Registry().with_resources(
        (uri, Resource(contents=c, specification=DRAFT4)) for uri, c in known.items()
    )
    validator = Draft4Validator(load("camtrap-dp-1.0.2/camtrap-dp-profile.json"), registry=registry)
    return [e.message for e in validator.iter_errors(description)]


@pytest.fixture
def written(tmp_path):
    """A package with a row of every kind, with boxes, frames, a burst, and nobody's label."""
    box = '[{"xyxy": [-0.1, 0.2, 0.300001, 0.3], "label": "animal", "score": 0.5}]'
    rows = [
        {"path": "a/1.AVI", "kind": "video", "label": "tiger", "boxes": box, "box_unit": "fraction"},
        {"path": "a/2.avi", "kind": "frame", "time_s": 1.5, "label": "empty"},
        {"path": "a/2.avi", "kind": "frame", "time_s": 2.5, "species": 'tiger + леопард, "x"'},
        {
            "path": "b/1.jpg",
            "kind": "burst",
            "paths": '["b/1.jpg", "b/2.jpg"]',
            "label": "leopard",
            "site": "NA",
            "deployment": "NA",
        },
        {"path": "b/3.jpg", "kind": "still", "label": "human", "deployment": None, "time_zone": "Asia/Vladivostok"},
        {"path": "b/4.jpg", "kind": "still"},
    ]
    base = {
        "site": "s1",
        "deployment": "d1",
        "captured_at": datetime(2021, 12, 30, 22, 34, 56, 700_000),
        "time_zone": "-03:30",
        "label_source": "machine",
    }
    manifest = Manifest.from_rows(pd.DataFrame([{**base, **r} for r in rows]), tmp_path)
    result = write_camtrap_dp(
        manifest, tmp_path / "out", study_area=(-89.99, 179.99, 5), scientific_names={"tiger": "Panthera tigris"}
    )
    assert result.n_left_out == 0
    return tmp_path / "out"


def texts_of(folder):
    return {t: (folder / f"{t}.csv").read_text("utf-8") for t in COLUMNS}


def test_columns_are_those_of_the_format_in_their_order():
    assert {t: [f["name"] for f in fields(t)] for t in COLUMNS} == {t: list(c) for t, c in COLUMNS.items()}
    assert [len(c) for c in COLUMNS.values()] == [24, 11, 28]


def test_a_written_package_is_valid(written):
    assert all_faults(texts_of(written)) == []
    description = json.loads((written / "datapackage.json").read_text("utf-8"))
    assert profile_faults(description) == []


def test_the_checker_finds_faults(written):
    texts = texts_of(written)
    media, observations = texts["media"], texts["observations"]
    broken = {
        "type": ("media", media.replace("2021-12-30T22:34:56-03:30", "2021-12-30 22:34:56")),
        "pattern": ("media", media.replace("a/1.AVI", "a/1..AVI")),
        "required": ("media", media.replace("video/x-msvideo", "")),
        "foreign key": ("media", media.replace("d1", "d9")),
        "header": ("media", media.replace("exifData,", "")),
        "enum": ("observations", observations.replace("blank", "empty")),
        "maximum": ("observations", observations.replace(",0.5,", ",1.02,")),
        "unique": ("observations", observations + observations.splitlines()[1] + "\n"),
    }
    for rule, (table, text) in broken.items():
        assert rule in {x for f in all_faults({**texts, table: text}) for x in f[1:]}, rule
    description = json.loads((written / "datapackage.json").read_text("utf-8"))
    for key in ("spatial", "contributors"):
        assert profile_faults({k: v for k, v in description.items() if k != key})
    assert profile_faults({**description, "licenses": [{"name": "CC0-1.0", "scope": "data"}]})


def test_the_sample_of_the_readers_tests_is_valid_where_it_has_columns():
    spec = importlib.util.spec_from_file_location("sample", Path(__file__).with_name("test_read.py"))
    sample = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sample)
    said = sample.observation(
        1, "m1", event="e1", name="Panthera tigris", box="0.1,0.2,0.3,0.4"
    ) + sample.observation(2, event="e1", level="event", kind="blank", method="machine", probability="0.9")
    texts = {"deployments": sample.DEPLOYMENTS, "media": sample.MEDIA, "observations": sample.HEAD + said}
    assert all_faults(texts, whole=False) == []
