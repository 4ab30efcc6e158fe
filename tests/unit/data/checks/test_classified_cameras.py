"""Faults of cameras in the report and the review: from predictions, evidence, manifest and deployments table."""

import cv2
import numpy as np
import pandas as pd

from leopardnet.core.columns import evidence_columns
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id, conform
from leopardnet.data.checks.health.classified_cameras import find_camera_faults
from leopardnet.report.page import write_report
from leopardnet.review.clip_index import ClipIndex
from leopardnet.review.queues.camera_queue import list_faulty_cameras
from leopardnet.review.review_source import ReviewSource
from season_tables import LABELS, deployments_of, manifest_of, predictions_of

NOW = pd.Timestamp("2022-06-01").to_pydatetime()
TIMES = pd.date_range("2021-10-01 01:12", periods=160, freq="6h")
CLIPS = {f"s1/{i:03d}.avi": ("s1", "d1", f"{at}") for i, at in enumerate(TIMES)}
D1 = {"deployment": "d1", "site": "s1", "start": "2021-10-01", "end": "2021-12-20"}


def season(*, site="s1", contrast=40.0):
    """Predictions with one frame each: dark at night where the contrast is low."""
    predictions = predictions_of(dict.fromkeys(CLIPS, 0.1))
    table = predictions.table.assign(site=site, captured_at=TIMES.to_numpy().astype("datetime64[us]"))
    columns = evidence_columns(LABELS)
    frames = pd.DataFrame({"clip_id": [clip_id(p) for p in CLIPS], "i_frame": 0, "time_s": 0.0})
    frames["contrast"] = [contrast if at.hour < 5 else 40.0 for at in TIMES]
    frames = frames.reindex(columns=[c.name for c in columns])
    return Predictions(table, conform(frames, columns, where="evidence"))


def rules(predictions, **options):
    return [f.rule for f in find_camera_faults(predictions, now=NOW, **options)]


def test_a_camera_that_stopped_early_is_in_the_report():
    places = deployments_of(D1)
    [fault] = find_camera_faults(season(), manifest=manifest_of(CLIPS), deployments=places, now=NOW)
    assert fault.rule == "stopped_early" and fault.message.startswith("d1: the last clip is 40 days before the end")
    assert fault.path == "s1/159.avi"
    assert rules(season(), manifest=manifest_of(CLIPS)) == [], "without a table, nobody knows the end"


def test_black_nights_come_from_the_contrast_of_frames():
    assert rules(season(contrast=1.0)) == ["dark_nights"] and rules(season()) == []


def test_clips_without_a_site_belong_to_no_camera():
    assert rules(season(site=None, contrast=1.0)) == []
    assert rules(season(site=None, contrast=1.0), manifest=manifest_of(CLIPS)) == ["dark_nights"]


def test_the_page_has_a_section_only_if_there_is_something_to_say(tmp_path):
    dark, sound = season(contrast=1.0), season()
    for name, predictions in (("dark", dark), ("sound", sound)):
        faults = find_camera_faults(predictions, now=NOW)
        page = write_report(tmp_path / f"{name}.html", predictions.table, cameras=faults).read_text("utf-8")
        assert ('id="cameras"' in page) == (name == "dark")
        assert ("show a black picture" in page) == (name == "dark")


def scenes(*backgrounds):
    """A JPEG of each clip: as many pictures of one background after the other, each with noise of its own."""
    rng = np.random.default_rng(3)
    views = [cv2.resize(rng.integers(0, 255, (6, 9, 3), np.uint8), (192, 108)) for _ in backgrounds]
    found = {}
    for i, path in enumerate(CLIPS):
        view = views[backgrounds.index(backgrounds[i * len(backgrounds) // len(CLIPS)])]
        noisy = np.clip(view.astype(int) + rng.integers(-12, 12, view.shape), 0, 255).astype(np.uint8)
        found[clip_id(path)] = cv2.imencode(".jpg", noisy)[1].tobytes()
    return found


def test_a_moved_camera_shows_in_the_pictures_of_the_page():
    predictions = season()
    lit = Predictions(predictions.table, predictions.evidence.assign(colour=40.0))
    [fault] = find_camera_faults(lit, pictures=scenes("a", "b"), now=NOW)
    assert fault.rule == "moved_camera" and f"from {TIMES[80]:%Y-%m-%d %H:%M} on" in fault.message
    assert fault.path == "s1/080.avi"
    assert rules(lit, pictures=scenes("a")) == [] and rules(lit) == []
    broken = scenes("a", "b") | {clip_id("s1/010.avi"): b"no picture"}
    assert rules(lit, pictures=broken) == ["moved_camera"]


def test_the_review_lists_a_clip_of_each_camera_with_what_was_found(tmp_path):
    dark = season(contrast=1.0)
    dark.write(tmp_path)
    manifest = manifest_of(CLIPS)
    source = ReviewSource(manifest, dark, tmp_path / "evidence.parquet", None, tmp_path / "labels.sqlite")
    index = ClipIndex.build(manifest, dark)
    queue = list_faulty_cameras(index, source)
    (row,) = queue.rows.tolist()
    assert index.texts("site")[row] == "s1" and "show a black picture" in queue.hints[row]
    sound = ReviewSource(manifest, season(), None, None, tmp_path / "labels.sqlite")
    assert len(list_faulty_cameras(index, sound)) == 0
    alone = ReviewSource(manifest, None, None, None, tmp_path / "labels.sqlite")
    assert len(list_faulty_cameras(ClipIndex.build(manifest), alone)) == 0
