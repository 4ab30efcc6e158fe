"""Results in every format: what it holds comes back unchanged, and every clip is in the file or counted."""

import csv
import json
import tempfile
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leopardnet.core.columns import evidence_columns, predictions_columns
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id, conform
from leopardnet.data.formats.camtrap_dp.lint import lint_camtrap_dp
from leopardnet.data.formats.camtrap_dp.read import read_camtrap_dp
from leopardnet.data.formats.coco import read_coco
from leopardnet.data.formats.megadetector.read import read_megadetector
from leopardnet.data.formats.megadetector.write import Detection, FileResult, write_megadetector
from leopardnet.data.formats.sheets.spreadsheet import (
    SHEET_FORMATS,
    harmless_text,
    plain_text,
    read_sheet,
    runs_as_formula,
)
from leopardnet.export.pseudonyms import Pseudonyms
from leopardnet.export.write_results import write

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LABELS = ("leopard", "tiger", "empty")
DECISIONS = {
    "leopard": "species",
    "tiger": "species",
    "empty": "empty",
    "animal": "rolled_up",
    "unsure": "abstained",
}
# Letters of several scripts, and what CSV, JSON and spreadsheets are sensitive to.
words = st.text("abzABZ019 _-,;'\"&<#=+@éäйтигр豹", min_size=1, max_size=10).filter(lambda s: s.strip(" ") == s)
times = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(lambda t: t.replace(microsecond=0))
shares = st.integers(0, 1000).map(lambda v: v / 1000)


@st.composite
def rows(draw):
    """Predictions with distinct paths; about one clip in five cannot be read, and some frames have boxes."""
    table, frames = [], []
    for i, stem in enumerate(draw(st.lists(words, min_size=1, max_size=5))):
        suffix = draw(st.sampled_from([".jpg", ".PNG", ".AVI", ".mp4"]))
        path, video = f"{stem}/{i}{suffix}", suffix in (".AVI", ".mp4")
        p = draw(shares)
        probs = (p, round((1 - p) / 2, 6), round((1 - p) / 2, 6))
        decision = draw(st.sampled_from([*DECISIONS, "unreadable"]))
        base = {
            "clip_id": clip_id(path),
            "path": path,
            "kind": "video" if video else "still",
            "site": draw(st.none() | words),
            "captured_at": draw(times),
            "status": "ok",
            "reason": None,
            "decision": decision,
            "rule": DECISIONS.get(decision, "none"),
            "score": max(probs),
            "alert": draw(st.sampled_from([None, "leopard"])),
            "n_frames": 0,
            "best_time_s": 0.0,
            "evidence_times_s": "[0.0]",
            "duration_s": 9.5 if video else None,
            "fps": draw(st.sampled_from([None, 25.0, 29.97])) if video else None,
            "width_px": None,
            "height_px": None,
            "bundle_id": "b",
            "labels_id": "l",
        }
        if decision == "unreadable":
            base |= {
                "status": "unreadable",
                "reason": draw(words),
                "score": None,
                "best_time_s": None,
                "evidence_times_s": None,
            }
            probs = (None, None, None)
        elif draw(st.booleans()):
            at_s = float(draw(st.integers(0, 9))) if video else 0.0
            box = json.dumps([{"xyxy": [0.1, 0.2, 0.5, 0.75], "score": draw(shares)}])
            own = dict(zip((f"p_{n}" for n in LABELS), probs, strict=True))
            frames.append(
                {
                    "clip_id": base["clip_id"],
                    "i_frame": 0,
                    "time_s": at_s,
                    **own,
                    "boxes": draw(st.sampled_from([None, "[]", box])),
                    "box_source": None,
                }
            )
            base |= {"n_frames": 1, "best_time_s": at_s, "evidence_times_s": json.dumps([at_s])}
        table.append(base | {f"p_{n}": v for n, v in zip(LABELS, probs, strict=True)})
    columns, frame_columns = predictions_columns(LABELS), evidence_columns(LABELS)
    made = pd.DataFrame(table, columns=[c.name for c in columns])
    seen = pd.DataFrame(frames, columns=[c.name for c in frame_columns])
    return Predictions(conform(made, columns, where="p"), conform(seen, frame_columns, where="e"))


def written(predictions, name, format, **options):
    """Write into a folder of its own; gives the result, the file and the folder to close."""
    folder = tempfile.TemporaryDirectory()
    result = write(predictions, Path(folder.name) / name, format=format, **options)
    assert result.n_rows + result.n_left_out == len(predictions)
    return result, Path(folder.name) / name, folder


@QUICK
@given(rows(), st.sampled_from(SHEET_FORMATS), st.booleans())
def test_flat_tables(said, format, bom):
    _, path, folder = written(said, "x", format, bom=bom)
    with folder:
        got = read_sheet(path, format=format)
    got = got[list(said.table.columns)]
    if format in ("csv", "jsonl", "xlsx"):  # types are those of the schema; texts must already be right
        assert [v if isinstance(v, str) else None for v in got["reason"]] == [
            v if isinstance(v, str) else None for v in said.table["reason"]
        ]
        got = conform(got, predictions_columns(LABELS), where="again")
    pd.testing.assert_frame_equal(got, said.table, check_exact=False, rtol=1e-12)


@given(st.text(max_size=20))
def test_harmless_texts_come_back(text):
    assert plain_text(harmless_text(text)) == text and not (runs_as_formula(text) and harmless_text(text) == text)


@QUICK
@given(rows())
def test_megadetector(said):
    result, path, folder = written(said, "md.json", "megadetector")
    with folder:
        got = read_megadetector(path, root=path.parent).manifest.table
    assert got["path"].tolist() == said.table["path"].tolist() and result.n_left_out == 0
    for boxes, row in zip(got["boxes"], said.table.to_dict("records"), strict=True):
        assert (row["status"] == "unreadable") == (not isinstance(boxes, str))
        if row["status"] != "unreadable":
            scores = [b["score"] for b in json.loads(boxes)]
            presence = round(min(row["p_leopard"] + row["p_tiger"], 1.0), 5)
            assert max(scores, default=0.0) >= presence or (presence < 0.01 and row["decision"] == "empty")


boxes = st.tuples(shares, shares, shares, shares).map(
    lambda c: (min(c[0], c[1]), min(c[2], c[3]), abs(c[0] - c[1]), abs(c[2] - c[3]))
)
detections = st.builds(
    Detection,
    st.sampled_from(["animal", "person", "vehicle"]),
    shares,
    boxes,
    st.none() | st.dictionaries(st.sampled_from(["leopard", "tiger"]), shares, min_size=1),
    st.integers(0, 10**6),
)


@QUICK
@given(st.lists(st.lists(detections, max_size=4), max_size=4), st.floats(0.1, 1000.0))
def test_detections(given_files, rate):
    files = [FileResult(f"{i}.avi", found, frame_rate=rate) for i, found in enumerate(given_files)]
    with tempfile.TemporaryDirectory() as out:
        path = Path(out) / "md.json"
        assert write_megadetector(files, path, classes=("leopard", "tiger")) == len(files)
        got = read_megadetector(path, root=Path(out)).manifest.table if files else None
    for found, cell in zip(given_files, got["boxes"] if files else (), strict=True):
        back = json.loads(cell)
        ordered = sorted(found, key=lambda d: -d.conf)
        assert [(b["label"], b["score"], b["frame_number"]) for b in back] == [
            (d.category, d.conf, d.frame_number) for d in ordered
        ]
        for b, d in zip(back, ordered, strict=True):
            x, y, w, h = d.xywh
            assert b["xyxy"] == pytest.approx([x, y, x + w, y + h], abs=1e-5)
            assert b.get("species_score") == (max(d.classes.values()) if d.classes else None)


@QUICK
@given(rows())
def test_coco(said):
    _, path, folder = written(said, "c.json", "coco")
    with folder:
        got = read_coco(path, root=path.parent).manifest.table
    whole = got[got["kind"] != "frame"]
    assert whole["path"].tolist() == said.table["path"].tolist()
    assert whole["captured_at"].tolist() == said.table["captured_at"].tolist()
    labels = [None if pd.isna(x) else x for x in whole["label"]]
    assert labels == [None if d == "unreadable" else d for d in said.table["decision"]]


@QUICK
@given(rows(), st.booleans())
def test_camtrap_dp(said, with_events):
    options = {
        "study_area": (43.0, 131.4, 40_000),
        "time_zone": "+10:00",
        "gap_minutes": 30.0 if with_events else None,
    }
    result, path, folder = written(said, "p.zip", "camtrap-dp", **options)
    with folder:
        got = read_camtrap_dp(path, root=path.parent).manifest.table
        assert lint_camtrap_dp(path) == [] and result.n_left_out == 0
    assert got["path"].tolist() == said.table["path"].tolist()
    assert got["captured_at"].tolist() == said.table["captured_at"].tolist()
    expected = [
        {"unsure": None, "unreadable": None, "animal": "animalia", "leopard": "animalia", "tiger": "animalia"}.get(
            d, d
        )
        for d in said.table["decision"]
    ]
    for label, wanted, decision in zip(got["label"], expected, said.table["decision"], strict=True):
        if not (
            with_events and decision == "unreadable"
        ):  # our reader believes the event of a file that nobody saw
            assert (None if pd.isna(label) else label) == wanted


@QUICK
@given(rows())
def test_timelapse(said):
    _, path, folder = written(said, "t.csv", "timelapse", columns={"Species": "decision"})
    with folder, path.open(newline="", encoding="utf-8") as file:
        got = [(r["RelativePath"].replace("\\", "/") + "/" + r["File"], r["Species"]) for r in csv.DictReader(file)]
    kept = said.table[~said.table["path"].map(runs_as_formula)]
    assert got == list(zip(kept["path"], kept["decision"], strict=True))


@given(st.lists(words, min_size=1, max_size=4), words)
def test_pseudonyms_turn_back(folders, name):
    with tempfile.TemporaryDirectory() as out:
        names = Pseudonyms.open(Path(out) / "key.json")
        hidden = names.replace_path("/".join([*folders, f"{name}.jpg"]))
        again = Pseudonyms.open(names.save())
    assert [again.names[f] for f in hidden.split("/")[:-1]] == folders
    assert again.replace_path("/".join([*folders, f"{name}.jpg"])) == hidden
