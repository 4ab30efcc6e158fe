"""The folder of a run: its files, and whether the run is new, unfinished or finished.

config.yaml          all settings, resolved
environment.json     versions, device
state.json           running, failed, trained, or finished (packed); how the figures were obtained; the kept epoch
labels_by_split.csv  numbers of frames, clips and sites of each label in each split
labels_by_site.csv   numbers of frames of each label at each site
learned_from.json    salted hashes of the clips and sites that the run learns from
skipped.csv          files that could not be read in full, and why; and those that the shards leave out
metrics.jsonl        one line per epoch; epoch 0 is the linear probe; lines of single folds have a `fold`
curves.png           the same as a picture
batch.png            augmented frames as the network gets them
tensorboard/         the metrics for TensorBoard
start.safetensors    the network with the probe as its head, where fine-tuning starts
best.safetensors     the weights that are kept
last.pt              the checkpoint from which an unfinished run continues
val_frames.parquet   logits of the validation frames (with folds: of all frames, each from its own fold)
cross_chosen.parquet probabilities of the validation clips, epoch and temperature chosen on clips of other sites
held_out/            the same as predictions that may judge the model; see `docs/evaluate.md`
label_errors.parquet labels that are probably wrong: clip_id, label, likelier, score
folds/               the same files for each fold
cache/               decoded frames and features, where the user's cache folder cannot be written
"""

from __future__ import annotations

import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from accelerate import PartialState

from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.training import TrainConfig, add_missing_settings
from leopardnet.core.tables import atomic_path, read_table, write_json, write_table
from leopardnet.metrics.judges.wrong_labels import FILE as LABEL_ERRORS
from leopardnet.network.classifier import choose_device
from leopardnet.training.frames.shard_set import LEFT_OUT
from leopardnet.training.runs.run import read_state, write_state

WORK = ("metrics.jsonl", "stage.json", "start.safetensors", "best.safetensors", "last.pt", "folds")  # worth keeping
NO_SITE = "(no site)"
FEW_CLIPS, FEW_SITES = 5, 3  # with fewer, a warning
PACKAGES = ("leopardnet", "torch", "torchvision", "timm", "albumentations", "accelerate", "numpy", "av", "openvino")
OWN_FILES = [
    "config.yaml",
    "environment.json",
    "state.json",
    "labels_by_split.csv",
    "labels_by_site.csv",
    "learned_from.json",
    "skipped.csv",
    "metrics.jsonl",
    "curves.png",
    "batch.png",
    "tensorboard",
    "mlflow",
    "start.safetensors",
    "best.safetensors",
    "last.pt",
    "stage.json",
    "val_frames.parquet",
    "cross_chosen.parquet",
    "held_out",
    LABEL_ERRORS,
    "folds",
    "cache",
    "bundle",
]


@dataclass(frozen=True)
class RunFolder:
    """A run folder that is ready. `resumed`: it holds a run of the same settings and data; `trained`: all of it."""

    folder: Path
    resumed: bool
    trained: bool = False


class FinishedRun(ConfigError):
    """The run that is asked for was finished before; its folder is left as it is."""


def open_run(folder: Path, config: TrainConfig, key: str, *, overwrite: bool) -> RunFolder:
    """Prepare and return the folder: new, emptied, or with an unfinished run to continue.

    key: the hash of the footage. Raises FinishedRun for a finished run of these settings and this footage, and
    ConfigError for one of others, unless `overwrite`, or nothing was trained in it yet, as after a failed download.
    """
    wanted = config.model_dump(mode="json")
    found = read_state(folder)
    if found and not overwrite:
        stored = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
        changed = _differences(add_missing_settings(stored), wanted, stored)
        is_other = bool(changed) or found["key"] != key
        if found["state"] == "finished":
            raise (ConfigError if is_other else FinishedRun)(
                "this folder holds a finished run",
                where=folder.name,
                found=_describe_changes(changed) if is_other else "the same settings and footage",
                expected="a new folder",
                todo="give another --out, or --overwrite to replace the model in it",
            )
        has_work = any((folder / name).exists() for name in WORK)
        if is_other and has_work:
            raise ConfigError(
                "this folder holds an unfinished run with other " + ("settings" if changed else "footage"),
                where=folder.name,
                found=_describe_changes(changed),
                expected="the command that was interrupted, to continue it",
                todo="give the same command, another --out, or --overwrite to start again",
            )
        if not is_other:
            if found["state"] == "failed":
                write_state(folder, state="running")
            return RunFolder(folder, resumed=True, trained=found["state"] == "trained")
    folder.mkdir(parents=True, exist_ok=True)
    for path in [*(folder / name for name in OWN_FILES), *folder.glob("epoch-*.npy")]:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    with atomic_path(folder / "config.yaml") as part:
        part.write_text(yaml.safe_dump(wanted, sort_keys=False, allow_unicode=True), "utf-8")
    environment = {"python": platform.python_version(), "machine": platform.machine()}
    environment["device"] = choose_device(config.runtime.device)
    environment["processes"] = str(PartialState().num_processes)
    environment |= {name: version(name) for name in PACKAGES}
    write_json(environment, folder / "environment.json")
    write_state(folder, state="running", key=key)
    return RunFolder(folder, resumed=False)


def write_counts(table: pd.DataFrame, folder: Path) -> None:
    """Write the numbers of whole frames, clips and sites of each label in each split and at each site."""
    table = table[table["view"] == "frame"].assign(split=table["split"].fillna("train"))
    if "chance" in table:
        table = table.assign(split=table["split"].mask(table["chance"].notna(), "audit"))
    by_split = table.groupby(["label", "split"], sort=False).agg(
        n_frames=("label", "size"), n_clips=("clip_id", "nunique"), n_sites=("site", "nunique")
    )
    write_table(by_split.reset_index(), folder / "labels_by_split.csv")
    by_site = (
        table.assign(site=table["site"].fillna(NO_SITE)).groupby(["site", "label"]).size().unstack(fill_value=0)
    )
    write_table(by_site.reset_index(), folder / "labels_by_site.csv")


def read_labels_by_split(folder: Path) -> pd.DataFrame:
    """Return the table of `write_counts` for labels and splits, its counts as whole numbers."""
    table = read_table(folder / "labels_by_split.csv")
    return table.astype({name: "int64" for name in table.columns if name.startswith("n_")})


def list_unread(skipped: pd.DataFrame) -> list[str]:
    """Return the paths of the clips of `skipped.csv` that could not be read in full, once each."""
    return [str(x) for x in skipped[skipped["reason"] != LEFT_OUT]["path"].unique()]


def count_unread(folder: Path) -> int:
    """Return how many clips a run could not read in full; 0 for an older run that did not list them."""
    path = folder / "skipped.csv"
    return len(list_unread(read_table(path))) if path.is_file() else 0


def list_scarcities(folder: Path) -> list[str]:
    """Return what the run had too little of to learn from or to be judged by, in words; see `write_counts`."""
    n_clips = read_labels_by_split(folder).groupby("label", sort=False)["n_clips"].sum()
    few = [f"{label} {n}" for label, n in n_clips.items() if n < FEW_CLIPS]
    n_sites = int((read_table(folder / "labels_by_site.csv")["site"] != NO_SITE).sum())
    found = [f"fewer than {FEW_CLIPS} clips of a label teach little: {', '.join(few)}"] if few else []
    if n_sites < FEW_SITES:
        none = "no site is known, so the figures are an upper bound for other cameras"
        some = f"known sites: {n_sites}, so the figures say little for other cameras"
        advice = f"label clips of {FEW_SITES} sites or more, and name these sites"
        found.append(f"{some if n_sites else none}; {advice}")
    return found


def _describe_changes(changed: list[str]) -> str:
    return "; ".join(changed[:4]) or "files were added, removed or changed"


def _differences(
    before: dict[str, Any], now: dict[str, Any], stored: dict[str, Any], prefix: str = ""
) -> list[str]:
    """Return the settings that differ, in words; stored: the values of `before` as its file has them."""
    changed = []
    for key in sorted(before.keys() | now.keys()):
        a, b = before.get(key), now.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            changed += _differences(a, b, stored.get(key) or {}, f"{prefix}{key}.")
        elif a != b:
            changed.append(f"{prefix}{key} was {stored.get(key, a)}, is {b}")
    return changed
