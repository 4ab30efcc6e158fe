"""Sounds in labels.sqlite: kept, taken back, never changed; files of before open; what people agree on."""

import sqlite3
from contextlib import closing

import pandas as pd
import pytest

from leopardnet.core.errors import LabelFileError
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.data.human_labels.sound_labels import (
    SoundEntry,
    SoundLabelFile,
    match_sounds,
    read_sound_labels,
    settle_sounds,
)


def said(key, label, *, by="AB", clip="c1", start_s=2.0, end_s=2.4):
    return SoundEntry(key=key, by=by, clip_id=clip, start_s=start_s, end_s=end_s, label=label)


@pytest.fixture
def file(tmp_path):
    with SoundLabelFile(tmp_path / "labels.sqlite") as file:
        yield file


def test_what_is_added_is_read_again_in_order(file):
    assert file.newest() == 0 and file.entries().empty
    assert file.add(said("k1", "alarm call"), said("k2", "bird", start_s=5.12345, end_s=5.5)) == [1, 2]
    table = file.entries()
    assert table["label"].tolist() == ["alarm call", "bird"]
    assert table["start_s"].tolist() == [2.0, 5.123]
    assert table["undoes"].isna().all() and (table["at"].str.len() > 20).all()


def test_a_key_is_added_once(file):
    assert file.add(said("k1", "bird")) == file.add(said("k1", "call")) == [1]
    assert file.entries()["label"].tolist() == ["bird"]


def test_undo_is_one_more_entry_of_the_same_person(file):
    file.add(said("k1", "bird"))
    for options, found in (({"by": "CD"}, "another person"), ({"by": "AB", "entry_id": 9}, "no such label")):
        with pytest.raises(LabelFileError, match=found):
            file.undo(options.pop("entry_id", 1), key="u0", **options)
    assert file.undo(1, by="AB", key="u1") == 2 == file.undo(1, by="AB", key="u1")
    with pytest.raises(LabelFileError, match="already"):
        file.undo(1, by="AB", key="u2")
    assert len(file.entries()) == 2 and settle_sounds(file.entries()).empty


def test_entries_cannot_be_changed_or_removed(file):
    file.add(said("k1", "bird"))
    for statement in ("UPDATE sound_entries SET label = 'x'", "DELETE FROM sound_entries"):
        with closing(sqlite3.connect(file.path)) as other, pytest.raises(sqlite3.IntegrityError, match="never"):
            other.execute(statement)


def test_a_file_of_before_opens_and_keeps_its_clips(tmp_path):
    path = tmp_path / "labels.sqlite"
    with LabelFile(path) as clips:
        clips.add(LabelEntry(key="a", clip_id="c1", path="c1.avi", labels=("tiger",), by="AB", queue="all"))
    assert read_sound_labels(path).empty
    with SoundLabelFile(path) as sounds:
        sounds.add(said("k1", "call"))
    with LabelFile(path) as clips:
        assert clips.entries()["clip_id"].tolist() == ["c1"]
    assert read_sound_labels(path)["label"].tolist() == ["call"]


def test_a_file_that_is_missing_or_of_another_kind_is_named(tmp_path):
    with pytest.raises(LabelFileError, match="no such file"):
        read_sound_labels(tmp_path / "labels.sqlite")
    other = tmp_path / "other.sqlite"
    sqlite3.connect(other).execute("CREATE TABLE x (y)").connection.close()
    with pytest.raises(LabelFileError, match="no labels of leopardnet"):
        SoundLabelFile(other)


@pytest.mark.parametrize(
    ("start_s", "end_s", "label"),
    [(2.0, 2.0, "bird"), (3.0, 2.0, "bird"), (float("nan"), 2.0, "bird"), (1.0, 2.0, ""), (1.0, 2.0, " bird")],
)
def test_what_is_no_sound_is_refused(start_s, end_s, label):
    with pytest.raises(LabelFileError):
        said("k1", label, start_s=start_s, end_s=end_s)


def test_most_people_decide_and_unknown_has_no_vote(file):
    file.add(
        *(said("a1", "alarm call"), said("a2", "unknown", by="CD"), said("a3", "alarm call", by="EF")),
        *(said("b1", "bird", start_s=5, end_s=6), said("b2", "call", by="CD", start_s=5, end_s=6)),
        *(said("c1", "bird", clip="c2"), said("c2", "call", clip="c2")),  # a person who changed it
    )
    table = settle_sounds(file.entries()).set_index(["clip_id", "start_s"])
    assert table["label"].to_dict() == {("c1", 2.0): "alarm call", ("c1", 5.0): "", ("c2", 2.0): "call"}
    assert table["by"].tolist() == ["AB, EF", "AB, CD", "AB"] and table["n_people"].tolist() == [3, 2, 1]
    assert table["is_disputed"].tolist() == [False, True, False]


def test_a_label_belongs_to_the_sound_that_it_covers_best(file):
    file.add(said("a", "bird", start_s=2.0, end_s=3.0), said("b", "call", clip="gone"))
    rows = [("c1", 2.1, 3.0), ("c1", 2.3, 3.0), ("c1", 2.6, 3.0), ("c2", 2.0, 3.0)]
    sounds = pd.DataFrame(rows, columns=["clip_id", "start_s", "end_s"], index=[7, 8, 9, 10])
    labels = match_sounds(sounds, settle_sounds(file.entries()))
    assert labels.dropna().to_dict() == {7: "bird"}
    assert match_sounds(sounds.iloc[[2]], settle_sounds(file.entries())).isna().all()
