"""What the entries say today: the newest word of each person, the word of most people, a manifest, agreement."""

import math
from pathlib import Path

import pandas as pd
import pytest

from leopardnet.core.manifest import Manifest
from leopardnet.data.human_labels.label_views import (
    label_manifest,
    labels_by_clip,
    labels_by_person,
    labels_for_models,
    measure_agreement,
)


def agreed(say):
    return labels_by_clip(say.file.entries()).set_index("path")


def test_nobody_said_anything(say):
    entries = say.file.entries()
    assert labels_by_person(entries).empty and labels_by_clip(entries).empty and measure_agreement(entries).empty


def test_the_newest_word_counts_and_undo_brings_the_older_back(say):
    say("a", "AB", "tiger")
    second = say("a", "AB", "empty")
    assert agreed(say)["labels"].to_dict() == {"a": "empty"}
    say.file.undo({"u": second}, by="AB")
    assert agreed(say)["labels"].to_dict() == {"a": "tiger"}
    say.file.undo({"u2": 1}, by="AB")
    assert agreed(say).empty


def test_a_note_changes_no_label(say):
    say("a", "AB", "tiger")
    say("a", "AB", note="cub", starred=True)
    say("b", "AB", note="look again")
    person = labels_by_person(say.file.entries()).set_index("path")
    assert person["labels"].to_dict() == {"a": "tiger", "b": ""}
    assert person["note"].to_dict() == {"a": "cub", "b": "look again"} and person["starred"].to_dict() == {
        "a": True,
        "b": False,
    }
    assert agreed(say).index.tolist() == ["a"]


def test_several_labels_in_any_order_are_one_answer(say):
    say("a", "AB", "tiger", "deer")
    say("a", "CD", "deer", "tiger", "empty")
    assert agreed(say).loc["a", ["labels", "is_disputed", "n_people", "by"]].tolist() == [
        "deer + tiger",
        False,
        2,
        "AB, CD",
    ]


def test_most_people_are_right_and_a_tie_is_disputed(say):
    for by, label in (("AB", "tiger"), ("CD", "leopard"), ("EF", "unknown")):
        say("a", by, label)
    assert agreed(say).loc["a", ["labels", "is_disputed"]].tolist() == ["", True]
    say("a", "GH", "leopard")
    assert agreed(say).loc["a", ["labels", "is_disputed", "by"]].tolist() == ["leopard", False, "CD, GH"]


def test_unknown_stands_where_nobody_names_anything(say):
    say("a", "AB", "unknown")
    assert agreed(say).loc["a", "labels"] == "unknown"


def test_how_a_clip_was_chosen_stays_true(say):
    say("a", "AB", "empty", queue="audit", inclusion=0.1)
    say("a", "AB", "tiger", queue="suspected")
    say("b", "AB", "tiger", queue="suspected")
    say("b", "CD", "tiger", queue="audit", inclusion=0.25)
    table = agreed(say)
    assert table["labels"].to_dict() == {"a": "tiger", "b": "tiger"}
    assert table["queue"].to_dict() == {"a": "audit", "b": "audit"} and table["inclusion"].to_dict() == {
        "a": 0.1,
        "b": 0.25,
    }


def test_models_are_judged_by_what_was_said_without_their_answer(say):
    say("a", "AB", "tiger", queue="audit", inclusion=0.1)
    say("a", "AB", "empty", queue="suspected")  # after the model's answer was seen
    say("b", "AB", "tiger", queue="audit", inclusion=0.1)
    say("b", "CD", "leopard", queue="all")
    say("b", "EF", "leopard", queue="all")
    say("c", "AB", queue="audit", inclusion=0.1, starred=True)  # a star is no answer
    say("c", "AB", "leopard", queue="suspected")
    say("d", "AB", "deer", queue="unsure")
    table = labels_for_models(say.file.entries()).set_index("path")
    assert table["labels"].to_dict() == {"a": "tiger", "b": "tiger", "c": "leopard", "d": "deer"}
    assert table["inclusion"].notna().to_dict() == {"a": True, "b": True, "c": False, "d": False}
    assert agreed(say)["labels"].to_dict() == {"a": "empty", "b": "leopard", "c": "leopard", "d": "deer"}
    say.file.undo({"u": 1}, by="AB")
    table = labels_for_models(say.file.entries()).set_index("path")
    assert (table.loc["a", "labels"], table.loc["a", "queue"]) == ("empty", "suspected")


def test_a_sample_of_what_the_model_called_empty_is_no_audit(say):
    say("a", "AB", "empty", queue="empties", inclusion=0.05)
    say("b", "AB", "tiger", queue="empties", inclusion=0.05)
    say("b", "AB", "tiger", queue="audit", inclusion=0.1)
    table = agreed(say)
    assert table["queue"].to_dict() == {"a": "empties", "b": "audit"}
    assert math.isnan(table.loc["a", "inclusion"]) and table.loc["b", "inclusion"] == 0.1


def test_people_stand_above_the_manifest(say):
    rows = pd.DataFrame(
        {
            "path": ["one.avi", "two.avi", "gone.avi", "own.avi", "v.mp4", "v.mp4", "v.mp4"],
            "kind": ["video", "video", "video", "video", "frame", "frame", "frame"],
            "time_s": [None, None, None, None, 1.0, 2.0, 3.0],
            "label": ["empty", None, "tiger", "deer", "tiger", "empty", "leopard"],
            "label_source": "machine",
        }
    )
    manifest = Manifest.from_rows(rows, Path())
    say("one.avi", "AB", "tiger")
    say("two.avi", "AB", "tiger", "deer")
    say("gone.avi", "AB", "unknown")
    say("v.mp4", "AB", "tiger")
    say("elsewhere.avi", "AB", "tiger")
    table = label_manifest(manifest, labels_by_clip(say.file.entries())).table
    found = table[["path", "kind", "label", "labels", "label_source"]].astype(object)
    assert found.where(found.notna(), None).values.tolist() == [
        ["one.avi", "video", "tiger", None, "human"],
        ["two.avi", "video", None, "deer + tiger", "human"],
        ["gone.avi", "video", None, None, None],
        ["own.avi", "video", "deer", None, "machine"],
        ["v.mp4", "video", "tiger", None, "human"],
        ["v.mp4", "frame", "tiger", None, "machine"],
        ["v.mp4", "frame", "empty", None, "machine"],
    ]


def test_agreement_of_two_people(say):
    for i, (a, b) in enumerate([("x", "x")] * 20 + [("x", "y")] * 5 + [("y", "x")] * 10 + [("y", "y")] * 15):
        say(str(i), "AB", a)
        say(str(i), "CD", b)
    say("99", "AB", "x")
    row = measure_agreement(say.file.entries()).iloc[0]  # by hand: 0.7 agree, 0.5*0.6 + 0.5*0.4 = 0.5 by chance
    assert row[["by_a", "by_b", "n_clips"]].tolist() == ["AB", "CD", 50]
    assert (row["agreement"], row["kappa"]) == (pytest.approx(0.7), pytest.approx(0.4))


def test_kappa_is_not_defined_where_both_say_one_thing(say):
    say("a", "AB", "x")
    say("a", "CD", "x")
    row = measure_agreement(say.file.entries()).iloc[0]
    assert row["agreement"] == 1.0 and math.isnan(row["kappa"])
