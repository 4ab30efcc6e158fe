"""Findings about labels and boxes."""

import json

import pandas as pd
import pytest
from PIL import Image

from leopardnet.core.manifest import Manifest
from manifests_to_check import found


def test_labels_at_few_sites_and_rows_without_a_site(blind):
    rows = [{"path": f"{i}.jpg", "site": s, "label": "tiger"} for i, s in enumerate(["a", "b", None, "a"])]
    ((_, message),) = blind(rows, "few_sites")
    assert "'tiger' occurs at 2 known sites (4 rows, 1 without a site)" in message
    assert blind(rows, "few_sites", min_sites=2) == []
    ((row, message),) = blind(rows, "no_site")
    assert row == 3 and "1 of 4 rows" in message


def test_contradicting_labels_of_one_clip(blind):
    rows = [
        {"path": "1.avi", "kind": "video", "label": "empty"},
        {"path": "1.avi", "kind": "frame", "time_s": 1.0, "label": "leopard"},
        {"path": "2.avi", "kind": "video", "label": "tiger"},
        {"path": "2.avi", "kind": "frame", "time_s": 1.0, "label": "empty"},
        {"path": "3.avi", "kind": "frame", "time_s": 1.0, "label": "deer"},
        {"path": "3.avi", "kind": "frame", "time_s": 2.0, "label": "tiger"},
    ]
    ((row, message),) = blind(rows, "labels_disagree")
    assert row == 1 and "'empty'" in message and "'leopard'" in message
    assert [row for row, _ in blind(rows, "several_species")] == [5]


def test_spellings_of_one_label_are_told(blind):
    names = ["leopard", "Leopard ", "леопард", "tiger", "empty", "Blank", "roe_deer"]
    rows = [{"path": f"{i}.jpg", "site": "a", "label": x} for i, x in enumerate(names)]
    rows.append({"path": "8.jpg", "site": "a", "labels": "roedeer + tiger"})
    messages = [m.split("one: ")[1].split(";")[0] for _, m in blind(rows, "similar_labels")]
    assert messages == ["'Blank', 'empty'", "'Leopard ', 'leopard', 'леопард'", "'roe_deer', 'roedeer'"]
    assert blind(rows[::4], "similar_labels") == [], "leopard and empty"


def test_sequences_at_several_sites_are_named(blind):
    rows = [{"path": "1.jpg", "site": "a", "sequence_id": "1"}, {"path": "2.jpg", "site": "b", "sequence_id": "1"}]
    ((row, message),) = blind(rows, "sequence_at_several_sites")
    assert row == 1 and "2 sites" in message


@pytest.mark.parametrize(
    ("box", "unit", "fault"),
    [
        ([0, 0, 160, 120], "px", None),
        ([0, 0, 161, 120], "px", None),
        ([0, 0, 163, 120], "px", "beyond the picture"),
        ([-5, 0, 10, 10], "px", "beyond the picture"),
        ([10, 10, 10, 20], "px", "no area"),
        ([20, 0, 10, 10], "px", "no area"),
        ([0, 0, 1, 1], "fraction", None),
        ([0, 0, 1.2, 1], "fraction", "beyond the picture"),
    ],
)
def test_boxes_must_lie_in_their_picture(four, box, unit, fault):
    t = four.table.copy()
    t.loc[1, ["boxes", "box_unit"]] = [json.dumps([{"xyxy": box}]), unit]
    findings = found(four.replace(t), "box_outside")
    assert [row for row, _ in findings] == ([] if fault is None else [2])
    assert fault is None or fault in findings[0][1]


@pytest.mark.parametrize(
    "text",
    ["[", "{}x", '[{"xyxy": [1, 2, 3]}]', '[{"box": [1, 2, 3, 4]}]', '[{"xyxy": [1, 2, 3, NaN]}]', "[5]", "5"],
)
def test_boxes_that_cannot_be_read_are_an_error(blind, text):
    assert [row for row, _ in blind([{"path": "1.jpg", "boxes": text, "box_unit": "px"}], "box_unreadable")] == [1]


def test_boxes_of_pictures_of_unknown_size_are_counted(blind):
    rows = [{"path": f"{i}.jpg", "boxes": '[{"xyxy": [0, 0, 5, 5]}]', "box_unit": "px"} for i in range(2)]
    ((_, message),) = blind(rows, "box_not_checked")
    assert "2 rows" in message


@pytest.mark.parametrize(
    ("orientation", "drawn_px", "is_certain"),
    [
        (1, None, True),
        (1, (40, 20), True),
        (1, (20, 40), False),
        (6, None, False),
        (6, (40, 20), True),
        (3, (40, 20), False),
    ],
)
def test_boxes_without_a_certain_place_are_counted(tmp_path, orientation, drawn_px, is_certain):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("1.jpg", "2.jpg"):
        Image.new("RGB", (40, 20)).save(tmp_path / name, exif=exif)
    width, height = drawn_px or (None, None)
    rows = pd.DataFrame(
        {"path": ["1.jpg", "2.jpg"], "kind": "still", "boxes": ['[{"xyxy": [0, 0, 0.5, 0.5]}]', "[]"]}
    )
    rows = rows.assign(box_unit="fraction", width_px=[width] * 2, height_px=[height] * 2)
    findings = found(Manifest.from_rows(rows, tmp_path), "box_place_unknown")
    assert [row for row, _ in findings] == ([] if is_certain else [1])
    assert is_certain or "boxes of 1 rows" in findings[0][1]


def test_rows_of_several_species_are_counted_because_most_models_leave_them_out(blind):
    rows = [{"path": "1.jpg", "label": "tiger"}, *({"path": f"{i}.jpg", "labels": "deer + tiger"} for i in (2, 3))]
    ((row, message),) = blind(rows, "several_species")
    assert row == 2 and message.startswith("2 rows show several species")
