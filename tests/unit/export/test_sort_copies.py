"""Copies by decision: where each goes, that nothing is moved or overwritten, and what is not copied and why."""

import os
from collections import namedtuple

import pytest

from leopardnet.core.errors import ConfigError
from leopardnet.core.tables import clip_id
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.data.human_labels.sound_labels import SoundEntry, SoundLabelFile
from leopardnet.export import sort_copies as sorting
from leopardnet.export.corrections import read_corrections
from leopardnet.export.sort_copies import ALREADY, OTHER, copy_files, plan_copies


@pytest.fixture
def cards(tmp_path, footage):
    """A function: a manifest of files that are really there, each holding its own name."""

    def make(*paths):
        for path in paths:
            file = tmp_path / "footage" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(path)
        return footage(*[{"path": p} for p in paths])

    return make


def tree(folder):
    return {p.relative_to(folder).as_posix(): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_clips_are_copied_by_decision_under_their_own_path(tmp_path, predicted, cards):
    rows = cards("a/1.jpg", "b/1.jpg", "3.jpg", "4.jpg")
    before = tree(tmp_path / "footage")
    said = predicted(
        {"path": "a/1.jpg"},
        {"path": "b/1.jpg", "decision": "empty"},
        {"path": "3.jpg", "decision": "unsure", "alert": "leopard"},
        {"path": "4.jpg", "alert": "leopard"},
    )
    made = plan_copies(said, rows, tmp_path / "sorted")
    assert not (tmp_path / "sorted").exists() and made.n_bytes == 7 + 7 + 5 + 5
    assert made.folders == {"leopard": 2, "empty": 1, "look_first_leopard": 1} and made.reasons == {}
    assert copy_files(made) == 4
    assert tree(tmp_path / "sorted") == {
        "empty/b/1.jpg": "b/1.jpg",
        "leopard/4.jpg": "4.jpg",
        "leopard/a/1.jpg": "a/1.jpg",
        "look_first_leopard/3.jpg": "3.jpg",
    }
    assert tree(tmp_path / "footage") == before


def test_a_clip_lies_in_a_folder_for_each_target_that_is_suspected(tmp_path, predicted, cards):
    rows = cards("1.jpg", "2.jpg", "3.jpg", "4.jpg")
    said = predicted(
        {"path": "1.jpg", "decision": "tiger", "alert": "tiger", "alerts": "tiger + leopard"},
        {"path": "2.jpg", "decision": "sika_deer", "alert": "tiger", "alerts": "tiger + leopard"},
        {"path": "3.jpg", "decision": "tiger", "alert": "leopard", "alerts": "leopard"},
        {"path": "4.jpg", "decision": "leopard", "alert": "leopard", "alerts": "leopard"},
    )
    assert sorted(target for _, target in plan_copies(said, rows, tmp_path / "sorted").copies) == [
        "leopard/4.jpg",
        "look_first_leopard/1.jpg",
        "look_first_leopard/2.jpg",
        "look_first_leopard/3.jpg",
        "look_first_tiger/2.jpg",
        "tiger/1.jpg",
    ]


def test_a_second_time_nothing_is_copied_and_another_file_stays(tmp_path, predicted, cards):
    rows, said = cards("1.jpg", "2.jpg"), predicted({"path": "1.jpg"}, {"path": "2.jpg"})
    copy_files(plan_copies(said, rows, tmp_path / "sorted"))
    (tmp_path / "sorted/leopard/2.jpg").write_text("mine!")
    made = plan_copies(said, rows, tmp_path / "sorted")
    assert made.copies == () and made.reasons == {ALREADY: 1, OTHER: 1} and copy_files(made) == 0
    assert (tmp_path / "sorted/leopard/2.jpg").read_text() == "mine!"


@pytest.mark.parametrize("has_links", [True, False])
def test_a_file_that_appears_in_between_is_not_overwritten(tmp_path, predicted, cards, monkeypatch, has_links):
    if not has_links:
        monkeypatch.setattr(os, "link", lambda *a: (_ for _ in ()).throw(PermissionError(1, "no links here")))
    made = plan_copies(
        predicted({"path": "1.jpg"}, {"path": "2.jpg"}), cards("1.jpg", "2.jpg"), tmp_path / "sorted"
    )
    (tmp_path / "sorted/leopard").mkdir(parents=True)
    (tmp_path / "sorted/leopard/1.jpg").write_text("mine!")
    assert copy_files(made) == 1
    assert tree(tmp_path / "sorted") == {"leopard/1.jpg": "mine!", "leopard/2.jpg": "2.jpg"}


def test_what_cannot_be_copied_is_counted(tmp_path, predicted, cards, footage):
    cards("1.jpg", "person.jpg")
    (tmp_path / "secret.jpg").write_text("secret")
    (tmp_path / "footage/out.jpg").symlink_to(tmp_path / "secret.jpg")
    paths = ["1.jpg", "gone.jpg", "out.jpg", "person.jpg"]
    said = predicted(*[{"path": p, "decision": "person" if p == "person.jpg" else "leopard"} for p in paths])
    made = plan_copies(said, footage(*[{"path": p} for p in paths]), tmp_path / "sorted")
    assert [source for source, _ in made.copies] == ["1.jpg"] and sorted(made.reasons.values()) == [1, 1, 1]
    assert any("out of the data root" in r for r in made.reasons)


def test_clips_in_which_somebody_saw_or_heard_a_person_are_not_copied(tmp_path, predicted, cards):
    rows = cards("1.jpg", "2.jpg", "3.jpg")
    with LabelFile(tmp_path / "labels.sqlite") as file:
        said = {"path": "2.jpg", "labels": ["person"], "by": "AB", "queue": "all"}
        file.add(LabelEntry(key="k", clip_id=clip_id("2.jpg"), **said))
        deer = {"path": "1.jpg", "labels": ["sika_deer"], "by": "AB", "queue": "all"}
        file.add(LabelEntry(key="l", clip_id=clip_id("1.jpg"), **deer))
    with SoundLabelFile(tmp_path / "labels.sqlite") as file:
        span = {"start_s": 1.0, "end_s": 2.0, "by": "AB"}
        file.add(SoundEntry(key="m", clip_id=clip_id("3.jpg"), label="person", **span))
    seen = predicted({"path": "1.jpg"}, {"path": "2.jpg"}, {"path": "3.jpg"})
    made = plan_copies(seen, rows, tmp_path / "sorted", said=read_corrections(tmp_path / "labels.sqlite"))
    assert made.copies == (("1.jpg", "leopard/1.jpg"),) and list(made.reasons.values()) == [2]


def test_a_burst_takes_all_its_stills(tmp_path, predicted, cards, footage):
    cards("1.jpg", "2.jpg")
    rows = footage({"path": "1.jpg", "kind": "burst", "paths": '["1.jpg", "2.jpg"]'})
    copy_files(plan_copies(predicted({"path": "1.jpg", "kind": "burst"}), rows, tmp_path / "sorted"))
    assert set(tree(tmp_path / "sorted")) == {"leopard/1.jpg", "leopard/2.jpg"}


@pytest.mark.parametrize("label", ["../../etc", "/abs", "C:\\x", "..", "a/b", "豹 1"])
def test_a_label_never_leads_out_of_the_folder(tmp_path, predicted, cards, label):
    said = predicted({"path": "1.jpg", "decision": label, "p": (0.9, 0.1)}, labels=(label, "empty"))
    copy_files(plan_copies(said, cards("1.jpg"), tmp_path / "sorted"))
    ((target, _),) = tree(tmp_path / "sorted").items()
    assert target.count("/") == 1 and ".." not in target and ":" not in target


def test_a_folder_inside_the_footage_is_refused(tmp_path, predicted, cards):
    rows = cards("1.jpg")
    for out in (tmp_path / "footage", tmp_path / "footage/sorted"):
        with pytest.raises(ConfigError, match="lies inside the footage"):
            plan_copies(predicted({"path": "1.jpg"}), rows, out)


def test_too_little_room_is_said_before_anything_is_copied(tmp_path, predicted, cards, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(sorting.shutil, "disk_usage", lambda p: usage(1, 1, 1000))
    with pytest.raises(ConfigError, match="too little room"):
        copy_files(plan_copies(predicted({"path": "1.jpg"}), cards("1.jpg"), tmp_path / "sorted"))
    assert not (tmp_path / "sorted").exists()


def test_names_as_long_as_a_disk_allows_are_copied(tmp_path, predicted, cards):
    names = ["й" * 125 + ".jpg", "x" * 251 + ".jpg", "x" * 250 + "y.jpg"]
    rows = cards(*names)
    made = plan_copies(predicted(*[{"path": n} for n in names]), rows, tmp_path / "sorted")
    assert copy_files(made) == 3
    assert tree(tmp_path / "sorted" / "leopard") == {n: n for n in names}
