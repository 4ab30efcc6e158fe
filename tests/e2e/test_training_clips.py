"""No clip judges the model that it taught, however clips are split or hidden, from training to the last verb."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest
from command_line import leopardnet

from leopardnet.bundle.bundle import load_bundle
from leopardnet.compose import load_config
from leopardnet.core.manifest import Manifest

OWN = ("site01", "site02", "site03")  # trained on, and chosen with; nobody has seen site04


def clips_of(labelled):
    """One row for each clip of the labelled footage, with its label."""
    rows = labelled.table[labelled.table["kind"] != "frame"]
    return rows.assign(label=rows["clip_id"].map(labelled.clip_labels()))


@pytest.fixture(scope="module")
def fold_run(labelled, tmp_path_factory):
    """A run with folds over three sites, of which no row has a split."""
    from leopardnet.training.pack.pack import train_bundle

    own = labelled.table[labelled.table["site"].isin(OWN)].assign(split=None)
    config = load_config("train", ["debug=smoke", "validation.n_folds=3"])
    return train_bundle(labelled.replace(own), config, out=tmp_path_factory.mktemp("runs") / "folds")


@pytest.fixture(scope="module")
def offers(labelled, tmp_path_factory):
    """Manifests of the same footage, by how its own clips are hidden; the new site is always called Glade."""
    here, clips = tmp_path_factory.mktemp("offers"), clips_of(labelled)
    place = {**{site: f"Camp {site[-1]}" for site in OWN}, "site04": "Glade"}
    names = clips.assign(site=clips["site"].map(place), split=None, deployment=None)
    manifests = {"renamed sites": Manifest(names, labelled.root)}
    for way, path in {
        "another root": clips["path"],
        "copies": [
            f"{place[s]}/{i} (1){p[-4:]}" for i, (s, p) in enumerate(zip(clips.site, clips.path, strict=True))
        ],
    }.items():
        root = here / way
        for old, new in zip(clips["path"], path, strict=True):
            (root / "card" / new).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(labelled.root / old, root / "card" / new)
        moved = names.drop(columns="clip_id").assign(path=[f"card/{p}" for p in path])
        manifests[way] = Manifest.from_rows(moved, root)
    manifests["as it was"] = labelled
    return {way: m.write(m.root / f"{way}.parquet") for way, m in manifests.items()}


@pytest.fixture(scope="module")
def runs(tiny_run, fold_run):
    return {"split": tiny_run.folder, "folds": fold_run.folder}


WAYS = ("as it was", "renamed sites", "another root", "copies")


@pytest.mark.parametrize("run", ["split", "folds"])
@pytest.mark.parametrize("way", WAYS)
def test_only_clips_of_the_new_site_judge(runs, offers, run, way, tmp_path):
    bundle, manifest = runs[run] / "bundle", offers[way]
    leopardnet("predict", manifest, "--bundle", bundle, "--out", tmp_path / "r", "--sampling", "uniform8")
    rows = Manifest.read(manifest)
    is_new = rows.table["site"].isin(["site04", "Glade"])
    new = set(rows.table.loc[is_new, "clip_id"])
    parts = pd.read_parquet(tmp_path / "r/predictions.parquet").set_index("clip_id")["in_training"]
    assert set(parts[parts == "no"].index) == new and len(new) == 8
    assert ("chosen" in set(parts)) == (run == "split"), "with folds every site is trained on"
    where = [tmp_path / "r", "--manifest", manifest, "--json"]
    out, _ = leopardnet("evaluate", *where, "--n-boot", "0", "--out", tmp_path / "e")
    found = json.loads(out)
    assert found["n_clips"] == 8 and found["n_without_prediction"] == found["n_without_label"] == 0
    left_out = found["learned_from"]
    assert left_out["clip"] + left_out["site"] + left_out["chosen"] == len(parts) - 8
    events = pd.read_csv(tmp_path / "e/events.csv")
    assert events["n_clips"].sum() == 8
    out, _ = leopardnet("thresholds", *where, "--lose", "leopard=0.2", "--out", tmp_path / "t.json", code=3)
    assert json.loads(out)["n_clips"] == 8 and json.loads(out)["n_left_out"] == len(parts) - 8
    out, _ = leopardnet("calibrate", *where, "--bundle", bundle, "--out", tmp_path / "b")
    assert json.loads(out)["calibration"]["n_clips"] == 8
    assert json.loads(out)["left_out"] == left_out
    leopardnet("report", *where[:3], "--bundle", bundle, "--pictures", "0", "--out", tmp_path / "r.html")
    assert "Left out, because the model learned from them" in (tmp_path / "r.html").read_text("utf-8")


def test_where_none_is_left_the_message_says_what_to_do(runs, labelled, tmp_path):
    own = labelled.replace(labelled.table[labelled.table["site"].isin(OWN)]).write(labelled.root / "own.parquet")
    bundle = runs["folds"] / "bundle"
    leopardnet("predict", own, "--bundle", bundle, "--out", tmp_path / "r", "--sampling", "uniform8")
    where = [tmp_path / "r", "--manifest", own]
    for verb, *options in (
        ("evaluate",),
        ("thresholds", "--lose", "leopard=0.2"),
        ("calibrate", "--bundle", bundle),
    ):
        _, err = leopardnet(verb, *where, *options, "--out", tmp_path / "x.json", code=1)
        assert "none is left to judge it" in err and "24 clips that it was trained on" in err
        assert "give the folder of the training run" in err.replace("\n", " ")
    out, _ = leopardnet("evaluate", *where, "--include-training", "--n-boot", "0", "--out", tmp_path / "e")
    assert "With clips that the model learned from" in out
    assert "This is not its accuracy" in out.replace("\n", " ")
    assert "archived unseen?" not in out, "clips that taught the model say nothing of what is lost at new sites"
    leopardnet("report", *where, "--bundle", bundle, "--out", tmp_path / "r.html")
    assert "There are no figures: every labelled clip had a part" in (tmp_path / "r.html").read_text("utf-8")


def test_a_run_with_folds_is_judged_by_its_held_out_scores(runs, labelled, tmp_path):
    own = labelled.replace(labelled.table[labelled.table["site"].isin(OWN)]).write(labelled.root / "held.parquet")
    where = [runs["folds"], "--manifest", own]
    out, _ = leopardnet("evaluate", *where, "--n-boot", "0", "--out", tmp_path / "e", "--json")
    card = json.loads((runs["folds"] / "bundle/card.json").read_text("utf-8"))
    assert json.loads(out)["n_clips"] == card["figures"]["n_clips"] == 24
    assert json.loads(out)["macro_f1"]["value"] == pytest.approx(card["figures"]["macro_f1"]["value"])
    bundle = ["--bundle", runs["folds"] / "bundle", "--new-bundle", tmp_path / "new"]
    out, _ = leopardnet(
        "thresholds", *where, *bundle, "--lose", "leopard=0.2", "--out", tmp_path / "t.json", "--json", code=3
    )
    assert json.loads(out)["n_clips"] == 24 and json.loads(out)["n_left_out"] == 0
    _, err = leopardnet("calibrate", *where, *bundle[:2], "--out", tmp_path / "b", code=1)
    assert "was fitted to these clips already" in err
    _, err = leopardnet("evaluate", runs["split"], "--manifest", own, "--out", tmp_path / "e2", code=1)
    assert "holds no predictions that may judge its model" in err, (
        "one site chose the epoch: no other can judge that"
    )


def test_cards_separate_figures_that_were_chosen_from_figures_that_were_judged(runs):
    cards = {name: (run / "bundle/card.md").read_text("utf-8") for name, run in runs.items()}
    facts = {name: json.loads((run / "bundle/card.json").read_text("utf-8")) for name, run in runs.items()}
    assert "| figure | judged on | chosen on | optimism |" in cards["folds"]
    chosen = facts["folds"]["figures_chosen_on"]["macro-F1"]["value"]
    optimism = facts["folds"]["optimism_of_macro_f1"]
    assert optimism == pytest.approx(chosen - facts["folds"]["figures"]["macro_f1"]["value"], abs=1e-5)
    history = load_bundle(runs["folds"] / "bundle").spec.provenance["history"]
    sure = [row for row in history if row["epoch"] == 0 or row["val_gain"] > row["val_gain_se"]]
    assert chosen == pytest.approx(max(row["val_macro_f1"] for row in sure)), "the best of all epochs"
    said = cards["split"].replace("\n", " ")
    assert "too few sites to choose on some and judge on others" in said and "optimism |" not in said
    assert facts["split"]["optimism_of_macro_f1"] is None
