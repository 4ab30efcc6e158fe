"""Labels of Raven and Audacity become entries: by clip, once, and only what a person named."""

import pandas as pd
import pytest

from leopardnet.core.errors import LeopardnetError, ManifestError
from leopardnet.data.formats.sound_tables.audacity import format_audacity
from leopardnet.data.formats.sound_tables.raven import format_raven
from leopardnet.data.formats.sound_tables.stretch_row import StretchRow
from leopardnet.data.human_labels.listened_elsewhere import find_clip_ends, read_listened
from leopardnet.data.human_labels.sound_labels import SoundLabelFile

CLIPS = {"s1/a.AVI": "c1", "s1/b.AVI": "c2"}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "heard"
    (folder / "s1").mkdir(parents=True)
    rows = [StretchRow(2.0, 2.4, "alarm call"), StretchRow(5.0, 5.2, "tonal_call 0.87"), StretchRow(7.0, 8.0)]
    (folder / "s1/a.AVI.Table.1.selections.txt").write_text(format_raven(rows), "utf-8")
    (folder / "s1/b.AVI.labels.txt").write_text(format_audacity([StretchRow(1.0, 2.0, "bird")]), "utf-8")
    (folder / "s1/gone.AVI.labels.txt").write_text(format_audacity([StretchRow(1.0, 2.0, "bird")]), "utf-8")
    return folder


def test_what_a_person_named_becomes_an_entry_and_the_rest_is_counted(folder):
    entries, notes = read_listened(folder, CLIPS, by="AB")
    assert [(e.clip_id, e.start_s, e.label, e.by) for e in entries] == [
        ("c1", 2.0, "alarm call", "AB"),
        ("c2", 1.0, "bird", "AB"),
    ]
    assert sorted(note.rpartition(": ")[2] for note in notes) == ["1", "1", "1"]


def test_files_read_twice_add_nothing(folder, tmp_path):
    with SoundLabelFile(tmp_path / "labels.sqlite") as file:
        for _ in range(2):
            file.add(*read_listened(folder, CLIPS, by="AB")[0])
        assert len(file.entries()) == 2
        file.add(*read_listened(folder, CLIPS, by="CD")[0])
        assert len(file.entries()) == 4


def test_a_folder_without_labels_and_a_file_in_another_encoding_are_named(tmp_path):
    with pytest.raises(ManifestError, match="no labels of sounds"):
        read_listened(tmp_path, CLIPS, by="AB")
    (tmp_path / "a.labels.txt").write_bytes(b"1\t2\t\xff\n")
    with pytest.raises(ManifestError, match=r"UTF-8(.|\n)*a\.labels\.txt|a\.labels\.txt(.|\n)*UTF-8"):
        read_listened(tmp_path, {"a": "c1"}, by="AB")


HEAD = "Selection\tBegin Time (s)\tEnd Time (s)\tAnnotation"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_selections_of_one_number_and_before_the_picture_are_kept(tmp_path, end):
    lines = [HEAD, "1\t-0.5\t-0.1\tbird", "1\t2\t3\tcall", "1\t2\t3\tcall", "2\t4\t5\t" + "x" * 200_000]
    text = end.join(lines[:4]) + end
    (tmp_path / "a.Table.1.selections.txt").write_text(text, "utf-8", newline="")
    entries, _ = read_listened(tmp_path, {"a": "c1"}, by="AB")
    assert [(e.start_s, e.end_s, e.label) for e in entries] == [(-0.5, -0.1, "bird"), (2.0, 3.0, "call")]
    (tmp_path / "a.Table.1.selections.txt").write_text("\n".join(lines), "utf-8")
    with pytest.raises(LeopardnetError, match="no label of a sound"):
        read_listened(tmp_path, {"a": "c1"}, by="AB")


def test_a_label_of_a_point_is_counted_and_the_others_are_read(tmp_path):
    (tmp_path / "a.labels.txt").write_text("1.0\t1.0\tbird\n2.0\t3.0\tcall\n", "utf-8")
    entries, notes = read_listened(tmp_path, {"a": "c1"}, by="AB")
    assert [e.label for e in entries] == ["call"] and len(notes) == 1 and notes[0].endswith(": 1")


def test_labels_outside_of_their_clip_are_counted(tmp_path):
    lines = ["3.5\t4.9\tlate", "3.5\t5.1\ttoo late", "-9\t-8\tearly", "-11\t1\ttoo early", "1000\t2000\tfar"]
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.labels.txt").write_text("\n".join(lines), "utf-8")
    clips = {"a": "c1", "b": "c2", "c": "c3"}
    lengths = pd.DataFrame({"clip_id": ["c1", "c2", "c3"], "duration_s": [4.0, 4.0, None]})
    ends = find_clip_ends(lengths, pd.DataFrame({"clip_id": ["c2", "c2"], "end_s": [4.5, 2.0]}))
    entries, notes = read_listened(tmp_path, clips, by="AB", ends=ends)
    kept = [(e.clip_id, e.label) for e in entries]
    assert kept[:2] == [("c1", "late"), ("c1", "early")]
    assert kept[2:5] == [("c2", "late"), ("c2", "too late"), ("c2", "early")]  # a sound was found until 4.5 s
    assert [label for clip, label in kept if clip == "c3"] == ["late", "too late", "early", "far"]  # nobody knows
    assert notes == ("labels that lie outside of their clip, left out: 6",)


@pytest.mark.parametrize("by", ["", "  ", "a\x07b", "a/b", "x" * 41])
def test_whoever_listened_has_a_name_as_on_the_page(folder, by):
    with pytest.raises(ManifestError, match="who listened"):
        read_listened(folder, CLIPS, by=by)


def test_a_name_is_kept_in_the_form_of_the_page(folder):
    entries, _ = read_listened(folder, CLIPS, by="  Anna  B. ")
    assert {e.by for e in entries} == {"Anna B."}
    assert [e.key for e in entries] == [e.key for e in read_listened(folder, CLIPS, by="Anna B.")[0]]
