"""MegaDetector results: the answer of the clip, its frames and boxes, failures, and what Timelapse still shows."""

import json

import pytest

from leopardnet.data.formats.megadetector.read import read_megadetector
from leopardnet.export.formats import megadetector
from leopardnet.export.write_results import write


def written(tmp_path, predictions, **options):
    result = write(predictions, tmp_path / "md.json", format="megadetector", **options)
    return result, json.loads((tmp_path / "md.json").read_text("utf-8"))


def test_a_still_carries_presence_and_the_species_given_it(tmp_path, predicted):
    result, data = written(tmp_path, predicted({"path": "a/1.JPG", "p": (0.6, 0.1, 0.1, 0.2)}))
    assert data["detection_categories"] == {"1": "animal", "2": "person", "3": "vehicle"}
    assert data["classification_categories"] == {"0": "leopard", "1": "tiger", "2": "sika_deer"}
    assert data["images"] == [
        {
            "file": "a/1.JPG",
            "detections": [
                {
                    "category": "1",
                    "conf": 0.8,
                    "bbox": [0.0, 0.0, 1.0, 1.0],
                    "classifications": [["0", 0.75], ["1", 0.125], ["2", 0.125]],
                }
            ],
        }
    ]
    assert (result.n_rows, result.n_left_out) == (1, 0)


def test_a_video_has_its_rate_its_frames_and_no_frame_says_more_than_the_clip(tmp_path, predicted, frame):
    frames = [
        frame(2.0, (0.9, 0.0, 0.0, 0.1)),
        frame(4.0, (0.3, 0.0, 0.0, 0.7)),
        frame(0.0, (0.0, 0.1, 0.0, 0.9)),
        frame(8.0, (0.0, 0.0, 0.0, 1.0)),
    ]
    _, data = written(tmp_path, predicted({"path": "a/1.AVI", "p": (0.5, 0.0, 0.0, 0.5), "frames": frames}))
    (image,) = data["images"]
    assert (image["frame_rate"], image["frames_processed"]) == (25.0, [0, 50, 100, 200])
    found = [(d["conf"], d["frame_number"], d["classifications"][0][0]) for d in image["detections"]]
    assert found == [(0.5, 50, "0"), (0.3, 100, "0"), (0.1, 0, "1")]


def test_boxes_stand_where_a_detector_found_some(tmp_path, predicted, frame):
    frames = [
        frame(1.0, (0.9, 0.0, 0.0, 0.1), [(0.1, 0.2, 0.4, 0.6, 0.95), (0.5, 0.5, 0.6, 0.6, 0.4)]),
        frame(3.0, (0.8, 0.0, 0.0, 0.2), [(0.2, 0.2, 0.4, 0.6, 0.7)]),
        frame(5.0, (0.0, 0.0, 0.0, 1.0), []),
    ]
    _, data = written(tmp_path, predicted({"path": "1.mp4", "p": (0.9, 0.0, 0.0, 0.1), "frames": frames}))
    found = [(d["conf"], d["bbox"], d["frame_number"]) for d in data["images"][0]["detections"]]
    assert found == [
        (0.95, [0.1, 0.2, 0.3, 0.4], 25),
        (0.7, [0.2, 0.2, 0.2, 0.4], 75),
        (0.4, [0.5, 0.5, 0.1, 0.1], 25),
    ]


def test_a_failure_is_a_failure_and_an_empty_clip_is_empty(tmp_path, predicted):
    rows = [
        {"path": "1.AVI", "p": None},
        {"path": "2.jpg", "p": None},
        {"path": "3.jpg", "p": (0.0, 0.0, 0.005, 0.995), "decision": "empty", "rule": "empty"},
    ]
    result, data = written(tmp_path, predicted(*rows))
    reason = "the file is empty (0 bytes)"
    assert data["images"] == [
        {"file": "1.AVI", "failure": reason, "detections": None, "frame_rate": -1.0, "frames_processed": []},
        {"file": "2.jpg", "failure": reason, "detections": None},
        {"file": "3.jpg", "detections": []},
    ]
    assert result.n_rows == 3


def test_tools_still_show_a_suspected_leopard(tmp_path, predicted):
    """Timelapse hides what lies under the typical threshold that the file states."""
    suspect = {
        "path": "1.jpg",
        "p": (0.12, 0.0, 0.0, 0.88),
        "decision": "unsure",
        "rule": "abstained",
        "alert": "leopard",
    }
    plain = {"path": "2.jpg", "p": (0.05, 0.0, 0.0, 0.95), "decision": "empty", "rule": "empty"}
    _, data = written(tmp_path, predicted(suspect, plain, {"path": "3.jpg"}))
    stated = data["info"]["detector_metadata"]
    conf = {i["file"]: max(d["conf"] for d in i["detections"]) for i in data["images"]}
    assert conf["1.jpg"] == 0.12 >= stated["typical_detection_threshold"] == 0.12
    assert conf["2.jpg"] == 0.05 < stated["typical_detection_threshold"]
    assert stated["conservative_detection_threshold"] == 0.05


def test_people_are_a_category_of_their_own_where_they_are_asked_for(tmp_path, predicted):
    labels = ("tiger", "person", "empty")
    row = {"path": "1.jpg", "p": (0.1, 0.8, 0.1), "decision": "person"}
    said = predicted(row, {"path": "2.jpg", "p": (0.9, 0.05, 0.05), "decision": "tiger"}, labels=labels)
    result, data = written(tmp_path, said)
    assert [i["file"] for i in data["images"]] == ["2.jpg"] and result.n_left_out == 1
    assert any("people" in reason for reason in result.reasons)
    _, data = written(tmp_path, said, include_people=True)
    found = [(d["category"], d["conf"]) for d in data["images"][0]["detections"]]
    assert found == [("2", 0.8), ("1", 0.1)] and data["classification_categories"] == {"0": "tiger"}


def test_a_burst_becomes_its_stills(tmp_path, predicted, footage, frame):
    frames = [frame(1.0, (0.9, 0.0, 0.0, 0.1)), frame(0.0, (0.2, 0.0, 0.0, 0.8))]
    said = predicted({"path": "1.jpg", "kind": "burst", "p": (0.6, 0.0, 0.0, 0.4), "frames": frames})
    rows = footage({"path": "1.jpg", "kind": "burst", "paths": '["1.jpg", "2.jpg", "3.jpg"]'})
    result, data = written(tmp_path, said, manifest=rows)
    assert [(i["file"], [d["conf"] for d in i["detections"] or ()]) for i in data["images"]] == [
        ("1.jpg", [0.2]),
        ("2.jpg", [0.6]),
        ("3.jpg", []),
    ]
    assert data["images"][2]["failure"] == megadetector.NOT_CLASSIFIED and result.n_rows == 1


def test_an_unknown_rate_is_said_and_times_stay_right(tmp_path, predicted):
    result, data = written(tmp_path, predicted({"path": "1.avi", "fps": None, "best_time_s": 3.25}))
    (image,) = data["images"]
    assert image["detections"][0]["frame_number"] / image["frame_rate"] == 3.25
    assert any("milliseconds" in n and n.endswith(": 1") for n in result.notes)


def test_none_at_all(tmp_path, predicted):
    _, data = written(tmp_path, predicted())
    assert data["images"] == [] and data["info"]["format_version"] == "1.6"


@pytest.mark.parametrize("suffix", ["avi", "jpg"])
def test_our_own_reader_reads_it(tmp_path, predicted, suffix):
    written(tmp_path, predicted({"path": f"1.{suffix}", "p": (0.6, 0.1, 0.1, 0.2)}))
    got = read_megadetector(tmp_path / "md.json", root=tmp_path, min_classification=0.5).manifest.table
    assert got["label"].tolist() == ["leopard"] and json.loads(got["boxes"][0])[0]["score"] == 0.8


def test_what_only_moved_is_never_surer_than_the_clip(tmp_path, predicted, frame):
    boxes = [(0.1, 0.2, 0.4, 0.6, 0.95)]
    rows = [
        {
            "path": f"{source}.jpg",
            "p": (0.0, 0.05, 0.0, 0.95),
            "decision": "empty",
            "frames": [frame(0.0, (0, 0.05, 0, 0.95), boxes * 2, source)],
        }
        for source in ("motion", "detector")
    ]
    _, data = written(tmp_path, predicted(*rows))
    assert [[d["conf"] for d in i["detections"]] for i in data["images"]] == [[0.05, 0.05], [0.95, 0.95]]


def test_a_box_is_what_it_says_it_holds(tmp_path, predicted, frame):
    seen = frame(0.0, (0.9, 0, 0, 0.1), [(0, 0, 0.5, 1, 0.95, "person"), (0.5, 0, 0.75, 1, 0.6)])
    said = predicted({"path": "1.jpg", "p": (0.9, 0.0, 0.0, 0.1), "frames": [seen]}, {"path": "2.jpg"})
    result, data = written(tmp_path, said)
    assert [i["file"] for i in data["images"]] == ["2.jpg"] and result.n_left_out == 1, "a person stays out"
    _, data = written(tmp_path, said, include_people=True)
    found = [(d["category"], d["conf"], d["bbox"]) for d in data["images"][0]["detections"]]
    assert found == [("2", 0.95, [0.0, 0.0, 0.5, 1.0]), ("1", 0.9, [0.5, 0.0, 0.25, 1.0])]
    assert "classifications" not in data["images"][0]["detections"][0]


def test_what_a_detector_found_in_a_clip_that_is_called_empty_is_not_lost(tmp_path, predicted, frame):
    seen = frame(0.0, (0.0, 0.001, 0.0, 0.999), [(0.1, 0.2, 0.4, 0.6, 0.95)])
    _, data = written(
        tmp_path, predicted({"path": "1.jpg", "p": (0.0, 0.001, 0.0, 0.999), "decision": "empty", "frames": [seen]})
    )
    assert [(d["conf"], d["bbox"]) for d in data["images"][0]["detections"]] == [(0.95, [0.1, 0.2, 0.3, 0.4])]
