"""Independent labels from the first step to the last: clips of two species are learnt, named and written as two."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pandas as pd
import pytest

from leopardnet.bundle.bundle import load_bundle
from leopardnet.compose import load_config
from leopardnet.core.errors import ConfigError
from leopardnet.core.predictions import Predictions
from leopardnet.data.formats.camtrap_dp.lint import lint_camtrap_dp
from leopardnet.data.formats.csv_table import read_csv_table
from leopardnet.evaluation.full_evaluation import evaluate_all
from leopardnet.evaluation.recalibrate import recalibrate
from leopardnet.evaluation.thresholds import find_thresholds
from leopardnet.evaluation.write_evaluation import write_evaluation
from leopardnet.export.sort_copies import plan_copies
from leopardnet.export.write_results import write
from leopardnet.infer.predict_footage import predict
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.report.summarise import summarise
from leopardnet.synth import FootageSpec, plan_site, render_clip
from leopardnet.training.pack.pack import train_bundle

NAMES = {"leopard": "leopard", "sika_deer": "sika deer", "empty": "empty"}
TINTS = {"leopard": (1.5, 1.0, 0.4), "sika_deer": (0.4, 1.0, 1.5), "empty": (1.0, 1.0, 1.0)}
BOTH = "leopard + sika_deer"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Rendered stills of seven sites, tinted by species so that a network of a few weights can tell them apart.

    A still of two species is the left half of one still beside the right half of another.
    """
    root, rows = tmp_path_factory.mktemp("pictures"), []
    spec = FootageSpec(
        seed=5, n_sites=7, clips_per_site=0, stills_per_site=3, width_px=96, height_px=64, labels=tuple(NAMES),
        night_share=0.0, occluded_share=0.0, width_fraction=(0.6, 0.8),
    )  # fmt: skip
    for i_site in range(spec.n_sites):
        stills = {name: [] for name in NAMES}
        for plan in plan_site(spec, i_site):
            pixels = render_clip(spec, i_site, plan.i_clip).pixels[0]
            tinted = np.clip(pixels * np.array(TINTS[plan.label]), 0, 255).astype(np.uint8)
            stills[plan.label] += [tinted, tinted[:, ::-1]]
        site = f"site{i_site}"
        rows += [(f"{site}/{x}{i}.jpg", NAMES[x], site, still) for x in NAMES for i, still in enumerate(stills[x])]
        for i, (one, other) in enumerate(zip(stills["leopard"], stills["sika_deer"], strict=True)):
            both = np.concatenate([one[:, :48], other[:, 48:]], axis=1)
            rows.append((f"{site}/both{i}.jpg", "leopard + sika deer", site, both))
    for path, _, _, pixels in rows:
        (root / path).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(root / path), pixels[..., ::-1])
    table = pd.DataFrame([row[:3] for row in rows], columns=["path", "species", "site"])
    table.assign(time="2024-05-01 10:00:00").to_csv(root / "labels.csv", index=False)
    return root


@pytest.fixture(scope="module")
def manifest(pictures):
    columns = {"path": "path", "label": "species", "site": "site", "captured_at": "time"}
    found = read_csv_table(pictures / "labels.csv", root=pictures, columns=columns, time_zone="+10:00").manifest
    side = dict(zip(sorted(set(found.table["site"])), ["train"] * 3 + ["val"] * 3 + ["test"], strict=True))
    return found.replace(found.table.assign(split=found.table["site"].map(side)))


@pytest.fixture(scope="module")
def bundle(manifest, tmp_path_factory):
    """A probe of the tiny network, fitted to independent labels."""
    settings = ["debug=smoke", "optim=probe", "optim.probe_c=1.0", "labels=from_data", "labels.multi=true"]
    run = train_bundle(manifest, load_config("train", settings), out=tmp_path_factory.mktemp("runs") / "several")
    return load_bundle(run.folder / "bundle")


@pytest.fixture(scope="module")
def results(manifest, bundle, tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    predict(manifest.where(split="test"), bundle, out=folder)
    return Predictions.read(folder)


def test_a_cell_of_two_species_keeps_both_beside_the_single_label(manifest):
    both = manifest.table[manifest.table["path"].str.contains("both")]
    assert both["label"].isna().all() and set(both["labels"]) == {BOTH}
    assert set(both["species"]) == {"leopard + sika deer"}
    assert set(manifest.clip_label_sets()) == {"leopard", "sika_deer", "empty", BOTH}
    assert not set(both["clip_id"]) & set(manifest.clip_labels().index), (
        "for one label per clip nothing has changed"
    )


def test_the_model_is_trained_and_calibrated_for_each_label(bundle):
    assert bundle.labels.multi and bundle.labels.names == ("leopard", "sika_deer", "empty")
    calibration = bundle.spec.calibration
    assert calibration.n_clips == 24 and len(calibration.biases) == 3 and calibration.temperature >= 1
    card = (bundle.folder / "card.md").read_text("utf-8")
    assert "A clip may show several of them" in card and "all labels right" in card and "top-1" not in card
    assert f"| {BOTH} | train | 6 | 6 | 3 |" in card and "at most 6 for one label" in card
    figures = json.loads((bundle.folder / "card.json").read_text("utf-8"))["figures"]
    assert "top1" not in figures and "confusion" not in figures and figures["subset"]["value"] > 0.5


def test_clips_are_given_all_names_that_they_deserve(results):
    table = results.table.set_index(results.table["path"].str.extract(r"/([a-z_]+)\d")[0].rename("shown"))
    assert set(table.loc["both", "labels"]) == {BOTH} and set(table.loc["leopard", "labels"]) == {"leopard"}
    assert set(table.loc["empty", "labels"].dropna()) <= {"empty"}, "no animal is named where there is none"
    both = table.loc["both"]
    assert (both["p_leopard"] + both["p_sika_deer"] > 1).all(), "the probabilities do not exclude each other"
    likeliest = both[["p_leopard", "p_sika_deer"]].idxmax(axis=1).str.removeprefix("p_")
    assert both["decision"].tolist() == likeliest.tolist() and set(both["rule"]) == {"species"}
    assert set(table.loc[["both", "leopard"], "alert"]) == {"leopard"}


def test_the_evaluation_states_nothing_that_takes_labels_for_exclusive(manifest, bundle, results, tmp_path):
    report = evaluate_all(results, manifest, by=("site",), bundle=bundle, n_boot=20)
    folder = write_evaluation(report, tmp_path)
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))
    assert not {"top1", "confusion"} & set(metrics) and not (folder / "confusion.csv").exists()
    assert metrics["n_clips"] == 8 and metrics["subset"]["value"] == report.clips.subset.value > 0.7
    assert set(metrics["per_label"]["leopard"]) >= {"precision", "recall", "f1", "auprc", "ece", "brier"}
    assert metrics["per_label"]["leopard"]["support"] == 4, "two alone and two beside a deer"
    assert pd.read_csv(folder / "wrong_names.csv")["label"].tolist() == ["leopard", "sika_deer", "empty"]
    assert "subset" in pd.read_csv(folder / "by_site.csv") and "top1" not in pd.read_csv(folder / "baselines.csv")
    assert set(pd.read_csv(folder / "decisions.csv")["label"]) == {"leopard", "sika_deer", "empty", BOTH}
    records = pd.read_csv(folder / "records.csv").set_index("label")
    assert records.loc["leopard", "true"] == records.loc["sika_deer", "true"] == 1


def test_the_report_shows_both_names(manifest, bundle, results, tmp_path):
    found = evaluate_all(results, manifest, n_boot=20).clips
    page = summarise(results, tmp_path, manifest=manifest, evaluation=found, bundle=bundle).read_text("utf-8")
    assert f'"{BOTH}"' in page and '"multi":true' in page
    assert "All labels right" in page and "Top-1" not in page and "Likeliest label" not in page


def test_thresholds_and_calibration_work_on_presence(manifest, bundle, results):
    clips = LabelledClips.of(results, manifest)
    found = find_thresholds(clips, {"leopard": 0.5, "animal": 0.5}, confidence=0.6)
    assert [p.n_positives for p in found.promises] == [4, 6], "a clip of two species counts for both"
    with pytest.raises(ConfigError, match="independent labels have no share of names to keep"):
        find_thresholds(clips, {}, keep_names=0.95)
    again = recalibrate(results, manifest, bundle)
    assert again.calibration.reason.startswith("only 8 clips"), again
    assert again.calibration.biases == bundle.spec.calibration.biases


def test_every_export_has_a_row_for_each_species(manifest, bundle, results, tmp_path):
    both = sorted(results.table.loc[results.table["path"].str.contains("both"), "path"])
    options = {"manifest": manifest, "labels": bundle.labels}
    written = pd.read_csv(write(results, tmp_path / "r.csv", **options).path)
    assert written.groupby("path")["decision"].agg(set)[both[0]] == {"leopard", "sika_deer"}
    row = written[(written["path"] == both[0]) & (written["decision"] == "sika_deer")].iloc[0]
    assert row["score"] == pytest.approx(row["p_sika_deer"]) and len(written) == 10
    assert len(pd.read_json(write(results, tmp_path / "r.jsonl", **options).path, lines=True)) == 10
    timelapse = pd.read_csv(write(results, tmp_path / "t.csv", format="timelapse", **options).path)
    assert timelapse.groupby("File")["Species"].nunique()["both0.jpg"] == 2
    write(results, tmp_path / "dp", format="camtrap-dp", study_area=(43.0, 131.5, 20_000), **options)
    assert lint_camtrap_dp(tmp_path / "dp") == []
    seen = pd.read_csv(tmp_path / "dp/observations.csv")
    media = seen[seen["observationLevel"] == "media"]
    assert media.groupby("mediaID").size().value_counts().to_dict() == {1: 6, 2: 2}
    coco = json.loads(write(results, tmp_path / "c.json", format="coco", **options).path.read_text("utf-8"))
    files = {image["id"]: image["file_name"] for image in coco["images"]}
    assert [files[a["image_id"]] for a in coco["annotations"]].count(both[0]) == 2
    boxes = write(results, tmp_path / "yolo", format="yolo", **options)
    assert {k: n for k, n in boxes.reasons.items() if "several species" in k}.popitem()[1] == 2
    folders = plan_copies(results, manifest, tmp_path / "sorted").folders
    table = results.table
    names = table["labels"].fillna(table["decision"]).str.split(" + ", regex=False)
    is_suspect = np.array(
        ["leopard" not in n and a == "leopard" for n, a in zip(names, table["alerts"], strict=True)]
    )
    expected = names[~is_suspect].explode().value_counts().to_dict()
    assert folders == expected | ({"look_first_leopard": int(is_suspect.sum())} if is_suspect.any() else {})
    assert sum(folders.values()) == 10


def test_the_megadetector_file_does_not_add_up_what_may_be_there_together(results, bundle, tmp_path):
    path = write(results, tmp_path / "md.json", format="megadetector", labels=bundle.labels).path
    found = json.loads(path.read_text("utf-8"))
    classes = found["classification_categories"]
    image = next(i for i in found["images"] if i["file"].endswith("both0.jpg"))
    best = image["detections"][0]
    confidence = {classes[k]: c for k, c in best["classifications"]}
    row = results.table[results.table["path"].str.endswith("both0.jpg")].iloc[0]
    p_animal = max(1 - row["p_empty"], row["p_leopard"], row["p_sika_deer"])
    assert best["conf"] == pytest.approx(p_animal, abs=1e-3) and best["conf"] <= 1
    assert confidence["leopard"] == pytest.approx(row["p_leopard"] / p_animal, abs=1e-3)


def test_a_correction_may_name_several_species(results, bundle, tmp_path):
    said = pd.DataFrame({"path": [results.table["path"].iloc[0]], "label": ["leopard; sika deer"]})
    said.to_csv(tmp_path / "said.csv", index=False)
    table = pd.read_csv(
        write(results, tmp_path / "r.csv", corrections=tmp_path / "said.csv", labels=bundle.labels).path
    )
    assert table["human_label"].dropna().unique().tolist() == [BOTH]


def test_commands_refuse_what_has_one_label_only_and_say_what_is_left_out(command, pictures, manifest, tmp_path):
    for name in ("leopard", "empty"):
        (tmp_path / "sorted" / name).mkdir(parents=True)
        (tmp_path / "sorted" / name / "1.jpg").write_bytes((pictures / f"site0/{name}0.jpg").read_bytes())
    _, told = command("train", tmp_path / "sorted", "labels.multi=true", "--out", tmp_path / "run", code=1)
    assert "folders give each picture one label" in told
    path = manifest.write(tmp_path / "m.csv")
    _, told = command("train", path, "labels.multi=true", "decide.among=0.9", "--out", tmp_path / "run", code=1)
    assert "decide.among must be 0 with labels.multi" in told
