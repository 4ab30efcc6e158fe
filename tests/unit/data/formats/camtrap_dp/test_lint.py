"""Every rule of the lint has a package that breaks only it; the sound package breaks none."""

import csv
import io
import json

import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.camtrap_dp.lint import RULES, lint_camtrap_dp
from leopardnet.data.formats.camtrap_dp.spec import COLUMNS

T0, T1, END = "2021-12-30T22:34:56+10:00", "2021-12-30T22:35:01+10:00", "2021-12-31T00:00:00+10:00"


def sound():
    """Two deployments and files, an animal with a box, a blank, an unclassified one, a human label, an event."""
    deployment = {
        "latitude": "43.1",
        "longitude": "131.9",
        "coordinateUncertainty": "7902",
        "deploymentStart": "2021-12-30T00:00:00+10:00",
        "deploymentEnd": END,
    }
    media = {"timestamp": T0, "filePublic": "false", "fileMediatype": "video/mp4"}
    base = {"deploymentID": "d1", "eventStart": T0, "eventEnd": T1, "eventID": "e1", "observationLevel": "media"}
    machine = {
        "classificationMethod": "machine",
        "classifiedBy": "leopardnet 0.1 / model x",
        "classificationProbability": "0.9",
    }
    tiger = {"observationType": "animal", "scientificName": "Panthera tigris"}
    return {
        "deployments": [{"deploymentID": "d1", **deployment}, {"deploymentID": "d2", **deployment}],
        "media": [
            {"mediaID": "m1", "deploymentID": "d1", "filePath": "a/1.mp4", "fileName": "1.mp4", **media},
            {"mediaID": "m2", "deploymentID": "d2", "filePath": "a/2.mp4", "fileName": "2.mp4", **media},
        ],
        "observations": [
            {
                **base,
                **machine,
                **tiger,
                "observationID": "o1",
                "mediaID": "m1",
                "bboxX": "0.1",
                "bboxY": "0.2",
                "bboxWidth": "0.3",
                "bboxHeight": "0.8",
            },
            {
                **base,
                **machine,
                "observationID": "o2",
                "mediaID": "m2",
                "deploymentID": "d2",
                "observationType": "blank",
            },
            {
                **base,
                **tiger,
                "observationID": "o3",
                "mediaID": "m1",
                "classificationMethod": "human",
                "classificationProbability": "1",
            },
            {**base, "observationID": "o4", "mediaID": "m1", "observationType": "unclassified"},
            {
                **base,
                **tiger,
                "observationID": "o5",
                "observationLevel": "event",
                "classificationMethod": "machine",
                "classifiedBy": "x",
            },
        ],
        "description": {
            "project": {"observationLevel": ["media", "event"]},
            "taxonomic": [{"scientificName": "Panthera tigris"}],
            "coordinatePrecision": 0.1,
            "temporal": {"start": "2021-12-30", "end": "2021-12-31"},
        },
    }


def put(package, folder, columns=COLUMNS):
    folder.mkdir()
    for table, names in columns.items():
        text = io.StringIO()
        writer = csv.DictWriter(text, names, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(package[table])
        (folder / f"{table}.csv").write_text(text.getvalue(), "utf-8")
    (folder / "datapackage.json").write_text(json.dumps(package["description"]), "utf-8")
    return folder


def setting(table, i, **cells):
    return lambda p: p[table][i].update(cells)


def describing(**keys):
    return lambda p: p["description"].update(keys)


MUTATIONS = [
    ("ids", setting("deployments", 1, deploymentID="d1"), {"references": 2}),
    ("ids", lambda p: p["observations"].append(p["observations"][3]), {}),
    ("references", setting("media", 1, mediaID="m9"), {}),
    ("times", setting("observations", 1, eventEnd="2021-12-30 22:35:01"), {}),
    ("times", setting("media", 1, timestamp="2021-12-30T22:34:56"), {}),
    ("times", setting("media", 0, timestamp="2021-12-30T22:34:56.5+10:00"), {}),
    ("order", setting("observations", 0, eventEnd="2021-12-30T22:34:55+10:00"), {}),
    ("order", setting("deployments", 0, deploymentEnd="2021-12-29T00:00:00+10:00"), {"inside-deployment": 4}),
    ("inside-deployment", setting("observations", 4, eventEnd="2021-12-31T00:00:01+10:00"), {}),
    ("before-its-file", setting("observations", 0, eventStart="2021-12-30T12:34:55Z"), {}),
    ("other-deployment", setting("observations", 3, deploymentID="d2"), {}),
    ("file-of-level", setting("observations", 3, mediaID=""), {}),
    ("file-of-level", setting("observations", 4, mediaID="m1"), {}),
    ("level-declared", describing(project={"observationLevel": ["media"]}), {}),
    ("animal-named", setting("observations", 2, scientificName=""), {}),
    ("name-listed", setting("observations", 2, scientificName="Panthera pardus"), {}),
    ("nothing-is-nothing", setting("observations", 1, count="1"), {}),
    ("nothing-is-nothing", setting("observations", 3, scientificName="Panthera tigris"), {}),
    ("whole-box", setting("observations", 0, bboxWidth=""), {}),
    ("whole-box", setting("observations", 0, bboxX="0.8"), {}),
    ("probability", setting("observations", 0, classificationProbability="1.02"), {}),
    ("probability", setting("observations", 0, classificationProbability="high"), {}),
    ("probability", setting("observations", 3, classificationProbability="0.5"), {}),
    ("machine-named", setting("observations", 0, classifiedBy=""), {}),
    ("path-inside", setting("media", 0, filePath="C:\\d1\\1.mp4"), {}),
    ("path-inside", setting("media", 0, filePath="/home/anna/1.mp4"), {}),
    ("path-inside", setting("media", 0, filePath="file://host/1.mp4"), {}),
    ("path-inside", setting("media", 0, filePath="a/../1.mp4"), {}),
    ("path-inside", setting("media", 0, fileName="\\\\nas\\1.mp4"), {}),
    ("private", setting("media", 0, filePublic="true"), {}),
    ("as-exact-as-said", setting("deployments", 0, latitude="43.1155"), {}),
    ("as-exact-as-said", setting("deployments", 0, coordinateUncertainty=""), {}),
    ("period-covers", describing(temporal={"start": "2021-12-31", "end": "2021-12-31"}), {"period-covers": 2}),
]


def faults(folder):
    found: dict[str, int] = {}
    for fault in lint_camtrap_dp(folder):
        found[fault.rule] = found.get(fault.rule, 0) + 1
    return found


def test_a_sound_package_has_no_fault(tmp_path):
    assert faults(put(sound(), tmp_path / "p")) == {}


@pytest.mark.parametrize(
    ("rule", "mutate", "more"), MUTATIONS, ids=[f"{m[0]}-{i}" for i, m in enumerate(MUTATIONS)]
)
def test_a_package_that_breaks_one_rule(tmp_path, rule, mutate, more):
    package = sound()
    mutate(package)
    assert faults(put(package, tmp_path / "p")) == {rule: 1} | more


@pytest.mark.parametrize("table", COLUMNS)
def test_columns_are_all_there_and_in_order(tmp_path, table):
    swapped = (COLUMNS[table][0], *COLUMNS[table][2:], COLUMNS[table][1])
    assert faults(put(sound(), tmp_path / "p", {**COLUMNS, table: swapped})) == {"columns": 1}


def test_every_rule_is_broken_by_some_package():
    assert {m[0] for m in MUTATIONS} | {"columns"} == set(RULES)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("datapackage.json", "[1]", "not an object"),
        ("datapackage.json", "{", "valid JSON"),
        ("datapackage.json", '{"project": 1, "taxonomic": {"a": 1}, "temporal": []}', None),
        (
            "datapackage.json",
            '{"project": {"observationLevel": [[]]}, "taxonomic": [{"scientificName": []}],'
            ' "temporal": {"start": []}}',
            None,
        ),
        ("media.csv", "", "empty"),
        ("media.csv", 'a,"b', "quote|cells|columns"),
        ("media.csv", None, "lacks a table"),
    ],
)
def test_broken_packages_are_one_message(tmp_path, name, content, said):
    folder = put(sound(), tmp_path / "p")
    (folder / name).write_text(content, "utf-8") if content is not None else (folder / name).unlink()
    if said is None:
        assert set(faults(folder)) == {"level-declared", "name-listed", "as-exact-as-said", "period-covers"}
        return
    with pytest.raises(ManifestError, match=said):
        lint_camtrap_dp(folder)
