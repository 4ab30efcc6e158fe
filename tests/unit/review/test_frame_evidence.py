"""The frames of clips as the model saw them, whatever order and age the file has."""

import json

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.people import clips_with_people
from leopardnet.core.predictions import Predictions
from leopardnet.review.clip_index import ClipIndex
from leopardnet.review.frame_evidence import FrameEvidence
from reviewed_season import LABELS, Made, box, make_predictions

BOX, OTHER = (0.1, 0.1, 0.2, 0.2), (0.5, 0.5, 0.9, 0.9)
CLIPS = [
    Made("a.jpg", (0.9, 0.1, 0.0, 0.0), boxes=(box(*BOX), "[]", None)),
    Made("b.jpg", (0.1, 0.9, 0.0, 0.0), hours=1, boxes=("[]", box(*OTHER))),
    Made("c.jpg", (0.0, 0.0, 0.0, 1.0), hours=2, boxes=(None,)),
]


@pytest.fixture
def read(tmp_path):
    """A function that reads the evidence of CLIPS after a change of its table."""
    made = make_predictions(CLIPS)
    columns = ["clip_id", "path", "kind", "site", "captured_at"]
    index = ClipIndex.build(Manifest.from_rows(made.table[columns], tmp_path), made)

    def change(edit=lambda table: table):
        edit(made.evidence).to_parquet(tmp_path / "evidence.parquet")
        return index, FrameEvidence.read(tmp_path / "evidence.parquet", index)

    return change


def test_frames_are_found_in_any_order(read):
    for edit in (lambda t: t, lambda t: t.iloc[::-1], lambda t: t.sample(frac=1, random_state=3)):
        index, evidence = read(edit)
        shown = [
            [(f["time_s"], [b["xyxy"] for b in f["boxes"]]) for f in evidence.show(r, LABELS)] for r in range(3)
        ]
        assert shown == [[(0.0, [list(BOX)]), (1.0, []), (2.0, [])], [(0.0, []), (1.0, [list(OTHER)])], [(0.0, [])]]
        assert evidence.show(1, LABELS)[0]["probs"] == {"leopard": 0.1, "deer": 0.9, "human": 0.0, "empty": 0.0}
        best = evidence.best_boxes(index)
        assert np.array_equal(best, [BOX, OTHER, (np.nan,) * 4], equal_nan=True)


def test_frames_of_other_clips_are_left_out(read):
    index, evidence = read(lambda t: pd.concat([t.assign(clip_id="elsewhere"), t]))
    assert [len(evidence.frames(r)) for r in range(len(index))] == [3, 2, 1]


def test_a_file_of_an_older_version_or_with_gaps_is_read(read):
    index, evidence = read(lambda t: t.drop(columns=["boxes", "p_human"]))
    assert [len(evidence.frames(r)) for r in range(3)] == [3, 2, 1]
    assert evidence.show(0, LABELS)[0] == {"time_s": 0.0, "boxes": [], "probs": None}
    assert np.isnan(evidence.best_boxes(index)).all() and len(evidence.find_named_boxes(index)) == 0


def test_a_file_that_is_no_evidence_is_refused_in_words(read, tmp_path):
    with pytest.raises(ManifestError, match="table of frames cannot be read"):
        read(lambda t: t.drop(columns="clip_id"))
    index, _ = read()
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ManifestError, match="cannot be read"):
        FrameEvidence.read(tmp_path / "broken.parquet", index)


def test_boxes_that_cannot_be_read_name_the_error_when_they_are_shown(read):
    _, evidence = read(lambda t: t.assign(boxes="[{"))
    with pytest.raises(ManifestError, match="boxes cannot be read"):
        evidence.show(0, LABELS)


@pytest.mark.parametrize("name", ['"label": "person"', r'"l\u0061bel": "person"'])
def test_the_rule_of_people_finds_the_same_clips_as_over_all_frames(read, name):
    cell = '[{"xyxy": [0, 0, 1, 1], "score": 0.9, ' + name + "}]"
    assert json.loads(cell)[0]["label"] == "person"
    index, evidence = read(lambda t: t.assign(boxes=t["boxes"].where(t["clip_id"] != CLIPS[1].clip_id, cell)))
    table = make_predictions(CLIPS).table
    found = clips_with_people(Predictions(table, evidence.find_named_boxes(index)))
    assert found == {CLIPS[1].clip_id}
