"""Camtrap DP packages: who is believed, which files an event means, and packages that are not safe."""

import gzip
import io
import json
import zipfile
from datetime import datetime

import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.camtrap_dp.read import read_camtrap_dp

DEPLOYMENTS = """deploymentID,locationID,locationName,latitude,longitude
d1,site1,Ridge,43.0,131.0
d2,,Valley,43.1,131.1
"""
MEDIA = """mediaID,deploymentID,timestamp,filePath,filePublic,fileMediatype
m1,d1,2021-12-30T22:34:56+10:00,d1/1.AVI,false,video/x-msvideo
m2,d1,2021-12-30T22:36:00+10:00,d1/2.jpg,false,image/jpeg
m3,d2,2021-12-31T01:00:00Z,d2/3.jpg,false,image/jpeg
m4,d2,2021-12-31T02:00:00Z,d2/4.jpg,false,image/jpeg
m5,d2,2021-12-31T02:00:00Z,d2/4.wav,false,audio/wav
"""
HEAD = (
    "observationID,deploymentID,mediaID,eventID,eventStart,eventEnd,observationLevel,observationType,scientificName,"
    "bboxX,bboxY,bboxWidth,bboxHeight,classificationMethod,classificationProbability\n"
)


def observation(
    i,
    media="",
    event="",
    level="media",
    kind="animal",
    name="",
    box=",,,",
    method="human",
    probability="",
    deployment="d1",
    start="2021-12-30T22:34:56+10:00",
    end="2021-12-30T22:34:56+10:00",
):
    return f"o{i},{deployment},{media},{event},{start},{end},{level},{kind},{name},{box},{method},{probability}\n"


def description(**paths):
    resources = [{"name": t, "path": paths.get(t, f"{t}.csv")} for t in ("deployments", "media", "observations")]
    return json.dumps({"profile": "x", "resources": resources})


def files(observations="", media=MEDIA, deployments=DEPLOYMENTS, **paths):
    return {
        "datapackage.json": description(**paths),
        "deployments.csv": deployments,
        "media.csv": media,
        "observations.csv": HEAD + observations,
    }


def folder(tmp_path, content):
    package = tmp_path / "package"
    package.mkdir()
    for name, text in content.items():
        (package / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return package


def zipped(tmp_path, content, inside=""):
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, text in content.items():
            z.writestr(inside + name, text)
    return path


def read(tmp_path, observations="", **options):
    keys = ("media", "deployments")
    content = files(observations, **{k: options.pop(k) for k in keys if k in options})
    return read_camtrap_dp(folder(tmp_path, content), root=tmp_path, **options)


def labels(imported):
    t = imported.manifest.table
    return [None if pd.isna(x) else x for x in t["label"]]


def refused(tmp_path, observations="", **options):
    with pytest.raises(ManifestError) as error:
        read(tmp_path, observations, **options)
    return str(error.value)


# --- what becomes of rows ---


def test_media_become_rows_with_site_deployment_and_local_time(tmp_path):
    got = read(tmp_path)
    t = got.manifest.table
    assert t["path"].tolist() == ["d1/1.AVI", "d1/2.jpg", "d2/3.jpg", "d2/4.jpg"]
    assert t["kind"].tolist() == ["video", "still", "still", "still"]
    assert t["site"].tolist() == ["site1", "site1", "Valley", "Valley"]
    assert t["deployment"].tolist() == ["d1", "d1", "d2", "d2"]
    assert t["captured_at"][0] == datetime(2021, 12, 30, 22, 34, 56) and t["time_zone"].tolist() == [
        "+10:00",
        "+10:00",
        "+00:00",
        "+00:00",
    ]
    assert labels(got) == [None] * 4
    assert got.notes == ("sound recordings left out: 1", "4 rows of 4 without a label")


def test_a_given_zone_turns_the_times(tmp_path):
    t = read(tmp_path, time_zone="Asia/Vladivostok").manifest.table
    assert t["captured_at"][2] == datetime(2021, 12, 31, 11, 0, 0)
    assert set(t["time_zone"]) == {"Asia/Vladivostok"}


def test_a_time_without_a_zone_is_refused_unless_one_is_given(tmp_path):
    media = MEDIA.replace("2021-12-31T01:00:00Z", "2021-12-31T01:00:00")
    text = refused(tmp_path, media=media)
    assert "row 3, column timestamp" in text and "zone" in text
    (tmp_path / "again").mkdir()
    got = read(tmp_path / "again", media=media, time_zone="Asia/Vladivostok")
    assert got.manifest.table["captured_at"][2] == datetime(2021, 12, 31, 1, 0, 0)


@pytest.mark.parametrize(
    ("kind", "name", "label"),
    [
        ("animal", "Panthera tigris", "Panthera tigris"),
        ("animal", "", "animal"),
        ("blank", "", "empty"),
        ("human", "", "human"),
        ("vehicle", "", "vehicle"),
        ("unknown", "", None),
        ("unclassified", "", None),
    ],
)
def test_types_become_names(tmp_path, kind, name, label):
    assert labels(read(tmp_path, observation(1, "m1", kind=kind, name=name)))[0] == label


def test_people_are_believed_before_machines(tmp_path):
    got = read(
        tmp_path,
        observation(1, "m1", name="Panthera pardus", method="machine", probability="0.99")
        + observation(2, "m1", name="Panthera tigris")
        + observation(3, "m2", name="Panthera pardus", method="machine")
        + observation(4, "m3", kind="unclassified", deployment="d2")
        + observation(5, "m3", name="Cervus nippon", method="machine", deployment="d2")
        + observation(6, "m4", kind="unknown", deployment="d2")
        + observation(7, "m4", name="Cervus nippon", method="machine", deployment="d2"),
    )
    assert labels(got) == ["Panthera tigris", "Panthera pardus", "Cervus nippon", None]
    assert [None if pd.isna(x) else x for x in got.manifest.table["label_source"]] == [
        "human",
        "machine",
        "machine",
        "human",
    ]


def test_two_species_on_one_file_leave_it_without_a_label(tmp_path):
    got = read(tmp_path, observation(1, "m1", name="Panthera tigris") + observation(2, "m1", name="Cervus nippon"))
    assert labels(got)[0] is None and got.manifest.table["species"][0] == "Panthera tigris + Cervus nippon"


def test_the_same_species_twice_is_one(tmp_path):
    got = read(tmp_path, observation(1, "m1", name="Cervus nippon") + observation(2, "m1", name="Cervus nippon"))
    assert labels(got)[0] == "Cervus nippon"


def test_an_event_speaks_for_the_files_of_its_time(tmp_path):
    got = read(
        tmp_path, observation(1, event="e1", level="event", name="Panthera tigris", end="2021-12-30T22:36:00+10:00")
    )
    assert labels(got) == ["Panthera tigris", "Panthera tigris", None, None]
    assert got.manifest.table["sequence_id"].tolist()[:2] == ["e1", "e1"]
    assert "2 rows with the label of a whole event, single files of which may be empty" in got.notes


def test_an_event_speaks_for_the_files_that_share_its_id(tmp_path):
    got = read(
        tmp_path,
        observation(1, "m2", event="e1", kind="unclassified")
        + observation(2, event="e1", level="event", name="Panthera tigris", end="2021-12-30T23:59:00+10:00"),
    )
    assert labels(got) == [None, "Panthera tigris", None, None]


def test_words_on_a_file_count_before_words_on_its_event(tmp_path):
    got = read(
        tmp_path,
        observation(1, event="e1", level="event", name="Panthera tigris", end="2021-12-30T22:36:00+10:00")
        + observation(2, "m2", kind="blank"),
    )
    assert labels(got)[:2] == ["Panthera tigris", "empty"]


def test_an_event_without_files_is_counted(tmp_path):
    got = read(
        tmp_path,
        observation(
            1, level="event", name="Panthera tigris", start="2020-01-01T00:00:00Z", end="2020-01-01T00:01:00Z"
        ),
    )
    assert "observations of events that match no file: 1" in got.notes


def test_boxes_are_fractions_with_name_score_and_time_in_the_clip(tmp_path):
    got = read(
        tmp_path,
        observation(
            1,
            "m1",
            name="Panthera tigris",
            box="0.1,0.2,0.3,0.4",
            method="machine",
            probability="0.9",
            start="2021-12-30T22:34:59+10:00",
        ),
    )
    t = got.manifest.table
    assert json.loads(t["boxes"][0]) == [
        {"xyxy": [0.1, 0.2, 0.4, 0.6], "score": 0.9, "label": "Panthera tigris", "time_s": 3.0}
    ]
    assert t["box_unit"][0] == "fraction"


# --- packages ---


def test_zip_gzip_and_description_give_the_same_rows(tmp_path):
    content = files(observation(1, "m1", name="Panthera tigris"))
    plain = folder(tmp_path, content)
    expected = read_camtrap_dp(plain, root=tmp_path).manifest.table.drop(columns="source")
    packed = {
        **content,
        "datapackage.json": description(media="media.csv.gz"),
        "media.csv.gz": gzip.compress(content["media.csv"].encode()),
    }
    del packed["media.csv"]
    sources = [plain / "datapackage.json", zipped(tmp_path, packed, inside="export/")]
    for source in sources:
        got = read_camtrap_dp(source, root=tmp_path).manifest.table.drop(columns="source")
        pd.testing.assert_frame_equal(got, expected)


@pytest.mark.parametrize("name", ["../media.csv", "/etc/x.csv", "a/../../x.csv", "C:\\x.csv", "..\\x.csv"])
def test_a_zip_that_leads_out_is_refused(tmp_path, name):
    with pytest.raises(ManifestError) as error:
        read_camtrap_dp(zipped(tmp_path, {**files(), name: "x"}), root=tmp_path)
    assert "not safe to open" in str(error.value) and "package.zip" in str(error.value)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    with pytest.raises(ManifestError) as error:
        read_camtrap_dp(zipped(tmp_path, {**files(), "media.csv": MEDIA + " " * 20_000_000}), root=tmp_path)
    assert "not safe" in str(error.value) and "200 times" in str(error.value)


def test_a_gzip_bomb_is_refused(tmp_path):
    content = {
        **files(media="x"),
        "datapackage.json": description(media="media.csv.gz"),
        "media.csv.gz": gzip.compress(b" " * 20_000_000),
    }
    with pytest.raises(ManifestError, match="too much data"):
        read_camtrap_dp(folder(tmp_path, content), root=tmp_path)


def test_a_link_in_a_zip_is_refused(tmp_path):
    path = zipped(tmp_path, files())
    with zipfile.ZipFile(path, "a") as z:
        info = zipfile.ZipInfo("link.csv")
        info.external_attr = 0o120777 << 16
        z.writestr(info, "/etc/passwd")
    with pytest.raises(ManifestError, match="not safe"):
        read_camtrap_dp(path, root=tmp_path)


def test_a_link_out_of_a_folder_is_refused(tmp_path):
    package = folder(tmp_path, files())
    (tmp_path / "elsewhere.csv").write_text(MEDIA)
    (package / "media.csv").unlink()
    (package / "media.csv").symlink_to(tmp_path / "elsewhere.csv")
    with pytest.raises(ManifestError, match="leads out"):
        read_camtrap_dp(package, root=tmp_path)


def test_a_damaged_zip_is_refused(tmp_path):
    path = zipped(tmp_path, files(observation(1, "m1", name="Panthera tigris")))
    data = bytearray(path.read_bytes())
    at = data.index(b"media.csv") + 40
    data[at] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(ManifestError, match="damaged"):
        read_camtrap_dp(path, root=tmp_path)


def test_a_cut_zip_is_refused(tmp_path):
    path = zipped(tmp_path, files())
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ManifestError, match="no such package"):
        read_camtrap_dp(path, root=tmp_path)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"datapackage.json": "{"}, "not valid JSON"),
        ({"datapackage.json": "[]"}, "describes no tables"),
        (
            {"datapackage.json": json.dumps({"resources": [{"name": "media", "path": "media.csv"}]})},
            "lacks a table",
        ),
        ({"datapackage.json": description(media="../media.csv")}, "outside the package"),
        ({"datapackage.json": description(media="https://x.org/media.csv")}, "outside the package"),
        ({"datapackage.json": description(media="none.csv")}, "is missing"),
        ({"media.csv": ""}, "table is empty"),
        ({"media.csv": b"PAR1xxxx"}, "Parquet"),
    ],
)
def test_broken_packages_are_refused(tmp_path, change, part):
    with pytest.raises(ManifestError, match=part):
        read_camtrap_dp(folder(tmp_path, files() | change), root=tmp_path)


def test_no_description(tmp_path):
    with pytest.raises(ManifestError, match="no description"):
        read_camtrap_dp(tmp_path, root=tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("m2,d1", "m1,d1", "row 1, column mediaID and package, media.csv, row 2"),
        ("m2,d1", ",d1", "row 2, column mediaID"),
        ("m2,d1", "m2,d9", "row 2, column deploymentID"),
        ("d1/2.jpg", "d1/1.AVI", "mediaID m2"),
        ("d1/2.jpg", "../2.jpg", "row 2, column filePath"),
        ("d1/2.jpg", "C:\\d1\\2.jpg", "row 2, column filePath"),
        ("d1/2.jpg", "https://x.org/2.jpg", "row 2, column filePath"),
        ("2021-12-30T22:36:00+10:00", "", "row 2, column timestamp"),
        ("2021-12-30T22:36:00+10:00", "soon", "row 2, column timestamp"),
    ],
)
def test_broken_media_are_refused_with_their_row(tmp_path, old, new, place):
    assert place in refused(tmp_path, media=MEDIA.replace(old, new))


@pytest.mark.parametrize(
    ("row", "place"),
    [
        (observation(1, "m9", name="x"), "row 1, column mediaID"),
        (observation(1, "", name="x"), "row 1, column mediaID"),
        (observation(1, "m1", kind="empty"), "row 1, column observationType"),
        (observation(1, "m1", level="clip"), "row 1, column observationLevel"),
        (observation(1, "m1", method="guess"), "row 1, column classificationMethod"),
        (observation(1, "m1", name="x", box="0.1,0.2,0.3,"), "row 1, column bboxX"),
        (observation(1, "m1", name="x", box="0.1,0.2,0.3,nan"), "row 1, column bboxHeight"),
        (observation(1, level="event", name="x", end=""), "row 1"),
    ],
)
def test_broken_observations_are_refused_with_their_row(tmp_path, row, place):
    assert place in refused(tmp_path, row)


def test_the_file_like_reader_stops_at_its_limit():
    from leopardnet.data.reading.safe_files import read_limited

    with pytest.raises(ManifestError, match="too much data"):
        read_limited(io.BytesIO(b" " * 5_000_000), n_packed_bytes=10, where="x")
