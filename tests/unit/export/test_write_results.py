"""Every format: how it is chosen, what it holds, who and what is left out, and that a file is whole."""

import json
from datetime import datetime

import pandas as pd
import pytest
from file_texts import content, files_in

from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.people import person_kind
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id
from leopardnet.data.formats.coco import read_coco
from leopardnet.data.formats.sheets.spreadsheet import read_sheet
from leopardnet.export.outgoing import find_label_set, hide_absolute_paths, select_outgoing
from leopardnet.export.write_results import FORMATS, find_format, write

OPTIONS = {"camtrap-dp": {"study_area": (43.0, 131.4, 40_000), "time_zone": "+10:00"}}


def test_the_suffix_tells_the_format_and_a_wrong_one_is_one_message():
    assert [find_format(f"x.{s}") for s in ("CSV", "parquet", "jsonl", "xlsx")] == [
        "csv",
        "parquet",
        "jsonl",
        "xlsx",
    ]
    assert find_format("x.json", "coco") == "coco"
    for out, given in (("x.json", None), ("x.csv", "excel")):
        with pytest.raises(ConfigError, match="not known"):
            find_format(out, given)


# --- flat tables ---


def test_a_table_comes_back_as_it_was(tmp_path, predicted):
    said = predicted({"path": "=a/1.jpg"}, {"path": "2.avi", "p": None}, {"path": "3.avi", "frames": []})
    for format in ("csv", "parquet", "xlsx", "jsonl"):
        written = write(said, tmp_path / f"x.{format}")
        got = read_sheet(tmp_path / f"x.{format}", format=format)
        if format == "xlsx":  # its first sheet is for people; ids stand on the second, and are read behind it
            assert got.columns[0] == "path" and set(got.columns) >= set(said.table.columns)
        else:
            assert list(got.columns)[: len(said.table.columns)] == list(said.table.columns)
        assert got["path"].tolist() == ["=a/1.jpg", "2.avi", "3.avi"] and (written.n_rows, written.n_left_out) == (
            3,
            0,
        )
        assert pd.to_numeric(got["p_leopard"]).round(6).tolist()[::2] == [0.9, 0.9] and pd.isna(got["p_leopard"][1])
    pd.testing.assert_frame_equal(read_sheet(tmp_path / "x.parquet", format="parquet"), said.table)


def test_json_lines_hold_the_frames(tmp_path, predicted, frame):
    write(
        predicted({"path": "1.avi", "frames": [frame(2.0, (0.5, 0.25, 0.0, 0.25), [(0, 0, 0.5, 1, 0.75)])]}),
        tmp_path / "x.jsonl",
    )
    (line,) = (tmp_path / "x.jsonl").read_text("utf-8").splitlines()
    box = {"xyxy": [0, 0, 0.5, 1], "score": 0.75}
    assert json.loads(line)["frames"] == [
        {"time_s": 2.0, "p_leopard": 0.5, "p_tiger": 0.25, "p_sika_deer": 0.0, "p_empty": 0.25, "boxes": [box]}
    ]


def test_what_a_manifest_knows_stands_beside(tmp_path, predicted, footage):
    places = tmp_path / "d.csv"
    places.write_text("deployment,latitude,longitude\nd1,43.1155,131.8855\n", "utf-8")
    rows = footage({"path": "1.jpg", "label": "tiger", "label_source": "human"})
    write(predicted({"path": "1.jpg"}), tmp_path / "x.parquet", manifest=rows, deployments=places)
    got = pd.read_parquet(tmp_path / "x.parquet").iloc[0]
    assert (got["deployment"], got["time_zone"], got["human_label"], got["decision"]) == (
        "d1",
        "+10:00",
        "tiger",
        "leopard",
    )
    assert (got["latitude"], got["longitude"], got["coordinate_uncertainty_m"]) == (43.1, 131.9, 7902)
    write(
        predicted({"path": "1.jpg"}), tmp_path / "y.parquet", manifest=rows, deployments=places, coordinates="none"
    )
    assert pd.isna(pd.read_parquet(tmp_path / "y.parquet")["latitude"][0])


# --- COCO and Timelapse ---


def test_coco_has_decisions_boxes_and_corrupt_files(tmp_path, predicted, frame):
    found = frame(2.0, (0.9, 0, 0, 0.1), [(0.1, 0.2, 0.4, 0.6, 0.95)])
    rows = [
        {"path": "1.jpg", "frames": [frame(0.0, (0.9, 0, 0, 0.1), [(0.1, 0.2, 0.4, 0.6, 0.95)])], "score": 0.9},
        {"path": "2.avi", "frames": [found], "score": 0.8},
        {"path": "3.jpg", "p": None},
        {"path": "4.jpg", "decision": "empty", "score": 0.7},
        {"path": "5.jpg", "decision": "unsure"},
    ]
    written = write(predicted(*rows), tmp_path / "c.json", format="coco")
    data = json.loads((tmp_path / "c.json").read_text("utf-8"))
    assert data["categories"] == [
        {"id": 0, "name": "empty"},
        {"id": 1, "name": "leopard"},
        {"id": 2, "name": "unsure"},
    ]
    named = [(i["file_name"], i.get("time_s"), i.get("corrupt")) for i in data["images"]]
    assert named == [
        ("1.jpg", None, None),
        ("2.avi", None, None),
        ("2.avi", 2.0, None),
        ("3.jpg", None, True),
        ("4.jpg", None, None),
        ("5.jpg", None, None),
    ]
    said = [(a["image_id"], a["category_id"], a.get("score"), a.get("bbox_relative")) for a in data["annotations"]]
    box = [0.1, 0.2, 0.3, 0.4]
    assert said == [
        ("0", 1, 0.9, box),
        ("1", 1, 0.8, None),
        ("2", 1, 0.8, box),
        ("4", 0, 0.7, None),
        ("5", 2, None, None),
    ]
    got = read_coco(tmp_path / "c.json", root=tmp_path).manifest.table
    assert got["kind"].tolist() == ["still", "video", "frame", "still", "still", "still"] and written.n_rows == 5


def test_timelapse_takes_the_columns_that_are_named(tmp_path, predicted, footage):
    said = predicted({"path": "a/1.jpg", "kind": "burst", "alert": "leopard"})
    rows = footage({"path": "a/1.jpg", "kind": "burst", "paths": '["a/1.jpg", "a/2.jpg"]'})
    write(
        said, tmp_path / "t.csv", format="timelapse", manifest=rows, columns={"LookFirst": "alert", "Conf": "score"}
    )
    assert (tmp_path / "t.csv").read_text().splitlines() == [
        "File,RelativePath,LookFirst,Conf",
        "1.jpg,a,leopard,0.9",
        "2.jpg,a,leopard,0.9",
    ]
    with pytest.raises(ManifestError, match=r"no such column(.|\n)*puma(.|\n)*decision"):
        write(said, tmp_path / "u.csv", format="timelapse", columns={"X": "puma"})


@pytest.mark.parametrize("format", ["coco", "yolo", "voc"])
def test_a_format_without_a_place_for_alerts_says_how_many_it_leaves_out(tmp_path, predicted, boxed, format):
    size = {"width_px": 64, "height_px": 48, "alert": "leopard"}
    said = predicted(
        boxed("1.jpg", (0.3, 0.6, 0.1), decision="tiger", **size, alerts="tiger + leopard"),
        boxed("2.jpg", (0.9, 0.0, 0.1), decision="leopard", **size, alerts="leopard"),
        labels=("leopard", "tiger", "empty"),
    )
    (note,) = [n for n in write(said, tmp_path / "out", format=format).notes if "suspected" in n]
    assert note.endswith("written by their decision: 1")


# --- who and what stays out ---


@pytest.mark.parametrize("name", ["human", "Person", " people ", "VEHICLE", "car"])
def test_names_of_people_and_vehicles(name):
    assert person_kind(name) in ("human", "vehicle") and person_kind("leopard cat") is None


@pytest.mark.parametrize("format", FORMATS)
def test_people_stay_out_unless_asked_for_whoever_saw_them(tmp_path, predicted, footage, boxed, format):
    said = predicted(
        boxed("m.jpg", (0.1, 0.8, 0.1), decision="person"),
        boxed("p.jpg", (0.7, 0.2, 0.1)),
        boxed("h.jpg", (0.9, 0.0, 0.1), alert="tiger"),
        boxed("b.jpg", (0.9, 0.0, 0.1)),
        boxed("s.jpg", (0.9, 0.0, 0.1)),
        boxed("t.jpg", (0.9, 0.05, 0.05)),
        boxed("w.jpg", (0.9, 0.05, 0.05)),
        labels=("tiger", "person", "empty"),
    )
    box = json.dumps([{"xyxy": [0, 0, 1, 1], "label": "person", "score": 0.5}])
    faint = json.dumps([{"xyxy": [0, 0, 1, 1], "label": "person", "score": 0.1}])
    rows = footage(
        {"path": "m.jpg"},
        {"path": "p.jpg"},
        {"path": "h.jpg", "label": "human"},
        {"path": "s.jpg", "species": "tiger + Vehicle"},
        {"path": "b.jpg", "boxes": box, "box_unit": "fraction"},
        {"path": "t.jpg", "boxes": faint, "box_unit": "fraction"},
        {"path": "w.jpg"},
    )
    words = pd.DataFrame({"clip_id": [clip_id("w.jpg")], "label": ["Person"]})
    options = {"format": format, "manifest": rows, "corrections": words} | OPTIONS.get(format, {})
    written = write(said, tmp_path / "shared", **options)
    assert (written.n_rows, written.n_left_out) == (1, 6) and list(written.reasons.values()) == [6]
    assert any("suspected: 1" in note for note in written.notes)
    text = "".join(map(content, files_in(tmp_path / "shared")))
    assert "t.jpg" in text and not [x for x in "mphbsw" if f"{x}.jpg" in text]
    assert write(said, tmp_path / "all", **options, include_people=True).n_rows == 7


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (
            "PermissionError: [Errno 13] Permission denied: '/home/anna/x.avi'",
            "PermissionError: [Errno 13] Permission denied: '…'",
        ),
        ("found: \\\\nas\\cards\\x.avi", "found: …"),
        ("found: C:/Users/anna/x.avi", "found: …"),
        ("see file:///home/anna", "see …"),
        ("~anna/x", "…"),
        ("12 of 30 frames; 25/1 fps; a/b.avi; 100 %", "12 of 30 frames; 25/1 fps; a/b.avi; 100 %"),
    ],
)
def test_reasons_name_no_place_on_a_machine(text, left):
    assert hide_absolute_paths(text) == left


def test_reasons_are_cleaned_before_they_leave(tmp_path, predicted):
    row = {"path": "1.jpg", "p": None, "reason": "cannot open '/home/anna/cards/1.jpg'"}
    for format in FORMATS:
        write(predicted(row, {"path": "2.jpg"}), tmp_path / format, format=format, **OPTIONS.get(format, {}))
        assert not [p for p in files_in(tmp_path / format) if "anna" in content(p)]


def test_a_manifest_that_lacks_clips_and_corrections_of_others_are_said(predicted, footage):
    words = pd.DataFrame({"clip_id": [clip_id("9.jpg")], "label": ["tiger"]})
    outgoing = select_outgoing(
        predicted({"path": "1.jpg"}, {"path": "2.jpg"}), manifest=footage({"path": "1.jpg"}), corrections=words
    )
    assert [n.rpartition(": ")[2] for n in outgoing.notes] == ["1", "1"] and len(outgoing.table) == 2
    assert outgoing.footage.table["deployment"].tolist()[0] == "d1" and pd.isna(
        outgoing.footage.table["deployment"][1]
    )


def test_labelled_frames_of_a_video_make_one_clip(predicted, footage):
    rows = footage(
        {"path": "1.avi", "kind": "frame", "time_s": 0.5, "label": "tiger", "label_source": "human"},
        {"path": "1.avi", "kind": "frame", "time_s": 1.5, "label": "empty", "label_source": "human"},
    )
    outgoing = select_outgoing(predicted({"path": "1.avi"}), manifest=rows)
    assert outgoing.footage.table[["kind", "deployment"]].to_numpy().tolist() == [["video", "d1"]]
    assert outgoing.human_labels["label"].tolist() == ["tiger"]


def test_labels_of_ones_own_have_names_but_no_scientific_ones(predicted):
    known = find_label_set(predicted({"path": "1.jpg"}))
    assert known.labels[0].scientific_name == "Panthera pardus" and known.targets == ("leopard",)
    own = find_label_set(predicted({"path": "1.jpg"}, labels_id="0"))
    assert own.names == known.names and own.labels[0].scientific_name == "" and own.empty == "empty"


def test_labels_of_another_model_are_refused(tmp_path, predicted):
    other = find_label_set(predicted({"path": "1.jpg", "p": (0.5, 0.5)}, labels=("puma", "empty")))
    with pytest.raises(ConfigError, match=r"not those of the predictions(.|\n)*puma"):
        write(predicted({"path": "1.jpg"}), tmp_path / "x.csv", labels=other)


# --- whole or not at all ---


@pytest.mark.parametrize("format", FORMATS)
def test_a_write_that_fails_leaves_the_old_file(tmp_path, predicted, boxed, format, monkeypatch):
    options = {"format": format} | OPTIONS.get(format, {})
    write(predicted(boxed("1.jpg")), tmp_path / "out", **options)
    before = {p.name: p.read_bytes() for p in files_in(tmp_path / "out")}
    monkeypatch.setattr("os.fsync", lambda *a: (_ for _ in ()).throw(OSError(28, "no space")))
    # annotations are never written among older ones, so these two formats do not get as far as the disk
    with pytest.raises(ConfigError if format in ("yolo", "voc") else OSError):
        write(predicted(boxed("2.jpg")), tmp_path / "out", **options)
    assert {p.name: p.read_bytes() for p in files_in(tmp_path / "out")} == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("format", [f for f in FORMATS if f != "camtrap-dp"])
def test_no_clips_at_all(tmp_path, predicted, format):
    assert write(predicted(), tmp_path / "out", format=format).n_rows == 0


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_predictions_give_the_same_bytes(tmp_path, predicted, boxed, format):
    made = {"created": datetime.fromisoformat("2024-05-01T10:00:00+10:00")} | OPTIONS.get(format, {})
    for name in ("a", "b"):
        write(predicted(boxed("1.jpg"), {"path": "2.avi"}), tmp_path / name, format=format, **made)
    a, b = ([p.read_bytes() for p in sorted(files_in(tmp_path / n))] for n in "ab")
    assert a == b and a


@pytest.mark.parametrize("cell", ["x", "1", "[null]", '["a"]', "{", "[" * 100_000, '{"1": 1}', '"12"'])
def test_times_that_cannot_be_read_are_one_message(tmp_path, predicted, cell):
    """Found by fuzzing a table of predictions."""
    with pytest.raises(ManifestError, match="times cannot be read"):
        write(predicted({"path": "1.avi", "evidence_times_s": cell}), tmp_path / "x.json", format="megadetector")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("column", ["best_time_s", "duration_s", "fps"])
def test_times_without_end_are_refused_when_a_table_is_read(tmp_path, predicted, column):
    """Found by fuzzing: no JSON and no date can hold them."""
    table = predicted({"path": "1.avi"}).table.assign(**{column: float("inf")})
    table.to_parquet(tmp_path / "predictions.parquet")
    with pytest.raises(ManifestError, match=column):
        Predictions.read(tmp_path)


def test_frames_without_end_are_refused_when_a_table_is_read(tmp_path, predicted, frame):
    said = predicted({"path": "1.avi", "frames": [frame(1.0, (1.0, 0, 0, 0))]})
    said.table.to_parquet(tmp_path / "predictions.parquet")
    said.evidence.assign(time_s=float("inf")).to_parquet(tmp_path / "evidence.parquet")
    with pytest.raises(ManifestError, match="time_s"):
        Predictions.read(tmp_path)


@pytest.mark.parametrize("format", FORMATS)
def test_a_row_that_lacks_a_probability_breaks_no_format(tmp_path, predicted, boxed, format):
    """Found by fuzzing: no run makes such a row, but a hand may."""
    said = predicted(boxed("1.jpg") | {"p": (0.9, float("nan"), 0.05, 0.05)}, boxed("2.jpg"))
    assert write(said, tmp_path / "out", format=format, **OPTIONS.get(format, {})).n_rows == 2


def test_a_manifest_of_another_card_is_refused(predicted, footage, tmp_path):
    said = predicted({"path": "DCIM/100MEDIA/IMAG0001.AVI"})
    other = footage({"path": "DCIM/100MEDIA/IMAG0001.AVI", "kind": "video", "captured_at": datetime(2022, 3, 1, 8)})
    with pytest.raises(ManifestError, match="they are of different footage"):
        write(said, tmp_path / "out.csv", manifest=other)
    assert not (tmp_path / "out.csv").exists()
