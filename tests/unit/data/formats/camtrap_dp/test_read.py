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
        read(tmp_path, observations, strict=True, **options)
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
    assert got.notes == ("sound recordings left out: 1", "rows without a label: 4 of 4")


def test_a_given_zone_turns_the_times(tmp_path):
    t = read(tmp_path, time_zone="Asia/Vladivostok").manifest.table
    assert t["captured_at"][2] == datetime(2021, 12, 31, 11, 0, 0)
    assert set(t["time_zone"]) == {"Asia/Vladivostok"}


def test_a_time_without_a_zone_is_kept_without_one_and_counted_unless_one_is_given(tmp_path):
    media = MEDIA.replace("2021-12-31T01:00:00Z", "2021-12-31T01:00:00")
    for strict in (False, True):
        (tmp_path / str(strict)).mkdir()
    got = read(tmp_path / "False", media=media)
    t = got.manifest.table
    assert t["captured_at"][2] == datetime(2021, 12, 31, 1, 0, 0) and t["time_zone"].isna().tolist()[2]
    assert t["captured_at"].notna().all() and [p.row for p in got.problems] == ["4"]
    assert "--time-zone" in got.notes[-1]
    text = refused(tmp_path / "True", media=media)
    assert "row 4, column timestamp" in text and "zone" in text
    (tmp_path / "again").mkdir()
    got = read(tmp_path / "again", media=media, time_zone="Asia/Vladivostok")
    assert got.manifest.table["captured_at"][2] == datetime(2021, 12, 31, 1, 0, 0) and not got.problems


@pytest.mark.parametrize(
    ("kind", "name", "label"),
    [
        ("animal", "Panthera tigris", "panthera_tigris"),
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
    assert labels(got) == ["panthera_tigris", "panthera_pardus", "cervus_nippon", None]
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
    assert labels(got)[0] == "cervus_nippon"


def test_an_event_speaks_for_the_files_of_its_time(tmp_path):
    got = read(
        tmp_path, observation(1, event="e1", level="event", name="Panthera tigris", end="2021-12-30T22:36:00+10:00")
    )
    assert labels(got) == ["panthera_tigris", "panthera_tigris", None, None]
    assert got.manifest.table["sequence_id"].tolist()[:2] == ["e1", "e1"]
    assert "rows with the label of a whole event, single files of which may be empty: 2" in got.notes


def test_an_event_speaks_for_the_files_that_share_its_id(tmp_path):
    got = read(
        tmp_path,
        observation(1, "m2", event="e1", kind="unclassified")
        + observation(2, event="e1", level="event", name="Panthera tigris", end="2021-12-30T23:59:00+10:00"),
    )
    assert labels(got) == [None, "panthera_tigris", None, None]


def test_words_on_a_file_count_before_words_on_its_event(tmp_path):
    got = read(
        tmp_path,
        observation(1, event="e1", level="event", name="Panthera tigris", end="2021-12-30T22:36:00+10:00")
        + observation(2, "m2", kind="blank"),
    )
    assert labels(got)[:2] == ["panthera_tigris", "empty"]


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
        ("m2,d1", "m1,d1", "row 2, column mediaID and package, media.csv, row 3"),
        ("m2,d1", ",d1", "row 3, column mediaID"),
        ("m2,d1", "m2,d9", "row 3, column deploymentID"),
        ("d1/2.jpg", "d1/1.AVI", "row 3, column filePath"),
        ("d1/2.jpg", "../2.jpg", "row 3, column filePath"),
        ("d1/2.jpg", "C:\\d1\\2.jpg", "row 3, column filePath"),
        ("d1/2.jpg", "https://x.org/2.jpg", "row 3, column filePath"),
        ("2021-12-30T22:36:00+10:00", "", "row 3, column timestamp"),
        ("2021-12-30T22:36:00+10:00", "soon", "row 3, column timestamp"),
    ],
)
def test_broken_media_are_refused_with_their_row(tmp_path, old, new, place):
    assert place in refused(tmp_path, media=MEDIA.replace(old, new))


@pytest.mark.parametrize(
    ("row", "place"),
    [
        (observation(1, "m9", name="x"), "row 2, column mediaID"),
        (observation(1, "", name="x"), "row 2, column mediaID"),
        (observation(1, "m1", kind="empty"), "row 2, column observationType"),
        (observation(1, "m1", level="clip"), "row 2, column observationLevel"),
        (observation(1, "m1", method="guess"), "row 2, column classificationMethod"),
        (observation(1, "m1", name="x", box="0.1,0.2,0.3,"), "row 2, column bboxX"),
        (observation(1, "m1", name="x", box="0.1,0.2,0.3,inf"), "row 2, column bboxHeight"),
        (observation(1, level="event", name="x", end=""), "row 2"),
    ],
)
def test_broken_observations_are_refused_with_their_row(tmp_path, row, place):
    assert place in refused(tmp_path, row)


def test_the_file_like_reader_stops_at_its_limit():
    from leopardnet.data.reading.safe_files import read_limited

    with pytest.raises(ManifestError, match="too much data"):
        read_limited(io.BytesIO(b" " * 5_000_000), n_packed_bytes=10, where="x")


# --- rows with a fault are kept without it ---


def values(imported, column):
    return [None if pd.isna(x) else x for x in imported.manifest.table[column]]


def test_a_medium_of_an_unknown_deployment_is_kept_without_a_site(tmp_path):
    got = read(tmp_path, observation(1, "m2", name="Panthera tigris"), media=MEDIA.replace("m2,d1", "m2,d9"))
    assert values(got, "site") == ["site1", None, "Valley", "Valley"] and values(got, "deployment")[1] == "d9"
    assert labels(got)[1] == "panthera_tigris"
    (problem,) = got.problems
    assert (problem.file, problem.row) == ("package, media.csv", "3") and "'d9'" in problem.problem
    assert "media.csv, row 3, column deploymentID: 'd9'" in got.notes[-1]


@pytest.mark.parametrize("media_id", ["m9", "", "NA"])
def test_an_observation_of_an_unknown_medium_is_counted(tmp_path, media_id):
    got = read(
        tmp_path, observation(1, media_id, name="Cervus nippon") + observation(2, "m1", name="Panthera tigris")
    )
    assert labels(got) == ["panthera_tigris", None, None, None]
    assert [(p.file, p.row) for p in got.problems] == [("package, observations.csv", "2")]


@pytest.mark.parametrize(
    "time", ["", "NA", "soon", "+10:00", "4999-04-27T11:41:00+01:00", "0001-01-01T00:00:00+10:00"]
)
def test_a_medium_without_a_usable_time_is_kept(tmp_path, time):
    for zone in (None, "Asia/Vladivostok"):
        (tmp_path / str(zone)[:4]).mkdir()
        got = read(
            tmp_path / str(zone)[:4],
            observation(1, "m2", name="Panthera tigris"),
            media=MEDIA.replace("2021-12-30T22:36:00+10:00", time),
            time_zone=zone,
        )
        assert labels(got)[1] == "panthera_tigris"
        for column in ("captured_at", "time_zone", "time_source"):
            assert [v is None for v in values(got, column)] == [False, True, False, False]
        assert [(p.file, p.row) for p in got.problems] == [("package, media.csv", "3")]


@pytest.mark.parametrize("end", ["+10:00", "4999-04-27T11:41:00+01:00", ""])
def test_times_of_observations_matter_only_where_they_are_needed(tmp_path, end):
    of_file = observation(1, "m1", name="Panthera tigris", end=end)
    of_event = observation(2, level="event", name="Cervus nippon", deployment="d1", end=end)
    got = read(tmp_path, of_file + of_event)
    assert labels(got) == ["panthera_tigris", None, None, None]  # an event without an end is no event until today
    assert {p.row for p in got.problems} >= {"3"}


def test_an_observation_with_another_offset_is_the_same_moment(tmp_path):
    same = observation(
        1, level="event", name="Panthera tigris", start="2021-12-30T12:34:56Z", end="2021-12-30T14:36:00+02:00"
    )
    got = read(tmp_path, same)
    assert labels(got)[:2] == ["panthera_tigris"] * 2 and not got.problems


def test_times_with_and_without_a_zone_are_not_compared(tmp_path):
    media = MEDIA.replace("2021-12-30T22:34:56+10:00", "2021-12-30T22:34:56")
    event = observation(1, level="event", name="Panthera tigris", end="2021-12-30T22:36:00+10:00")
    boxed = observation(2, "m1", name="Cervus nippon", box="0.1,0.2,0.3,0.4")
    got = read(tmp_path, event + boxed, media=media)
    assert labels(got)[:2] == ["cervus_nippon", "panthera_tigris"]
    assert "time_s" not in json.loads(got.manifest.table["boxes"][0])[0]


def test_missing_values_of_the_format_are_not_names(tmp_path):
    got = read(
        tmp_path,
        observation(1, "m1", event="NA", name="NA")
        + observation(2, event="NA", level="event", name="Panthera tigris", deployment="d2"),
    )
    assert labels(got) == ["animal", None, None, None]


def test_cells_and_codes_of_other_programs_are_missing_and_whole_numbers(tmp_path):
    media = MEDIA.replace("m1,d1,", "1,7,").replace("m2,d1,", "2,7,").replace("m3,d2,", "3,NULL,")
    deployments = "deploymentID,locationID,locationName\n7.0,12.0,#N/A\n8.0,<NA>,Valley\n"
    seen = observation(1, "1.0", name="tiger", deployment="7") + observation(2, "", deployment="7")
    got = read(tmp_path, seen, media=media, deployments=deployments)
    t = got.manifest.table
    assert t["site"][0] == "12" and t["deployment"][0] == "7" and labels(got)[0] == "tiger"
    assert pd.isna(t["deployment"][2]) and pd.isna(t["site"][2])
    notes = " ".join(got.notes)
    assert "column deploymentID of" in notes and "column mediaID of" in notes and "read as missing: 2" in notes


def test_a_row_of_another_length_does_not_stop_the_import(tmp_path):
    short, long = "m6,d2,2021-12-31T03:00:00Z,d2/6.jpg,false", "m7,d2,2021-12-31T04:00:00Z,d2/7.jpg,false,,x"
    broken = f"{MEDIA}{short}\n{long}\n"
    got = read(tmp_path, media=broken)
    assert got.manifest.table["path"].tolist() == ["d1/1.AVI", "d1/2.jpg", "d2/3.jpg", "d2/4.jpg", "d2/6.jpg"]
    assert [(p.row, p.problem.rpartition("; ")[2]) for p in got.problems] == [
        ("7", "its last cells are read as empty"),
        ("8", "left out"),
    ]


def test_one_file_in_two_rows_is_one_row_with_the_observations_of_both(tmp_path):
    got = read(tmp_path, observation(1, "m2", name="Panthera tigris"), media=MEDIA.replace("d1/2.jpg", "d1/1.AVI"))
    assert values(got, "path") == ["d1/1.AVI", "d2/3.jpg", "d2/4.jpg"] and labels(got)[0] == "panthera_tigris"
    assert [p.row for p in got.problems] == ["3"]


def test_an_id_of_two_files_names_neither(tmp_path):
    got = read(tmp_path, observation(1, "m1", name="Panthera tigris"), media=MEDIA.replace("m2,d1", "m1,d1"))
    assert labels(got) == [None] * 4 and len(got.problems) == 2


def test_a_repeated_deployment_has_a_site_only_if_both_agree(tmp_path):
    got = read(tmp_path, deployments=DEPLOYMENTS + "d1,elsewhere,,43.0,131.0\nd2,,Valley,43.1,131.1\n")
    assert values(got, "site") == [None, None, "Valley", "Valley"] and [p.row for p in got.problems] == ["4", "5"]


@pytest.mark.parametrize(
    ("row", "label", "n_boxes"),
    [
        (observation(1, "m1", kind="empty"), None, 0),
        (observation(1, "m1", level="clip", name="x"), None, 0),
        (observation(1, "m1", method="guess", name="x"), "x", 0),
        (observation(1, "m1", name="x", box="0.1,0.2,0.3,"), "x", 0),
        (observation(1, "m1", name="x", box="0.1,0.2,0.3,wide"), "x", 0),
        (observation(1, "m1", name="x", box="0.1,0.2,0.3,0.4", probability="high"), "x", 1),
    ],
)
def test_an_observation_is_used_without_what_is_wrong(tmp_path, row, label, n_boxes):
    got = read(tmp_path, row)
    assert labels(got)[0] == label and len(got.problems) == 1
    assert len(json.loads(values(got, "boxes")[0] or "[]")) == n_boxes


def test_media_that_are_no_footage_are_left_out_unless_all_are(tmp_path):
    got = read(tmp_path, observation(1, "m2", name="x"), media=MEDIA.replace("d1/2.jpg", "d1/2.pdf"))
    assert values(got, "path") == ["d1/1.AVI", "d2/3.jpg", "d2/4.jpg"] and [p.row for p in got.problems] == ["3"]
    (tmp_path / "all").mkdir()
    with pytest.raises(ManifestError, match="row 2, column filePath"):
        read(tmp_path / "all", media="mediaID,deploymentID,timestamp,filePath\nm1,d1,2021-12-30T22:34:56Z,d1\n")


# --- folders and versions ---


@pytest.mark.parametrize(
    ("folder", "path"),
    [
        ("d1/", "d1/2.JPG"),
        ("d1", "d1/2.JPG"),
        ("./a/d1/", "a/d1/2.JPG"),
        ("a\\d1\\", "a/d1/2.JPG"),
        ("d1.jpg/", "d1.jpg/2.JPG"),
        ("d1/2.JPG", "d1/2.JPG"),
        ("d1/2%20.JPG", "d1/2%20.JPG"),
        ("", "2.JPG"),
    ],
)
def test_a_folder_as_path_gets_the_name_of_the_file(tmp_path, folder, path):
    head = "mediaID,deploymentID,timestamp,filePath,fileName\n"
    got = read(tmp_path, media=f"{head}m1,d1,2021-12-30T22:34:56Z,{folder},2.JPG\n")
    assert values(got, "path") == [path] and not got.problems


@pytest.mark.parametrize("folder", ["https://x.org/media/", "../d1/", "/d1/", "C:\\d1\\"])
def test_a_folder_outside_the_root_is_refused(tmp_path, folder):
    head = "mediaID,deploymentID,timestamp,filePath,fileName\n"
    with pytest.raises(ManifestError, match="row 2, column filePath"):
        read(tmp_path, media=f"{head}m1,d1,2021-12-30T22:34:56Z,{folder},2.JPG\n")


def test_several_resources_with_one_file_are_no_problem(tmp_path):
    content = files(observation(1, "m1", name="Panthera tigris"))
    data = json.loads(content["datapackage.json"])
    data["resources"] += [{"name": "events", "path": "observations.csv"}] * 3
    got = read_camtrap_dp(folder(tmp_path, content | {"datapackage.json": json.dumps(data)}), root=tmp_path)
    assert labels(got)[0] == "panthera_tigris" and not got.problems


@pytest.mark.parametrize(
    ("place", "version"),
    [
        ("https://raw.githubusercontent.com/tdwg/camtrap-dp/0.1.6/camtrap-dp-profile.json", "0.1.6"),
        ("https://rs.gbif.org/sandbox/data-packages/camtrap-dp/0.4/profile/camtrap-dp-profile.json", "0.4"),
    ],
)
def test_an_old_version_is_named_beside_the_one_wanted(tmp_path, place, version):
    content = files() | {"observations.csv": "observationID,mediaID,timestamp,observationType\n"}
    data = json.loads(content["datapackage.json"]) | {"profile": place}
    with pytest.raises(ManifestError) as error:
        read_camtrap_dp(folder(tmp_path, content | {"datapackage.json": json.dumps(data)}), root=tmp_path)
    assert error.value.parts["found"] == version and error.value.parts["expected"] == "1.0"


def test_a_version_that_is_not_stated_is_known_by_its_columns(tmp_path):
    content = files() | {"observations.csv": "observationID,mediaID,timestamp,observationType\n"}
    with pytest.raises(ManifestError, match="another version") as error:
        read_camtrap_dp(folder(tmp_path, content), root=tmp_path)
    assert "no column observationLevel" in str(error.value) and error.value.parts["expected"] == "1.0"


def test_a_medium_without_a_path_is_left_out(tmp_path):
    media = MEDIA.replace("d1/2.jpg", "")
    for part in ("lenient", "strict"):
        (tmp_path / part).mkdir()
    got = read(tmp_path / "lenient", observation(1, "m2", name="Panthera tigris"), media=media)
    assert got.manifest.table["path"].tolist() == ["d1/1.AVI", "d2/3.jpg", "d2/4.jpg"]
    (problem,) = got.problems
    assert (problem.file, problem.row) == ("package, media.csv", "3") and "an empty cell" in problem.problem
    assert "row 3, column filePath" in refused(tmp_path / "strict", media=media)
