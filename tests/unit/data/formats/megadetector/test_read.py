"""Detections: boxes of stills and videos, failures as rows, both JSON forms, and joining boxes to a manifest."""

import copy
import json

import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.data.formats.megadetector.read import merge_boxes, read_megadetector
from leopardnet.data.reading.label_map import LabelMap

RESULTS = {
    "info": {"format_version": "1.6"},
    "detection_categories": {"1": "animal", "2": "person", "3": "vehicle"},
    "classification_categories": {"0": "tiger", "1": "deer"},
    "images": [
        {
            "file": "a/1.jpg",
            "detections": [
                {
                    "category": "1",
                    "conf": 0.9,
                    "bbox": [0.1, 0.2, 0.3, 0.4],
                    "classifications": [["1", 0.2], ["0", 0.7]],
                },
                {"category": "2", "conf": 0.05, "bbox": [0.0, 0.0, 0.5, 0.5]},
            ],
        },
        {"file": "a\\2.jpg", "detections": []},
        {"file": "a/3.jpg", "failure": "Failure image access"},
        {
            "file": "v.AVI",
            "frame_rate": 25.0,
            "frames_processed": [0, 50],
            "detections": [{"category": "1", "conf": 1, "bbox": [0, 0, 1, 1], "frame_number": 50}],
        },
    ],
}


def changed(*keys, value):
    data = copy.deepcopy(RESULTS)
    target = data
    for key in keys[:-1]:
        target = target[key]
    target[keys[-1]] = value
    return data


def read(tmp_path, data=RESULTS, **options):
    path = tmp_path / "md.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return read_megadetector(path, root=tmp_path, **options)


def boxes(cell):
    return None if pd.isna(cell) else json.loads(cell)


def test_one_row_for_each_file_with_its_boxes(tmp_path):
    got = read(tmp_path)
    t = got.manifest.table
    assert t["path"].tolist() == ["a/1.jpg", "a/2.jpg", "a/3.jpg", "v.AVI"]
    assert t["kind"].tolist() == ["still", "still", "still", "video"]
    assert boxes(t["boxes"][0]) == [
        {"xyxy": [0.1, 0.2, 0.4, 0.6], "label": "animal", "score": 0.9, "species": "tiger", "species_score": 0.7},
        {"xyxy": [0, 0, 0.5, 0.5], "label": "person", "score": 0.05},
    ]
    assert boxes(t["boxes"][1]) == []
    assert boxes(t["boxes"][3]) == [
        {"xyxy": [0, 0, 1, 1], "label": "animal", "score": 1.0, "frame_number": 50, "time_s": 2.0}
    ]
    assert t["box_unit"].dropna().tolist() == ["fraction", "fraction"]


def test_a_failure_is_a_row_without_boxes_and_counted(tmp_path):
    got = read(tmp_path)
    assert boxes(got.manifest.table["boxes"][2]) is None
    assert got.notes[0] == "rows that the detector could not read: 1, the first: a/3.jpg (Failure image access)"


def test_a_detector_gives_no_species(tmp_path):
    t = read(tmp_path).manifest.table
    assert t["label"].isna().all() and t["species"].isna().all() and t["label_source"].isna().all()


def test_classes_are_taken_when_asked_and_sure(tmp_path):
    label_map = LabelMap("m", {"tiger": ()})
    t = read(tmp_path, min_classification=0.7, label_map=label_map).manifest.table
    assert t["label"][0] == "tiger" and t["label_source"][0] == "machine" and t["label"][1:].isna().all()
    assert read(tmp_path, min_classification=0.71).manifest.table["label"].isna().all()


def test_boxes_under_a_score_are_left_out_and_counted(tmp_path):
    got = read(tmp_path, min_score=0.1)
    assert len(boxes(got.manifest.table["boxes"][0])) == 1
    assert "boxes with a score below 0.1, left out: 1" in got.notes


def test_the_list_form_has_pixels_and_category_names(tmp_path):
    data = [
        {"file": "a.jpg", "detections": [{"category": "animal", "confidence": 0.8, "bbox": [10, 20, 30, 40]}]},
        {"file": "b.jpg", "detections": []},
    ]
    t = read(tmp_path, data).manifest.table
    assert boxes(t["boxes"][0]) == [{"xyxy": [10, 20, 30, 40], "label": "animal", "score": 0.8}]
    assert t["box_unit"][0] == "px" and boxes(t["boxes"][1]) == []


def test_no_pictures_are_an_empty_manifest(tmp_path):
    assert len(read(tmp_path, {**RESULTS, "images": []}).manifest) == 0
    assert len(read(tmp_path, []).manifest) == 0


DET = ("images", 0, "detections", 0)


@pytest.mark.parametrize(
    ("data", "part"),
    [
        ('{"images": [{"file": "a', "not valid JSON"),
        ('"text"', "a str at the top"),
        ('{"info": {}}', "keys info"),
        ('{"predictions": []}', "SpeciesNet"),
        (changed("detection_categories", value=None), "detection_categories"),
        (changed("detection_categories", value={"1": ""}), "detection_categories"),
        (changed("images", 1, value="a.jpg"), "images[1]"),
        (changed("images", 1, "file", value=None), "images[1]"),
        (changed("images", 1, "file", value="a/1.jpg"), "images[0] and md.json, images[1]"),
        (changed("images", 1, "file", value="/x/1.jpg"), "images[1].file"),
        (changed("images", 1, "file", value="x.doc"), "images[1].file"),
        (changed("images", 1, "detections", value={}), "images[1]"),
        (changed(*DET, value=7), "images[0].detections[0]"),
        (changed(*DET, "conf", value=1.5), "images[0].detections[0].conf"),
        (changed(*DET, "conf", value=float("nan")), "images[0].detections[0].conf"),
        (changed(*DET, "conf", value="0.9"), "images[0].detections[0].conf"),
        (changed(*DET, "bbox", value=[0, 0, 1]), "images[0].detections[0].bbox"),
        (changed(*DET, "bbox", value=[0, 0, 1, float("inf")]), "images[0].detections[0].bbox"),
        (changed(*DET, "category", value="9"), "images[0].detections[0].category"),
        (changed(*DET, "classifications", value=[["9", 0.5]]), "images[0].detections[0].classifications"),
        (changed(*DET, "classifications", value=["9"]), "images[0].detections[0].classifications"),
        (changed("images", 3, "detections", 0, "frame_number", value=-1), "images[3].detections[0].frame_number"),
        (
            [{"file": "a.jpg", "detections": [{"category": "animal", "conf": 0.8, "bbox": [1, 2, 3, 4]}]}],
            "[0].detections[0].confidence",
        ),
        (
            [{"file": "a.jpg", "detections": [{"confidence": 0.8, "bbox": [1, 2, 3, 4]}]}],
            "[0].detections[0].category",
        ),
    ],
)
def test_broken_results_are_refused_with_their_place(tmp_path, data, part):
    with pytest.raises(ManifestError) as error:
        read(tmp_path, data, strict=True)
    assert part in str(error.value) and "md.json" in str(error.value)


def test_a_broken_entry_does_not_stop_the_import(tmp_path):
    good, low = RESULTS["images"][0]["detections"]
    images = [
        {"file": "a/1.jpg", "detections": [good, {**low, "bbox": [0, 0]}]},
        {"file": "a/2.jpg", "detections": [{**good, "category": "9"}]},
        {"file": "a/3.jpg", "detections": "none"},
        {"detections": []},
        {"file": "a/1.jpg", "detections": []},
        {"file": "a/notes.txt", "detections": []},
        {"file": "a/4.jpg", "detections": []},
    ]
    got = read(tmp_path, {**RESULTS, "images": images})
    t = got.manifest.table.set_index("path")["boxes"]
    assert t.index.tolist() == ["a/1.jpg", "a/2.jpg", "a/3.jpg", "a/4.jpg"]
    assert len(boxes(t["a/1.jpg"])) == 1 and boxes(t["a/4.jpg"]) == []
    assert boxes(t["a/2.jpg"]) is None and boxes(t["a/3.jpg"]) is None  # which is not "nothing found"
    assert "rows that the detector could not read: 2, the first: " in got.notes[0]
    assert [p.row for p in got.problems] == [
        "images[0].detections[1]",
        "images[1].detections[0]",
        "images[2]",
        "images[3]",
        "images[4]",
        "images[5]",
    ]


def test_results_of_which_nothing_can_be_read_are_refused(tmp_path):
    for images in ([{"detections": []}, 7], [{"file": "a.doc", "detections": []}]):
        with pytest.raises(ManifestError, match=r"images\[0\]"):
            read(tmp_path, {**RESULTS, "images": images})


def test_a_rate_of_zero_gives_no_times(tmp_path):
    t = read(tmp_path, changed("images", 3, "frame_rate", value=-1)).manifest.table
    assert "time_s" not in boxes(t["boxes"][3])[0]


# --- merging ---


def manifest(tmp_path, rows):
    return Manifest.from_rows(pd.DataFrame(rows), tmp_path)


def test_boxes_join_by_file_and_every_row_stays(tmp_path):
    own = manifest(
        tmp_path,
        {
            "path": ["a/1.jpg", "x.jpg", "a/3.jpg", "v.AVI", "a/2.jpg"],
            "kind": ["still", "still", "still", "video", "still"],
            "label": "tiger",
            "boxes": [None, None, None, '[{"xyxy": [0, 0, 9, 9]}]', None],
            "box_unit": [None, None, None, "px", None],
        },
    )
    got = merge_boxes(own, read(tmp_path).manifest)
    t = got.manifest.table
    assert t["path"].tolist() == own.table["path"].tolist() and set(t["label"]) == {"tiger"}
    assert len(boxes(t["boxes"][0])) == 2 and boxes(t["boxes"][1]) is None and boxes(t["boxes"][2]) is None
    assert boxes(t["boxes"][3]) == [{"xyxy": [0, 0, 9, 9]}] and t["box_unit"][3] == "px"
    assert boxes(t["boxes"][4]) == [] and pd.isna(t["box_unit"][4])
    assert got.notes == ("rows that took the boxes of the detector: 2 of 5", "rows that kept their own boxes: 1")


def test_frames_take_the_boxes_of_their_own_frame(tmp_path):
    own = manifest(
        tmp_path,
        {
            "path": ["v.AVI"] * 4,
            "kind": ["frame"] * 4,
            "frame_number": [50, 51, None, None],
            "time_s": [None, None, 2.02, 4.0],
        },
    )
    t = merge_boxes(own, read(tmp_path).manifest).manifest.table
    assert [b and len(b) for b in map(boxes, t["boxes"])] == [1, None, 1, None]


def test_detections_of_other_files_are_counted(tmp_path):
    own = manifest(tmp_path, {"path": ["a/1.jpg"], "kind": ["still"]})
    assert "files of the detector that the manifest lacks: 3" in merge_boxes(own, read(tmp_path).manifest).notes


def test_detections_of_other_footage_are_refused_and_their_prefix_named(tmp_path):
    own = manifest(tmp_path, {"path": ["1.jpg", "2.jpg"], "kind": ["still"] * 2})
    with pytest.raises(ManifestError, match="remove a/ from the beginning of the paths"):
        merge_boxes(own, read(tmp_path).manifest)


def test_paths_in_another_case_are_joined_where_only_one_fits(tmp_path):
    own = manifest(tmp_path, {"path": ["A/1.JPG", "A/2.jpg", "a/2.JPG"], "kind": ["still"] * 3})
    t = merge_boxes(own, read(tmp_path).manifest).manifest.table
    assert [b if b is None else len(b) for b in map(boxes, t["boxes"])] == [2, None, None]


def test_the_size_of_the_picture_comes_with_its_boxes(tmp_path):
    data = changed("images", 0, value={**RESULTS["images"][0], "width": 640, "height": 480.0})
    got = read(tmp_path, data).manifest
    assert got.table["width_px"][0] == 640 and got.table["height_px"].isna()[1:].all()
    sizes = {"width_px": [480, 99], "height_px": [640, 99]}
    own = manifest(tmp_path, {"path": ["a/1.jpg", "a/2.jpg"], "kind": ["still"] * 2, **sizes})
    t = merge_boxes(own, got).manifest.table
    assert t["width_px"].tolist() == [640, 99] and t["height_px"].tolist() == [480, 99]


def test_frames_of_a_video_become_one_row(tmp_path):
    images = [
        {"file": "a\\v.mp4\\frame000010.jpg", "detections": [RESULTS["images"][0]["detections"][1]]},
        {"file": "b/1.jpg", "detections": []},
        {"file": "a/v.mp4/frame000020.jpg", "failure": "Failure image access"},
        {"file": "a/w.mp4/frame000000.jpg", "failure": "Failure image access"},
        {"file": "a/w.txt/frame000000.jpg", "detections": []},
    ]
    t = read(tmp_path, {**RESULTS, "images": images[:2] + images[3:]}).manifest.table
    assert t["path"].tolist() == ["a/v.mp4", "b/1.jpg", "a/w.mp4", "a/w.txt/frame000000.jpg"]
    assert t["kind"].tolist() == ["video", "still", "video", "still"]
    assert boxes(t["boxes"][0])[0]["frame_number"] == 10 and boxes(t["boxes"][2]) is None
    twice = {**RESULTS, "images": [images[0], {**images[0], "detections": []}]}
    with pytest.raises(ManifestError, match="stands twice"):
        read(tmp_path, twice, strict=True)
    assert len(boxes(read(tmp_path, twice).manifest.table["boxes"][0])) == 1


def test_frames_with_both_kinds_of_separators_are_of_one_video(tmp_path):
    images = [{"file": f"a{s}v.mp4{s}frame{n:06d}.jpg", "detections": []} for s, n in (("/", 1), ("\\", 2))]
    assert read(tmp_path, {**RESULTS, "images": images}).manifest.table["path"].tolist() == ["a/v.mp4"]


def test_detections_of_another_card_are_refused(tmp_path):
    images = [{"file": f"a/{i}.jpg", "detections": [], "datetime": f"2024:05:0{i} 10:00:00"} for i in (1, 2)]
    got = read(tmp_path, changed("images", value=images)).manifest
    assert got.table["captured_at"].dt.day.tolist() == [1, 2]
    times = pd.to_datetime(["2024-05-01 10:00:30", "2024-06-07 19:12:00"])
    own = {"path": ["a/1.jpg", "a/2.jpg"], "kind": "still", "captured_at": times}
    with pytest.raises(ManifestError, match=r"a/2\.jpg\n.*2024-06-07 19:12:00 in the manifest, 2024-05-02"):
        merge_boxes(manifest(tmp_path, own), got)
    assert len(merge_boxes(manifest(tmp_path, {"path": ["a/1.jpg"], "kind": ["still"]}), got).manifest) == 1


@pytest.mark.parametrize("file", [None, "", " "])
def test_an_entry_without_a_file_is_left_out(tmp_path, file):
    path = tmp_path / "r.json"
    path.write_text(json.dumps(changed("images", 1, "file", value=file)))
    got = read_megadetector(path, root=tmp_path)
    assert got.manifest.table["path"].tolist() == ["a/1.jpg", "a/3.jpg", "v.AVI"]
    assert [(p.row, p.problem[:22]) for p in got.problems] == [("images[1]", "an entry names no file")]
