import json
import shutil

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ConfigError, ManifestError, RunStopped
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.settings.inference import RuntimeConfig, TimesSampling, UniformSampling
from leopardnet.evaluation.full_evaluation import evaluate
from leopardnet.evaluation.write_evaluation import write_evaluation
from leopardnet.infer import clip as main_path
from leopardnet.infer.predict_footage import classify_all, predict

HERE = RuntimeConfig(workers=0)  # in this process; what worker processes change is tested in workers/test_pool.py
PROBS = ["p_leopard", "p_tiger", "p_sika_deer", "p_empty"]


def test_one_row_per_clip_in_the_order_of_the_manifest(said, unseen):
    assert said.table["path"].tolist() == unseen.table["path"].drop_duplicates().tolist() and len(said) == 8
    assert said.table["site"].eq("site04").all() and said.table["status"].eq("ok").all()


def test_probabilities_sum_to_one_and_agree_with_the_decision(said):
    probs = said.table[PROBS].to_numpy()
    assert probs.sum(axis=1) == pytest.approx(np.ones(8), abs=1e-5)
    named = said.table[said.table["rule"] == "species"]
    assert all(row["score"] == pytest.approx(row[f"p_{row['decision']}"]) for row in named.to_dict("records"))


def test_a_still_has_the_probabilities_of_its_one_frame(said):
    still = said.table[said.table["kind"] == "still"].iloc[0]
    frame = said.evidence[said.evidence["clip_id"] == still["clip_id"]]
    assert len(frame) == 1 and frame[PROBS].to_numpy()[0] == pytest.approx(still[PROBS].to_numpy(float), abs=1e-5)


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime", "torch"])
def test_backends_change_nothing(said, unseen, tiny_bundle, backend):
    pytest.importorskip(backend)
    runtime = RuntimeConfig(backend=backend, device="cpu", workers=0, batch_size=3, threads=1)
    again = predict(unseen, tiny_bundle, runtime=runtime)
    assert np.abs(again.table[PROBS].to_numpy() - said.table[PROBS].to_numpy()).max() < 1e-4
    assert again.table["decision"].tolist() == said.table["decision"].tolist()


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_broken_clip_costs_its_own_row_and_no_other(footage, tmp_path, tiny_bundle, position):
    good = sorted(footage.rglob("*.MP4"))[:2]
    names = [f"{i}.mp4" for i in range(3)]
    files = [*good]
    files.insert(position, None)
    for name, file in zip(names, files, strict=True):
        shutil.copy(file, tmp_path / name) if file else (tmp_path / name).write_bytes(b"")
    table = predict(tmp_path, tiny_bundle, runtime=HERE).table
    assert table["path"].tolist() == names
    assert [s == "unreadable" for s in table["status"]] == [f is None for f in files]
    broken = table.iloc[position]
    assert (
        broken["decision"] == "unreadable"
        and "empty (0 bytes)" in broken["reason"]
        and broken[PROBS].isna().all()
        and broken["n_frames"] == 0
    )
    alone = predict(tmp_path / names[(position + 1) % 3], tiny_bundle, runtime=HERE).table.iloc[0]
    together = table.iloc[(position + 1) % 3]
    assert np.abs(alone[PROBS].to_numpy(float) - together[PROBS].to_numpy(float)).max() < 1e-5


def test_a_decoder_that_fails_in_an_unknown_way_gives_a_row(unseen, tiny_bundle, monkeypatch):
    def explode(*args, **kwargs):
        raise ZeroDivisionError("deep inside a codec")

    monkeypatch.setattr(main_path, "open_clip", explode)
    table = predict(unseen, tiny_bundle, runtime=HERE).table
    assert (
        len(table) == 8
        and table["status"].eq("unreadable").all()
        and table["reason"].str.contains("ZeroDivisionError").all()
    )


def test_a_file_that_vanished_gives_a_row(manifest_of, tiny_bundle):
    table = predict(manifest_of(path=["gone.mp4"], kind="video"), tiny_bundle, runtime=HERE).table
    assert table["status"].tolist() == ["unreadable"] and "cannot be found" in table["reason"][0]


def test_clips_of_a_card_that_is_pulled_out_are_classified_when_it_is_back(unseen, tiny_bundle, said, tmp_path):
    card = tmp_path / "card"
    shutil.copytree(unseen.root, card)
    rows = Manifest.from_rows(unseen.table, card)

    def pull_out(clips, job, should_stop):
        for item, result in classify_all(clips, job):
            yield item, result
            if card.exists():
                card.rename(tmp_path / "pulled out")

    first = predict(rows, tiny_bundle, out=tmp_path / "out", runtime=HERE, engine=pull_out).table["status"]
    assert first.tolist() == ["ok"] + ["unreadable"] * 7
    (tmp_path / "pulled out").rename(card)
    again = predict(rows, tiny_bundle, out=tmp_path / "out", runtime=HERE)
    pd.testing.assert_frame_equal(again.table, said.table)


def test_a_partial_clip_says_so_and_is_judged(footage, tmp_path, tiny_bundle):
    data = sorted(footage.rglob("*.AVI"))[0].read_bytes()
    (tmp_path / "cut.avi").write_bytes(data[: len(data) // 2])
    row = predict(tmp_path, tiny_bundle, sampling=TimesSampling(times_s=(0.1, 5.0)), runtime=HERE).table.iloc[0]
    assert (
        row["status"] == "partial"
        and "cut short" in row["reason"]
        and row["n_frames"] >= 1
        and row[PROBS].notna().all()
    )


def test_other_frames_can_be_asked_for(labelled, tiny_bundle):
    videos = labelled.where(split="test", kind="video")
    one = predict(videos, tiny_bundle, sampling=TimesSampling(times_s=(1.0,)), runtime=HERE)
    assert one.table["n_frames"].eq(1).all() and one.table["best_time_s"].between(0.9, 1.1).all()


def test_thorough_also_looks_half_way_between_the_frames(labelled, tiny_bundle):
    videos = labelled.where(split="test", kind="video")
    times = TimesSampling(times_s=(0.2, 0.6, 1.0))
    table = predict(videos, tiny_bundle, sampling=times, effort="thorough", runtime=HERE).table
    assert table["n_frames"].eq(5).all() and table["status"].eq("ok").all()


@pytest.mark.parametrize("effort", ["fast", "auto"])
def test_an_effort_of_older_versions_means_all_frames_and_says_so(labelled, tiny_bundle, said, effort):
    videos, notes = labelled.where(split="test", kind="video"), []
    table = predict(videos, tiny_bundle, effort=effort, runtime=HERE, on_note=notes.append).table
    full = said.table.set_index("path").loc[table["path"]]
    assert table["n_frames"].tolist() == full["n_frames"].tolist()
    assert [n for n in notes if "no longer exists" in n and effort in n] and len(table)


def test_an_unknown_effort_is_refused(labelled, tiny_bundle):
    with pytest.raises(ConfigError, match="no such effort") as refused:
        predict(labelled.where(split="test"), tiny_bundle, effort="lazy", runtime=HERE)
    assert "full, thorough" in str(refused.value)


def test_with_a_folder_the_run_is_kept_and_goes_on(unseen, tiny_bundle, said, tmp_path):
    counts = []
    for _ in range(2):
        again = predict(unseen, tiny_bundle, out=tmp_path, runtime=HERE, on_progress=lambda *n: counts.append(n))
        pd.testing.assert_frame_equal(again.table, said.table)
        pd.testing.assert_frame_equal(Predictions.read(tmp_path).table, said.table)
        pd.testing.assert_frame_equal(Predictions.read(tmp_path).evidence, said.evidence)
    assert counts == [*((i, 8) for i in range(9)), (8, 8)]


def test_the_results_of_one_card_do_not_silently_take_the_place_of_anothers(unseen, tiny_bundle, tmp_path):
    is_first = unseen.table["path"] == unseen.table["path"].iloc[0]
    first, rest = (unseen.replace(unseen.table[rows]) for rows in (is_first, ~is_first))
    notes: list[str] = []
    predict(first, tiny_bundle, out=tmp_path, runtime=HERE, on_note=notes.append)
    before = (tmp_path / "predictions.parquet").read_bytes()
    with pytest.raises(ManifestError, match="this folder holds the results of other footage"):
        predict(rest, tiny_bundle, out=tmp_path, runtime=HERE)
    assert (tmp_path / "predictions.parquet").read_bytes() == before and notes == []
    predict(unseen, tiny_bundle, out=tmp_path, runtime=HERE, on_note=notes.append)  # a card that has filled up
    assert len(Predictions.read(tmp_path)) == 8 and notes == []
    predict(rest, tiny_bundle, out=tmp_path, runtime=HERE, on_note=notes.append)
    assert len(Predictions.read(tmp_path)) == 7
    path = first.table["path"].iloc[0]
    assert notes == [
        f"clips of earlier results that are not in this footage: 1, such as {path}; the tables leave them out, and "
        "the journal keeps them"
    ]


def test_nothing_to_classify(tmp_path, tiny_bundle, manifest_of):
    with pytest.raises(ManifestError, match="nothing to classify"):
        predict(manifest_of(path=[], kind=[]), tiny_bundle)
    with pytest.raises(ManifestError, match="no such footage"):
        predict(tmp_path / "gone", tiny_bundle)


def test_evaluation_joins_by_clip_and_writes_its_tables(said, labelled, tmp_path):
    shuffled = Predictions(said.table.sample(frac=1, random_state=1), said.evidence)
    a, b = evaluate(said, labelled), evaluate(shuffled, labelled)
    assert a.n_clips == 8 and a.top1.value == b.top1.value and a.confusion.to_numpy().sum() == 8
    truth = labelled.clip_labels().reindex(said.table["clip_id"]).to_numpy()
    argmax = said.table[PROBS].to_numpy().argmax(axis=1)
    assert a.top1.value == pytest.approx(np.mean([PROBS[i][2:] == t for i, t in zip(argmax, truth, strict=True)]))
    metrics = json.loads((write_evaluation(a, tmp_path) / "metrics.json").read_text())
    assert {"n_clips", "macro_f1", "top1", "per_label", "ece", "brier"} <= set(metrics)


def test_a_stopped_run_keeps_what_is_done_and_the_next_one_continues(unseen, tiny_bundle, said, tmp_path):
    done, n_before = [], []
    options = {"out": tmp_path, "runtime": HERE, "on_result": done.append}
    with pytest.raises(RunStopped, match="stopped after 3 of 8 clips"):
        predict(unseen, tiny_bundle, should_stop=lambda: len(done) == 3, **options)
    assert not (tmp_path / "predictions.parquet").exists()
    table = predict(unseen, tiny_bundle, on_progress=lambda n, n_total: n_before.append(n), **options).table
    assert n_before[0] == 3 and len(done) == 8
    pd.testing.assert_frame_equal(table, said.table)


def test_another_engine_may_do_the_work(unseen, tiny_bundle, said):
    def last_first(clips, job, should_stop):
        yield from classify_all(reversed(list(clips)), job, should_stop)

    again = predict(unseen, tiny_bundle, runtime=HERE, engine=last_first)
    pd.testing.assert_frame_equal(again.table, said.table)


def test_a_bundle_may_be_named_by_its_folder(unseen, tiny_bundle, said):
    pd.testing.assert_frame_equal(predict(unseen, str(tiny_bundle.folder), runtime=HERE).table, said.table)


def test_a_sampling_can_be_named(unseen, tiny_bundle):
    named, given = (
        predict(unseen.where(kind="video"), tiny_bundle, sampling=s, runtime=HERE).evidence["time_s"].tolist()
        for s in ("uniform16", UniformSampling(n_frames=16))
    )
    assert named == given and len(named) == 4 * 16
    with pytest.raises(ConfigError, match="uniform17"):
        predict(unseen, tiny_bundle, sampling="uniform17")


def listed(folder, entries):
    data = {"detection_categories": {"1": "animal"}, "images": entries}
    (folder / "md.json").write_text(json.dumps(data))
    return str(folder / "md.json")


def test_a_detector_file_says_before_the_first_clip_how_it_fits(unseen, tiny_bundle, tmp_path):
    first = unseen.where(kind="still").table["path"].iloc[0]
    box = {"category": "1", "conf": 0.9, "bbox": [0.25, 0.25, 0.5, 0.5]}
    notes, seen = [], []
    said = predict(
        unseen,
        tiny_bundle,
        runtime=HERE,
        detector=listed(tmp_path, [{"file": first.upper(), "detections": [box]}]),
        on_note=lambda note: notes.append((note, len(seen))),
        on_result=seen.append,
    )
    assert [n for _, n in notes] == [0] and "md.json: 1 of 1 entries belong to 1 of 8 clips" in notes[0][0]
    looked = said.evidence[said.evidence["boxes"].notna()]
    paths = said.table.set_index("clip_id")["path"]
    assert paths[looked["clip_id"]].tolist() == [first], "clips that are not listed were not looked at"
    assert json.loads(looked["boxes"].iloc[0])[0]["xyxy"] == [0.25, 0.25, 0.75, 0.75]


def test_a_detector_file_that_fits_no_clip_stops_the_run_before_the_first(unseen, tiny_bundle, tmp_path):
    path, seen = unseen.table["path"].iloc[0], []
    file = listed(tmp_path, [{"file": f"card7/{path}", "detections": []}])
    with pytest.raises(ManifestError, match="remove card7/ from the beginning"):
        predict(unseen, tiny_bundle, runtime=HERE, detector=file, on_result=seen.append)
    assert not seen


def test_boxes_without_a_place_are_a_reason_of_their_clip(unseen, tiny_bundle, tmp_path):
    path = unseen.where(kind="video").table["path"].iloc[0]
    box = {"category": "1", "conf": 0.9, "bbox": [0.25, 0.25, 0.5, 0.5]}
    said = predict(
        unseen, tiny_bundle, runtime=HERE, detector=listed(tmp_path, [{"file": path, "detections": [box]}])
    )
    table = said.table.set_index("path")
    assert table.loc[path, "status"] == "partial" and "no frame is given" in table.loc[path, "reason"]
    assert said.evidence["boxes"].isna().all()
