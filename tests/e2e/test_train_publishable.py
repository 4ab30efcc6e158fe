"""The recipe of the publishable model, on small made-up folders in the layout of the public sets."""

import importlib.util
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from command_line import leopardnet

from leopardnet.bundle.bundle import load_bundle
from leopardnet.bundle.release.fetch import fetch_bundle, find_release
from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.settings.validate import validate

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "train_publishable.py"
N_SITES = 4


@pytest.fixture
def script(monkeypatch):
    """The script, whose commands run in this process."""
    spec = importlib.util.spec_from_file_location("train_publishable", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # where its settings look up each other
    spec.loader.exec_module(module)
    module.said = []

    def run_verb(*words):
        code = 3 if words[0] == "thresholds" else 0  # so few pictures support no guarantee
        options = ("--workers", "0") if words[0] == "predict" else ()
        module.said.append((words, leopardnet(*words, *options, code=code)))
        return code

    monkeypatch.setattr(module, "run_verb", run_verb)
    return module


def draw(path, rng):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), rng.integers(0, 256, (60, 80, 3), dtype=np.uint8))


@pytest.fixture
def data(tmp_path, rng):
    """NTLNP: two folders of Pascal VOC. Caltech: one JSON and one folder; its last picture was not downloaded."""
    room = tmp_path / "public"
    for species, part in {
        "AmurLeopard": "voc_night",
        "AmurTiger": "voc_day",
        "Sika": "voc_day",
        "Boar": "voc_day",
    }.items():
        for i in range(N_SITES):
            stem = f"{species.lower()}{i}_1_1"
            draw(room / "NTLNP" / part / "JPEGImages" / f"{stem}.jpg", rng)
            xml = room / "NTLNP" / part / "Annotations" / f"{stem}.xml"
            xml.parent.mkdir(parents=True, exist_ok=True)
            box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox>"
            size = "<size><width>80</width><height>60</height><depth>3</depth></size>"
            xml.write_text(f"<annotation>{size}<object><name>{species}</name>{box}</object></annotation>")
    categories = {"empty": 30, "car": 33, "deer": 34}
    pictures = [(f"{name}{i}", name, i % N_SITES) for name in categories for i in range(2 * N_SITES)]
    for stem, *_ in pictures[:-1]:
        draw(room / "caltech" / "cct_images" / f"{stem}.jpg", rng)
    images = [
        {"id": stem, "file_name": f"{stem}.jpg", "location": str(at), "seq_id": stem} for stem, _, at in pictures
    ]
    labels = {
        "images": images,
        "categories": [{"id": i, "name": name} for name, i in categories.items()],
        "annotations": [{"id": f"a{s}", "image_id": s, "category_id": categories[name]} for s, name, _ in pictures],
    }
    (room / "caltech" / "caltech_images_20210113.json").write_text(json.dumps(labels))
    return room


@pytest.fixture
def recipe(script):
    """The shipped recipe with a pattern for the made-up names, one picture per site and label, a tiny network."""
    shipped = yaml.safe_load(script.RECIPE.read_text("utf-8"))
    for public in shipped["sets"]:
        public["max_per_site_and_label"] = 1
    shipped["sets"][0]["site_from"] = "{ignore}/JPEGImages/{site}_{sequence}_{ignore}"
    shipped["settings"] = ["labels=amur_other", "debug=smoke"]
    return validate(script.Recipe, shipped, where="recipe")


@pytest.mark.slow
def test_from_the_sets_to_an_archive_that_others_can_fetch(script, recipe, data, tmp_path):
    archive = script.train(recipe, data, tmp_path / "out")
    rows = pd.read_parquet(tmp_path / "out" / "manifest.parquet")
    counts = rows["label"].value_counts().to_dict()
    # of each Caltech location one of two empty pictures and one of two deer; boars and deer are `other`; no cars
    assert counts == {"leopard": 4, "tiger": 4, "sika_deer": 4, "other": 8, "empty": 4}
    assert rows.groupby("site")["split"].nunique().eq(1).all() and set(rows["split"]) == {"train", "val", "test"}
    assert {"amurleopard0", "0"} <= set(rows["site"])
    sources = pd.read_csv(tmp_path / "out" / "sources.csv").set_index("name")
    assert sources["licence"].to_dict() == {"ntlnp": "CC BY 4.0", "caltech": "CDLA-Permissive-1.0"}
    counted = sources.loc["caltech", ["rows", "without_label", "without_file", "used", "sites"]]
    assert counted.tolist() == [24, 8, 1, 8, 4]

    words, (printed, _) = script.said[-1]
    assert words[:3] == ("bundle", "archive", tmp_path / "out" / "run" / "bundle")
    entry = yaml.safe_load(printed)[0]
    for stated in ("ntlnp: CC BY 4.0", "caltech: CDLA-Permissive-1.0", "Tan et al. 2022"):
        assert stated in entry["licence"]
    assert "CN, US" in entry["trained_on"]
    bundle = fetch_bundle(find_release(str(archive), entry["sha256"], {}), tmp_path / "fetched")
    assert bundle.id == load_bundle(tmp_path / "out" / "run" / "bundle").id
    assert "CDLA-Permissive-1.0" in (tmp_path / "fetched" / "card.md").read_text("utf-8")


def test_a_missing_set_is_named_with_what_to_do(script, recipe, data, tmp_path):
    (data / "caltech" / "caltech_images_20210113.json").unlink()
    with pytest.raises(ManifestError, match=r"a set is missing(.|\n)*caltech_images_20210113\.json(.|\n)*--recipe"):
        script.train(recipe, data, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_recipe_that_is_no_file_or_no_recipe_is_refused(script, tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.yaml(.|\n)*No such file(.|\n)*--recipe"):
        script.read_recipe(tmp_path / "gone.yaml")
    (tmp_path / "odd.yaml").write_text("sets: [")
    with pytest.raises(ConfigError, match=r"cannot be read(.|\n)*odd\.yaml"):
        script.read_recipe(tmp_path / "odd.yaml")
    (tmp_path / "empty.yaml").write_text("")
    with pytest.raises(ConfigError, match=r"empty\.yaml"):
        script.read_recipe(tmp_path / "empty.yaml")


def test_a_set_without_sites_is_refused_because_its_figures_would_mean_nothing(script, data, tmp_path):
    shipped = validate(script.Recipe, yaml.safe_load(script.RECIPE.read_text("utf-8")), where="recipe")
    with pytest.raises(
        ManifestError, match=r"ntlnp(.|\n)*16 of them with a file, none of these with a site(.|\n)*site_from"
    ):
        script.train(shipped, data, tmp_path / "out")


def test_a_set_without_a_licence_is_no_set(script):
    shipped = yaml.safe_load(script.RECIPE.read_text("utf-8"))
    shipped["sets"][1]["licence"] = ""
    with pytest.raises(ConfigError, match="licence"):
        validate(script.Recipe, shipped, where="recipe")
