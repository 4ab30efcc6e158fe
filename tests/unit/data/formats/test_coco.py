"""COCO Camera Traps: what becomes of each key, and every broken reference with its place."""

import copy
import json
from datetime import datetime

import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.data.formats.coco import read_coco, write_coco
from leopardnet.data.reading.label_map import LabelMap

CCT = {
    "info": {"version": "1.0", "description": "x"},
    "categories": [{"id": 0, "name": "empty"}, {"id": 1, "name": "tiger"}, {"id": 7, "name": "sika deer"}],
    "images": [
        {
            "id": "a",
            "file_name": "n/1.jpg",
            "width": 100,
            "height": 50,
            "datetime": "2021-12-30 22:34:56",
            "seq_id": "s1",
            "seq_num_frames": 2,
            "frame_num": 0,
            "location": "n",
        },
        {"id": "b", "file_name": "n/2.jpg", "seq_id": "s1", "frame_num": 1, "location": 12},
        {"id": 3, "file_name": "n\\3.jpg"},
        {"id": "d", "file_name": "n/4.jpg", "corrupt": True},
        {"id": "e", "file_name": "n/5.avi"},
    ],
    "annotations": [
        {
            "id": "x1",
            "image_id": "a",
            "category_id": 1,
            "bbox": [10, 20, 30.5, 10],
            "sequence_level_annotation": True,
        },
        {"id": "x2", "image_id": "a", "category_id": 1, "bbox": [0, 0, 5, 5]},
        {"id": 3, "image_id": 3, "category_id": 0},
        {"id": "x4", "image_id": "d", "category_id": 1},
        {"id": "x5", "image_id": "e", "category_id": 1, "bbox_relative": [0.1, 0.2, 0.3, 0.4]},
        {"id": "x6", "image_id": "e", "category_id": 7},
    ],
}


def changed(**changes):
    """The example with keys replaced: `images__0__width=…`."""
    data = copy.deepcopy(CCT)
    for path, value in changes.items():
        *keys, last = [int(k) if k.isdigit() else k for k in path.split("__")]
        target = data
        for key in keys:
            target = target[key]
        target[last] = value
    return data


def read(tmp_path, data, **options):
    path = tmp_path / "labels.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return read_coco(path, root=tmp_path, **options)


def refused(tmp_path, data):
    with pytest.raises(ManifestError) as error:
        read(tmp_path, data, strict=True)
    return str(error.value)


def test_every_key_finds_its_column(tmp_path):
    got = read(tmp_path, CCT, time_zone="Asia/Vladivostok")
    t = got.manifest.table
    assert t["path"].tolist() == ["n/1.jpg", "n/2.jpg", "n/3.jpg", "n/4.jpg", "n/5.avi"]
    assert t["kind"].tolist() == ["still"] * 4 + ["video"]
    assert t["site"].tolist()[:2] == ["n", "12"] and t["sequence_id"].tolist()[:2] == ["s1", "s1"]
    assert t["captured_at"][0] == datetime(2021, 12, 30, 22, 34, 56) and pd.isna(t["captured_at"][1])
    assert t["time_zone"][0] == "Asia/Vladivostok" and pd.isna(t["time_zone"][1])
    assert (t["width_px"][0], t["height_px"][0]) == (100, 50)
    assert [b["xyxy"] for b in json.loads(t["boxes"][0])] == [[10, 20, 40.5, 30], [0, 0, 5, 5]]
    assert json.loads(t["boxes"][4]) == [{"xyxy": [0.1, 0.2, 0.4, 0.6], "label": "tiger"}]
    assert t["box_unit"].dropna().tolist() == ["px", "fraction"]


def test_labels_and_the_losses_that_are_told(tmp_path):
    got = read(tmp_path, CCT)
    t = got.manifest.table
    assert [None if pd.isna(x) else x for x in t["label"]] == ["tiger", None, "empty", None, None]
    assert [None if pd.isna(x) else x for x in t["species"]] == [
        "tiger",
        None,
        "empty",
        "tiger",
        "tiger + sika deer",
    ]
    assert got.notes == (
        "rows without an annotation: 1",
        "annotations of whole sequences, single pictures of which may be empty: 1",
        "rows marked corrupt, left without a label: 1",
        "rows with several species, left without a label: 1 (tiger + sika deer 1)",
        "names that became labels: sika deer → sika_deer",
        "rows without a label: 3 of 5",
    )


def test_names_go_through_the_label_map(tmp_path):
    label_map = LabelMap("m", {"tiger": (), "empty": ()}, ("sika deer",))
    t = read(tmp_path, CCT, label_map=label_map).manifest.table
    assert t["label"][4] == "tiger" and t["species"][4] == "tiger + sika deer"


def test_no_pictures_are_an_empty_manifest(tmp_path):
    assert len(read(tmp_path, {"images": [], "categories": [], "annotations": []}).manifest) == 0


@pytest.mark.parametrize(
    ("data", "part"),
    [
        ('{"images": [{"id": "a", "file_na', "not valid JSON"),
        ('{"images": [', "ends too early"),
        ("", "not valid JSON"),
        ("[]", "a list at the top"),
        ('{"images": {}, "categories": [], "annotations": []}', "images: dict"),
        ('{"images": [], "categories": [], "annotations": 5}', "annotations: int"),
        ('{"images": [], "annotations": []}', "categories: NoneType"),
        ("[" * 200_000, "cannot be read"),
    ],
)
def test_what_is_no_coco_is_refused(tmp_path, data, part):
    text = refused(tmp_path, data)
    assert part in text and "labels.json" in text


@pytest.mark.parametrize(
    ("changes", "place", "part"),
    [
        ({"images__1__id": "a"}, "images[0] and labels.json, images[1]", "a picture id stands twice"),
        ({"images__1__file_name": "n/1.jpg"}, "images[1].file_name", "a file stands twice"),
        ({"annotations__1__id": "x1"}, "annotations[1]", "an annotation id stands twice"),
        ({"categories__1__id": 0}, "categories[1]", "a category id stands twice"),
        ({"categories__1__name": ""}, "categories[1]", "no name"),
        ({"annotations__0__category_id": 99}, "annotations[0].category_id", "99"),
        ({"annotations__3__image_id": "zz"}, "annotations[3].image_id", "'zz'"),
        ({"annotations__3__image_id": None}, "annotations[3].image_id", "does not declare"),
        ({"annotations__0": 5}, "annotations[0]", "not an object"),
        ({"images__2": "n/3.jpg"}, "images[2]", "not an object"),
        ({"images__2__file_name": None}, "images[2].file_name", "not a path"),
        ({"images__2__file_name": "../3.jpg"}, "images[2].file_name", "cannot be used"),
        ({"images__2__file_name": "\ud800.jpg"}, "images[2].file_name", "no text"),
        ({"images__2__file_name": "3.docx"}, "images[2].file_name", "neither a video nor a still"),
        ({"images__0__width": -1}, "images[0].width", "wrong type"),
        ({"images__0__width": "100"}, "images[0].width", "wrong type"),
        ({"images__0__location": ["n"]}, "images[0].location", "wrong type"),
        ({"images__0__datetime": "2021-12-30T22:34:56+10:00"}, "images[0].datetime", "without a zone"),
        ({"images__0__datetime": "soon"}, "images[0].datetime", "cannot be read"),
        ({"images__0__datetime": []}, "images[0].datetime", "cannot be read"),
        ({"images__0__height": 50.5}, "images[0].height", "wrong type"),
        ({"images__0__id": 1.5}, "images[0].id", "no usable id"),
        ({"images__0__id": True}, "images[0].id", "no usable id"),
        ({"images__0__datetime": 5}, "images[0].datetime", "cannot be read"),
        ({"annotations__0__bbox": [1, 2, 3]}, "annotations[0].bbox", "four finite numbers"),
        ({"annotations__0__bbox": [1, 2, 3, float("nan")]}, "annotations[0].bbox", "four finite numbers"),
        ({"annotations__0__bbox": [1, 2, 3, float("inf")]}, "annotations[0].bbox", "four finite numbers"),
        ({"annotations__0__bbox": [1, 2, 3, True]}, "annotations[0].bbox", "four finite numbers"),
        ({"annotations__0__bbox_relative": [0, 0, 1, 1]}, "annotations[0]", "pixels and in fractions"),
        (
            {"annotations__1": {"id": "x2", "image_id": "a", "category_id": 1, "bbox_relative": [0, 0, 1, 1]}},
            "annotations[1]",
            "pixels and in fractions",
        ),
    ],
)
def test_broken_entries_are_refused_with_their_place(tmp_path, changes, place, part):
    text = refused(tmp_path, changed(**changes))
    assert place in text and part in text


def test_boxes_beyond_the_picture_are_kept(tmp_path):
    t = read(tmp_path, changed(annotations__0__bbox=[90, 40, 500, 500])).manifest.table
    assert json.loads(t["boxes"][0])[0]["xyxy"] == [90, 40, 590, 540]


def test_a_byte_order_mark_is_no_fault(tmp_path):
    assert len(read(tmp_path, "\ufeff" + json.dumps(CCT)).manifest) == 5


def test_another_encoding_is_refused_with_the_byte(tmp_path):
    path = tmp_path / "labels.json"
    path.write_bytes(json.dumps(changed(images__0__location="север"), ensure_ascii=False).encode("cp1251"))
    with pytest.raises(ManifestError, match="not in UTF-8"):
        read_coco(path, root=tmp_path)


def test_no_such_file(tmp_path):
    with pytest.raises(ManifestError, match="no such file"):
        read_coco(tmp_path / "none.json", root=tmp_path)


# --- writing ---


def test_written_files_have_the_form_of_the_format(tmp_path):
    rows = pd.DataFrame(
        {
            "path": ["1.jpg", "2.jpg", "3.avi"],
            "kind": ["still", "still", "video"],
            "label": ["tiger", "empty", None],
            "site": ["n", None, None],
            "boxes": ['[{"xyxy": [1.0, 2.0, 4.0, 8.0]}]', None, None],
            "box_unit": ["px", None, None],
        }
    )
    data = json.loads(write_coco(Manifest.from_rows(rows, tmp_path), tmp_path / "out.json").read_text())
    assert data["categories"] == [{"id": 0, "name": "empty"}, {"id": 1, "name": "tiger"}]
    assert data["images"] == [
        {"id": "0", "file_name": "1.jpg", "location": "n"},
        {"id": "1", "file_name": "2.jpg"},
        {"id": "2", "file_name": "3.avi"},
    ]
    assert data["annotations"] == [
        {"id": "0", "image_id": "0", "category_id": 1, "bbox": [1.0, 2.0, 3.0, 6.0]},
        {"id": "1", "image_id": "1", "category_id": 0},
    ]


def test_a_burst_becomes_its_stills_in_one_sequence(tmp_path):
    rows = pd.DataFrame({"path": ["1.jpg"], "kind": ["burst"], "paths": ['["1.jpg", "2.jpg"]'], "label": ["tiger"]})
    got = read_coco(
        write_coco(Manifest.from_rows(rows, tmp_path), tmp_path / "out.json"), root=tmp_path
    ).manifest.table
    assert got["path"].tolist() == ["1.jpg", "2.jpg"] and got["label"].tolist() == ["tiger", "tiger"]
    assert got["sequence_id"].nunique() == 1


def test_a_box_without_a_name_is_refused_and_nothing_written(tmp_path):
    rows = pd.DataFrame(
        {"path": ["1.jpg"], "kind": ["still"], "boxes": ['[{"xyxy": [1, 2, 4, 8]}]'], "box_unit": ["px"]}
    )
    with pytest.raises(ManifestError, match="no name"):
        write_coco(Manifest.from_rows(rows, tmp_path), tmp_path / "out.json")
    assert list(tmp_path.iterdir()) == []


# --- entries with a fault are kept without it ---


def test_a_file_without_annotations_gives_rows_without_labels(tmp_path):
    images = [{"id": 7, "file_name": "a.jpg", "location": 3, "seq_id": 12.0}, {"id": 8.0, "file_name": "b.jpg"}]
    for annotations in ({}, {"annotations": None}, {"annotations": []}):
        got = read(tmp_path, {"images": images, "categories": [{"id": 0, "name": "empty"}], **annotations})
        t = got.manifest.table
        assert t["path"].tolist() == ["a.jpg", "b.jpg"] and t["label"].isna().all()
        assert (t["site"][0], t["sequence_id"][0]) == ("3", "12")
        assert got.notes == ("rows without an annotation: 2", "rows without a label: 2 of 2") and not got.problems


@pytest.mark.parametrize(
    ("corrupt", "label"), [(1, None), ("true", None), (0, "tiger"), (False, "tiger"), ("no", "tiger")]
)
def test_corrupt_is_a_truth_in_any_spelling(tmp_path, corrupt, label):
    t = read(tmp_path, changed(images__0__corrupt=corrupt)).manifest.table
    assert (None if pd.isna(t["label"][0]) else t["label"][0]) == label and t["species"][0] == "tiger"


def test_ids_as_whole_decimals_are_the_same_ids(tmp_path):
    data = {
        "images": [{"id": 1, "file_name": "1.jpg"}],
        "categories": [{"id": 4.0, "name": "tiger"}],
        "annotations": [{"id": 1, "image_id": 1.0, "category_id": 4}],
    }
    assert read(tmp_path, data).manifest.table["label"].tolist() == ["tiger"]


@pytest.mark.parametrize(
    ("changes", "row", "column"),
    [
        ({"images__0__width": "100"}, "images[0]", "width_px"),
        ({"images__0__location": ["n"]}, "images[0]", "site"),
        ({"images__0__datetime": "soon"}, "images[0]", "captured_at"),
        ({"annotations__0__bbox": [1, 2, 3]}, "annotations[0]", None),
        ({"annotations__3__image_id": "zz"}, "annotations[3]", None),
        ({"annotations__1__id": "x1"}, "annotations", None),
    ],
)
def test_an_entry_is_used_without_what_is_wrong(tmp_path, changes, row, column):
    got = read(tmp_path, changed(**changes))
    t = got.manifest.table
    assert len(t) == 5 and t["label"][0] == "tiger"
    assert [(p.file, p.row) for p in got.problems] == [("labels.json", row)]
    assert column is None or pd.isna(t[column][0])


def test_a_picture_with_an_unknown_category_has_no_label(tmp_path):
    got = read(tmp_path, changed(annotations__1__category_id=99))
    t = got.manifest.table
    assert pd.isna(t["label"][0]) and t["species"][0] == "tiger"
    assert "annotations[1].category_id: 99" in got.notes[-1]


@pytest.mark.parametrize(
    ("changes", "paths", "row"),
    [
        ({"images__2": None}, ["n/1.jpg", "n/2.jpg", "n/4.jpg", "n/5.avi"], "images[2]"),
        ({"images__1__file_name": None}, ["n/1.jpg", "n/3.jpg", "n/4.jpg", "n/5.avi"], "images[1]"),
        ({"images__1__file_name": "notes.txt"}, ["n/1.jpg", "n/3.jpg", "n/4.jpg", "n/5.avi"], "images[1]"),
        ({"images__1__file_name": "n/1.jpg"}, ["n/1.jpg", "n/3.jpg", "n/4.jpg", "n/5.avi"], "images[1]"),
        ({"annotations__2": None}, ["n/1.jpg", "n/2.jpg", "n/3.jpg", "n/4.jpg", "n/5.avi"], "annotations[2]"),
    ],
)
def test_an_entry_that_names_no_picture_of_its_own_is_left_out(tmp_path, changes, paths, row):
    got = read(tmp_path, changed(**changes))
    t = got.manifest.table
    assert t["path"].tolist() == paths and t["label"][0] == "tiger"
    assert row in [p.row for p in got.problems]
    assert t["species"].tolist()[-1] == "tiger + sika deer"  # the annotations still find their pictures


def test_the_annotations_of_an_entry_that_is_left_out_are_no_problem_of_their_own(tmp_path):
    got = read(tmp_path, changed(images__0__file_name=""))
    assert [p.row for p in got.problems] == ["images[0]"]
    assert got.manifest.table["path"].tolist()[0] == "n/2.jpg" and pd.isna(got.manifest.table["label"][0])


def test_an_id_of_two_pictures_names_neither(tmp_path):
    got = read(tmp_path, changed(images__1__id="a"))
    t = got.manifest.table
    assert len(t) == 5 and t["species"].isna().tolist() == [True, True, False, False, False]
    assert [p.row for p in got.problems] == ["images[1]"] and "both are kept" in got.problems[0].problem


def test_two_entries_of_one_file_share_their_annotations(tmp_path):
    got = read(tmp_path, changed(images__4__file_name="n/1.jpg"))
    t = got.manifest.table
    assert t["path"].tolist() == ["n/1.jpg", "n/2.jpg", "n/3.jpg", "n/4.jpg"]
    assert t["species"][0] == "tiger + sika deer" and t["captured_at"][0] == datetime(2021, 12, 30, 22, 34, 56)


def test_a_picture_without_a_usable_id_is_kept_without_annotations(tmp_path):
    got = read(tmp_path, changed(images__4__id=1.5))
    assert len(got.manifest) == 5 and pd.isna(got.manifest.table["species"][4])
    assert got.problems[0].row == "images[4]"


def test_a_file_of_entries_that_name_no_picture_is_refused(tmp_path):
    with pytest.raises(ManifestError, match="not an object"):
        read(tmp_path, json.dumps({"images": [None], "categories": [], "annotations": []}))
