"""The card holds the figures, says how they were obtained, and never leaves the reader with a number alone."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from leopardnet.bundle.bundle import BundleSpec
from leopardnet.bundle.model_card.card import card_json, model_card
from leopardnet.compose import load_config
from leopardnet.metrics.bootstrap import Estimate
from leopardnet.metrics.conditions.conditions import evaluate_conditions
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.calibrate import Calibration
from leopardnet.score.presence_shift import PresenceShift

HOW = "On held-out validation sites."
DATA = pd.DataFrame(
    {
        "label": ["leopard", "empty"],
        "split": ["train", "val"],
        "n_frames": [30, 8],
        "n_clips": [12, 8],
        "n_sites": [5, 2],
    }
)


def spec(**changed):
    config = load_config("train", ["experiment=real_dev", "labels=amur"])
    values = {
        "name": "amur-one",
        "labels": config.labels,
        "model": config.model,
        "preprocess": config.preprocess,
        "sampling": config.sampling,
        "aggregate": config.aggregate,
        "calibration": Calibration(1.25, 40, 4, ""),
        "decide": config.decide,
        "provenance": {"leopardnet": "0.1.0", "config": config.model_dump(mode="json")},
    }
    return BundleSpec(**values | changed)


def evaluation(sites=("a", "a", "b", "b"), **options):
    """Four clips: two leopards, of which one is called empty, and two empty ones that are right."""
    truth = pd.Series({"1": "leopard", "2": "leopard", "3": "empty", "4": "empty"})
    said = ["leopard", "empty", "empty", "empty"]
    p = pd.DataFrame({"clip_id": list(truth.index), "site": list(sites), "decision": said})
    p["rule"] = ["species", "empty", "empty", "empty"]
    for name in ("leopard", "tiger", "sika_deer", "empty"):
        p[f"p_{name}"] = [0.7 if name == x else 0.1 for x in said]
    return evaluate_clips(LabelledClips.from_tables(p, truth), targets=["leopard"], **options)


def section(card, title):
    return card.split(f"## {title}\n")[1].split("\n## ")[0]


def test_the_figures_are_those_of_the_evaluation_worked_out_by_hand():
    figures = section(model_card(spec(), DATA, evaluation=evaluation(n_boot=0), how=HOW), "Figures")
    # leopard: precision 1 of 1, recall 1 of 2, F1 2/3; empty: precision 2 of 3, recall 2 of 2, F1 0.8; in both, one
    # of the two positives ranks above both others and one ties, or each is above one and ties with the other: 3/4
    assert "**Macro-F1 0.73**" in figures and "top-1 0.75" in figures
    assert "| leopard | 2 | 1.00 | 0.50 | 0.67 | 0.75 | 0.03 |" in figures, (
        "1 - 0.95 ** (1 / 2) = 0.025 is the bound"
    )
    assert "| empty | 2 | 0.67 | 1.00 | 0.80 | 0.75 | 0.22 |" in figures, "0.05 ** (1 / 2) = 0.224 is the bound"
    assert "Clips of leopard that were called empty: 1 of 2." in figures
    assert "The model's only labels for animals: leopard, tiger, sika_deer; no clip here shows tiger," in figures
    assert "tiger that were called empty" not in figures, "no clip of it was there to be lost"
    order = ("- Names of animals: 1 given, 1 of them right", "- Empty clips archived: 2 of 2", "- Clips of leopard")
    order = (*order, "- Left to look at: ", "| leopard | 2 | 1 | 1.00 | 0.50 |", "By the likeliest label")
    assert sorted(map(figures.index, order)) == [*map(figures.index, order)], "what is said comes first"
    assert "| tiger |" not in figures, "a label of no clip, that was never said, has no row"
    assert HOW in figures
    assert "| leopard | 1 | 1 |" in figures and "| empty | 0 | 2 |" in figures, "what was said"


def test_a_model_without_leopards_says_so_and_where_nothing_was_called_empty_nothing_lost_is_no_good_news():
    labels = load_config("train", ["experiment=real_dev", "labels=amur"]).labels
    others = labels.model_copy(update={"labels": labels.labels[1:], "targets": ()})
    said = section(model_card(spec(labels=others), DATA), "Labels")
    assert "**This model has no label leopard**" in said
    assert "no label leopard" not in model_card(spec(), DATA)
    judged = evaluation(n_boot=0)
    none_empty = replace(judged, archive=replace(judged.archive, n_archived=0, n_empty_archived=0))
    assert card_json(spec(), DATA, evaluation=none_empty)["says"][1:3] == [
        "Empty clips archived: 0 of 2, 1.000",
        "No clip was called empty, so none was lost that way",
    ]
    assert card_json(spec(), DATA)["says"] == []


def test_figures_that_were_chosen_stand_beside_those_that_were_judged():
    judged, other = evaluation(n_boot=0), evaluation(sites="abcd", n_boot=0)
    chosen = replace(other, macro_f1=Estimate(0.8))
    figures = section(model_card(spec(), DATA, evaluation=judged, chosen_on=chosen, how=HOW), "Figures")
    assert "| macro-F1 | 0.73 | 0.80 | +0.067 |" in figures and "| top-1 | 0.75 | 0.75 | +0.000 |" in figures
    worse = replace(other, ece=Estimate(judged.ece.value + 0.02), brier=Estimate(judged.brier.value - 0.01))
    figures = section(model_card(spec(), DATA, evaluation=judged, chosen_on=worse, how=HOW), "Figures")
    optimism = {row.split(" | ")[0]: row.split(" | ")[-1] for row in figures.splitlines() if row.count(" | ") == 3}
    assert optimism["| ECE"] == "-0.020 |", "more error is worse: no flattery"
    assert optimism["| Brier"] == "+0.010 |", "less error looks better"
    plain = card_json(spec(), DATA, evaluation=judged, chosen_on=chosen)
    assert plain["optimism_of_macro_f1"] == pytest.approx(0.8 - (2 / 3 + 0.8) / 2, abs=1e-6)
    assert plain["figures_chosen_on"]["macro-F1"]["value"] == 0.8
    alone = card_json(spec(), DATA, evaluation=judged, chosen_on=judged)
    assert alone["optimism_of_macro_f1"] is None, "there is nothing to compare with"
    assert "optimism" not in model_card(spec(), DATA, evaluation=judged, chosen_on=judged)
    assert card_json(spec(), DATA)["figures_chosen_on"] is None


def test_intervals_stand_behind_the_figures_and_few_sites_are_called_few():
    figures = section(model_card(spec(), DATA, evaluation=evaluation(), how=HOW), "Figures")
    assert "a bootstrap over 2 sites; that is few" in figures
    assert figures.count("not demonstrated") >= 6, "two sites hardly show anything"


def test_one_site_gives_no_intervals_and_says_why():
    figures = section(model_card(spec(), DATA, evaluation=evaluation(sites="aaaa"), how=HOW), "Figures")
    assert "There are no intervals: all clips are of one site." in figures
    assert " to 0." not in figures and " to 1." not in figures


def test_without_an_evaluation_there_is_no_figure():
    card = model_card(spec(), DATA)
    assert (
        section(card, "Figures").strip()
        == "None: the model was not evaluated on clips other than those it was trained on."
    )
    assert card_json(spec(), DATA)["figures"] is None


def test_data_stand_by_label_and_split_with_their_sites():
    data = section(model_card(spec(), DATA), "Data")
    assert "| label | split | frames | clips | sites |" in data
    assert "| leopard | train | 30 | 12 | 5 |" in data and "| empty | val | 8 | 8 | 2 |" in data
    assert section(model_card(spec(), DATA[:0]), "Data").strip().startswith("Not stated.")


def test_conditions_say_what_is_known_and_what_nobody_recorded():
    rows = pd.concat([DATA, DATA.iloc[[0]].assign(split="val", n_sites=3)])
    conditions = section(model_card(spec(), rows, evaluation=evaluation(n_boot=0)), "Conditions")
    assert "at most 8 for one label" in conditions and "Sites behind the figures: 2 sites." in conditions
    assert "seasons" in conditions and "not recorded" in conditions
    assert "Sites: not stated." in section(model_card(spec(), DATA[:0]), "Conditions")
    assert card_json(spec(), rows)["conditions"] == {
        "sites": 8,
        "day_and_night": None,
        "seasons": None,
        "cameras": None,
    }


def test_countries_and_terms_of_the_data_stand_there_where_somebody_stated_them():
    config = spec().provenance["config"]
    told = spec(
        provenance={"config": config | {"experiment": {"countries": "RU, CN", "data_licence": "CC BY 4.0"}}}
    )
    card = model_card(told, DATA)
    assert "Countries: RU, CN." in section(card, "Data") and "Training data: CC BY 4.0." in section(
        card, "Licences"
    )
    plain = card_json(told, DATA)
    assert plain["countries"] == "RU, CN" and plain["licences"]["training_data"] == "CC BY 4.0"
    silent = model_card(spec(), DATA)
    assert "Countries: not stated" in silent and "Training data: not stated" in silent
    assert card_json(spec(), DATA)["countries"] is None


def test_licences_limits_and_settings_are_there():
    card = model_card(spec(), DATA)
    assert "Backbone weights: Apache-2.0" in section(card, "Licences")
    assert "non-commercial" in section(card, "Licences")
    assert "delete or skip footage unseen" in section(card, "What it must not be used for")
    assert "Temperature 1.250, from 40 clips of 4 sites (not calibrated: at least 5 sites are needed)." in section(
        card, "Calibration"
    )
    assert "lr " in section(card, "How it was trained") and "Question: " in section(card, "How it was trained")
    assert "leopard (*Panthera pardus*)" in card


def test_what_is_done_for_targets_stands_beside_how_many_were_called_empty_all_the_same():
    said = section(model_card(spec(), DATA, evaluation=evaluation(n_boot=0)), "Labels")
    assert "Targets: leopard. A clip in which one reaches its alert threshold" in said
    assert "it may be: that happened to 1 of 2 clips of leopard behind the figures." in said
    assert "it may be; no figure says how often." in section(model_card(spec(), DATA), "Labels")
    config = spec().labels
    assert "Targets: none." in section(
        model_card(spec(labels=config.model_copy(update={"targets": ()})), DATA), "Labels"
    )


def trained(kept, *, mode="finetune", **more):
    """A bundle of a run of two epochs, of which one was kept; 0 is the start."""
    config = spec().provenance["config"]
    optim = config["optim"] | {"mode": mode, "epochs": 2, "lr": 0.0005, "probe_c": 0.0004}
    history = [{"epoch": i} for i in range(3 if mode != "probe" else 1)]
    return spec(provenance={"config": config | {"optim": optim}, "history": history, "kept_epoch": kept} | more)


def test_the_settings_are_those_behind_the_weights_that_were_kept():
    said = section(model_card(trained(0), DATA), "How it was trained")
    assert "The model is the probe" in said and "2 epochs of fine-tuning tried, none kept" in said
    assert "probe_c 0.0004" in said, "the probe has settings, too"
    assert not any(x in said for x in ("lr ", "finetune", "epochs 2", "label_smoothing", "Augment"))
    plain = card_json(trained(0), DATA)["training"]
    assert "lr" not in plain["optim"] and plain["loss"] == {}
    tuned = section(model_card(trained(1), DATA), "How it was trained")
    assert "after epoch 1 of fine-tuning, of 2 epochs that were compared" in tuned and "lr 0.0005" in tuned
    assert "label_smoothing" in tuned and "Augment" in tuned
    alone = section(model_card(trained(0, mode="probe"), DATA), "How it was trained")
    assert "The model is the probe" in alone and "tried" not in alone
    scratch = section(model_card(trained(2, mode="scratch"), DATA), "How it was trained")
    assert "after epoch 2 of training from random weights" in scratch and "fine-tuning" not in scratch
    again = section(model_card(trained(0, goes_on_from="0123456789ab"), DATA), "How it was trained")
    assert "The model is the one that it goes on from" in again and "the probe" not in again


@pytest.mark.parametrize("provenance", [{}, {"config": None}, {"config": {"optim": {}}}])
def test_a_bundle_of_another_version_without_settings_has_a_card_all_the_same(provenance):
    assert "Not stated." in section(model_card(spec(provenance=provenance), DATA), "How it was trained")


def test_a_shift_of_presence_is_told():
    shift = PresenceShift(0.5, -0.25, (1, 16), {"still": 0.1})
    said = section(model_card(spec(calibration=Calibration(1.25, 400, 12, "", shift=shift)), DATA), "Calibration")
    assert (
        "Temperature 1.250, from 400 clips of 12 sites; presence +0.50 in log-odds (still +0.10), -0.25 for each "
        "doubling of the number of frames from 1 to 16." in said
    )


def test_the_reason_of_a_temperature_is_told():
    card = model_card(spec(calibration=Calibration(1.0, 9, 1, "too few clips.")), DATA)
    assert "from 9 clips of 1 sites (not calibrated: at least 5 sites are needed; too few clips)." in section(
        card, "Calibration"
    )


@pytest.mark.parametrize("judged", [None, evaluation(), evaluation(sites="aaaa")])
def test_the_card_as_json_is_plain_and_says_the_same(judged):
    data = DATA.assign(n_sites=[5, float("nan")])
    card = json.loads(json.dumps(card_json(spec(), data, evaluation=judged, how=HOW), allow_nan=False))
    assert card["data"][0] == {"label": "leopard", "split": "train", "n_frames": 30, "n_clips": 12, "n_sites": 5.0}
    assert card["data"][1]["n_sites"] is None
    assert card["figures_obtained"] == HOW and card["calibration"]["temperature"] == 1.25
    assert card["licences"]["weights"].startswith("Apache-2.0") and len(card["must_not_be_used_for"]) > 3
    if judged:
        assert card["figures"]["per_label"]["leopard"]["recall"]["value"] == 0.5
        assert card["figures"]["target_lost"] == {"leopard": 1}


# --- conditions ---


def conditions(**columns):
    """The four clips, of one frame each."""
    truth = pd.Series({"1": "leopard", "2": "leopard", "3": "empty", "4": "empty"})
    table = pd.DataFrame({"clip_id": list(truth.index), "site": list("aabb"), "rule": ["species", *["empty"] * 3]})
    table["decision"] = ["leopard", *["empty"] * 3]
    for name in ("leopard", "empty"):
        table[f"p_{name}"] = [0.9 if name == x else 0.1 for x in table["decision"]]
    clips = LabelledClips.from_tables(table, truth)
    frames = pd.DataFrame({"clip_id": table["clip_id"], **columns})
    return replace(evaluation(), conditions=evaluate_conditions(clips, frames, n_boot=0))


def test_figures_stand_by_light_and_by_size_of_the_animal():
    boxes = ['[{"xyxy": [0, 0, 0.5, 0.5], "score": 0.9}]', "[]", "[]", "[]"]
    found = conditions(colour=[20.0, 0.0, 20.0, 0.0], boxes=boxes)
    card, plain = model_card(spec(), DATA, evaluation=found), card_json(spec(), DATA, evaluation=found)
    figures = section(card, "Figures")
    assert "| leopard: named right | 0 of 1, 1 lost | 1 of 1, 0 lost |" in figures
    # by night empty is said of both clips, by day all is right: F1 0 and 2/3 against 1 and 1
    assert "over leopard, empty: -0.67" in figures
    assert "| 20 % or more | 1 | 1 | 0 |" in figures and "| no box | 1 | 0 | 1 |" in figures
    assert "Light of the clips behind the figures: infrared 2, colour 2." in section(card, "Conditions")
    assert "Day and night" not in section(card, "Conditions")
    assert plain["conditions"]["day_and_night"] == {"infrared": 2, "colour": 2}
    assert plain["figures"]["light"]["infrared"]["labels"]["leopard"] == {
        "n_clips": 1,
        "n_right": 0,
        "n_archived": 1,
    }
    assert plain["figures"]["box_sizes"]["no box"]["n_archived"] == 1


def test_older_runs_say_that_the_light_is_not_known():
    card = model_card(spec(), DATA, evaluation=conditions())
    assert "No figures by light: it is not recorded" in section(card, "Figures")
    assert "Day and night, seasons" in section(card, "Conditions") and "box covers" not in card
    assert card_json(spec(), DATA, evaluation=conditions())["conditions"]["day_and_night"] is None
