import json
import subprocess
import sys

import pytest
import torch

from leopardnet.compose import load_config
from leopardnet.core.errors import ConfigError
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


def test_the_probe_is_kept_unless_an_epoch_beats_it_by_more_than_its_error(tiny_run):
    probe, *tuned = tiny_run.history
    sure = [row["val_macro_f1"] for row in tuned if row["val_gain"] > row["val_gain_se"]]
    assert tiny_run.best["val_macro_f1"] == max([probe["val_macro_f1"], *sure])
    for row in tuned:
        assert row["val_gain"] == pytest.approx(row["val_macro_f1"] - probe["val_macro_f1"])


def test_the_same_seed_gives_the_same_run(labelled, tmp_path):
    runs = [train(labelled, load_config("train", SMOKE), out=tmp_path / str(i)) for i in range(2)]
    assert scores(runs[0]) == scores(runs[1])
    assert torch.equal(*(all_weights(r.folder) for r in runs))


@pytest.mark.parametrize("by", ["split", "folds"])
def test_a_run_that_was_stopped_anywhere_ends_as_if_it_had_not_been(labelled, tmp_path, by):
    config = load_config("train", [*LONGER, f"validation={by}", "validation.n_folds=2"])
    train(labelled, config, out=tmp_path / "first")  # leaves features in the cache: all others report as often
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
    assert two.stderr.count("next:   leopardnet predict") == 1, "one process speaks"
    environment = json.loads((tmp_path / "two" / "environment.json").read_text())
    assert environment["processes"] == "2", "there really were two"
    one = train(labelled, load_config("train", options), out=tmp_path / "one")
    apart = (all_weights(one.folder) - all_weights(tmp_path / "two")).abs().max()
    assert apart < 1e-5 and (tmp_path / "two" / "bundle" / "card.md").is_file()


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


def test_freezing_everything_is_refused(labelled, tmp_path):
    with pytest.raises(ConfigError, match="no layers left to train"):
        train(labelled, load_config("train", [*SMOKE, "optim.frozen_groups=99"]), out=tmp_path)
    assert not (tmp_path / "cache").exists()
