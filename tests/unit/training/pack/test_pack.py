import json
import shutil

import yaml

from leopardnet.core.settings.training import ADDED_SETTINGS
from leopardnet.training.pack.pack import pack


def test_a_run_folder_of_an_older_version_is_still_packed(tiny_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(tiny_run.folder, run, ignore=shutil.ignore_patterns("bundle", "tensorboard"))
    stored = yaml.safe_load((run / "config.yaml").read_text("utf-8"))
    for group, added in ADDED_SETTINGS.items():
        stored[group] = {k: v for k, v in stored[group].items() if k not in added}
    del stored["validation"], stored["detector"], stored["model"]["gem_p"], stored["decide"]["alerts"]
    (run / "config.yaml").write_text(yaml.safe_dump(stored), "utf-8")
    bundle = pack(run)
    assert bundle.spec.model.gem_p == 1.0 and bundle.spec.decide.alerts == {} and not bundle.spec.detector.is_on
    assert bundle.spec.provenance["config"] == stored, "the settings are noted as they were"


def test_the_card_of_a_run_counts_its_frames_and_sites(tiny_run, labelled):
    card = json.loads((tiny_run.folder / "bundle" / "card.json").read_text("utf-8"))
    seen = labelled.table[labelled.table["split"].isin(["train", "val"])]
    sites = seen.groupby("label")["site"].nunique()
    assert card["conditions"]["sites"] == sites.max() <= 3, "the sites of one label, summed over train and val"
    assert sum(row["n_clips"] for row in card["data"]) == seen["clip_id"].nunique()


def test_the_card_of_a_run_has_figures_by_light_and_no_sizes_without_a_detector(tiny_run):
    figures = json.loads((tiny_run.folder / "bundle" / "card.json").read_text("utf-8"))["figures"]
    known = {x: figures["light"][x]["n_clips"] for x in ("infrared", "colour") if x in figures["light"]}
    assert sum(known.values()) == figures["n_clips"] and figures["light"]["n_unknown"] == 0
    assert figures["box_sizes"] == {}
    assert "By light." in (tiny_run.folder / "bundle" / "card.md").read_text("utf-8")
