"""Boxes that people drew: which label they bear, which of several people's count, and their rows in a manifest."""

import json
from pathlib import Path

import pandas as pd
import pytest

from leopardnet.compose import load_group
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import Label, LabelSet
from leopardnet.core.manifest import Manifest
from leopardnet.data.human_labels.drawn_boxes import name_drawn_boxes
from leopardnet.data.human_labels.label_views import label_manifest, labels_by_clip
from leopardnet.training.frames.select_frames import select_frames

LABELS = LabelSet((Label("deer"), Label("tiger")), empty=None)
DATA = load_group("data", "standard")


def box(left, top, right, bottom, **values):
    return {"xyxy": [left, top, right, bottom], **values}


def manifest(*rows):
    table = pd.DataFrame([{"path": p, "kind": kind, **more} for p, kind, more in rows])
    return Manifest.from_rows(table, Path("root"))


def agreed(say):
    return labels_by_clip(say.file.entries()).set_index("path")


def rows_of(labelled):
    columns = ["path", "kind", "time_s", "label", "labels", "boxes", "box_unit"]
    return labelled.table[columns].astype(object).where(labelled.table[columns].notna(), None).values.tolist()


def test_a_box_bears_its_own_label_or_that_of_the_clip():
    cell = json.dumps([box(0, 0, 1, 1, time_s=2), box(0, 0, 0.5, 1, label="deer", time_s=1.5)])
    both = name_drawn_boxes(cell, "deer + tiger")
    assert both == {1.5: [box(0, 0, 0.5, 1, label="deer")]}  # nobody can tell what the other one shows
    assert name_drawn_boxes(cell, "tiger") == {2.0: [box(0, 0, 1, 1, label="tiger")]}
    assert name_drawn_boxes(cell, "empty") == name_drawn_boxes(cell, "unknown") == name_drawn_boxes(cell, "") == {}
    assert name_drawn_boxes(None, "tiger") == name_drawn_boxes("[]", "tiger") == {}
    with pytest.raises(ManifestError, match="boxes cannot be read"):
        name_drawn_boxes('[{"xyxy": [0, 1]}]', "tiger")


def test_boxes_stay_until_they_are_taken_away(say):
    say("a", "AB", boxes=[box(0, 0, 1, 1)])  # first drawn, then named
    assert agreed(say).empty
    say("a", "AB", "tiger")
    say("a", "AB", "tiger", starred=True)
    assert json.loads(agreed(say)["boxes"]["a"]) == [box(0, 0, 1, 1)]
    gone = say("a", "AB", "tiger", boxes=[])
    assert pd.isna(agreed(say)["boxes"]["a"])
    say.file.undo({"u": gone}, by="AB")
    assert json.loads(agreed(say)["boxes"]["a"]) == [box(0, 0, 1, 1)]


def test_of_several_people_the_last_one_counts_whose_label_stands(say):
    say("a", "AB", "tiger", boxes=[box(0, 0, 0.2, 1)])
    say("a", "CD", "tiger", boxes=[box(0, 0, 0.3, 1)])
    say("a", "EF", "deer", boxes=[box(0, 0, 0.4, 1)])
    say("a", "GH", "tiger")
    assert json.loads(agreed(say)["boxes"]["a"]) == [box(0, 0, 0.3, 1)]
    say("b", "AB", "tiger", boxes=[box(0, 0, 0.2, 1)])
    say("b", "CD", "deer")
    assert pd.isna(agreed(say)["boxes"]["b"])  # disputed


def test_a_manifest_gets_labelled_frames_and_boxes_on_stills(say):
    say("v.avi", "AB", "tiger", boxes=[box(0, 0, 1, 1, time_s=2.5), box(0, 0, 0.5, 1, time_s=1)])
    say("two.avi", "AB", "deer", "tiger", boxes=[box(0, 0, 1, 1, label="deer"), box(0, 0, 0.5, 1, label="tiger")])
    say("s.jpg", "AB", "deer", boxes=[box(0.1, 0.2, 0.3, 0.4)])
    rows = manifest(
        ("v.avi", "video", {"site": "s1"}),
        ("v.avi", "frame", {"time_s": 1.0, "label": "tiger", "site": "s1"}),
        ("v.avi", "frame", {"time_s": 4.0, "label": "tiger", "site": "s1"}),
        ("two.avi", "video", {}),
        ("s.jpg", "still", {}),
        ("other.jpg", "still", {"boxes": "[]"}),
    )
    labelled = label_manifest(rows, labels_by_clip(say.file.entries()))
    whole, half = [0, 0, 1, 1], [0, 0, 0.5, 1]
    cell = lambda *boxes: json.dumps([{"xyxy": b, "label": n} for b, n in boxes])  # noqa: E731
    got = sorted(rows_of(labelled), key=lambda r: (r[0], r[1], r[2] or 0))
    assert got == [
        ["other.jpg", "still", None, None, None, "[]", None],
        ["s.jpg", "still", None, "deer", None, cell(([0.1, 0.2, 0.3, 0.4], "deer")), "fraction"],
        ["two.avi", "frame", 0.0, None, "deer + tiger", cell((whole, "deer"), (half, "tiger")), "fraction"],
        ["two.avi", "video", None, None, "deer + tiger", None, None],
        ["v.avi", "frame", 1.0, "tiger", None, cell((half, "tiger")), "fraction"],  # the older row is replaced
        ["v.avi", "frame", 2.5, "tiger", None, cell((whole, "tiger")), "fraction"],
        ["v.avi", "frame", 4.0, "tiger", None, None, None],
        ["v.avi", "video", None, "tiger", None, None, None],
    ]
    frames = labelled.table[labelled.table["kind"] == "frame"]
    assert frames["site"].dropna().tolist() == ["s1"] * 3 and len(labelled.clips()) == 4
    wanted = select_frames(labelled, LABELS, DATA)
    assert [x for x in wanted[["path", "time_s"]].astype(object).values.tolist() if x[0] == "v.avi"] == [
        ["v.avi", 1.0],
        ["v.avi", 2.5],
        ["v.avi", 4.0],
    ]


def test_a_burst_and_a_clip_without_a_row_change_nothing(say):
    say("b.jpg", "AB", "deer", boxes=[box(0, 0, 1, 1, time_s=1)])
    say("gone.avi", "AB", "deer", boxes=[box(0, 0, 1, 1, time_s=1)])
    rows = manifest(("b.jpg", "burst", {"paths": '["b.jpg", "c.jpg"]'}))
    labelled = label_manifest(rows, labels_by_clip(say.file.entries()))
    assert rows_of(labelled) == [["b.jpg", "burst", None, "deer", None, None, None]]
