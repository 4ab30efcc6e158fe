"""What can be reviewed, where its labels are kept, and what is refused in words."""

import shutil
import sqlite3
import subprocess
import sys

import pandas as pd
import pytest
from PIL import Image

from leopardnet.core.errors import LeopardnetError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.review.review_desk import ReviewDesk
from leopardnet.review.review_source import name_kind, open_review
from leopardnet.review.workspace.workspace import Workspace
from reviewed_season import Made, enter, make_predictions, say

CLIPS = [Made("s1/a.jpg", (0.9, 0.1, 0.0, 0.0)), Made("s1/b.jpg", (0.0, 0.9, 0.0, 0.1), hours=1)]


@pytest.fixture
def card(tmp_path):
    """A card of three pictures in two folders."""
    for name in ("s1/a.jpg", "s1/b.jpg", "s2/c.jpg"):
        file = tmp_path / "card" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 24)).save(file)
    return tmp_path / "card"


def test_a_folder_of_footage_is_scanned_and_nothing_is_written_into_it(card, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = sorted(card.rglob("*"))
    desk = ReviewDesk(open_review(card))
    say(enter(desk), ["".join(desk.index.clip_ids[:1])], "leopard")
    desk.close()
    assert sorted(card.rglob("*")) == before
    workspace = tmp_path / "review-card"
    assert {f.name for f in workspace.iterdir()} == {"manifest.parquet", "labels.sqlite", "review.sqlite"}
    assert desk.index.sites == ("s1", "s2")  # the folders of the card
    again = ReviewDesk(open_review(workspace))  # the workspace opens it again
    assert len(again.index) == 3 and again.said.is_done.sum() == 1
    again.close()


def test_a_manifest_keeps_its_labels_beside_it_and_gives_its_names(tmp_path):
    rows = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "kind": "still", "label": ["tiger", "bear"]})
    Manifest.from_rows(rows, tmp_path).write(tmp_path / "manifest.csv")
    desk = ReviewDesk(open_review(tmp_path / "manifest.csv"))
    assert (tmp_path / "labels.sqlite").is_file()
    names = [x["name"] for x in desk.describe("AB")["labels"]]
    assert names == ["bear", "tiger", "empty", "human"]
    desk.close()


def test_results_go_on_with_the_labels_and_the_audit_of_the_round_before(season, open_desk, tmp_path):
    results = season(CLIPS)
    first = ReviewDesk(open_review(tmp_path / "manifest.parquet"))
    say(enter(first), [CLIPS[0]], "leopard")
    seed = first.source.workspace.seed()
    first.close()
    second = open_desk(results)
    assert second.source.labels == tmp_path / "labels.sqlite" and second.said.is_done.tolist() == [True, False]
    assert second.source.workspace.seed() == seed and not (results / "labels.sqlite").exists()


def test_a_folder_without_labels_offers_the_animals_of_the_amur(card, tmp_path):
    desk = ReviewDesk(open_review(card, out=tmp_path / "w"))
    assert [x["name"] for x in desk.describe("")["labels"]] == ["leopard", "tiger", "sika_deer", "empty", "human"]
    desk.close()


def test_results_remember_their_footage(season, tmp_path):
    results = season(CLIPS)
    with pytest.raises(ManifestError, match="do not say where their footage is"):
        open_review(results)
    for given in ({"root": tmp_path / "footage"}, {}, {"manifest": tmp_path / "manifest.parquet"}, {}):
        source = open_review(results, **given)
        assert (source.manifest.root / CLIPS[0].path).is_file()
        kept = source.workspace.read("footage")
        assert not any(str(value).startswith("/") for value in kept.values())
        source.workspace.close()


def test_clips_that_only_one_side_has_are_shown_and_counted(season, tmp_path):
    results = season(CLIPS)
    columns = ["clip_id", "path", "kind", "site", "captured_at"]
    others = make_predictions([CLIPS[0], Made("s1/new.jpg", (0, 0, 0, 1.0), hours=2)]).table[columns]
    Manifest.from_rows(others, tmp_path / "footage").write(tmp_path / "manifest.parquet")
    desk = ReviewDesk(open_review(results, manifest=tmp_path / "manifest.parquet"))
    assert [index for index in desk.index.texts("path")] == ["s1/a.jpg", "s1/b.jpg", "s1/new.jpg"]
    assert len(desk.notices) == 2 and "1 classified clips are not in the manifest" in desk.notices[0]
    browser = enter(desk)
    gone, new = (browser.get(f"/api/clip/{desk.index.clip_ids[i]}").json() for i in (1, 2))
    assert gone["status"] == "missing" and gone["decision"] == "deer"
    assert new["decision"] is None and new["probs"] is None
    desk.close()


def test_labels_of_another_card_are_refused_and_those_of_clips_gone_are_counted(season, tmp_path):
    results = season(CLIPS)
    labels = LabelFile(tmp_path / "labels.sqlite")

    def add(clip, **more):
        entry = {"key": clip.path, "clip_id": clip.clip_id, "path": clip.path, "labels": ["deer"], "by": "AB"}
        labels.add(LabelEntry(**entry, queue="all", **more))

    add(Made("elsewhere.jpg", ()))
    options = {"manifest": tmp_path / "manifest.parquet", "labels": tmp_path / "labels.sqlite"}
    with pytest.raises(ManifestError, match="of other footage"):
        ReviewDesk(open_review(results, **options))
    add(CLIPS[0], bundle_id="model-0")
    desk = ReviewDesk(open_review(results, **options))
    assert "1 labelled clips are not here any more" in desk.notices[0]
    assert "1 labels were given beside the answers of another model" in desk.notices[1]
    desk.close()


def test_what_cannot_be_reviewed_is_said_in_words(season, card, tmp_path):
    results = season(CLIPS)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "lost").mkdir()
    Workspace(tmp_path / "lost").close()
    (tmp_path / "run/bundle").mkdir(parents=True)
    (tmp_path / "run/bundle/SHA256SUMS").touch()
    wrong = [
        ({"source": tmp_path / "run"}, "no predictions that may judge"),
        ({"source": tmp_path / "nothing"}, "nothing to review here"),
        ({"source": tmp_path / "notes.txt"}, "this table is not a manifest"),
        ({"source": tmp_path / "empty", "out": tmp_path / "w"}, "no footage"),
        ({"source": tmp_path / "lost"}, "lost its manifest"),
        ({"source": card, "out": card / "work"}, "nothing is written into a folder of footage"),
        ({"source": results, "root": tmp_path / "nowhere"}, "no such folder of footage"),
    ]
    for options, what in wrong:
        with pytest.raises(LeopardnetError, match=what):
            open_review(**options)
    assert not (card / "work").exists()


def test_results_of_another_card_are_refused(season, tmp_path):
    results = season(CLIPS)
    table = Manifest.read(tmp_path / "manifest.parquet").table
    shifted = table.assign(captured_at=table["captured_at"] + pd.to_timedelta([1, 9], unit="D"))
    Manifest.from_rows(shifted, tmp_path / "footage").write(tmp_path / "other.parquet")
    with pytest.raises(ManifestError, match="different footage"):
        open_review(results, manifest=tmp_path / "other.parquet")


def test_each_kind_is_told_by_what_it_holds(season, tmp_path, card):
    results = season(CLIPS)
    Workspace(tmp_path).close()
    kinds = [results, results / "predictions.parquet", tmp_path / "manifest.parquet", card, tmp_path]
    assert list(map(name_kind, kinds)) == ["results", "results", "manifest", "footage", "workspace"]


def test_a_workspace_keeps_one_seed_and_refuses_the_file_of_another_program(tmp_path):
    first, second = Workspace(tmp_path), Workspace(tmp_path)
    assert first.seed() == second.seed() == Workspace(tmp_path, read_only=True).seed()
    (tmp_path / "other").mkdir()
    with sqlite3.connect(tmp_path / "other/review.sqlite") as db:
        db.execute("CREATE TABLE mine (x)")
    with pytest.raises(ManifestError, match="was not changed"):
        Workspace(tmp_path / "other")
    (tmp_path / "other/review.sqlite").write_bytes(b"no database at all, but long enough to be read")
    with pytest.raises(LeopardnetError, match=r"random samples is damaged(.|\n)*review.sqlite(.|\n)*remove it"):
        Workspace(tmp_path / "other")


def take_card(folder, *, name="s1/a.jpg", times=(), n=2, colour="white"):
    """Put a card into the camera's place: pictures of given times, or without any time."""
    shutil.rmtree(folder, ignore_errors=True)
    for i in range(n):
        file = folder / name.replace("a", f"a{i}")
        file.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        if times:
            exif[306] = times[i]
            exif.get_ifd(0x8769)[0x9003] = times[i]
        size = (32, 24) if colour == "white" else (640, 480)
        Image.new("RGB", size, colour).save(file, exif=exif)
    return folder


MAY, JUNE = ([f"2024:{month}:1{i} 08:0{i}:00" for i in range(3)] for month in ("05", "06"))


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ({}, {"name": "s1/ax.jpg", "n": 1}, "1 clips, none of which is among its 2"),
        ({"times": MAY}, {"times": JUNE}, "2 of 2 common clips differ"),
        ({}, {"colour": "green"}, "2 of 2 files have another size"),
    ],
)
def test_another_card_is_refused_before_anything_of_the_first_is_lost(tmp_path, monkeypatch, first, second, found):
    monkeypatch.chdir(tmp_path)
    open_review(take_card(tmp_path / "DCIM", **first)).workspace.close()
    kept = (tmp_path / "review-DCIM/manifest.parquet").read_bytes()
    card = take_card(tmp_path / "DCIM", **second)
    for options in ({}, {"read_only": True}):
        with pytest.raises(ManifestError, match="belongs to other footage") as error:
            open_review(card, **options)
        assert found in str(error.value) and "--out" in str(error.value) and str(tmp_path) not in str(error.value)
    assert (tmp_path / "review-DCIM/manifest.parquet").read_bytes() == kept
    assert len(open_review(card, out=tmp_path / "another").manifest) == second.get("n", 2)


@pytest.mark.parametrize("times", [(), MAY])
def test_a_card_that_has_grown_goes_on(tmp_path, monkeypatch, times):
    monkeypatch.chdir(tmp_path)
    for n in (1, 3, 2):
        source = open_review(take_card(tmp_path / "DCIM", n=n, times=times))
        assert len(source.manifest) == len(Manifest.read(tmp_path / "review-DCIM/manifest.parquet")) == n
        source.workspace.close()


def test_another_reviewer_of_this_computer_is_seen_while_it_runs(tmp_path):
    workspace = Workspace(tmp_path)
    assert not workspace.enter() and not workspace.enter()
    code = (
        "import sys; from pathlib import Path; "
        "from leopardnet.review.workspace.workspace import Workspace; "
        "print(Workspace(Path(sys.argv[1])).enter())"
    )
    run = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "True"  # this process is still there
    assert not workspace.enter()  # that one is not
