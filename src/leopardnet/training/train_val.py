"""The training and validation frames of a run: selected from the manifest, checked, and read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from accelerate import Accelerator
from platformdirs import user_cache_path

from leopardnet.bundle.learned_from import LearnedFrom, fill_places
from leopardnet.core.errors import ConfigError, ManifestError, MediaError
from leopardnet.core.labels import LabelSet, split_labels
from leopardnet.core.manifest import Manifest
from leopardnet.core.processes.file_cache import KEEP_FREE_BYTES
from leopardnet.core.settings.training import TrainConfig
from leopardnet.core.tables import write_json, write_table
from leopardnet.training.fit.clip_scores import compute_clip_logits
from leopardnet.training.folds import find_judges, find_look_alikes
from leopardnet.training.frames.clip_frames import Reading
from leopardnet.training.frames.frame_cache import FrameCache
from leopardnet.training.frames.labelled_frames import (
    LabelledFrames,
    count_bytes,
    hash_footage,
    load_frames,
    open_lazy_frames,
)
from leopardnet.training.frames.select_frames import select_frames
from leopardnet.training.frames.shard_set import ShardSet
from leopardnet.training.run_folder import list_unread
from leopardnet.training.start.beginning import PLAIN, Beginning


@dataclass(frozen=True)
class TrainVal:
    """The selected frames of a run, one row each with `split` train or val, and how they are read."""

    wanted: pd.DataFrame
    root: Path
    config: TrainConfig
    labels: LabelSet
    by_folds: bool
    beginning: Beginning = PLAIN
    shards: ShardSet | None = None

    @property
    def reading(self) -> Reading:
        """How frames become pixels, for `load_frames`."""
        c = self.config
        return Reading(c.preprocess, c.sampling, c.data.max_frames_per_clip, c.detector)

    @cached_property
    def key(self) -> str:
        """A hash of the footage and of how it is read and split."""
        splits = self.wanted["split"].to_csv(index=False) + str(self.by_folds)
        read = self.shards.id if self.shards else hash_footage(self.wanted, self.root, self.reading)
        footage = read + self.beginning.key
        return hashlib.sha256((footage + splits).encode()).hexdigest()[:16]


def select_train_val(
    manifest: Manifest, config: TrainConfig, labels: LabelSet, *, by_folds: bool, judges: Collection[str] = ()
) -> pd.DataFrame:
    """Return the labelled frames of train (rows without a split belong to it) and val.

    judges: ids of clips that are not trained on. Without folds they have no part in train.

    Raises ManifestError if a split is missing, or a clip is in both.
    """
    table = manifest.table
    if judges and not by_folds:
        table = table[(table["split"] == "val") | ~table["clip_id"].isin(set(judges))]
    manifest = manifest.replace(table[table["split"].isna() | table["split"].isin(["train", "val"])])
    _check_splits(manifest, by_folds=by_folds, multi=labels.multi)
    wanted = select_frames(manifest, labels, config.data)
    wanted["split"] = wanted["split"].fillna("train")
    n = config.data.max_items
    train = np.flatnonzero(wanted["split"] == "train")
    if n is not None and n < len(train):
        dropped = np.random.default_rng(config.seed).permutation(train)[n:]
        wanted = wanted.drop(index=pd.Index(dropped)).reset_index(drop=True)
    return wanted


def _check_splits(manifest: Manifest, *, by_folds: bool, multi: bool) -> None:
    labelled = manifest.table[manifest.table["label"].notna() | (manifest.table["labels"].notna() & multi)]
    if not len(labelled):
        raise ManifestError(
            "no row of the manifest has a label",
            found=repr(manifest),
            expected="labelled rows to learn from",
            todo="import the labels (`leopardnet import --help` lists the formats), or train on a folder with one "
            "subfolder per label",
        )
    side = labelled["split"].fillna("train")
    for split in ("train",) if by_folds else ("train", "val"):
        if not (side == split).any() and not (by_folds and len(labelled)):
            raise ManifestError(
                f"the manifest has no labelled rows in the split '{split}'",
                found=repr(manifest),
                expected="labelled rows in the splits train and val",
                todo="run `leopardnet split` on the manifest first, or set validation=folds",
            )
    n_sides = side.groupby(labelled["clip_id"]).nunique()
    both = labelled[labelled["clip_id"].isin(n_sides.index[n_sides > 1])]["path"].drop_duplicates().sort_values()
    if len(both):
        more = f" and {len(both) - 3} more" if len(both) > 3 else ""
        raise ManifestError(
            "clips are in both train and val",
            found=", ".join(both[:3]) + more,
            expected="each clip in one split",
            todo="run `leopardnet split` on the manifest again",
        )


def record_learned(manifest: Manifest, data: TrainVal, out: Path) -> None:
    """Write hashes of all that the run may learn from to `learned_from.json`, unless the run has the file already.

    These are the labelled rows of train and those without a split, and with folds also those of val, which else
    choose epoch and temperature, as clips of an audit do, which are not trained on. Rows that `select_frames` thins
    out are among them: they show what others show. The salt is made of the footage, so that a run that is repeated
    gives the same bundle.
    """
    path, table = out / "learned_from.json", fill_places(manifest.table)
    if path.is_file():
        return
    is_labelled = table["label"].notna() | (table["labels"].notna() & data.labels.multi)
    is_val = table["split"] == "val"
    is_taught = table["split"].isna() | (table["split"] == "train") | (is_val & data.by_folds)
    is_judge = table["clip_id"].isin(set(data.beginning.judges)) & is_taught & data.by_folds
    taught = table[is_labelled & is_taught & ~is_judge]
    chosen = table[is_labelled & ((is_val & ~is_taught) | is_judge)]
    record = LearnedFrom.of(taught, chosen, manifest.root, salt=f"learned from {data.key}")
    if data.beginning.bundle is not None and data.beginning.learned is None:
        return  # nobody knows what the model learned from that this one goes on from
    if data.beginning.learned is not None:
        record = record.model_copy(update={"before": (data.beginning.learned,)})
    write_json(record.model_dump(exclude=None if record.before else {"before"}), path)


def open_cache(folder: Path | None, out: Path, config: TrainConfig) -> FrameCache:
    """Return the cache in a folder, by default that of the user, or of the run where that cannot be written.

    Raises ConfigError for a folder of the caller's that cannot be written.
    """
    max_bytes = int(config.data.cache_gb * 1e9)
    shared = user_cache_path("leopardnet", appauthor=False) / "training"
    try:
        return FrameCache(folder or shared, max_bytes=max_bytes)
    except OSError as error:
        if folder is None:
            return FrameCache(out / "cache", max_bytes=max_bytes)
        raise ConfigError(
            "the folder for frames and features cannot be written",
            where="--cache",
            found=f"{folder.name}: {error.strerror}",
            expected="a folder on a disk with room, or none: then it is that of the user",
        ) from None


def load_train_val(
    data: TrainVal,
    out: Path,
    accelerator: Accelerator,
    cache: FrameCache,
    tell: Callable[..., None],
    *,
    seen: frozenset[str] = frozenset(),
) -> LabelledFrames:
    """Return the checked frames of both splits, read from the cache, or decoded into it.

    seen: the ids of clips that the model learned from which this run goes on from, see `Beginning.find_seen`.
    """
    if data.shards is None and count_bytes(len(data.wanted), data.reading) > data.config.data.cache_gb * 1e9:
        frames = open_lazy_frames(data.wanted, data.root, labels=data.labels, reading=data.reading)
    else:
        if accelerator.is_main_process:  # the other processes find its files
            frames = _load(data, cache, tell)
            if frames.n_reused and data.shards is None:
                n_clips = data.wanted["clip_id"].nunique()
                tell("frames of earlier runs", 1, 1, f"{frames.n_reused} of {n_clips} clips, nothing to decode")
            if data.shards is None and cache.n_not_kept:
                tell(
                    f"the disk has no room for decoded frames of {cache.n_not_kept} clips: every epoch decodes "
                    f"them again; free {KEEP_FREE_BYTES / 1e9:.0f} GB and more, or give --cache on another disk",
                    *(1, 1, ""),
                )
        accelerator.wait_for_everyone()
        if not accelerator.is_main_process:
            frames = _load(data, cache, lambda *_: None)
    if accelerator.is_main_process:
        write_table(frames.skipped, out / "skipped.csv")
    _check_frames(frames, data, out)
    _mark_beginning(frames.table, data, seen)
    if data.by_folds and len(frames.exact):
        frames.table["alike"] = find_look_alikes(frames)
    return frames


def _mark_beginning(table: pd.DataFrame, data: TrainVal, seen: frozenset[str]) -> None:
    """Add the columns `chance` (of clips that only judge) and `seen_before`, where there are such clips."""
    if data.beginning.judges and data.by_folds:
        table["chance"] = table["clip_id"].map(dict(data.beginning.judges)).astype("float64")
    if data.beginning.bundle is not None:
        table["seen_before"] = table["clip_id"].isin(seen)


def _load(data: TrainVal, cache: FrameCache, tell: Callable[..., None]) -> LabelledFrames:
    return load_frames(
        data.wanted,
        data.root,
        labels=data.labels,
        reading=data.reading,
        cache=cache,
        shards=data.shards,
        n_workers=data.config.runtime.workers or 2,
        on_progress=lambda done, total: tell("reading frames", done, total),
    )


def _check_frames(frames: LabelledFrames, data: TrainVal, out: Path) -> None:
    table, unread = frames.table, list_unread(frames.skipped)
    n_clips = len({*table["path"], *unread})
    most = data.config.data.max_unreadable_share
    if len(unread) > most * n_clips:
        reasons = frames.skipped.drop_duplicates("path").set_index("path")["reason"]
        raise MediaError(
            f"{len(unread)} of {n_clips} labelled files cannot be read, or not in full",
            where=f"{out.name}/skipped.csv",
            found=f"{unread[0]}: {reasons[unread[0]]}",
            expected=f"at most {most:.0%}",
            todo="run `leopardnet check`, repair or remove the files, or raise data.max_unreadable_share",
        )
    val = table if data.by_folds else table[table["split"] == "val"]
    zeros = np.zeros((len(val), len(data.labels)), np.float32)
    if not len(compute_clip_logits(val, zeros, data.config.aggregate, data.labels)):
        raise ManifestError(
            "the validation split has no readable clip with a single label",
            found=f"{len(val)} frames",
            expected="at least one",
            todo="put more clips into val: run `leopardnet split` with other fractions",
        )
    trained = table if data.by_folds else table[table["split"] == "train"]
    trained = trained[~find_judges(trained)]
    shown = trained["label"].map(split_labels).explode() if data.labels.multi else trained["label"]
    missing = sorted(set(data.labels.names) - set(shown))
    if missing:
        raise ManifestError(
            "the training split has no example of some labels",
            found=", ".join(missing),
            expected="frames of every label of the label set",
            todo="use the labels of the data (labels=from_data), choose a label set without these (labels=…), or "
            "split again with another seed",
        )
