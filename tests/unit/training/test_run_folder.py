import getpass
import json
import re
import socket
import sysconfig
from pathlib import Path

import pandas as pd
import pytest
import yaml

import leopardnet
from leopardnet.compose import load_config
from leopardnet.core.errors import ConfigError
from leopardnet.training.training_run import train


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
        "labels_by_site.csv",
        "state.json",
        "curves.png",
        "batch.png",
        "tensorboard",
        "last.pt",
        "bundle",
    } <= names
    assert "cache" not in names, "decoded frames go when the run is done"
    assert yaml.safe_load((folder / "config.yaml").read_text())["model"]["name"] == "tiny"
    assert [json.loads(line)["epoch"] for line in (folder / "metrics.jsonl").read_text().splitlines()] == [0, 1]
    counts = pd.read_csv(folder / "labels_by_split.csv")
    assert set(counts["split"]) == {"train", "val"} and counts.loc[counts["split"] == "val", "n_sites"].max() == 1
    assert {"torch", "timm", "leopardnet"} <= set(json.loads((folder / "environment.json").read_text()))


def test_nothing_in_a_run_names_the_machine(tiny_run, labelled):
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
            found = [x for x in secrets if x.encode() in path.read_bytes()]
            assert not found, f"{path.name} holds {found}"
            if path.suffix in (".json", ".md", ".yaml", ".csv", ".jsonl"):
                # a short host name occurs in weights and in packed hashes by chance; in words it does not
                words = re.findall(r"[^\s\"'/,;:=()]+", re.sub(r"[\w+/]{60,}", "", path.read_text("utf-8")))
                assert socket.gethostname() not in words, f"{path.name} names this machine"


def test_a_finished_run_is_not_lost(tiny_run, labelled, tmp_path):
    with pytest.raises(ConfigError, match="finished run"):
        train(labelled, load_config("train", ["debug=smoke"]), out=tiny_run.folder)
    assert (tiny_run.folder / "bundle" / "model.onnx").is_file()
