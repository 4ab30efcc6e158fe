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
from leopardnet.training.run_folder import FinishedRun, list_scarcities, open_run, write_counts
from leopardnet.training.runs.run import write_state
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


def test_a_finished_run_is_told_from_one_of_other_settings_or_footage(tmp_path):
    one, other = (load_config("train", ["debug=smoke", f"seed={i}"]) for i in (1, 2))
    open_run(tmp_path, one, "k", overwrite=False)
    write_state(tmp_path, state="finished")
    with pytest.raises(FinishedRun, match="finished run"):
        open_run(tmp_path, one, "k", overwrite=False)
    for config, key, words in ((other, "k", "seed was 1, is 2"), (one, "other", "files were added, removed or")):
        with pytest.raises(ConfigError, match=words) as error:
            open_run(tmp_path, config, key, overwrite=False)
        assert not isinstance(error.value, FinishedRun)


def test_a_run_that_learned_nothing_yet_blocks_no_folder(tmp_path):
    one, other = (load_config("train", ["debug=smoke", f"seed={i}"]) for i in (1, 2))
    open_run(tmp_path, one, "k", overwrite=False)  # and then the download of the weights failed
    again = open_run(tmp_path, other, "k", overwrite=False)
    assert not again.resumed and yaml.safe_load((tmp_path / "config.yaml").read_text())["seed"] == 2
    assert open_run(tmp_path, other, "k", overwrite=False).resumed
    assert not open_run(tmp_path, other, "other footage", overwrite=False).resumed
    (tmp_path / "metrics.jsonl").touch()
    with pytest.raises(ConfigError, match="unfinished run with other settings"):
        open_run(tmp_path, one, "other footage", overwrite=False)


def test_a_refusal_names_what_the_old_run_says(tmp_path):
    config = load_config("train", ["debug=smoke", "optim=probe"])
    open_run(tmp_path, config, "k", overwrite=False)
    stored = yaml.safe_load((tmp_path / "config.yaml").read_text())
    stored["optim"] |= {"probe_c": "auto", "probe_ignores_sites": 8}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(stored))
    (tmp_path / "last.pt").touch()
    with pytest.raises(ConfigError, match=rf"optim.probe_c was auto, is {config.optim.probe_c}"):
        open_run(tmp_path, config, "k", overwrite=False)


def test_too_few_clips_and_sites_are_named(tmp_path):
    def counted(labels, sites):
        table = pd.DataFrame({"label": labels, "site": sites, "split": None, "view": "frame"})
        write_counts(table.assign(clip_id=[str(i) for i in table.index]), tmp_path)
        return list_scarcities(tmp_path)

    assert counted(["leopard"] * 5 + ["empty"] * 6, list("abcde") + ["f"] * 6) == []
    few, sites = counted(["leopard"] * 4 + ["empty"] * 5, list("abab") + [None] * 5)
    assert "leopard 4" in few and "empty" not in few and sites.startswith("known sites: 2, so the figures")
    assert counted(["leopard"] * 5 + ["empty"] * 5, [None] * 10)[0].startswith("no site is known, ")
