"""Camtrap DP from predictions: observations of decisions, events, human labels, and what is left out."""

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import clip_id
from leopardnet.data.formats.camtrap_dp.read import read_camtrap_dp
from leopardnet.data.human_labels.sound_labels import SoundEntry, SoundLabelFile
from leopardnet.export.write_results import write

TIME = datetime(2021, 12, 30, 22, 34, 56)
AREA = (43.0, 131.4, 40_000)
START = "2021-12-30T22:34:56+10:00"


def later(**delta):
    return TIME + timedelta(**delta)


def package(tmp_path, predictions, **options):
    options = {"study_area": AREA, "time_zone": "+10:00", "created": datetime(2024, 1, 1, tzinfo=UTC)} | options
    result = write(predictions, tmp_path / "dp", format="camtrap-dp", **options)
    tables = {
        t: pd.read_csv(tmp_path / "dp" / f"{t}.csv", dtype=str, keep_default_na=False)
        for t in ("deployments", "media", "observations")
    }
    return result, tables | {"description": json.loads((tmp_path / "dp/datapackage.json").read_text("utf-8"))}


def observed(tables, *columns, level="media"):
    t = tables["observations"]
    return t.loc[t["observationLevel"] == level, list(columns)].to_numpy().tolist()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"p": (0.9, 0.05, 0.03, 0.02)}, ["animal", "Panthera pardus", "0.9", "machine"]),
        ({"p": (0.0, 0.0, 0.1, 0.9), "decision": "empty", "rule": "empty"}, ["blank", "", "0.9", "machine"]),
        (
            {"p": (0.4, 0.4, 0.1, 0.1), "decision": "animal", "rule": "rolled_up", "score": 0.9},
            ["animal", "Animalia", "0.9", "machine"],
        ),
        ({"p": (0.4, 0.0, 0.1, 0.5), "decision": "unsure", "rule": "abstained"}, ["unknown", "", "", "machine"]),
        ({"p": None}, ["unclassified", "", "", ""]),
    ],
)
def test_what_is_said_becomes_a_type(tmp_path, predicted, row, expected):
    result, got = package(tmp_path, predicted({"path": "1.jpg", **row}))
    columns = ("observationType", "scientificName", "classificationProbability", "classificationMethod")
    assert observed(got, *columns) == [expected] and result.notes == ()
    assert (result.n_rows, result.n_left_out) == (1, 0)


def test_an_unreadable_clip_says_why_and_nothing_more(tmp_path, predicted):
    _, got = package(tmp_path, predicted({"path": "1.avi", "p": None}))
    assert observed(got, "observationComments", "classifiedBy") == [["the file is empty (0 bytes)", ""]]
    assert observed(got, "observationType", level="event") == []


def test_an_observation_names_the_model_and_what_it_rests_on(tmp_path, predicted):
    suspect = {
        "p": (0.2, 0.0, 0.1, 0.7),
        "decision": "unsure",
        "rule": "abstained",
        "alert": "leopard",
        "alerts": "leopard + tiger",
        "status": "partial",
    }
    _, got = package(tmp_path, predicted({"path": "1.avi", **suspect, "best_time_s": 3.25}))
    ((by, tags, count),) = observed(got, "classifiedBy", "observationTags", "count")
    assert by.startswith("leopardnet ") and by.endswith(" / model abcdef012345") and count == ""
    told = ["rule:abstained", "frames:0", "t_best:3.2", "p_empty:0.700"]
    assert tags.split(" | ") == [*told, "look_first:leopard", "look_first:tiger", "status:partial"]


def test_the_section_of_a_clip_that_shows_the_animal(tmp_path, predicted, frame):
    frames = [
        frame(4.6, (0.9, 0, 0, 0.1)),
        frame(1.0, (0, 0, 0, 1.0)),
        frame(6.9, (0.3, 0.2, 0.0, 0.5)),
        frame(9.0, (0.1, 0, 0, 0.9)),
    ]
    _, got = package(tmp_path, predicted({"path": "1.avi", "frames": frames}))
    assert observed(got, "eventStart", "eventEnd") == [["2021-12-30T22:35:00+10:00", "2021-12-30T22:35:02+10:00"]]


def test_where_no_frame_shows_it_by_itself_the_frames_that_carry_the_decision_do(tmp_path, predicted, frame):
    frames = [frame(4.0, (0.4, 0, 0, 0.6)), frame(2.0, (0.3, 0, 0, 0.7))]
    _, got = package(tmp_path, predicted({"path": "1.avi", "frames": frames}))
    assert observed(got, "eventStart", "eventEnd") == [["2021-12-30T22:34:58+10:00", "2021-12-30T22:35:00+10:00"]]


def test_nothing_is_said_of_the_whole_clip(tmp_path, predicted):
    _, got = package(tmp_path, predicted({"path": "1.avi", "decision": "empty", "duration_s": 9.9}))
    assert observed(got, "eventStart", "eventEnd") == [[START, "2021-12-30T22:35:05+10:00"]]
    assert got["deployments"]["deploymentEnd"].tolist() == ["2021-12-30T22:35:05+10:00"]


def test_boxes_only_where_a_detector_found_some(tmp_path, predicted, frame):
    found = frame(0.0, (0.9, 0, 0, 0.1), [(0.1, 0.2, 0.4, 0.6, 0.95)])
    rows = [
        {"path": "1.jpg", "frames": [found]},
        {"path": "2.jpg"},
        {"path": "3.jpg", "decision": "empty", "frames": [found]},
    ]
    _, got = package(tmp_path, predicted(*rows))
    assert observed(got, "bboxX", "bboxY", "bboxWidth", "bboxHeight") == [
        ["0.1", "0.2", "0.3", "0.4"],
        [""] * 4,
        [""] * 4,
    ]


# --- events ---


def test_clips_within_half_an_hour_are_one_event_with_a_row_for_each_species(tmp_path, predicted):
    rows = [
        {"path": "1.jpg"},
        {"path": "2.jpg", "captured_at": later(minutes=29), "decision": "sika_deer"},
        {"path": "3.jpg", "captured_at": later(minutes=58), "decision": "empty"},
        {"path": "4.jpg", "captured_at": later(minutes=88), "decision": "empty"},
        {"path": "5.jpg", "captured_at": later(minutes=59), "site": "s2"},
    ]
    _, got = package(tmp_path, predicted(*rows))
    names = [f"event-{clip_id(p)}" for p in ("1.jpg", "4.jpg", "5.jpg")]
    assert observed(got, "eventID", "observationType", "scientificName", "observationTags", level="event") == [
        [names[0], "animal", "Panthera pardus", "clips:1 of 3"],
        [names[0], "animal", "Cervus nippon", "clips:1 of 3"],
        [names[1], "blank", "", "clips:1 of 1"],
        [names[2], "animal", "Panthera pardus", "clips:1 of 1"],
    ]
    assert observed(got, "eventID") == [[names[0]]] * 3 + [[names[1]], [names[2]]]
    assert observed(got, "eventStart", "eventEnd", "mediaID", "count", level="event")[0] == [
        START,
        "2021-12-30T23:32:56+10:00",
        "",
        "",
    ]
    assert got["description"]["project"]["observationLevel"] == ["media", "event"]


def test_where_nobody_knows_the_camera_a_clip_is_an_event_of_its_own(tmp_path, predicted):
    rows = [{"path": "1.jpg", "site": None}, {"path": "2.jpg", "site": None}]
    _, got = package(tmp_path, predicted(*rows))
    assert observed(got, "eventID", level="event") == [[f"event-{clip_id(p)}"] for p in ("1.jpg", "2.jpg")]


def test_without_events_there_are_only_files(tmp_path, predicted):
    _, got = package(tmp_path, predicted({"path": "1.jpg"}), gap_minutes=None)
    assert got["description"]["project"]["observationLevel"] == ["media"] and len(got["observations"]) == 1
    assert observed(got, "eventID") == [[""]]


# --- people's words ---


def test_a_correction_is_a_new_row_and_the_machines_row_stays(tmp_path, predicted):
    table = tmp_path / "c.csv"
    table.write_text("path,label,by,at,comment\n1.jpg,tiger,Anna,2024-05-01T10:00:00+10:00,ear spots\n", "utf-8")
    _, got = package(tmp_path, predicted({"path": "1.jpg"}, {"path": "2.jpg"}), corrections=table)
    columns = (
        "classificationMethod",
        "scientificName",
        "classificationProbability",
        "classifiedBy",
        "classificationTimestamp",
        "observationComments",
    )
    machine, human, other = observed(got, *columns)
    assert machine[:3] == other[:3] == ["machine", "Panthera pardus", "0.9"]
    assert human == ["human", "Panthera tigris", "1", "", "2024-05-01T10:00:00+10:00", "ear spots"]
    assert read_camtrap_dp(tmp_path / "dp", root=tmp_path).manifest.table["label_source"].tolist() == [
        "human",
        "machine",
    ]
    _, got = package(tmp_path, predicted({"path": "1.jpg"}), corrections=table, credit=True)
    assert observed(got, "classifiedBy")[1] == ["Anna"]


def test_a_persons_word_counts_for_the_event(tmp_path, predicted, footage):
    rows = footage({"path": "1.jpg", "label": "empty", "label_source": "human"}, {"path": "2.jpg"})
    _, got = package(tmp_path, predicted({"path": "1.jpg"}, {"path": "2.jpg", "decision": "empty"}), manifest=rows)
    columns = ("observationType", "classificationMethod", "observationTags")
    assert observed(got, *columns, level="event") == [["blank", "machine", "clips:2 of 2 | named_by_people:1"]]


def test_a_label_of_a_machine_in_the_manifest_is_no_persons_word(tmp_path, predicted, footage):
    rows = footage({"path": "1.jpg", "label": "tiger", "label_source": "machine"})
    _, got = package(tmp_path, predicted({"path": "1.jpg"}), manifest=rows)
    assert observed(got, "classificationMethod") == [["machine"]]


def test_a_species_that_the_labels_do_not_name_stands_in_the_tags(tmp_path, predicted):
    words = pd.DataFrame({"clip_id": [clip_id("1.jpg")], "label": ["raccoon dog"]})
    _, got = package(tmp_path, predicted({"path": "1.jpg"}), corrections=words)
    assert observed(got, "scientificName", "observationTags")[1] == ["Animalia", "label:raccoon dog"]
    assert {"scientificName": "Animalia", "vernacularNames": {"eng": "animal"}} in got["description"]["taxonomic"]


def test_labels_without_a_scientific_name_are_said(tmp_path, predicted):
    result, got = package(
        tmp_path,
        predicted({"path": "1.jpg", "decision": "tiger"}, {"path": "2.jpg", "decision": "empty"}, labels_id="0"),
    )
    assert [n.rpartition(": ")[2] for n in result.notes] == ["tiger 1"]
    assert observed(got, "scientificName", "observationTags")[0][0] == "Animalia"


# --- bursts ---


def test_a_burst_speaks_through_the_still_that_says_most(tmp_path, predicted, footage):
    said = predicted({"path": "1.jpg", "kind": "burst", "best_time_s": 1.0})
    rows = footage(
        {
            "path": "1.jpg",
            "kind": "burst",
            "paths": '["1.jpg", "2.jpg", "3.jpg"]',
            "label": "tiger",
            "label_source": "human",
        }
    )
    _, got = package(tmp_path, said, manifest=rows)
    columns = ("mediaID", "observationType", "scientificName", "classificationMethod")
    ids = [clip_id(f"{i}.jpg") for i in (1, 2, 3)]
    assert observed(got, *columns) == [
        [ids[0], "unclassified", "", ""],
        [ids[1], "animal", "Panthera pardus", "machine"],
        [ids[1], "animal", "Panthera tigris", "human"],
        [ids[2], "unclassified", "", ""],
    ]
    assert observed(got, "observationTags")[2] == ["said_of:burst"]
    assert observed(got, "scientificName", "classificationMethod", level="event") == [["Panthera tigris", "human"]]
    assert len(got["media"]) == 3


# --- boxes that people drew ---

BOX = ("bboxX", "bboxY", "bboxWidth", "bboxHeight")


def test_each_species_has_the_box_that_was_drawn_around_it(tmp_path, predicted):
    drawn = (
        '[{"xyxy": [0, 0, 0.5, 0.25], "label": "tiger", "time_s": 1.5},'
        ' {"xyxy": [0.5, 0.5, 1, 1], "label": "lynx", "time_s": 2}]'  # nobody says that it shows a lynx
    )
    words = pd.DataFrame({"clip_id": [clip_id("1.avi")], "label": ["tiger + leopard"], "boxes": [drawn]})
    _, got = package(tmp_path, predicted({"path": "1.avi", "duration_s": 5.0}), corrections=words)
    rows = observed(got, "classificationMethod", "scientificName", "observationTags", *BOX)
    assert [r[1:] for r in rows if r[0] == "human"] == [
        ["Panthera tigris", "t_box:1.5", "0", "0", "0.5", "0.25"],
        ["Panthera pardus", "", "", "", "", ""],
    ]


def test_the_observed_still_of_a_burst_has_only_its_own_box(tmp_path, predicted, footage):
    rows = footage({"path": "1.jpg", "kind": "burst", "paths": '["1.jpg", "2.jpg"]'})
    for best, wanted in ((1.0, ["0", "0", "0.5", "0.25"]), (0.0, ["", "", "", ""])):
        words = pd.DataFrame({"clip_id": [clip_id("1.jpg")], "label": ["tiger"]})
        words["boxes"] = '[{"xyxy": [0, 0, 0.5, 0.25], "time_s": 1}]'
        said = predicted({"path": "1.jpg", "kind": "burst", "best_time_s": best})
        _, got = package(tmp_path / str(best), said, manifest=rows, corrections=words)
        found = [r[1:] for r in observed(got, "classificationMethod", *BOX) if r[0] == "human"]
        assert found == [wanted]


# --- what the format cannot hold, and what is private ---


def test_clips_that_cannot_be_written_are_counted_by_reason(tmp_path, predicted, footage):
    said = predicted(
        {"path": "1.jpg"}, {"path": "2.jpg", "captured_at": None}, {"path": "3..jpg"}, {"path": "4.jpg"}
    )
    rows = footage(
        {"path": "1.jpg"},
        {"path": "2.jpg", "captured_at": None},
        {"path": "3..jpg"},
        {"path": "4.jpg", "time_zone": None},
    )
    result, got = package(tmp_path, said, manifest=rows, time_zone=None)
    assert got["media"]["filePath"].tolist() == ["1.jpg"]
    assert (result.n_rows, result.n_left_out, sorted(result.reasons.values())) == (1, 3, [1, 1, 1])
    assert result.reasons["no time"] == result.reasons["no time zone"] == 1


def test_places_are_rounded_left_out_or_exact_by_an_explicit_word(tmp_path, predicted, footage):
    table = tmp_path / "places.csv"
    table.write_text("deployment,latitude,longitude\nd1,43.115512,131.885534\n", "utf-8")
    rows, columns = footage({"path": "1.jpg"}), ["latitude", "longitude", "coordinateUncertainty"]
    found = {}
    for how in ("rounded", "none", "exact"):
        _, got = package(tmp_path, predicted({"path": "1.jpg"}), manifest=rows, deployments=table, coordinates=how)
        found[how] = got["deployments"][columns].to_numpy().tolist()
    assert found == {
        "rounded": [["43.1", "131.9", "7902"]],
        "none": [["43", "131.4", "47902"]],
        "exact": [["43.115512", "131.885534", "31"]],
    }
    assert got["media"]["filePublic"].tolist() == ["false"]


def test_an_owner_who_forbids_exact_places_keeps_them_whatever_is_asked_for(tmp_path, predicted, footage):
    table = tmp_path / "places.csv"
    table.write_text(
        "deployment,latitude,longitude,exact_place,coordinate_uncertainty_m\n"
        "d1,43.115512,131.885534,no,\nd2,43.115512,131.885534,yes,500\n",
        "utf-8",
    )
    rows = footage({"path": "1.jpg"}, {"path": "2.jpg", "deployment": "d2"})
    said = predicted({"path": "1.jpg"}, {"path": "2.jpg"})
    _, got = package(tmp_path, said, manifest=rows, deployments=table, coordinates="exact")
    columns = ["latitude", "longitude", "coordinateUncertainty"]
    assert got["deployments"][columns].to_numpy().tolist() == [
        ["43.1", "131.9", "7902"],
        ["43.115512", "131.885534", "501"],
    ]
    sheet = write(said, tmp_path / "s.csv", manifest=rows, deployments=table, coordinates="exact")
    assert pd.read_csv(sheet.path)["latitude"].tolist() == [43.1, 43.115512]


def test_zones_of_the_deployments_table_count_before_that_of_the_option(tmp_path, predicted, footage):
    table = tmp_path / "places.csv"
    table.write_text(
        "deployment,latitude,longitude,time_zone\nd1,43,131,Asia/Vladivostok\nd2,43,131,\nd3,43,131,+05:00\n"
    )
    said = predicted({"path": "1.jpg"}, {"path": "2.jpg"}, {"path": "3.jpg"})
    rows = footage(
        {"path": "1.jpg", "time_zone": None},
        {"path": "2.jpg", "time_zone": None, "deployment": "d2"},
        {"path": "3.jpg", "time_zone": "+09:00", "deployment": "d3"},  # its own
    )
    for option, second in (("+07:00", {"2.jpg": "+07:00"}), (None, {})):
        result, got = package(tmp_path, said, manifest=rows, deployments=table, study_area=None, time_zone=option)
        zones = dict(zip(got["media"]["filePath"], got["media"]["timestamp"].str[-6:], strict=True))
        assert zones == {"1.jpg": "+10:00", **second, "3.jpg": "+09:00"}
        assert result.reasons.get("no time zone", 0) == (not second)


def test_deployments_that_no_clip_names_need_the_manifest(tmp_path, predicted):
    table, said = tmp_path / "places.csv", predicted({"path": "1.jpg"})
    table.write_text("deployment,latitude,longitude\nd1,43,131\n")
    with pytest.raises(ManifestError, match="no clip belongs to a deployment") as error:
        package(tmp_path, said, deployments=table, study_area=None)
    assert "--manifest" in str(error.value) and not (tmp_path / "dp").exists()
    table.write_text("deployment,site,latitude,longitude\nd1,s1,43,131\n")
    _, got = package(tmp_path, said, deployments=table, study_area=None)  # by its site, which the predictions name
    assert got["deployments"]["latitude"].tolist() == ["43"]


def test_an_alarm_call_is_written_only_where_a_person_confirmed_it(tmp_path, predicted):
    labels = tmp_path / "labels.sqlite"
    with SoundLabelFile(labels) as file:
        for key, clip, start_s, label in (
            ("a", "1.avi", 3.2, "alarm call"),
            ("b", "1.avi", 9.0, "bird"),
            ("c", "2.avi", 1.0, "person"),
        ):
            file.add(
                SoundEntry(
                    key=key, by="AB", clip_id=clip_id(clip), start_s=start_s, end_s=start_s + 0.4, label=label,
                    at="2022-01-05T10:00:00.000+10:00",
                )
            )  # fmt: skip
    said = predicted({"path": "1.avi", "duration_s": 20.0}, {"path": "2.avi"})
    done, tables = package(tmp_path, said, corrections=labels)
    assert done.n_left_out == 1  # the clip in which a person is heard
    table = tables["observations"]
    calls = table[table["behavior"] != ""]
    columns = [
        "observationType",
        "scientificName",
        "behavior",
        "classificationMethod",
        "classifiedBy",
        "eventStart",
    ]
    assert calls[columns].to_numpy().tolist() == [
        ["animal", "Animalia", "alarm call", "human", "", "2021-12-30T22:34:59+10:00"]
    ]
    assert (
        calls["observationTags"].tolist() == ["heard_s:3.2-3.6"]
        and not (table["mediaID"] == clip_id("2.avi")).any()
    )
    _, named = package(tmp_path, said, corrections=labels, credit=True)
    assert "AB" in named["observations"]["classifiedBy"].tolist()
