import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from leopardnet.bundle.learned_from import read_learned_from
from leopardnet.core.columns import SOUNDS, evidence_columns, predictions_columns
from leopardnet.core.errors import ManifestError
from leopardnet.core.predictions import Predictions
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.tables import conform
from leopardnet.infer.clip import read_frames
from leopardnet.infer.earlier_sounds import EarlierSounds
from leopardnet.infer.job import Job
from leopardnet.infer.journal import Journal, JournalPage, JournalRow
from leopardnet.infer.predict_footage import predict
from leopardnet.infer.prediction_tables import build_clip_table, write_pages
from leopardnet.metrics.labelled_clips import LabelledClips

HERE = RuntimeConfig(workers=0)


def test_tables_written_in_pages_are_those_written_whole(unseen, tiny_bundle, said, tmp_path):
    job = Job(tiny_bundle, unseen.root, HERE, tiny_bundle.spec.sampling)
    predict(unseen, tiny_bundle, out=tmp_path / "paged", runtime=HERE)
    said.write(tmp_path / "whole")
    with Journal.open(tmp_path / "paged", job.results_key()) as journal:
        parts = read_learned_from(tiny_bundle.spec).find_part(unseen.table, unseen.root)
        write_pages(journal.read_pages(unseen, n_clips=3), tiny_bundle, tmp_path / "paged", parts=parts)
    whole, paged = Predictions.read(tmp_path / "whole"), Predictions.read(tmp_path / "paged")
    pd.testing.assert_frame_equal(paged.table, whole.table)
    pd.testing.assert_frame_equal(paged.evidence, whole.evidence)
    csv = [(tmp_path / name / "predictions.csv").read_bytes() for name in ("whole", "paged")]
    assert csv[0] == csv[1]


def test_tables_come_back_from_disk_and_name_no_machine(said, tmp_path, footage):
    folder = said.write(tmp_path / "results")
    for source in (folder, folder / "predictions.csv"):
        back = Predictions.read(source)
        pd.testing.assert_frame_equal(back.table, said.table)
        pd.testing.assert_frame_equal(back.evidence, said.evidence)
    assert not any(str(footage).encode() in p.read_bytes() for p in folder.iterdir())


def test_the_evidence_holds_every_frame_at_the_time_it_really_has(said):
    frames = said.evidence.groupby("clip_id").size()
    assert (said.table.set_index("clip_id")["n_frames"] == frames.reindex(said.table["clip_id"])).all()
    for row in said.table.to_dict("records"):
        times = said.evidence.loc[said.evidence["clip_id"] == row["clip_id"], "time_s"].tolist()
        assert row["best_time_s"] in times and (np.diff(times) > 0).all()
        assert set(json.loads(row["evidence_times_s"])) <= {round(t, 3) for t in times}


def test_frames_say_how_familiar_they_look(said, tiny_bundle, unseen):
    still = said.table[said.table["kind"] == "still"].iloc[0]
    frame = said.evidence[said.evidence["clip_id"] == still["clip_id"]].iloc[0]
    clip = next(c for c in unseen.clips() if c.clip_id == still["clip_id"])
    x = read_frames(clip, Job(tiny_bundle, unseen.root, HERE, tiny_bundle.spec.sampling)).x
    answers = tiny_bundle.runtime(HERE).answers(x)
    assert frame["energy"] == pytest.approx(np.log(np.exp(answers.logits[0].astype(float)).sum()), abs=2e-4)
    cosines = frame[[f"cos_{name}" for name in tiny_bundle.labels.names]].to_numpy(float)
    np.testing.assert_allclose(cosines, answers.cosines[0], atol=2e-4)
    assert said.evidence.filter(regex="^(energy|cos_)").notna().all(axis=None)


def test_the_tables_of_a_folder_are_read_when_they_are_used(unseen, tiny_bundle, said, tmp_path):
    written = predict(unseen, tiny_bundle, out=tmp_path, runtime=HERE)
    assert "table" not in vars(written) and "evidence" not in vars(written)
    pd.testing.assert_frame_equal(written.table, said.table)
    assert "evidence" not in vars(written) and written.table is written.table
    assert len(written.read_frames([])) == 0 and set(
        written.read_frames(said.table["clip_id"][:1])["clip_id"]
    ) == set(said.table["clip_id"][:1])
    pd.testing.assert_frame_equal(written.evidence, said.evidence)
    assert written.labels == said.labels and repr(written) == repr(said) and len(written) == 8
    assert written.table.columns.tolist() == [c.name for c in predictions_columns(written.labels)]
    assert written.evidence.columns.tolist() == [c.name for c in evidence_columns(written.labels)]


def test_a_table_that_a_later_run_has_replaced_is_not_taken_for_the_first(unseen, tiny_bundle, tmp_path):
    first = predict(unseen, tiny_bundle, out=tmp_path, runtime=HERE)
    assert len(first) == 8
    second = predict(unseen.where(kind="still"), tiny_bundle, out=tmp_path, runtime=HERE)
    assert len(first) == 8 and len(second) == 4
    with pytest.raises(ManifestError, match="another run has replaced"):
        _ = first.evidence


def test_another_table_holds_no_predictions(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ManifestError, match="no predictions"):
        Predictions.read(tmp_path / "t.csv")


def test_a_row_alerts_every_target_and_a_table_of_before_has_its_one_alert_in_both_columns(tiny_bundle, tmp_path):
    """leopard .30 with a threshold of .02 beside tiger .60; an empty clip; one that could not be read."""
    targets = tiny_bundle.spec.labels.model_copy(update={"targets": ("leopard", "tiger")})
    decide = tiny_bundle.spec.decide.model_copy(update={"alerts": {"leopard": 0.02}})
    spec = tiny_bundle.spec.model_copy(update={"labels": targets, "decide": decide})
    bundle = replace(tiny_bundle, spec=spec)
    row = JournalRow(
        "a", "ok", None, "tiger", "species", 0.6, None, np.zeros(1, "i4"), np.zeros(1), np.zeros((1, 4), "f4"),
        *[None] * 7,
    )  # fmt: skip
    given = [(0.30, 0.60, 0.02, 0.08), (0.01, 0.05, 0.04, 0.9), None]
    rows = [
        replace(row, clip_id=name, probs=None if p is None else np.array(p, np.float32))
        for name, p in zip("abc", given, strict=True)
    ]
    clips = pd.DataFrame({"path": ["a.jpg", "b.jpg", "c.jpg"], "kind": "still"}).assign(
        site=None, captured_at=pd.NaT
    )
    table = build_clip_table(JournalPage(rows, clips), bundle)
    assert table["alerts"].fillna("").tolist() == ["tiger + leopard", "", ""]
    assert table["alert"].fillna("").tolist() == ["tiger", "", ""]
    table.drop(columns="alerts").to_csv(tmp_path / "old.csv", index=False)
    old = Predictions.read(tmp_path / "old.csv").table
    assert old["alerts"].fillna("").tolist() == old["alert"].fillna("").tolist() == ["tiger", "", ""]
    assert LabelledClips.from_tables(table, pd.Series({"a": "leopard"})).alerts.tolist()[0] == [
        True,
        True,
        False,
        False,
    ]


def test_what_was_searched_afterwards_stays_when_the_tables_are_written_again(unseen, tiny_bundle, tmp_path):
    first = predict(unseen, tiny_bundle, out=tmp_path, runtime=HERE)
    ids = first.table["clip_id"].tolist()
    heard = pd.DataFrame({"clip_id": ids[:2], "start_s": 0.5, "end_s": 1.0, "kind": ["voice", "network:dog"]})
    heard = heard.assign(score=0.9, source="birdnet 2.4").reindex(columns=[c.name for c in SOUNDS])
    has_voice = first.table["has_voice"].mask(first.table["clip_id"].isin([ids[0], ids[2]]), "yes")
    flagged = first.table.assign(has_voice=has_voice)
    heard = conform(heard, SOUNDS, where="sounds")
    sounds = pd.concat([first.sounds, heard]) if len(first.sounds) else heard
    sounds = sounds.sort_values(["clip_id", "start_s", "kind"], kind="stable", ignore_index=True)
    Predictions(flagged, first.evidence, sounds).write(tmp_path)
    for _ in range(2):
        predict(unseen, tiny_bundle, out=tmp_path, runtime=HERE)
        again = Predictions.read(tmp_path)
        pd.testing.assert_frame_equal(again.table, flagged)
        pd.testing.assert_frame_equal(again.sounds, sounds)


def test_a_probe_keeps_its_word_on_the_calls_it_judged_and_no_other():
    call = {"clip_id": "a", "start_s": 1.0, "end_s": 2.0, "kind": "tonal_call", "score": 0.9, "source": "tonal 2"}
    rows = pd.DataFrame([call, {**call, "start_s": 1.5}]).reindex(columns=[c.name for c in SOUNDS])
    now = conform(rows, SOUNDS, where="sounds")
    judged = now.assign(p_alarm_call=[0.7, np.nan])
    assert EarlierSounds.of(judged).add_to(now, ["a"])["p_alarm_call"].tolist()[0] == 0.7
    changed = EarlierSounds.of(judged.assign(end_s=3.0)).add_to(now, ["a"])
    assert len(changed) == 2 and changed["p_alarm_call"].isna().all(), "old rows of this search are replaced"
    assert EarlierSounds.of(judged).add_to(now.head(0), ["a"]).empty
