"""YOLO: where pictures and text files lie, and that a missing text file is no negative."""

import json

import pandas as pd
import pytest
import yaml

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.data.formats.yolo import read_yolo, write_yolo


def put(root, **files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def dataset(root, config=None, **files):
    config = (
        {"names": ["tiger", "deer"], "train": "images/train", "val": "images/val"} if config is None else config
    )
    content = {"data.yaml": config if isinstance(config, str) else yaml.safe_dump(config)}
    content |= {"images/train/1.jpg": b"x", "images/val/2.jpg": b"x", "labels/train/1.txt": "0 0.5 0.5 0.2 0.4\n"}
    return put(root, **(content | files))


def read(root, **options):
    t = read_yolo(root, root=root, **options).manifest.table
    return dict(zip(t["path"], [None if pd.isna(x) else x for x in t["label"]], strict=True))


def refused(root, **options):
    with pytest.raises(ManifestError) as error:
        read_yolo(root, root=root, strict=True, **options)
    return str(error.value)


def test_pictures_boxes_and_splits(tmp_path):
    dataset(tmp_path, **{"labels/val/2.txt": "1 0.25 0.5 0.5 1.0 0.9\n1 0.25 0.5 0.5 0.5\n"})
    got = read_yolo(tmp_path / "data.yaml", root=tmp_path)
    t = got.manifest.table
    assert t["path"].tolist() == ["images/train/1.jpg", "images/val/2.jpg"]
    assert t["label"].tolist() == ["tiger", "deer"] and t["split"].tolist() == ["train", "val"]
    assert json.loads(t["boxes"][0]) == [{"xyxy": [0.4, 0.3, 0.6, 0.7], "label": "tiger"}]
    assert json.loads(t["boxes"][1])[0] == {"xyxy": [0.0, 0.0, 0.5, 1.0], "label": "deer", "score": 0.9}
    assert set(t["box_unit"]) == {"fraction"} and got.notes == ()


def test_a_missing_text_file_is_no_negative(tmp_path):
    got = read_yolo(dataset(tmp_path), root=tmp_path)
    assert got.manifest.table["label"].isna().tolist() == [False, True]
    assert got.notes[0] == "rows without a text file, not taken as empty (list true negatives with --negatives): 1"


def test_an_empty_text_file_is_a_negative(tmp_path):
    got = read_yolo(dataset(tmp_path, **{"labels/val/2.txt": "\n"}), root=tmp_path)
    assert got.manifest.table["label"].tolist() == ["tiger", "empty"]
    assert got.notes == ("rows with an empty text file, read as empty: 1",)


def test_listed_negatives_are_empty(tmp_path):
    dataset(tmp_path, **{"none.txt": "images\\val\\2.jpg\r\n"})
    assert read(tmp_path, negatives=tmp_path / "none.txt")["images/val/2.jpg"] == "empty"


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("images/train/1.jpg", "has boxes"),
        ("images/val/9.jpg", "not among the pictures"),
        ("../2.jpg", "none.txt, line 1"),
    ],
)
def test_negatives_that_contradict_are_refused(tmp_path, line, part):
    dataset(tmp_path, **{"none.txt": line})
    assert part in refused(tmp_path, negatives=tmp_path / "none.txt")


def test_a_missing_list_of_negatives_is_refused(tmp_path):
    assert "no such list" in refused(dataset(tmp_path), negatives=tmp_path / "no.txt")


@pytest.mark.parametrize(
    "config",
    [
        {"names": {0: "tiger", 1: "deer"}, "train": ["images/train", "images/val"]},
        {"names": ["tiger", "deer"], "nc": 2, "train": "images/train", "valid": "images/val"},
        {"names": ["tiger", "deer"], "train": "../images/train", "val": "../images/val"},
        {"path": "/somewhere/else/x", "names": ["tiger", "deer"], "train": "images/train", "val": "images/val"},
        {"path": ".", "names": ["tiger", "deer"], "train": "train.txt"},
        {"names": ["tiger", "deer"]},
    ],
)
def test_ways_to_say_where_pictures_are(tmp_path, config):
    dataset(tmp_path, config, **{"train.txt": f"./images/train/1.jpg\n{tmp_path}/images/val/2.jpg\n"})
    assert read(tmp_path) == {"images/train/1.jpg": "tiger", "images/val/2.jpg": None}


def test_text_files_beside_pictures_and_a_root_above(tmp_path):
    put(
        tmp_path,
        **{"set/data.yaml": "names: [tiger]\ntrain: p\n", "set/p/1.jpg": b"x", "set/p/1.txt": "0 0.5 0.5 1 1"},
    )
    t = read_yolo(tmp_path / "set", root=tmp_path).manifest.table
    assert t["path"].tolist() == ["set/p/1.jpg"] and t["label"].tolist() == ["tiger"]


def test_an_outline_becomes_the_box_around_it(tmp_path):
    dataset(tmp_path, **{"labels/train/1.txt": "0 0.1 0.2 0.5 0.1 0.3 0.9"})
    t = read_yolo(tmp_path, root=tmp_path).manifest.table
    assert json.loads(t["boxes"][0])[0]["xyxy"] == [0.1, 0.1, 0.5, 0.9]


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("2 0.5 0.5 0.1 0.1", "does not name"),
        ("-1 0.5 0.5 0.1 0.1", "does not name"),
        ("tiger 0.5 0.5 0.1 0.1", "cannot be read"),
        ("0 0.5 0.5 0.1", "4 numbers"),
        ("0 0.5 0.5 0.1 nan", "cannot be read"),
        ("0 0.5 0.5 0.1 inf", "cannot be read"),
        ("0 0.1 0.2 0.3 0.4 0.5 0.6 0.7", "8 numbers"),
    ],
)
def test_broken_lines_are_refused_with_file_and_line(tmp_path, line, part):
    dataset(tmp_path, **{"labels/train/1.txt": f"0 0.5 0.5 0.1 0.1\n{line}\n"})
    text = refused(tmp_path)
    assert part in text and "labels/train/1.txt, line 2" in text


def test_boxes_beyond_the_picture_are_kept(tmp_path):
    dataset(tmp_path, **{"labels/train/1.txt": "0 0.9 0.5 0.4 0.2"})
    t = read_yolo(tmp_path, root=tmp_path).manifest.table
    assert json.loads(t["boxes"][0])[0]["xyxy"] == [0.7, 0.4, 1.1, 0.6]


@pytest.mark.parametrize(
    ("config", "part"),
    [
        ("names: [a\n", "not readable YAML"),
        ("- a\n", "not a YOLO description"),
        ("train: images/train\n", "does not name its classes"),
        ("names: []\n", "does not name its classes"),
        ("names: [no, yes]\n", "does not name its classes"),
        ("names: {a: tiger}\n", "does not name its classes"),
        ("names: [tiger]\nnc: 2\n", "1 names but nc: 2"),
        ("names: [tiger]\ntrain: none\n", "do not exist"),
        ("names: [tiger]\ntrain: {a: b}\n", "folders or lists"),
        ("names: [tiger]\ntrain: [images/train, images]\n", "stands twice"),
        ("names: !!python/name:os.system x\n", "not readable YAML"),
    ],
)
def test_broken_descriptions_are_refused(tmp_path, config, part):
    text = refused(dataset(tmp_path, config))
    assert part in text and "data.yaml" in text


def test_pictures_outside_the_root_are_refused(tmp_path):
    dataset(tmp_path / "a", "names: [tiger]\ntrain: ../b\n")
    put(tmp_path, **{"b/1.jpg": b"x"})
    assert "outside the root" in refused(tmp_path / "a")


def test_a_video_among_the_pictures_is_refused(tmp_path):
    assert "here is a video" in refused(dataset(tmp_path, **{"images/train/1.avi": b"x"}))


def test_no_description(tmp_path):
    assert "cannot be read" in refused(tmp_path)


# --- writing ---


def manifest(root, *rows):
    names = ("path", "label", "boxes", "box_unit", "split")
    return Manifest.from_rows(
        pd.DataFrame([dict(zip(names, r, strict=False)) for r in rows]).assign(kind="still"), root
    )


def test_written_files(tmp_path):
    m = manifest(
        tmp_path,
        ("images/1.jpg", "tiger", '[{"xyxy": [0.4, 0.3, 0.6, 0.7]}]', "fraction", "train"),
        ("images/2.jpg", "empty", None, None, "train"),
        ("images/3.jpg", None, None, None, "val"),
    )
    config = yaml.safe_load(write_yolo(m, tmp_path).read_text())
    assert config == {"names": {0: "tiger"}, "train": "train.txt", "val": "val.txt"}
    assert (tmp_path / "labels/1.txt").read_text() == "0 0.500000000 0.500000000 0.200000000 0.400000000\n"
    assert (tmp_path / "labels/2.txt").read_text() == ""
    assert not (tmp_path / "labels/3.txt").exists()
    assert (tmp_path / "train.txt").read_text() == "./images/1.jpg\n./images/2.jpg\n"


@pytest.mark.parametrize(
    "row",
    [
        ("1.jpg", "tiger"),
        ("1.jpg", None, '[{"xyxy": [0, 0, 1, 1]}]', "fraction"),
        ("1.jpg", "tiger", '[{"xyxy": [0, 0, 9, 9]}]', "px"),
        ("1.jpg", "empty", None, None, "fold0"),
    ],
)
def test_what_yolo_cannot_say_is_refused_and_nothing_written(tmp_path, row):
    with pytest.raises(ManifestError):
        write_yolo(manifest(tmp_path, row), tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- files with a fault ---


@pytest.mark.parametrize(
    ("text", "n_boxes"), [("7 0.5 0.5 0.1 0.1\n", 0), ("0 0.5 0.5 0.1 0.1\ntiger\n", 1), (b"\xff\xfe\x00", 0)]
)
def test_a_picture_with_an_unusable_line_has_no_label(tmp_path, text, n_boxes):
    got = read_yolo(dataset(tmp_path, **{"labels/val/2.txt": text}), root=tmp_path)
    t = got.manifest.table
    assert [None if pd.isna(x) else x for x in t["label"]] == ["tiger", None]
    assert (0 if pd.isna(t["boxes"][1]) else len(json.loads(t["boxes"][1]))) == n_boxes
    assert [p.file for p in got.problems] == ["labels/val/2.txt"]
    assert not any("read as empty" in n or "without a text file" in n for n in got.notes)


def test_text_files_without_any_usable_line_are_refused(tmp_path):
    dataset(tmp_path, **{"labels/train/1.txt": "7 0.5 0.5 0.1 0.1\n"})
    with pytest.raises(ManifestError, match=r"labels/train/1\.txt, line 1"):
        read_yolo(tmp_path, root=tmp_path)
