import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from leopardnet.compose import load_config
from leopardnet.core.types import ConfigError, ManifestError, MediaError
from leopardnet.learn.probe import fit_head
from leopardnet.learn.train import train

SMOKE = ["debug=smoke"]


def test_a_run_folder_explains_itself(tiny_run):
    folder = tiny_run.folder
    names = {p.name for p in folder.iterdir()}
    assert {
        "config.yaml",
        "environment.json",
        "metrics.jsonl",
        "labels_by_split.csv",
        "best.safetensors",
        "skipped.csv",
        "val_frames.parquet",
        "bundle",
    } <= names
    assert not [n for n in names if n.startswith("cache")]
    assert yaml.safe_load((folder / "config.yaml").read_text())["model"]["name"] == "tiny"
    assert [json.loads(line)["epoch"] for line in (folder / "metrics.jsonl").read_text().splitlines()] == [0, 1]
    counts = pd.read_csv(folder / "labels_by_split.csv")
    assert set(counts["split"]) == {"train", "val"} and counts.loc[counts["split"] == "val", "n_sites"].max() == 1
    assert {"torch", "timm", "leopardnet"} <= set(json.loads((folder / "environment.json").read_text()))


def test_the_best_epoch_is_kept(tiny_run):
    scores = [row["val_macro_f1"] for row in tiny_run.history]
    assert tiny_run.best["val_macro_f1"] == max(scores)


def test_nothing_in_a_run_names_the_machine(tiny_run, labelled):
    import getpass
    import socket
    import sysconfig

    import leopardnet

    home = str(Path(leopardnet.__file__).parent)
    secrets = [
        str(labelled.root),
        str(tiny_run.folder),
        home,
        sysconfig.get_path("purelib"),
        f"/{getpass.getuser()}/",
    ]
    for path in tiny_run.folder.rglob("*"):
        if path.is_file():
            # a short host name occurs in weights by chance; in text it does not
            names = [socket.gethostname()] if path.suffix in (".json", ".md", ".yaml", ".csv", ".jsonl") else []
            found = [x for x in (*secrets, *names) if x.encode() in path.read_bytes()]
            assert not found, f"{path.name} holds {found}"


def test_the_same_seed_gives_the_same_run(labelled, tmp_path):
    runs = [train(labelled, load_config("train", SMOKE), out=tmp_path / str(i)) for i in range(2)]
    a, b = (r.folder / "best.safetensors" for r in runs)
    assert runs[0].history[1] == runs[1].history[1] and a.read_bytes() == b.read_bytes()


def test_a_missing_split_says_what_to_do(labelled, tmp_path):
    with pytest.raises(ManifestError, match="leopardnet split"):
        train(labelled.where(split="train"), load_config("train", SMOKE), out=tmp_path)


def test_a_clip_on_both_sides_is_refused(labelled, tmp_path):
    table = labelled.where(split="train").table
    mixed = labelled.replace(
        table.assign(split=["train", "val"] * (len(table) // 2) + ["train"] * (len(table) % 2))
    )
    with pytest.raises(ManifestError, match="both train and val"):
        train(mixed, load_config("train", SMOKE), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_validation_that_cannot_be_read_is_one_clear_error(labelled, tmp_path):
    table = labelled.table
    one = table[(table["split"] == "val") & (table["kind"] == "still")][:1].assign(path="gone.jpg")
    few = pd.concat([table[table["split"] == "train"], one]).drop(columns="clip_id")
    with pytest.raises(ManifestError, match="validation split has no clip"):
        train(labelled.replace(few), load_config("train", [*SMOKE, "data.max_unreadable_share=1"]), out=tmp_path)
    assert not list(tmp_path.glob("cache-*"))


def test_freezing_everything_is_refused(labelled, tmp_path):
    with pytest.raises(ConfigError, match="nothing is left to train"):
        train(labelled, load_config("train", [*SMOKE, "optim.frozen_groups=99"]), out=tmp_path)
    assert not list(tmp_path.glob("cache-*"))


def test_a_label_without_examples_is_named(labelled, tmp_path):
    few = labelled.replace(
        labelled.table[(labelled.table["label"] != "tiger") | (labelled.table["split"] != "train")]
    )
    with pytest.raises(ManifestError, match=r"no example of some labels(.|\n)*tiger"):
        train(few, load_config("train", SMOKE), out=tmp_path)


def test_too_many_unreadable_files_stop_the_run_and_are_listed(labelled, tmp_path):
    gone = labelled.table.assign(path=lambda t: t["path"].where(t["site"] != "site01", t["path"] + ".gone.mp4"))
    with pytest.raises(MediaError, match="cannot be read"):
        train(labelled.replace(gone.drop(columns="clip_id")), load_config("train", SMOKE), out=tmp_path)
    assert len(pd.read_csv(tmp_path / "skipped.csv")) == 8


def test_the_probe_separates_what_can_be_separated(rng):
    centres = np.eye(3, 20) * 4
    y = np.repeat(np.arange(3), [50, 10, 5])
    x = (centres[y] + rng.normal(0, 0.5, (65, 20))).astype(np.float32)
    weight, bias = fit_head(x, y, n_labels=4, c=0.03)
    assert weight.shape == (4, 20) and (np.argmax(x @ weight.T + bias, axis=1) == y).mean() > 0.95


def test_the_probe_of_one_label_always_says_it():
    weight, bias = fit_head(np.ones((3, 5), np.float32), np.array([2, 2, 2]), n_labels=3, c=1.0)
    assert (np.ones(5) @ weight.T + bias).argmax() == 2
