import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from leopardnet.compose import load_config
from leopardnet.core.errors import BackendError, ConfigError, ManifestError, MediaError
from leopardnet.training.fit.linear_probe import fit_head
from leopardnet.training.training_run import train

SMOKE = ["debug=smoke", "experiment.tracker=none"]
LONGER = [
    *SMOKE,
    "optim.epochs=2",
    "optim.steps_per_epoch=3",
    "optim.micro_batch_size=3",
    "optim.mixup_alpha=0.3",
    "model.drop_rate=0.3",
    "optim.checkpoint_every_s=0",
    "validation.n_folds=2",
]


def scores(run):
    return [{k: v for k, v in row.items() if k in ("epoch", "val_macro_f1", "val_nll")} for row in run.history]


def all_weights(folder):
    """Every weight of a run after its last step, and the running averages, as one vector."""
    state = torch.load(folder / "last.pt", weights_only=True)
    return torch.cat([v.double().flatten() for k in ("model", "ema") for v in state[k].values()])


def n_clips_read(manifest):
    """Reports of a run before anything is learned: one per clip."""
    return int(manifest.table["clip_id"][manifest.table["split"] != "test"].nunique())


class Stop(BaseException):
    """What a kill looks like from inside."""


def stop_at(n):
    """Progress that ends the run at its n-th report, and how many there were."""
    calls = []

    def tell(*_):
        calls.append(1)
        if len(calls) == n:
            raise Stop

    return tell, calls


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
    assert scores(runs[0]) == scores(runs[1])
    assert torch.equal(*(all_weights(r.folder) for r in runs))


@pytest.mark.parametrize("by", ["split", "folds"])
def test_a_run_that_was_stopped_anywhere_ends_as_if_it_had_not_been(labelled, tmp_path, by):
    config = load_config("train", [*LONGER, f"validation={by}", "validation.n_folds=2"])
    tell, calls = stop_at(None)
    whole = train(labelled, config, out=tmp_path / "whole", on_progress=tell)
    for n in range(n_clips_read(labelled), len(calls), 3 if by == "split" else 6):
        out = tmp_path / f"stopped-{n}"
        with pytest.raises(Stop):
            train(labelled, config, out=out, on_progress=stop_at(n)[0])
        again = train(labelled, config, out=out)
        assert scores(again) == scores(whole), f"stopped at report {n}"
        if by == "split":  # with folds, the last stage may be a probe alone
            assert torch.equal(all_weights(out), all_weights(whole.folder)), f"stopped at report {n}"
        assert (out / "best.safetensors").read_bytes() == (whole.folder / "best.safetensors").read_bytes()


def test_two_processes_make_the_run_of_one(labelled, tmp_path):
    labelled.write(tmp_path / "m.parquet")
    options = [*LONGER[:-1], "optim.batch_size=7", "optim.micro_batch_size=2"]
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    command = ["-m", "leopardnet", "train", str(tmp_path / "m.parquet"), *options, "--out"]
    two = subprocess.run([*launch, *command, str(tmp_path / "two")], capture_output=True, text=True, timeout=300)
    assert two.returncode == 0, two.stderr
    assert two.stderr.count("model:") == 1, "one process speaks"
    environment = json.loads((tmp_path / "two" / "environment.json").read_text())
    assert environment["processes"] == "2", "there really were two"
    one = train(labelled, load_config("train", options), out=tmp_path / "one")
    apart = (all_weights(one.folder) - all_weights(tmp_path / "two")).abs().max()
    assert apart < 1e-5 and (tmp_path / "two" / "bundle" / "card.md").is_file()


def test_a_finished_run_is_not_lost(tiny_run, labelled, tmp_path):
    with pytest.raises(ConfigError, match="finished run"):
        train(labelled, load_config("train", ["debug=smoke"]), out=tiny_run.folder)
    assert (tiny_run.folder / "bundle" / "model.onnx").is_file()


def test_an_unfinished_run_of_other_settings_is_named(labelled, tmp_path):
    with pytest.raises(Stop):
        train(
            labelled, load_config("train", LONGER), out=tmp_path, on_progress=stop_at(n_clips_read(labelled) + 3)[0]
        )
    with pytest.raises(ConfigError, match=r"other settings(.|\n)*optim.lr was 0.0005, is 0.1"):
        train(labelled, load_config("train", [*LONGER, "optim.lr=0.1"]), out=tmp_path)
    train(labelled, load_config("train", SMOKE), out=tmp_path, overwrite=True)


def test_a_loss_that_is_no_number_stops_the_run_and_leaves_a_model(labelled, tmp_path, monkeypatch):
    from leopardnet.training.fit import trainer
    from leopardnet.training.pack.pack import pack

    build_loss = trainer.build_loss

    def broken(*args, **kwargs):
        loss, calls = build_loss(*args, **kwargs), []

        def after_four(logits, targets):
            calls.append(1)
            return loss(logits, targets) * (float("nan") if len(calls) > 1 else 1.0)

        return after_four

    monkeypatch.setattr(trainer, "build_loss", broken)
    with pytest.raises(ConfigError, match="not a finite number"):
        train(labelled, load_config("train", SMOKE), out=tmp_path)
    assert pack(tmp_path).labels.names[0] == "leopard", "the probe was kept"


def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(labelled, tmp_path):
    """Files may not grow past a limit that the weights fit into and the checkpoint does not."""
    labelled.write(tmp_path / "m.parquet")
    out = tmp_path / "run"
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_200_000, 1_200_000));"
        "from leopardnet.cli import main; sys.argv[1:] = sys.argv[1:]; main()"
    )
    command = ["train", str(tmp_path / "m.parquet"), *SMOKE, "--out", str(out)]
    first = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, timeout=300)
    assert first.returncode == 1 and "the disk is full" in first.stderr and "Traceback" not in first.stderr
    assert not list(out.rglob("*.part")), "half a file"
    again = subprocess.run(
        [sys.executable, "-m", "leopardnet", *command], capture_output=True, text=True, timeout=300
    )
    assert again.returncode == 0 and "continuing" in again.stderr, again.stderr


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_too_little_memory_names_the_setting_that_helps(labelled, tmp_path, monkeypatch, error):
    from leopardnet.training.fit.trainer import Trainer

    def gradients(*_):
        raise error

    monkeypatch.setattr(Trainer, "add_gradients", gradients)
    with pytest.raises(BackendError, match=r"not enough memory(.|\n)*micro_batch_size"):
        train(labelled, load_config("train", SMOKE), out=tmp_path)
    assert (tmp_path / "best.safetensors").is_file()


@pytest.mark.parametrize("optim", ["probe", "scratch"])
def test_every_mode_gives_the_same_kind_of_bundle(labelled, tmp_path, optim):
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.infer.predict_footage import predict
    from leopardnet.training.pack.pack import train_bundle

    options = [f"optim={optim}", *SMOKE, "optim.batch_size=8"] + (["optim.epochs=0"] if optim == "probe" else [])
    run = train_bundle(labelled, load_config("train", options), out=tmp_path / "run")
    assert [row["epoch"] for row in run.history] == ([0] if optim == "probe" else [1])
    bundle = load_bundle(run.folder / "bundle")
    predictions = predict(labelled.where(split="test"), bundle)
    assert len(predictions) == labelled.where(split="test").table["clip_id"].nunique()


def test_a_second_probe_decodes_nothing(labelled, tmp_path, monkeypatch):
    options = ["optim=probe", *SMOKE, "optim.epochs=0", "seed=12345"]
    first = train(labelled, load_config("train", options), out=tmp_path / "a")
    monkeypatch.setattr("leopardnet.training.frames.labelled_frames.decode_rows", None)
    again = train(labelled, load_config("train", options), out=tmp_path / "b")
    assert scores(first) == scores(again)


def test_labels_come_from_the_data_where_asked(labelled, tmp_path):
    config = load_config("train", ["labels=from_data", *SMOKE])
    run = train(labelled, config, out=tmp_path)
    assert [x.name for x in run.config.labels.labels] == ["leopard", "sika_deer", "tiger", "empty"]
    assert run.config.labels.targets == ("leopard",) and run.config.labels.empty == "empty"


def test_frames_too_many_for_the_disk_are_decoded_as_they_are_needed(labelled, tmp_path):
    kept = train(labelled, load_config("train", SMOKE), out=tmp_path / "kept")
    asked = train(labelled, load_config("train", [*SMOKE, "data.cache_gb=0"]), out=tmp_path / "asked")
    assert asked.history[0]["n_val_clips"] == kept.history[0]["n_val_clips"] > 0
    assert asked.history[1]["val_nll"] == pytest.approx(kept.history[1]["val_nll"], rel=0.05)


def test_a_missing_split_says_what_to_do(labelled, tmp_path):
    with pytest.raises(ManifestError, match="leopardnet split"):
        train(labelled.where(split="train"), load_config("train", [*SMOKE, "validation=split"]), out=tmp_path)


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
    with pytest.raises(ManifestError, match="validation split has no readable clip"):
        train(labelled.replace(few), load_config("train", [*SMOKE, "data.max_unreadable_share=1"]), out=tmp_path)
    assert not (tmp_path / "cache").exists()


def test_freezing_everything_is_refused(labelled, tmp_path):
    with pytest.raises(ConfigError, match="no layers left to train"):
        train(labelled, load_config("train", [*SMOKE, "optim.frozen_groups=99"]), out=tmp_path)
    assert not (tmp_path / "cache").exists()


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
