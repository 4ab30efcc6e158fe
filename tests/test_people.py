"""One rule for people: everything that shows, writes or copies clips leaves out the same ones."""

import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from file_texts import content, files_in
from PIL import Image

from leopardnet.core.columns import SOUNDS, evidence_columns, predictions_columns
from leopardnet.core.manifest import Manifest
from leopardnet.core.people import clips_with_people
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id, conform
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.data.human_labels.said_now import list_said
from leopardnet.data.human_labels.sound_labels import SoundEntry, SoundLabelFile
from leopardnet.export.corrections import read_corrections
from leopardnet.export.sort_copies import copy_files, plan_copies
from leopardnet.export.sound_selections import write_selections
from leopardnet.export.write_results import FORMATS, write
from leopardnet.figures import gallery
from leopardnet.records.dossier.sources import DossierSources
from leopardnet.records.dossier.write_dossier import write_dossiers
from leopardnet.records.find_records import find_records
from leopardnet.report.summarise import summarise
from leopardnet.review.review_desk import ReviewDesk
from leopardnet.review.review_source import open_review
from reviewed_season import enter

LABELS = ("leopard", "human", "empty")
ANIMAL_BOX = json.dumps([{"xyxy": [0.1, 0.1, 0.9, 0.9], "score": 0.9}])
BOX = ANIMAL_BOX.replace("}", ', "label": "person"}')
# For each clip: probabilities of leopard, human and empty, and facts of the manifest, a frame or a person.
PRIVATE = {
    "decided": ((0.1, 0.8, 0.1), {"decision": "human"}),
    "likely": ((0.6, 0.35, 0.05), {}),
    "labelled": ((0.9, 0.0, 0.1), {"label": "human"}),
    "species": ((0.9, 0.0, 0.1), {"species": "human + deer"}),
    "framed": ((0.9, 0.0, 0.1), {"frame_boxes": BOX}),
    "heard": ((0.9, 0.0, 0.1), {"has_voice": "yes"}),
    "boxed": ((0.9, 0.0, 0.1), {"boxes": BOX, "box_unit": "fraction"}),
    "searched": ((0.9, 0.0, 0.1), {"has_voice": None, "sound": "voice"}),
    "netted": ((0.9, 0.0, 0.1), {"sound": "network:Human vocal"}),
    "disputed": ((0.9, 0.0, 0.1), {"said": {"Anna": "human", "Boris": "leopard"}}),
    "drawn": ((0.9, 0.0, 0.1), {"said": {"Anna": "leopard"}, "drawn": "human"}),
    "listened": ((0.9, 0.0, 0.1), {"spoken": "Human"}),
    "talking": ((0.9, 0.0, 0.1), {"spoken": "голос"}),
}
PUBLIC = {"leopard": ((0.9, 0.05, 0.05), {"said": {"Anna": "leopard"}, "drawn": "leopard", "spoken": "alarm call"})}
CLIPS = PRIVATE | PUBLIC
MANIFEST_COLUMNS = ("label", "species", "boxes", "box_unit")


@pytest.fixture
def season(tmp_path, rng):
    """A picture of its own noise for each clip, their predictions, their manifest, and what people said."""
    root = tmp_path / "footage"
    root.mkdir()
    for name in CLIPS:
        Image.fromarray(rng.integers(0, 255, (120, 160, 3), dtype=np.uint8)).save(root / f"{name}.jpg")
    paths = [f"{name}.jpg" for name in CLIPS]
    known = [facts for _, facts in CLIPS.values()]
    table = pd.DataFrame(
        {
            "path": paths,
            "clip_id": [clip_id(p) for p in paths],
            "kind": "still",
            "status": "ok",
            "site": "s1",
            "decision": [facts.get("decision", "leopard") for facts in known],
            "rule": "species",
            "score": 0.9,
            "alert": "leopard",
            "n_frames": 1,
            "width_px": 160,
            "height_px": 120,
            "best_time_s": 0.0,
            "evidence_times_s": "[0.0]",
            "bundle_id": "b",
            "labels_id": "l",
            "has_voice": [facts.get("has_voice", "no") for facts in known],
            **{f"p_{x}": [p[i] for p, _ in CLIPS.values()] for i, x in enumerate(LABELS)},
        }
    )
    frames = table[["clip_id", *[f"p_{x}" for x in LABELS]]].assign(
        i_frame=0,
        time_s=0.0,
        boxes=[facts.get("frame_boxes", ANIMAL_BOX) for facts in known],
        box_source="detector",
    )
    columns, frame_columns = predictions_columns(LABELS), evidence_columns(LABELS)
    calls = table[["clip_id"]].assign(start_s=0.0, end_s=1.0, score=0.5, source="s")
    sounds = calls.assign(kind=[facts.get("sound", "tonal_call") for facts in known])
    predictions = Predictions(
        conform(table.reindex(columns=[c.name for c in columns]), columns, where="predictions"),
        conform(frames.reindex(columns=[c.name for c in frame_columns]), frame_columns, where="evidence"),
        conform(sounds.reindex(columns=[c.name for c in SOUNDS]), SOUNDS, where="sounds"),
    )
    rows = pd.DataFrame({"path": paths, "kind": "still", "site": "s1", "deployment": "d1"}).assign(
        **{column: [facts.get(column) for facts in known] for column in MANIFEST_COLUMNS},
        captured_at=pd.Timestamp("2021-12-30 22:34:56"),
        time_zone="+10:00",
    )
    return predictions, Manifest.from_rows(rows, root), write_labels(tmp_path / "labels.sqlite")


def write_labels(path):
    with LabelFile(path) as clips, SoundLabelFile(path) as sounds:
        for name, (_, facts) in CLIPS.items():
            known = {"clip_id": clip_id(f"{name}.jpg")}
            drawn = [{"xyxy": [0.1, 0.1, 0.9, 0.9], "label": facts["drawn"]}] if "drawn" in facts else None
            for by, label in facts.get("said", {}).items():
                asked = {"key": f"{by}:{name}", "path": f"{name}.jpg", "queue": "all", "boxes": drawn}
                clips.add(LabelEntry(labels=[label], by=by, **asked, **known))
            if label := facts.get("spoken"):
                sounds.add(SoundEntry(key=name, by="Anna", start_s=0.0, end_s=1.0, label=label, **known))
    return path


def read_entries(path):
    with LabelFile(path, read_only=True) as clips, SoundLabelFile(path, read_only=True) as sounds:
        return {"labels": clips.entries(), "sound_labels": sounds.entries()}


def in_report(predictions, manifest, said, out, people):
    """The clips with a picture, each in a report of its own: a page does not say whose a picture is."""
    found = set()
    for name in CLIPS:
        one = predictions.table["path"] == f"{name}.jpg"
        ids = set(predictions.table.loc[one, "clip_id"])
        single = Predictions(
            predictions.table[one].reset_index(drop=True),
            predictions.evidence[predictions.evidence["clip_id"].isin(ids)].reset_index(drop=True),
            predictions.sounds[predictions.sounds["clip_id"].isin(ids)].reset_index(drop=True),
        )
        words = list_said(**read_entries(said))
        page = summarise(single, out / f"{name}.html", manifest=manifest, people=people, human_labels=words)
        page = page.read_text("utf-8")
        if "/9j/" in page:  # what every JPEG in base64 begins with
            found.add(name)
    return found


def in_gallery(predictions, manifest, said, out, people):
    words = list_said(**read_entries(said))
    figure = gallery(predictions, manifest, predictions.table, n=len(CLIPS), people=people, human_labels=words)
    pictures = figure.get_axes()[0::2]
    return {name for name, axes in zip(CLIPS, pictures, strict=True) if axes.get_images()}


def in_copies(predictions, manifest, said, out, people):
    words = read_corrections(said)
    copy_files(plan_copies(predictions, manifest, out / "sorted", said=words, include_people=people))
    return {path.stem for path in (out / "sorted").rglob("*.jpg")}


def in_export(format):
    def named(predictions, manifest, said, out, people):
        options = {"deployments": None, "study_area": (43.0, 131.4, 40_000.0)} if format == "camtrap-dp" else {}
        options |= {"corrections": read_corrections(said), "include_people": people}
        write(predictions, out / "shared", format=format, manifest=manifest, **options)
        text = "".join(map(content, files_in(out / "shared")))
        return {name for name in CLIPS if f"{name}.jpg" in text}

    return named


def in_selections(predictions, manifest, said, out, people):
    words = read_corrections(said)
    options = {"format": "raven", "corrections": words, "manifest": manifest, "include_people": people}
    write_selections(predictions, out / "raven", **options)
    return {path.name.partition(".")[0] for path in (out / "raven").rglob("*.txt")}


def in_review(predictions, manifest, said, out, people):
    results, table = predictions.write(out / "reviewed"), manifest.write(out / "reviewed.parquet")
    desk = ReviewDesk(open_review(results, manifest=table, labels=said), shows_people=people)
    browser = enter(desk)
    thumbs = {c["path"]: c["thumb"] for c in browser.get("/api/queue/all").json()["clips"]}
    frames = [f"/media/frame/{clip_id(f'{name}.jpg')}/0" for name in CLIPS]
    found = {
        name
        for name, frame in zip(CLIPS, frames, strict=True)
        if thumbs[f"{name}.jpg"] or browser.get(frame).status_code == 200
    }
    desk.close()
    return found


def in_dossier(predictions, manifest, said, out, people):
    """The clips whose picture is in a dossier or whose file is in the ZIP beside it, each a record of its own."""
    rows = predictions.table[["clip_id", "path"]]
    records = rows.assign(
        record_id=[path.removesuffix(".jpg") for path in rows["path"]],
        label="leopard",
        state="confirmed",
        is_notable=True,
    )
    sources = DossierSources(records=records, predictions=predictions, manifest=manifest, **read_entries(said))
    found = set()
    for dossier in write_dossiers(out / "records", sources, with_media=True, people=people, every=True):
        with zipfile.ZipFile(dossier.media) as archive:
            copied = any(name.endswith(".jpg") for name in archive.namelist())
        if copied or "/9j/" in dossier.path.read_text("utf-8"):
            found.add(dossier.facts.record_id)
    return found


def in_records(predictions, manifest, said, out, people):
    options = {"wanted": LABELS, "include_people": people, **read_entries(said)}
    found = find_records(predictions, manifest=manifest, **options)
    text = "".join(map(content, files_in(found.write(out / "records"))))
    return {name for name in CLIPS if f"{name}.jpg" in text}


WAYS = {
    "dossier": in_dossier,
    "report": in_report,
    "gallery": in_gallery,
    "sort": in_copies,
    "sounds": in_selections,
    "review": in_review,
    "records": in_records,
} | {f: in_export(f) for f in FORMATS}


@pytest.mark.parametrize("way", WAYS)
def test_clips_of_people_stay_out_of_everything_unless_asked_for(way, season, tmp_path):
    assert WAYS[way](*season, tmp_path, False) == set(PUBLIC)
    (tmp_path / "with_people").mkdir()
    assert WAYS[way](*season, tmp_path / "with_people", True) == set(CLIPS)


def test_all_of_them_ask_the_same_rule(season):
    predictions, manifest, said = season
    hidden = clips_with_people(predictions, manifest, list_said(**read_entries(said)))
    assert hidden == {clip_id(f"{name}.jpg") for name in PRIVATE}
