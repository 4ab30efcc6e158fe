"""Which clips show people: the one rule that every room asks."""

import json

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.people import clips_with_people, person_kind
from leopardnet.core.predictions import Predictions

NO_FRAMES = pd.DataFrame({"clip_id": [], "boxes": []})
CLIPS = pd.DataFrame(
    [
        ("a", "person", 0.9, 0.1),
        ("b", "unsure", 0.6, 0.4),
        ("c", "deer", 0.1, 0.9),
        ("d", "unreadable", np.nan, np.nan),
        ("e", "deer", 0.35, 0.65),
    ],
    columns=["clip_id", "decision", "p_person", "p_deer"],
)


def box(label=None, score=0.9):
    return json.dumps([{"xyxy": [0.1, 0.1, 0.5, 0.5], "score": score} | ({"label": label} if label else {})])


def found(table=CLIPS, evidence=NO_FRAMES, **known):
    return set(clips_with_people(Predictions(table, evidence), **known))


def test_a_person_counts_by_decision_and_by_probability():
    assert found() == {"a", "b", "e"}
    assert found(CLIPS.iloc[:0]) == set()
    assert found(CLIPS.drop(columns=["p_person", "p_deer"])) == {"a"}


def test_the_bound_of_the_probability_is_a_fifth_or_the_highest_of_the_clip():
    table = pd.DataFrame(
        {
            "clip_id": ["at", "below", "highest"],
            "decision": "unsure",
            "p_human": [0.2, 0.19, 0.18],
            **{f"p_{i}": [0.16, 0.4, 0.164] for i in range(5)},
        }
    )
    assert found(table) == {"at", "highest"}


@pytest.mark.parametrize("column", ["label", "species"])
@pytest.mark.parametrize("cell", ["Human", "homo sapiens", "human + deer", "deer; person", "deer,vehicle"])
def test_a_person_counts_by_what_the_manifest_says(manifest_of, column, cell):
    manifest = manifest_of(path=["c.jpg", "x.jpg"], kind="still", **{column: [cell, "deer"]})
    ids = dict(zip(["c", "x"], manifest.table["clip_id"], strict=True))
    table = CLIPS[CLIPS["clip_id"] == "c"].assign(clip_id=ids["c"])
    assert found(table, manifest=manifest) == {ids["c"]}


def test_a_person_counts_by_what_people_said():
    assert found(human_labels=pd.DataFrame({"clip_id": ["c", "d"], "label": ["vehicle", "deer"]})) == {
        "a",
        "b",
        "e",
        "c",
    }


def test_a_person_counts_by_a_box_in_a_frame_or_in_the_manifest(manifest_of):
    frames = pd.DataFrame({"clip_id": ["c", "d", "f"], "boxes": [box("person"), box("person", 0.1), box()]})
    assert found(evidence=frames) == {"a", "b", "e", "c"}
    manifest = manifest_of(path=["p.jpg"], kind="still", boxes=[box("car")], box_unit="fraction")
    assert found(manifest=manifest) == {"a", "b", "e", manifest.table["clip_id"].iloc[0]}


def test_boxes_that_cannot_be_read_are_an_error():
    with pytest.raises(ManifestError, match="boxes cannot be read"):
        found(evidence=pd.DataFrame({"clip_id": ["c"], "boxes": ["[1"]}))


@pytest.mark.parametrize("name", ["leopard cat", "careful", "", None, 3.0])
def test_other_names_are_no_people(name):
    assert person_kind(name) is None


def test_a_person_among_several_labels_keeps_a_clip_private(manifest_of):
    table = pd.DataFrame({"clip_id": ["a", "b"], "decision": "tiger", "labels": ["human + tiger", "tiger"]})
    assert clips_with_people(Predictions(table, pd.DataFrame())) == {"a"}
    rows = manifest_of(path=["1.jpg", "2.jpg"], kind="still", labels=["deer + human", "deer + tiger"])
    quiet = Predictions(table.assign(labels="tiger"), pd.DataFrame())
    assert clips_with_people(quiet, rows) == {rows.table["clip_id"].iloc[0]}


@pytest.mark.parametrize("name", ["person talking", "two people", "human_whistle", "Человек говорит", "voices"])
def test_a_person_among_other_words_is_a_person(name):
    assert person_kind(name) == "human"
    assert found(human_labels=pd.DataFrame({"clip_id": ["c"], "label": [name]})) == {"a", "b", "e", "c"}


@pytest.mark.parametrize("name", ["no people", "without humans", "non-human", "bird voice", "personal", ""])
def test_other_words_and_denials_are_no_person(name):
    assert person_kind(name) is None
