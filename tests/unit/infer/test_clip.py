"""Boxes and crops on the main path: what they change, and what they never do."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from leopardnet.bundle.bundle import load_bundle
from leopardnet.compose import load_config
from leopardnet.core.errors import BackendError
from leopardnet.core.settings.detection import DetectorConfig
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.types import Boxes, Clip
from leopardnet.infer.clip import decide_clip
from leopardnet.infer.evidence import Evidence
from leopardnet.infer.job import Job
from leopardnet.infer.predict_footage import predict
from leopardnet.score.calibrate import Calibration
from leopardnet.score.presence_shift import PresenceShift

HERE = RuntimeConfig(workers=0)
PROBS = ["p_leopard", "p_tiger", "p_sika_deer", "p_empty"]


@pytest.fixture(scope="module")
def crop_bundle(labelled, tmp_path_factory):
    """A tiny network that has learned from whole frames and from the crops around what moves."""
    from leopardnet.training.pack.pack import train_bundle

    config = load_config("train", ["debug=smoke", "detector=motion", "data.max_frames_per_clip=8"])
    run = train_bundle(labelled, config, out=tmp_path_factory.mktemp("runs") / "crops")
    return load_bundle(run.folder / "bundle")


def test_a_run_with_a_detector_learns_from_crops_and_says_so(crop_bundle):
    run = crop_bundle.folder.parent
    frames = pd.read_parquet(run / "val_frames.parquet")
    n_crops = (frames["view"] == "crop").sum()
    assert 0 < n_crops < (frames["view"] == "frame").sum() and crop_bundle.spec.detector.source == "motion"
    crops = frames[frames["view"] == "crop"]
    whole = frames[frames["view"] == "frame"].set_index(["clip_id", "time_s"])
    assert all(
        whole.loc[(c, t), "label"] == label
        for c, t, label in crops[["clip_id", "time_s", "label"]].itertuples(index=False)
    )
    boxes = np.array([json.loads(b) for b in crops["box"]])
    assert boxes.min() >= 0 and boxes.max() <= 1 and (boxes[:, 2:] > boxes[:, :2]).all()
    counts = pd.read_csv(run / "labels_by_split.csv")
    assert counts["n_frames"].sum() < len(frames) * 10, "crops are no frames of their own"


def test_boxes_stand_in_the_evidence_and_turned_off_nothing_is_there(crop_bundle, unseen):
    on, off = (predict(unseen, crop_bundle, runtime=HERE, detector=name) for name in ("", "none"))
    assert off.evidence["boxes"].isna().all() and off.evidence["box_source"].isna().all()
    looked = on.evidence[on.evidence["boxes"].notna()]
    assert set(looked["box_source"]) == {"motion"}
    found = [b for text in looked["boxes"] for b in json.loads(text)]
    assert (
        found and all(0 <= v <= 1 for b in found for v in b["xyxy"]) and all(0.05 <= b["score"] <= 1 for b in found)
    )
    assert not np.allclose(on.table[PROBS], off.table[PROBS]), "the crops are judged"
    assert on.evidence["time_s"].tolist() == off.evidence["time_s"].tolist(), "the same frames"


def test_a_model_of_whole_frames_shows_boxes_and_changes_no_answer(tiny_bundle, unseen):
    plain, boxed = (predict(unseen, tiny_bundle, runtime=HERE, detector=name) for name in ("", "motion"))
    assert boxed.evidence["boxes"].notna().any()
    pd.testing.assert_frame_equal(boxed.table, plain.table)


@pytest.fixture
def results(unseen, tmp_path):
    """A file of results that has seen an animal 0.73 s into every video, where no frame is taken otherwise."""
    videos = unseen.table.loc[unseen.table["kind"] == "video", "path"].drop_duplicates()
    box = {"category": "1", "conf": 0.9, "bbox": [0.25, 0.25, 0.25, 0.25], "frame_number": 7}
    images = [{"file": p, "frame_rate": 10.0, "frames_processed": [7], "detections": [box]} for p in videos]
    text = {"info": {"format_version": "1.6"}, "detection_categories": {"1": "animal"}, "images": images}
    (tmp_path / "md.json").write_text(json.dumps(text))
    return str(tmp_path / "md.json")


def test_a_file_of_results_brings_its_best_moments_to_a_network_that_knows_crops(crop_bundle, unseen, results):
    found = predict(unseen, crop_bundle, runtime=HERE, detector=results).evidence.dropna(subset=["boxes"])
    seen = found[found["boxes"] != "[]"]
    assert seen["time_s"].round(2).eq(0.7).all() and seen["clip_id"].nunique() == 4
    assert json.loads(seen["boxes"].iloc[0]) == [{"xyxy": [0.25, 0.25, 0.5, 0.5], "score": 0.9}]
    assert seen["box_source"].eq("md.json").all()


def test_a_file_of_results_changes_no_answer_of_a_network_of_whole_frames(tiny_bundle, unseen, results):
    plain, boxed = (predict(unseen, tiny_bundle, runtime=HERE, detector=d) for d in ("", results))
    pd.testing.assert_frame_equal(boxed.table, plain.table)


def test_workers_change_nothing(crop_bundle, unseen):
    here = predict(unseen, crop_bundle, runtime=HERE)
    there = predict(unseen, crop_bundle, runtime=RuntimeConfig(workers=2))
    assert np.abs(there.table[PROBS].to_numpy() - here.table[PROBS].to_numpy()).max() < 1e-5
    pd.testing.assert_series_equal(there.evidence["boxes"], here.evidence["boxes"])


def test_what_the_header_says_stands_in_the_row(crop_bundle, unseen):
    table = predict(unseen, crop_bundle, runtime=HERE).table.set_index("kind")
    assert table["width_px"].eq(320).all() and table["height_px"].eq(180).all()
    assert table.loc["video", "duration_s"].between(1.9, 2.6).all() and table.loc["video", "fps"].eq(10.0).all()
    assert table.loc["still", ["duration_s", "fps"]].isna().all(axis=None)


def test_another_detector_is_another_run(crop_bundle, unseen):
    job = Job(crop_bundle, unseen.root, HERE, crop_bundle.spec.sampling)
    keys = [json.dumps(replace(job, detector=DetectorConfig(source=s)).results_key()) for s in ("none", "motion")]
    assert keys[0] != keys[1] and "detector" not in json.loads(keys[0])


def test_other_decoding_is_another_run_and_the_usual_one_keeps_its_key(tiny_bundle, unseen):
    job = Job(tiny_bundle, unseen.root, HERE, tiny_bundle.spec.sampling)
    usual = job.results_key()
    assert "decode" not in usual and "loop_filter" not in usual
    for changed in ({"decode": "cuda"}, {"loop_filter": False}):
        other = replace(job, runtime=HERE.model_copy(update=changed))
        assert other.results_key() == usual | changed


def evidence(frames, crops):
    n = len(frames)
    boxes = tuple(Boxes.none(float(i), (64, 48), "motion") for i in range(n))
    logits, inside = (np.log(np.array(rows, np.float32)) for rows in (frames, crops))
    unknown = np.full_like(logits, np.nan)
    return Evidence(np.arange(n, dtype=float), logits, inside, unknown, unknown, boxes)


def test_crops_never_make_a_clip_empty_that_whole_frames_do_not(tiny_bundle):
    assert tiny_bundle.labels.names == ("leopard", "tiger", "sika_deer", "empty")
    spec = tiny_bundle.spec
    calm = replace(tiny_bundle, spec=spec.model_copy(update={"calibration": type(spec.calibration)(1.0)}))
    clip = Clip("x", ("x.jpg",), "still")
    # a leopard is suspected; the crop says deer, and so little of anything that empty would stand
    whole, inside = [[0.12, 0.0, 0.03, 0.85]], [[0.001, 0.0, 0.148, 0.85]]
    whole, inside = (np.maximum(np.array(p), 1e-6).tolist() for p in (whole, inside))
    alone = decide_clip(clip, evidence(whole, [[np.nan] * 4]), calm)
    both = decide_clip(clip, evidence(whole, inside), calm)
    assert alone.decision.label != "empty" and both.decision == alone.decision
    assert both.probs == pytest.approx(alone.probs)
    clear = decide_clip(clip, evidence([[0.01, 0.01, 0.03, 0.95]], [[0.0001, 0.0001, 0.0098, 0.99]]), calm)
    assert clear.decision.label == "empty", "what whole frames call empty may stay so"


def test_presence_is_shifted_by_kind_and_number_of_frames(tiny_bundle):
    """Frames of 1/2 animal: a still has +1 = 1.0 of log-odds, a video of four 0.5 - 0.75 · 2 = -1.0."""
    calibration = Calibration(1.0, 100, 12, "", shift=PresenceShift(0.5, -0.75, (1, 8), {"still": 1.0}))
    shifted = replace(tiny_bundle, spec=tiny_bundle.spec.model_copy(update={"calibration": calibration}))
    for kind, path, n, log_odds in (("still", "x.jpg", 1, 1.0), ("video", "x.mp4", 4, -1.0)):
        frames = evidence([[0.25, 0.15, 0.1, 0.5]] * n, [[np.nan] * 4] * n)
        clip = decide_clip(Clip("x", (path,), kind), frames, shifted)
        assert clip.probs[3] == pytest.approx(1 / (1 + np.exp(log_odds)), abs=1e-6)
        assert (clip.probs[:3] / clip.probs[:3].sum()).tolist() == pytest.approx([0.5, 0.3, 0.2], abs=1e-6)
        assert clip.frame_probs[0].tolist() == pytest.approx([0.25, 0.15, 0.1, 0.5], abs=1e-6), "frames stay"


def test_an_unsure_clip_shows_its_most_animal_like_frame_first_although_empty_is_likeliest(tiny_bundle):
    frames = [[0.01, 0.01, 0.03, 0.95], [0.2, 0.2, 0.2, 0.4], [0.02, 0.02, 0.06, 0.9]]
    unsure = decide_clip(Clip("x", ("x.mp4",), "video"), evidence(frames, [[np.nan] * 4] * 3), tiny_bundle)
    assert unsure.decision.label not in tiny_bundle.labels.names and unsure.probs.argmax() == 3
    assert unsure.evidence_order == (1, 2, 0)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_detector_that_cannot_work_stops_the_run_and_makes_no_clip_unreadable(
    tiny_bundle, unseen, tmp_path, workers
):
    (tmp_path / "d.onnx").write_bytes(b"no network")
    (tmp_path / "d.yaml").write_text("{name: d, model: d.onnx}")
    with pytest.raises(BackendError, match="this is not an ONNX network"):
        predict(unseen, tiny_bundle, runtime=RuntimeConfig(workers=workers), detector=str(tmp_path / "d.onnx"))
