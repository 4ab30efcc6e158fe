"""`leopardnet labels`: counts, the history of a clip, a labelled manifest, and what cannot be done."""

import json
from pathlib import Path

import pandas as pd
import pytest
from command_line import leopardnet

from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile


@pytest.fixture
def season(tmp_path: Path) -> Path:
    """A folder with m.parquet (three clips) and labels.sqlite: 1.jpg a tiger, 2.jpg disputed, another's 9.jpg."""
    rows = pd.DataFrame({"path": ["1.jpg", "2.jpg", "3.jpg"], "kind": "still", "site": "A1"})
    Manifest.from_rows(rows, tmp_path).write(tmp_path / "m.parquet")
    said = [("1.jpg", "AB", "tiger"), ("2.jpg", "AB", "tiger"), ("2.jpg", "CD", "empty"), ("9.jpg", "AB", "empty")]
    with LabelFile(tmp_path / "labels.sqlite") as file:
        for i, (path, by, label) in enumerate(said):
            drawn = {"queue": "audit", "inclusion": 0.1} if path == "1.jpg" else {"queue": "all"}
            names = {"key": str(i), "clip_id": clip_id(path), "path": path, "by": by}
            file.add(LabelEntry(labels=[label], **names, **drawn))
    return tmp_path


def test_counts_and_a_labelled_manifest(season):
    out = season / "labelled.csv"
    printed, said = leopardnet("labels", season, "--manifest", season / "m.parquet", "--out", out)
    assert "labelled clips: 3; people disagree about 1" in said
    assert "labelled clips of this manifest: 2 of 3" in said and str(season) not in printed + said
    table = Manifest.read(out).table
    assert table["label"].fillna("-").tolist() == ["tiger", "-", "-"]
    counted = json.loads(leopardnet("labels", season / "labels.sqlite", "--json")[0])
    assert counted["labels"] == {"tiger": 1, "empty": 1} and (counted["n_disputed"], counted["n_random"]) == (1, 1)
    assert counted["agreement"] == [{"by_a": "AB", "by_b": "CD", "n_clips": 1, "agreement": 0.0, "kappa": 0.0}]


def test_boxes_that_people_drew_are_counted_and_written(season):
    boxes = [{"xyxy": [0, 0, 0.5, 1]}, {"xyxy": [0, 0, 1, 1], "label": "lynx"}]
    with LabelFile(season / "labels.sqlite") as file:
        names = {"key": "b", "clip_id": clip_id("1.jpg"), "path": "1.jpg", "by": "AB", "queue": "all"}
        file.add(LabelEntry(labels=[], boxes=boxes, **names))
    out = season / "labelled.csv"
    _, said = leopardnet("labels", season, "--manifest", season / "m.parquet", "--out", out)
    assert "boxes around animals: 1, and of none of the labels of the clip: 1" in said
    cell = Manifest.read(out).table.set_index("path")["boxes"]["1.jpg"]
    assert json.loads(cell) == [{"xyxy": [0, 0, 0.5, 1], "label": "tiger"}]


def test_the_history_of_a_clip(season):
    with LabelFile(season / "labels.sqlite") as file:
        file.undo({"u": 1}, by="AB")
    rows = json.loads(leopardnet("labels", season, "--clip", "1.jpg", "--json")[0])
    assert [(r["entry"], r["labels"], r["stands"]) for r in rows] == [
        (1, '["tiger"]', "taken back"),
        (5, "takes back entry 1", ""),
    ]


def test_the_report_shows_what_people_said_and_judges_by_the_audit_alone(season):
    rows = [(f"{i}.jpg", decision) for i, decision in enumerate(("tiger", "empty", "tiger"), 1)]
    made = {"kind": "still", "site": "A1", "status": "ok", "rule": "species", "score": 0.9, "n_frames": 1}
    table = pd.DataFrame(rows, columns=["path", "decision"]).assign(
        clip_id=[clip_id(path) for path, _ in rows], **made, bundle_id="b", labels_id="l"
    )
    table["p_tiger"] = [0.9, 0.1, 0.9]
    table["p_empty"] = 1 - table["p_tiger"]
    (season / "results").mkdir()
    table.to_parquet(season / "results/predictions.parquet")
    with LabelFile(season / "labels.sqlite") as file:
        file.add(
            LabelEntry(key="9", clip_id=clip_id("3.jpg"), path="3.jpg", by="AB", labels=["empty"], queue="all")
        )
    out = season / "report.html"
    arguments = ("report", season / "results", "--labels", season, "--out", out)
    leopardnet(*arguments, "--manifest", season / "m.parquet")
    page = out.read_text("utf-8")
    assert '"truth":["tiger","","empty"]' in page
    assert "1 clip has a prediction and a label" in page  # the audited one; 3.jpg was chosen by hand
    _, said = leopardnet(*arguments, code=2)
    assert "needs --manifest or --root" in said


@pytest.mark.parametrize(
    ("arguments", "words", "code"),
    [
        (["absent.sqlite"], "there is no such file of labels", 1),
        (["m.parquet"], "this file holds no labels of leopardnet", 1),
        (["labels.sqlite", "--clip", "7.jpg"], "nobody has said anything of this clip", 1),
        (["labels.sqlite", "--manifest", "m.parquet"], "belong together", 2),
    ],
)
def test_what_cannot_be_done_is_said(season, monkeypatch, arguments, words, code):
    monkeypatch.chdir(season)
    _, said = leopardnet("labels", *arguments, code=code)
    assert words in said and "Traceback" not in said
