"""The full evaluation: every part is there, and notes say what could not be done."""

import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.predictions import Predictions
from leopardnet.evaluation.full_evaluation import evaluate, evaluate_all
from simulated_clips import simulate_clips


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return simulate_clips(tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="module")
def found(made):
    return evaluate_all(*made, by=["site", "daytime"], n_boot=60)


def test_clips_are_judged_as_evaluate_judges_them(made, found):
    alone = evaluate(*made, n_boot=60)
    assert found.clips.to_metrics_json() == alone.to_metrics_json() and found.clips.n_clips == 300


def test_every_way_of_aggregating_and_every_baseline_has_a_row(found):
    assert list(found.tables["aggregators"].index) == [
        "presence_ranked",
        "presence_topk",
        "topk_logit",
        "mean_logit",
        "mean_prob",
        "max",
        "noisy_or",
    ]
    assert list(found.tables["baselines"].index) == ["majority", "middle_frame", "best_frame"]
    # three frames of independent noise: their mean beats one of them, and any beats the majority
    assert (
        found.tables["baselines"].loc["middle_frame", "behind_low"] > 0
        and found.tables["baselines"].loc["majority", "behind_low"] > 0.3
    )
    # what made the clips' probabilities is the mean of logits
    assert found.tables["aggregators"].loc["mean_logit", "behind"] == pytest.approx(0.0, abs=1e-9)


def test_slices_add_up_to_all_clips(found):
    by_site, by_time = found.slices["site"], found.slices["daytime"]
    assert by_site["n_clips"].sum() == 300 and len(by_site) == 12 and (by_site["n_sites"] == 1).all()
    # 25 clips from midnight, ten minutes apart, end at 04:00
    assert by_time["n_clips"].to_dict() == {"night": 300}
    assert by_site["n_right"].sum() / 300 == pytest.approx(found.clips.top1.value)


def test_events_hold_every_clip_once(found):
    assert found.tables["events"]["n_clips"].sum() == 300
    assert len(found.tables["events"]) == 12, "clips ten minutes apart are one chain per site"
    assert found.events is None and any(
        "events are not evaluated" in note for note in found.notes
    )  # all show two animals


def test_single_clips_as_events_are_judged_like_clips(made):
    each = evaluate_all(*made, gap_minutes=5, n_boot=20)
    assert len(each.tables["events"]) == 300
    assert (
        each.events.top1.value == each.clips.top1.value and each.events.macro_f1.value == each.clips.macro_f1.value
    )
    # then a record is a clip: what people count is what the labels say
    truth = made[1].table["label"].value_counts()
    assert each.tables["records"].groupby("label")["true"].sum().to_dict() == truth.drop("empty").to_dict()


def test_mistakes_begin_with_what_was_lost(found):
    wrong = found.tables["mistakes"]
    assert (wrong["truth"] != wrong["decision"]).all() and wrong["rule"].isin(["species", "empty"]).all()
    lost = wrong["rule"].eq("empty") & wrong["truth"].ne("empty")
    assert lost.tolist() == sorted(lost, reverse=True)


def test_what_cannot_be_evaluated_is_noted(made):
    predictions, manifest = made
    bare = Predictions(predictions.table.assign(captured_at=pd.NaT), predictions.evidence.iloc[:0])
    placeless = manifest.replace(manifest.table.assign(captured_at=pd.NaT, site=None))
    found = evaluate_all(bare, placeless, n_boot=20)
    assert (
        found.events is None
        and "aggregators" not in found.tables
        and list(found.tables["baselines"].index) == ["majority"]
    )
    assert found.clips.top1.low is None
    said = " ".join(found.notes)
    assert "no evidence.parquet" in said and "site and a time" in said and "no motion baseline" in said
    assert not {"events", "records", "events_by_length"} & set(found.to_tables()), "no file without a row"
    assert all(len(table.columns) for table in found.to_tables().values())


def test_clips_of_sites_that_taught_the_model_are_counted(made, found):
    predictions, manifest = made
    assert "does not say what its model learned from" in str(found.clips.taught) and found.clips.n_clips == 300
    sites = sorted(manifest.table["site"].unique())
    split = manifest.table["site"].map({sites[0]: "train", sites[1]: "val"}).fillna("test")
    halved, n_site = manifest.replace(manifest.table.assign(split=split)), 25
    left = evaluate_all(predictions, halved, n_boot=20)
    assert left.clips.n_clips == 300 - 2 * n_site and left.clips.n_without_prediction == 0
    assert len(left.tables["events"]) + 2 * n_site <= 300, "events, mistakes and all other parts too"
    assert left.to_metrics_json()["learned_from"]["clip"] == left.clips.taught.chosen == n_site
    assert f"left out, because the model learned from them: {n_site} clips that it was trained on" in repr(left)
    counted = evaluate_all(predictions, halved, include_training=True, n_boot=20)
    assert counted.clips.n_clips == 300 and "not its accuracy at new sites: among the clips are 25" in repr(counted)
    assert evaluate(predictions, halved, n_boot=0).n_clips == 300 - 2 * n_site
    with pytest.raises(ManifestError, match=r"none is left to judge it(.|\n)*give the folder of the training run"):
        evaluate(predictions, manifest.replace(manifest.table.assign(split="train")))


def test_left_out_species_are_a_part_of_their_own(made):
    predictions, manifest = made
    table = manifest.table.assign(label=manifest.table["label"].replace({"tiger": "boar"}))
    with pytest.raises(ManifestError, match="does not know"):
        evaluate(predictions, manifest.replace(table))
    found = evaluate_all(predictions, manifest.replace(table), outside=["boar"], n_boot=20)
    n_boar = int((table["label"] == "boar").sum())
    assert found.clips.decisions.loc["boar"].sum() == n_boar and found.clips.n_clips == 300 - n_boar
    assert {"msp", "entropy", "which_animal"} <= set(found.tables["novelty"].index)


def test_footage_that_is_not_there_costs_the_motion_and_nothing_else(made, found):
    lost = evaluate_all(*made, footage=True, n_boot=20)
    assert list(lost.tables["aggregators"].index) == list(found.tables["aggregators"].index)
    assert list(lost.tables["baselines"].index) == list(found.tables["baselines"].index)
    assert any("no clip could two frames be compared: no motion baseline" in note for note in lost.notes)
