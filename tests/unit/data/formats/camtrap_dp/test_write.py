"""Writing Camtrap DP: what rows become, what is left out and counted, and what is never written."""

import json
import zipfile
from datetime import UTC, datetime

import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.footage_suffixes import STILL_SUFFIXES, VIDEO_SUFFIXES
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id
from leopardnet.data.formats.camtrap_dp.spec import MEDIA_TYPES
from leopardnet.data.formats.camtrap_dp.write import write_camtrap_dp
from leopardnet.data.scan.deployments import read_deployments

TIME = datetime(2021, 12, 30, 22, 34, 56)
AREA = (43.0, 131.4, 40_000)


def rows(*given):
    base = {
        "kind": "still",
        "site": "s1",
        "deployment": "d1",
        "captured_at": TIME,
        "time_zone": "+10:00",
        "label_source": "human",
    }
    return Manifest.from_rows(pd.DataFrame([{**base, **g} for g in given]).astype({"path": "str"}), "x")


def places(tmp_path, text):
    path = tmp_path / "deployments_in.csv"
    path.write_text(text, "utf-8")
    return read_deployments(path)


def package(folder):
    tables = {
        t: pd.read_csv(folder / f"{t}.csv", dtype=str, keep_default_na=False)
        for t in ("deployments", "media", "observations")
    }
    return tables | {"description": json.loads((folder / "datapackage.json").read_text("utf-8"))}


def write(tmp_path, *given, **options):
    options = {"study_area": AREA} | options
    written = write_camtrap_dp(rows(*given), tmp_path / "out", **options)
    return written, package(tmp_path / "out")


def observed(got, *columns):
    return got["observations"][list(columns)].to_numpy().tolist()


# --- what rows become ---


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"label": "tiger"}, ["animal", "tiger", "human"]),
        ({"label": "empty", "label_source": "machine"}, ["blank", "", "machine"]),
        ({"label": "person"}, ["human", "", "human"]),
        ({"label": "vehicle", "label_source": None}, ["vehicle", "", ""]),
        ({"label": "animal"}, ["animal", "", "human"]),
        ({"label": None}, ["unknown", "", "human"]),
        ({"label": None, "label_source": None}, ["unclassified", "", ""]),
    ],
)
def test_labels_become_types(tmp_path, row, expected):
    _, got = write(tmp_path, {"path": "a/1.JPG", **row})
    assert observed(got, "observationType", "scientificName", "classificationMethod") == [expected]


def test_a_row_becomes_a_file_with_its_time_and_one_observation(tmp_path):
    written, got = write(
        tmp_path, {"path": "a/1.AVI", "kind": "video", "label": "tiger", "sequence_id": "q7", "time_source": "riff"}
    )
    assert (written.n_rows, written.n_left_out, written.reasons, written.notes) == (1, 0, {}, ())
    media = got["media"].iloc[0]
    assert media["mediaID"] == clip_id("a/1.AVI") and media["timestamp"] == "2021-12-30T22:34:56+10:00"
    assert (media["filePath"], media["fileName"], media["filePublic"]) == ("a/1.AVI", "1.AVI", "false")
    assert media["fileMediatype"] == "video/x-msvideo" and media["mediaComments"] == "time from riff"
    o = got["observations"].iloc[0]
    assert (o["mediaID"], o["deploymentID"], o["eventID"], o["observationLevel"]) == (
        media["mediaID"],
        "d1",
        "q7",
        "media",
    )
    assert o["eventStart"] == o["eventEnd"] == media["timestamp"] and o["count"] == ""


def test_two_species_are_two_observations(tmp_path):
    _, got = write(tmp_path, {"path": "1.jpg", "species": "tiger + sika deer"})
    assert observed(got, "scientificName") == [["tiger"], ["sika deer"]]
    assert got["observations"]["observationID"].is_unique


def test_labels_get_their_scientific_names(tmp_path):
    names = {"tiger": "Panthera tigris"}
    _, got = write(
        tmp_path, {"path": "1.jpg", "label": "tiger"}, {"path": "2.jpg", "label": "other"}, scientific_names=names
    )
    assert observed(got, "observationType", "scientificName", "observationTags") == [
        ["animal", "Panthera tigris", ""],
        ["animal", "", "label:other"],
    ]
    assert got["description"]["taxonomic"] == [
        {"scientificName": "Panthera tigris", "vernacularNames": {"eng": "tiger"}}
    ]


def test_frames_of_a_video_are_one_file_and_seconds_of_it(tmp_path):
    frame = {"path": "v.avi", "kind": "frame"}
    written, got = write(
        tmp_path,
        {**frame, "time_s": 0.0, "label": "empty"},
        {**frame, "time_s": 65.9, "label": "tiger"},
        {**frame, "frame_number": 7, "label": "tiger"},
    )
    assert len(got["media"]) == 1 and (written.n_rows, written.n_left_out) == (2, 1)
    assert written.reasons == {"a frame without time_s": 1}
    assert observed(got, "observationType", "eventStart", "eventEnd") == [
        ["blank", "2021-12-30T22:34:56+10:00", "2021-12-30T22:34:56+10:00"],
        ["animal", "2021-12-30T22:36:01+10:00", "2021-12-30T22:36:01+10:00"],
    ]
    assert got["deployments"]["deploymentEnd"].tolist() == ["2021-12-30T22:36:01+10:00"]


def test_the_label_of_a_burst_is_that_of_an_event(tmp_path):
    burst = {
        "path": "1.jpg",
        "kind": "burst",
        "paths": '["1.jpg", "2.jpg", "3.jpg"]',
        "label": "tiger",
        "sequence_id": "q1",
    }
    written, got = write(tmp_path, burst)
    assert written.n_rows == 1 and got["media"]["filePath"].tolist() == ["1.jpg", "2.jpg", "3.jpg"]
    assert observed(got, "observationLevel", "observationType", "eventID") == [
        ["media", "unclassified", "q1"]
    ] * 3 + [["event", "animal", "q1"]]
    assert got["observations"]["mediaID"].tolist()[-1] == ""
    assert got["description"]["project"]["observationLevel"] == ["media", "event"]


def test_bursts_that_share_a_sequence_are_events_of_their_own(tmp_path):
    bursts = [
        {"path": f"{i}.jpg", "kind": "burst", "paths": f'["{i}.jpg"]', "label": x, "sequence_id": "q"}
        for i, x in enumerate(["tiger", "empty"])
    ]
    _, got = write(tmp_path, *bursts)
    assert set(got["observations"]["eventID"]) == {clip_id("0.jpg"), clip_id("1.jpg")}


# --- boxes ---


def boxes(*given):
    return json.dumps([dict(b) for b in given])


BOX = ("bboxX", "bboxY", "bboxWidth", "bboxHeight")


def test_pixels_become_fractions(tmp_path):
    row = {
        "path": "1.jpg",
        "label": "tiger",
        "boxes": boxes({"xyxy": [10, 20, 60, 100]}),
        "box_unit": "px",
        "width_px": 100,
        "height_px": 200,
    }
    _, got = write(tmp_path, row)
    assert observed(got, *BOX, "scientificName") == [["0.1", "0.1", "0.5", "0.4", "tiger"]]


def test_boxes_that_cannot_be_written_are_counted_and_the_label_stays(tmp_path):
    box = {"xyxy": [0.1, 0.1, 0.2, 0.2]}
    written, got = write(
        tmp_path,
        {"path": "1.jpg", "label": "tiger", "boxes": boxes({"xyxy": [1, 2, 3, 4]}), "box_unit": "px"},
        {"path": "2.jpg", "label": "empty", "boxes": boxes(box, box), "box_unit": "fraction"},
        {"path": "3.jpg", "label": "tiger", "boxes": boxes({"xyxy": [1.2, 0, 1.5, 1]}), "box_unit": "fraction"},
        {"path": "4.jpg", "label": "tiger", "boxes": boxes({"xyxy": [-0.5, 0, 0.5, 1]}), "box_unit": "fraction"},
    )
    assert observed(got, *BOX, "observationType") == [
        ["", "", "", "", "animal"],
        ["", "", "", "", "blank"],
        ["", "", "", "", "animal"],
        ["0", "0", "0.5", "1", "animal"],
    ]
    assert [n.rpartition(": ")[2] for n in written.notes] == ["1", "2", "1", "1"] and written.n_rows == 4


def test_boxes_of_a_burst_are_counted_whether_it_has_a_label_or_not(tmp_path):
    found = {"boxes": boxes({"xyxy": [0, 0, 1, 1]}), "box_unit": "fraction", "kind": "burst"}
    written, got = write(
        tmp_path,
        {"path": "1.jpg", "paths": '["1.jpg"]', "label": "tiger", **found},
        {"path": "2.jpg", "paths": '["2.jpg"]', "label_source": None, **found},
        {"path": "3.jpg", "paths": '["3.jpg"]', "label_source": None, **found, "boxes": "[]"},
    )
    assert written.notes == ("rows with boxes of a burst, not written: 2",)
    assert not got["observations"]["bboxX"].any()


def test_a_detectors_animal_goes_by_the_name_of_its_row(tmp_path):
    found = boxes({"xyxy": [0, 0, 0.5, 0.5], "label": "animal", "score": 0.93})
    row = {"label": "tiger", "boxes": found, "box_unit": "fraction"}
    _, got = write(tmp_path, {"path": "1.jpg", **row}, {"path": "2.jpg", **row, "label_source": "machine"})
    assert observed(got, "scientificName", "classificationProbability", "observationTags") == [
        ["tiger", "", "box_score:0.93"],
        ["tiger", "0.93", ""],
    ]


# --- what is left out ---


def test_rows_that_the_format_cannot_hold_are_counted_by_reason(tmp_path):
    written, got = write(
        tmp_path,
        {"path": "ok.jpg"},
        {"path": "1.jpg", "captured_at": None},
        {"path": "2.jpg", "time_zone": None},
        {"path": "IMAG0001..AVI", "kind": "video"},
        {"path": ".hidden/3.jpg"},
        {"path": "notes.txt"},
        {"path": "b1.jpg", "kind": "burst", "paths": '["b1.jpg", "b..2.jpg"]'},
    )
    assert got["media"]["filePath"].tolist() == ["ok.jpg"]
    assert (written.n_rows, written.n_left_out) == (1, 6)
    assert sorted(written.reasons.values()) == [1, 1, 1, 3]
    assert written.reasons["no time"] == written.reasons["no time zone"] == 1


def test_a_file_with_two_times_keeps_the_first(tmp_path):
    video = {"path": "v.avi", "label": "tiger"}
    other = {**video, "kind": "frame", "time_s": 1.0, "captured_at": datetime(2022, 1, 1)}
    written, got = write(tmp_path, {**video, "kind": "video"}, other)
    assert len(got["media"]) == len(got["observations"]) == 1 and written.n_left_out == 1


def test_nothing_to_write_is_an_error_and_leaves_nothing(tmp_path):
    with pytest.raises(ManifestError) as error:
        write_camtrap_dp(rows({"path": "1.jpg"}), tmp_path / "out.zip")
    assert "no coordinates: 1" in str(error.value) and not list(tmp_path.iterdir())


# --- places ---

TABLE = """deployment,site,latitude,longitude,time_zone,start,end
d1,s1,43.1155,131.8855,Asia/Vladivostok,2021-12-01,2021-12-31
d2,,43.26,131.04,,,
"""


def test_places_are_rounded_and_say_how_far(tmp_path):
    given = places(tmp_path, TABLE)
    written, got = write(
        tmp_path,
        {"path": "1.jpg"},
        {"path": "2.jpg", "deployment": "d2"},
        {"path": "3.jpg", "deployment": "d9"},
        deployments=given,
        study_area=None,
    )
    columns = ["deploymentID", "locationID", "latitude", "longitude", "coordinateUncertainty"]
    assert got["deployments"][columns].to_numpy().tolist() == [
        ["d1", "s1", "43.1", "131.9", "7902"],
        ["d2", "s1", "43.3", "131", "7902"],
    ]
    assert got["deployments"]["deploymentStart"].tolist() == [
        "2021-12-01T00:00:00+10:00",
        "2021-12-30T22:34:56+10:00",
    ]
    assert got["deployments"]["deploymentEnd"].tolist()[0] == "2021-12-31T23:59:59+10:00"
    assert written.reasons == {"no coordinates": 1} and got["description"]["coordinatePrecision"] == 0.1
    assert "43.1155" not in json.dumps(got["description"])
    assert got["description"]["temporal"] == {"start": "2021-12-01", "end": "2021-12-31"}
    assert got["description"]["spatial"]["coordinates"][0][0] == [130.95, 43.05]


def test_a_study_area_stands_in_for_unknown_places(tmp_path):
    _, got = write(
        tmp_path, {"path": "1.jpg"}, {"path": "2.jpg", "deployment": "d9"}, deployments=places(tmp_path, TABLE)
    )
    assert got["deployments"]["latitude"].tolist() == ["43.1", "43"]
    assert got["deployments"]["coordinateUncertainty"].tolist() == ["7902", "47902"]


def test_two_sites_may_use_one_name_for_a_deployment(tmp_path):
    _, got = write(tmp_path, {"path": "1.jpg"}, {"path": "2.jpg", "site": "s2"})
    assert got["deployments"]["deploymentID"].tolist() == ["s1/d1", "s2/d1"]


def test_files_outside_the_stated_period_are_noted(tmp_path):
    late = {"path": "1.jpg", "captured_at": datetime(2022, 3, 1)}
    written, _ = write(tmp_path, late, deployments=places(tmp_path, TABLE))
    assert written.notes == ("observations outside the given period of their deployment: 1",)


@pytest.mark.parametrize("area", [(91, 0, 1), (0, 181, 1), (0, 0, -1)])
def test_impossible_study_areas(tmp_path, area):
    with pytest.raises(ManifestError, match="study area"):
        write(tmp_path, {"path": "1.jpg"}, study_area=area)


# --- files ---


def test_the_same_rows_give_the_same_zip(tmp_path):
    manifest = rows({"path": "1.jpg", "label": "tiger"}, {"path": "2.jpg"})
    made = [
        write_camtrap_dp(manifest, tmp_path / f"{i}.zip", study_area=AREA, created=datetime(2026, 1, 1, tzinfo=UTC))
        for i in range(2)
    ]
    assert made[0].path.read_bytes() == made[1].path.read_bytes()
    with zipfile.ZipFile(made[0].path) as z:
        assert z.namelist() == ["datapackage.json", "deployments.csv", "media.csv", "observations.csv"]
        assert str(tmp_path).encode() not in b"".join(z.read(n) for n in z.namelist())


def test_a_package_is_replaced_and_other_folders_are_not(tmp_path):
    write(tmp_path, {"path": "1.jpg"})
    _, got = write(tmp_path, {"path": "2.jpg"})
    assert got["media"]["filePath"].tolist() == ["2.jpg"]
    (tmp_path / "out/photo.jpg").touch()
    with pytest.raises(ManifestError, match="something other than a package"):
        write(tmp_path, {"path": "3.jpg"})
    assert (tmp_path / "out/photo.jpg").exists() and [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_write_that_fails_leaves_the_old_package(tmp_path, monkeypatch):
    write(tmp_path, {"path": "1.jpg"})
    monkeypatch.setattr("os.fsync", lambda *a: (_ for _ in ()).throw(OSError(28, "no space")))
    with pytest.raises(OSError):
        write_camtrap_dp(rows({"path": "2.jpg"}), tmp_path / "out", study_area=AREA)
    assert package(tmp_path / "out")["media"]["filePath"].tolist() == ["1.jpg"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_metadata_replaces_what_it_names(tmp_path):
    _, got = write(tmp_path, {"path": "1.jpg"}, metadata={"title": "Ridge", "project": {"title": "P"}})
    d = got["description"]
    assert d["title"] == "Ridge" and d["project"]["title"] == "P" and d["project"]["individualAnimals"] is False
    with pytest.raises(ManifestError, match="cannot be replaced"):
        write(tmp_path, {"path": "1.jpg"}, metadata={"resources": []})


def test_every_kind_of_footage_has_a_media_type():
    assert set(MEDIA_TYPES) == VIDEO_SUFFIXES | STILL_SUFFIXES
    assert all(MEDIA_TYPES[s].startswith("video/") for s in VIDEO_SUFFIXES)
    assert all(MEDIA_TYPES[s].startswith("image/") for s in STILL_SUFFIXES)
