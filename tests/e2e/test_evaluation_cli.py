"""evaluate, events, thresholds and calibrate as commands: what they print, write, refuse, and how they end."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest
from command_line import leopardnet

from leopardnet.bundle.bundle import load_bundle
from leopardnet.bundle.promises import read_promises
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id
from simulated_clips import simulate_clips


@pytest.fixture(scope="module")
def made(tiny_bundle, tmp_path_factory):
    """A folder with results and a manifest of 30 sites, as if the tiny bundle had said so."""
    here = tmp_path_factory.mktemp("judging")
    predictions, manifest = simulate_clips(here, n_sites=30, per_site=40, strength=1.5, bundle_id=tiny_bundle.id)
    predictions.write(here / "results")
    manifest.write(here / "m.parquet")
    return here


def test_evaluate_answers_on_one_page_what_may_be_archived(made):
    pd.read_parquet(made / "m.parquet").assign(split="test").to_parquet(made / "test.parquet")
    where = ["evaluate", made / "results", "--manifest", made / "test.parquet", "--n-boot", "50"]
    out, err = leopardnet(*where, "--out", made / "eval")
    lines = out.rstrip().splitlines()
    assert len(lines) <= 25 and max(map(len, lines)) <= 100
    assert lines[0] == "1200 labelled clips from 30 sites."
    places = [
        out.index(x) for x in ("archived unseen?", "leopardnet thresholds", "Names of", "Left to", "macro-F1")
    ]
    assert places == sorted(places) and "majority" not in out and "motion" not in err
    metrics = json.loads((made / "eval/metrics.json").read_text())
    assert next(iter(metrics)) == "archive" and "baselines" not in metrics and "aggregators" not in metrics
    assert not (made / "eval/baselines.csv").exists() and (made / "eval/names.csv").exists()
    said = " ".join(lines)
    assert (
        "(1) of all clips, holds if no site is unlike those labelled; (2) mean over sites, holds whatever" in said
    )
    lost = metrics["archive"]["losses"][0]
    assert re.search(rf"leopard +{lost['n_lost']} +{lost['n_clips']} +{lost['n_events']} +30 ", out)
    assert lost["n_events"] < lost["n_clips"]


def test_evaluate_judges_clips_events_parts_and_baselines(made):
    options = ["--full", "--by", "site", "--by", "daytime", "--gap-minutes", "5", "--n-boot", "50"]
    out, err = leopardnet(
        "evaluate", made / "results", "--manifest", made / "m.parquet", *options, "--out", made / "eval"
    )
    assert "Baselines" in out and "majority" in out and "noisy_or" in out and "Clips by site" in out
    assert "Events by number of clips" in out
    assert "empty clips removed while 95% of the animals are kept" in err and "no motion baseline" in err
    metrics = json.loads((made / "eval/metrics.json").read_text())
    assert metrics["n_clips"] == 1200 and len(metrics["slices"]["site"]) == 30
    assert metrics["events"]["n_clips"] == 1200, "ten minutes apart, every clip is an event"
    assert list(metrics["events_by_length"]) == ["1"] and metrics["events_by_length"]["1"]["n_events"] == 1200


def test_copies_are_counted_once_and_said(made):
    table, rows = pd.read_parquet(made / "results/predictions.parquet"), pd.read_parquet(made / "m.parquet")
    paths = "copy/" + table["path"].head(90)
    ids = paths.map(clip_id)
    folder = made / "copied"
    folder.mkdir()
    pd.concat([table, table.head(90).assign(path=paths, clip_id=ids)]).to_parquet(folder / "predictions.parquet")
    pd.concat([rows, rows.head(90).assign(path=paths, clip_id=ids)]).to_parquet(made / "c.parquet")
    out, _ = leopardnet("evaluate", folder, "--manifest", made / "c.parquet", "--n-boot", "20", "--out", made / "e")
    assert "1200 labelled clips from 30 sites; copies of other clips, counted once: 90." in out


def test_events_hold_every_clip(made):
    out, _ = leopardnet("events", made / "results", "--mode", "fixed", "--out", made / "events.csv", "--json")
    said = json.loads(out)
    table = pd.read_csv(made / "events.csv")
    # 40 clips ten minutes apart, three to an event of half an hour: 14 at each of 30 sites
    assert said["n_events"] == len(table) == 30 * 14 and table["n_clips"].sum() == said["n_clips"] == 1200
    assert sum(said["decisions"].values()) == len(table)


def test_a_promise_that_holds_ends_with_0_and_makes_a_new_bundle(made, tiny_bundle):
    new = ["--bundle", tiny_bundle.folder, "--new-bundle", made / "kept"]
    where = [made / "results", "--manifest", made / "m.parquet"]
    leopardnet(
        "thresholds", *where, "--lose", "leopard=0.2", "--level", "like_sites", *new, "--out", made / "t.json"
    )
    found = json.loads((made / "t.json").read_text())
    assert found["level"] == "like_sites" and found["promises"][0]["n_sites"] == 30
    assert found["is_kept"] and found["bundle_id"] == tiny_bundle.id and 0 < found["unseen"]["value"] < 1
    bundle = load_bundle(made / "kept")
    assert "holds if no site is unlike those labelled" in (bundle.folder / "card.md").read_text("utf-8")
    leopardnet(
        "thresholds", *where, "--lose", "leopard=0.05", "--level", "any_sites", "--out", made / "u.json", code=3
    )
    assert json.loads((made / "u.json").read_text())["promises"][0]["levels"]["any_sites"]["n_sites_needed"] == 59
    assert bundle.id != tiny_bundle.id and bundle.spec.decide.alerts == found["decide"]["alerts"] != {}


def test_a_promise_that_cannot_be_demonstrated_ends_with_3_and_says_what_is_missing(made):
    where = [made / "results", "--manifest", made / "m.parquet"]
    _, err = leopardnet("thresholds", *where, "--lose", "leopard=0.001", "--out", made / "no.json", code=3)
    assert (
        "holds whatever sites do: cannot be demonstrated" in err and "sites with leopard clips, you have 30" in err
    )
    assert err.count(": no clip") == 2, "at neither level"
    assert json.loads((made / "no.json").read_text())["unseen"] is None


def test_calibrate_writes_a_bundle_with_a_temperature_of_its_own(made, tiny_bundle):
    where = [made / "results", "--manifest", made / "m.parquet", "--bundle", tiny_bundle.folder]
    out, _ = leopardnet("calibrate", *where, "--lose", "leopard=0.2", "--out", made / "again", "--json")
    said, bundle = json.loads(out), load_bundle(made / "again")
    assert said["bundle_id"] == bundle.id and said["calibration"]["n_sites"] == 30
    assert bundle.spec.calibration.temperature == said["calibration"]["temperature"] != 1.0
    assert said["ece_after"]["value"] < said["ece_before"]["value"]
    _, err = leopardnet("calibrate", *where, "--out", made / "again", code=1)
    assert "this folder exists already" in err and "Traceback" not in err


def test_calibrate_promises_again_what_the_model_had_promised_or_says_that_it_is_dropped(tiny_bundle, tmp_path):
    """Four sites cannot promise what thirty did; the old threshold, of another temperature, must not stay."""
    for name, n_sites in (("many", 30), ("few", 4)):
        results, manifest = simulate_clips(
            tmp_path, n_sites=n_sites, per_site=40, bundle_id=tiny_bundle.id, strength=1.0, sharpness=4.0
        )
        if name == "many":
            results.write(tmp_path / "first")
            manifest.write(tmp_path / "first.parquet")
            where = [tmp_path / "first", "--manifest", tmp_path / "first.parquet", "--bundle", tiny_bundle.folder]
            lose = ["--lose", "leopard=0.2", "--new-bundle", tmp_path / "promised", "--out", tmp_path / "t.json"]
            leopardnet("thresholds", *where, *lose)
        promised = load_bundle(tmp_path / "promised")
        Predictions(results.table.assign(bundle_id=promised.id), results.evidence).write(tmp_path / name)
        manifest.write(tmp_path / f"{name}.parquet")
    before = read_promises(promised.spec)[0]

    where = [tmp_path / "many", "--manifest", tmp_path / "many.parquet", "--bundle", promised.folder]
    out, _ = leopardnet("calibrate", *where, "--out", tmp_path / "again", "--json")
    (after,) = read_promises(load_bundle(tmp_path / "again").spec)
    assert json.loads(out)["dropped"] == [] and json.loads(out)["thresholds"]["is_kept"]
    assert (after["max_miss"], after["level"]) == (before["max_miss"], before["level"]) == (0.2, "any_sites")
    assert after["threshold"] != before["threshold"]

    where = [tmp_path / "few", "--manifest", tmp_path / "few.parquet", "--bundle", promised.folder]
    for name, more in (("renewed", []), ("asked", ["--lose", "leopard=0.2"])):
        _, err = leopardnet("calibrate", *where, *more, "--out", tmp_path / name, code=3)
        bundle = load_bundle(tmp_path / name)
        assert "Dropped: at most 0.2 of leopard clips missed." in err and "the alert is at 0.1." in err
        assert bundle.spec.decide == tiny_bundle.spec.decide and read_promises(bundle.spec) == []


def test_strangers_lose_names_and_known_animals_keep_theirs(made, tiny_bundle):
    """Deer are boars to the manifest: labels that the model does not know, refused unless they are named."""
    table = pd.read_parquet(made / "m.parquet")
    strangers = table.assign(label=table["label"].replace("sika_deer", "boar"))
    strangers.to_parquet(made / "boars.parquet")
    where = [made / "results", "--manifest", made / "boars.parquet", "--keep-names", "0.9"]
    _, err = leopardnet("thresholds", *where, "--out", made / "n.json", code=1)
    assert "--outside" in err and "'boar'" in err
    _, err = leopardnet("thresholds", *where, "--outside", "boar", "--out", made / "n.json")
    assert "strangers named" in err and "archived" not in err
    among = json.loads((made / "n.json").read_text())["decide"]["among"]
    new = ["--bundle", tiny_bundle.folder, "--outside", "boar", "--out", made / "named"]
    leopardnet("calibrate", *where, *new)
    bundle = load_bundle(made / "named")
    assert 0.5 < among < 1 and 0.5 < bundle.spec.decide.among < 1
    assert "strangers named" in (bundle.folder / "card.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("verb", "options", "code", "words"),
    [
        ("thresholds", ["--lose", "leopard"], 1, "this is not a tolerable loss"),
        ("thresholds", ["--lose", "lynx=0.01"], 1, "no loss can be guaranteed for this label"),
        ("thresholds", ["--lose", "leopard=2"], 1, "this is not a tolerable loss"),
        ("thresholds", [], 1, "there is nothing to guarantee"),
        ("thresholds", ["--lose", "leopard=0.1", "--new-bundle", "x"], 2, "--new-bundle"),
        ("thresholds", ["--keep-names", "1.5"], 2, "--keep-names"),
        ("evaluate", ["--shortcuts", "3"], 1, "testing for shortcuts needs the model"),
        ("evaluate", ["--outside", "boar"], 1, "no clip shows a species that was left out"),
        ("evaluate", ["--by", "weather"], 1, "no column of this name"),
        ("evaluate", ["--by", "box_size"], 1, "no frame on which a detector was run"),
    ],
)
def test_a_mistake_gets_one_message(made, tmp_path, verb, options, code, words):
    where = [made / "results", "--manifest", made / "m.parquet", "--out", tmp_path / "o.json"]
    _, err = leopardnet(verb, *where, *options, code=code)
    assert words in err and "Traceback" not in err and not (tmp_path / "o.json").exists()
