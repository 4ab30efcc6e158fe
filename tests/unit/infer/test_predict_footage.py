import json
import shutil

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.predictions import Predictions
from leopardnet.core.settings.inference import RuntimeConfig, TimesSampling
from leopardnet.evaluation.full_evaluation import evaluate
from leopardnet.evaluation.write_evaluation import write_evaluation
from leopardnet.infer import clip as main_path
from leopardnet.infer.clip import Job, read_frames
from leopardnet.infer.journal import Journal
from leopardnet.infer.predict_footage import predict
from leopardnet.infer.prediction_tables import write_pages

HERE = RuntimeConfig(workers=0)  # in this process; what worker processes change is tested in test_crew.py
PROBS = ["p_leopard", "p_tiger", "p_sika_deer", "p_empty"]


@pytest.fixture(scope="module")
def said(labelled, tiny_bundle):
    return predict(labelled.where(split="test"), tiny_bundle, runtime=HERE)


def test_one_row_per_clip_in_the_order_of_the_manifest(said, labelled):
    unseen = labelled.where(split="test")
    assert said.table["path"].tolist() == unseen.table["path"].drop_duplicates().tolist() and len(said) == 8
    assert said.table["site"].eq("site04").all() and said.table["status"].eq("ok").all()


def test_probabilities_sum_to_one_and_agree_with_the_decision(said):
    probs = said.table[PROBS].to_numpy()
    assert probs.sum(axis=1) == pytest.approx(np.ones(8), abs=1e-5)
    named = said.table[said.table["rule"] == "species"]
    assert all(row["score"] == pytest.approx(row[f"p_{row['decision']}"]) for row in named.to_dict("records"))


def test_frames_say_how_familiar_they_look(said, tiny_bundle, labelled):
    unseen = labelled.where(split="test")
    still = said.table[said.table["kind"] == "still"].iloc[0]
    frame = said.evidence[said.evidence["clip_id"] == still["clip_id"]].iloc[0]
    clip = next(c for c in unseen.clips() if c.clip_id == still["clip_id"])
    x = read_frames(clip, Job(tiny_bundle, unseen.root, HERE, tiny_bundle.spec.sampling)).x
    answers = tiny_bundle.runtime(HERE).answers(x)
    assert frame["energy"] == pytest.approx(np.log(np.exp(answers.logits[0].astype(float)).sum()), abs=2e-4)
    cosines = frame[[f"cos_{name}" for name in tiny_bundle.labels.names]].to_numpy(float)
    np.testing.assert_allclose(cosines, answers.cosines[0], atol=2e-4)
    assert said.evidence.filter(regex="^(energy|cos_)").notna().all(axis=None)


def test_the_evidence_holds_every_frame_at_the_time_it_really_has(said):
    frames = said.evidence.groupby("clip_id").size()
    assert (said.table.set_index("clip_id")["n_frames"] == frames.reindex(said.table["clip_id"])).all()
    for row in said.table.to_dict("records"):
        times = said.evidence.loc[said.evidence["clip_id"] == row["clip_id"], "time_s"].tolist()
        assert row["best_time_s"] in times and (np.diff(times) > 0).all()
        assert set(json.loads(row["evidence_times_s"])) <= {round(t, 3) for t in times}


def test_a_still_has_the_probabilities_of_its_one_frame(said):
    still = said.table[said.table["kind"] == "still"].iloc[0]
    frame = said.evidence[said.evidence["clip_id"] == still["clip_id"]]
    assert len(frame) == 1 and frame[PROBS].to_numpy()[0] == pytest.approx(still[PROBS].to_numpy(float), abs=1e-5)


@pytest.mark.parametrize("backend", ["openvino", "onnxruntime", "torch"])
def test_backends_change_nothing(said, labelled, tiny_bundle, backend):
    pytest.importorskip(backend)
    runtime = RuntimeConfig(backend=backend, device="cpu", workers=0, batch_size=3, threads=1)
    again = predict(labelled.where(split="test"), tiny_bundle, runtime=runtime)
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


def test_a_decoder_that_fails_in_an_unknown_way_gives_a_row(labelled, tiny_bundle, monkeypatch):
    def explode(*args, **kwargs):
        raise ZeroDivisionError("deep inside a codec")

    monkeypatch.setattr(main_path, "decode", explode)
    table = predict(labelled.where(split="test"), tiny_bundle, runtime=HERE).table
    assert (
        len(table) == 8
        and table["status"].eq("unreadable").all()
        and table["reason"].str.contains("ZeroDivisionError").all()
    )


def test_a_file_that_vanished_gives_a_row(manifest_of, tiny_bundle):
    table = predict(manifest_of(path=["gone.mp4"], kind="video"), tiny_bundle, runtime=HERE).table
    assert table["status"].tolist() == ["unreadable"] and "cannot be found" in table["reason"][0]


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


def test_a_sure_answer_takes_fewer_frames_and_thorough_takes_more(labelled, tiny_bundle, said):
    videos = labelled.where(split="test", kind="video")
    n_full = said.table.set_index("path")["n_frames"]
    for effort in ("fast", "auto", "thorough"):
        table = predict(videos, tiny_bundle, effort=effort, runtime=HERE).table.set_index("path")
        n_frames = table["n_frames"]
        assert n_frames.between(1, 2 * n_full.reindex(n_frames.index)).all() and table["status"].eq("ok").all()
        if effort == "thorough":
            assert (n_frames > n_full.reindex(n_frames.index)).any()


def test_with_a_folder_the_run_is_kept_and_goes_on(labelled, tiny_bundle, said, tmp_path):
    unseen, counts = labelled.where(split="test"), []
    for _ in range(2):
        again = predict(unseen, tiny_bundle, out=tmp_path, runtime=HERE, on_progress=lambda *n: counts.append(n))
        pd.testing.assert_frame_equal(again.table, said.table)
        pd.testing.assert_frame_equal(Predictions.read(tmp_path).table, said.table)
        pd.testing.assert_frame_equal(Predictions.read(tmp_path).evidence, said.evidence)
    assert counts == [*((i, 8) for i in range(9)), (8, 8)]


def test_tables_written_in_pages_are_those_written_whole(labelled, tiny_bundle, said, tmp_path):
    job = Job(tiny_bundle, labelled.root, HERE, tiny_bundle.spec.sampling)
    unseen = labelled.where(split="test")
    predict(unseen, tiny_bundle, out=tmp_path / "paged", runtime=HERE)
    said.write(tmp_path / "whole")
    with Journal.open(tmp_path / "paged", job.results_key()) as journal:
        write_pages(journal.pages(unseen, page=3), tiny_bundle, tmp_path / "paged")
    whole, paged = Predictions.read(tmp_path / "whole"), Predictions.read(tmp_path / "paged")
    pd.testing.assert_frame_equal(paged.table, whole.table)
    pd.testing.assert_frame_equal(paged.evidence, whole.evidence)
    csv = [(tmp_path / name / "predictions.csv").read_bytes() for name in ("whole", "paged")]
    assert csv[0] == csv[1]


def test_nothing_to_classify(tmp_path, tiny_bundle, manifest_of):
    with pytest.raises(ManifestError, match="nothing to classify"):
        predict(manifest_of(path=[], kind=[]), tiny_bundle)
    with pytest.raises(ManifestError, match="no such footage"):
        predict(tmp_path / "gone", tiny_bundle)


def test_tables_come_back_from_disk_and_name_no_machine(said, tmp_path, footage):
    folder = said.write(tmp_path / "results")
    for source in (folder, folder / "predictions.csv"):
        back = Predictions.read(source)
        pd.testing.assert_frame_equal(back.table, said.table)
        pd.testing.assert_frame_equal(back.evidence, said.evidence)
    assert not any(str(footage).encode() in p.read_bytes() for p in folder.iterdir())


def test_another_table_holds_no_predictions(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ManifestError, match="no predictions"):
        Predictions.read(tmp_path / "t.csv")


def test_evaluation_joins_by_clip_and_writes_its_tables(said, labelled, tmp_path):
    shuffled = Predictions(said.table.sample(frac=1, random_state=1), said.evidence)
    a, b = evaluate(said, labelled), evaluate(shuffled, labelled)
    assert a.n_clips == 8 and a.top1.value == b.top1.value and a.confusion.to_numpy().sum() == 8
    truth = labelled.clip_labels().reindex(said.table["clip_id"]).to_numpy()
    argmax = said.table[PROBS].to_numpy().argmax(axis=1)
    assert a.top1.value == pytest.approx(np.mean([PROBS[i][2:] == t for i, t in zip(argmax, truth, strict=True)]))
    metrics = json.loads((write_evaluation(a, tmp_path) / "metrics.json").read_text())
    assert {"n_clips", "macro_f1", "top1", "per_label", "ece", "brier"} <= set(metrics)
