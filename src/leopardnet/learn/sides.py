"""The two sides of a run: frames to learn from and frames to be judged on, checked before and after reading."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from leopardnet.core.config import TrainConfig
from leopardnet.core.labels import LabelSet
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import write_table
from leopardnet.core.types import ManifestError, MediaError
from leopardnet.learn.dataset import LabelledFrames, Wanted, load_frames, wanted_frames
from leopardnet.learn.keeper import clip_logits

TRAIN_MARGIN = 1.125  # training frames are kept this much larger than the input, so that crops stay sharp


def wanted_of(manifest: Manifest, config: TrainConfig, labels: LabelSet, split: str) -> Wanted:
    """The labelled frames of one side of the split. Raises ManifestError where there are none."""
    part = manifest.where(split=split)
    if not part.table["label"].notna().any():
        raise ManifestError(
            f"the manifest has no labelled rows in the split '{split}'", found=repr(manifest),
            expected="labelled rows in the splits train and val",
            todo="run `leopardnet split` on the manifest first",
        )  # fmt: skip
    return wanted_frames(
        part, labels, max_frames_per_clip=config.data.max_frames_per_clip,
        max_stills_per_sequence=config.data.max_stills_per_sequence,
    )  # fmt: skip


def refuse_shared_clips(wanted: dict[str, Wanted]) -> None:
    """Raise ManifestError where a clip stands on both sides: its figures would be worth nothing."""
    shared = {clip.clip_id: clip.path for clip, _ in wanted["train"]}.keys() & {c.clip_id for c, _ in wanted["val"]}
    if shared:
        paths = sorted(clip.path for clip, _ in wanted["val"] if clip.clip_id in shared)
        raise ManifestError(
            "clips stand in both train and val", found=", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else ""),
            expected="each clip on one side", todo="run `leopardnet split` on the manifest again",
        )  # fmt: skip


def load_sides(
    wanted: dict[str, Wanted],
    root: Path,
    config: TrainConfig,
    labels: LabelSet,
    out: Path,
    tell: Callable[..., None],
) -> tuple[LabelledFrames, LabelledFrames]:
    """Training frames, a margin larger than the input, and validation frames, exactly as inference sees them."""
    large = config.preprocess.model_copy(update={"size_px": round(config.preprocess.size_px * TRAIN_MARGIN)})
    found = {
        split: load_frames(
            wanted[split], root, labels=labels, spec=spec, sampling=config.sampling,
            max_frames_per_clip=config.data.max_frames_per_clip, cache=out / f"cache-{split}.bin",
            n_workers=config.runtime.workers or 2,
            on_progress=lambda done, total, split=split: tell(f"reading {split} frames", done, total),
        )
        for split, spec in (("train", large), ("val", config.preprocess))
    }  # fmt: skip
    frames, val = _limited(found["train"], config), found["val"]
    seen = val.table["site"].isin(frames.table["site"].dropna().unique())
    val.table["site_seen"] = seen  # at such a site a good figure proves less
    _check_readable([frames, val], config.data.max_unreadable_share, out)
    if not len(clip_logits(val.table, np.zeros((len(val), len(labels)), np.float32), config, labels)):
        raise ManifestError(
            "the validation split has no clip with one label that can be read", found=repr(val),
            expected="at least one", todo="put more clips into val: `leopardnet split` with other fractions",
        )  # fmt: skip
    missing = sorted(set(labels.names) - set(frames.table["label"]))
    if missing:
        raise ManifestError(
            "the training split has no example of some labels", found=", ".join(missing),
            expected="frames of every label of the label set",
            todo="choose a label set without them (labels=…), or split again with another seed",
        )  # fmt: skip
    return frames, val


def _limited(frames: LabelledFrames, config: TrainConfig) -> LabelledFrames:
    n = config.data.max_items
    if n is None or n >= len(frames):
        return frames
    keep = np.sort(np.random.default_rng(config.seed).permutation(len(frames))[:n])
    return LabelledFrames(frames.pixels[keep], frames.table.iloc[keep].reset_index(drop=True), frames.skipped)


def _check_readable(parts: Sequence[LabelledFrames], max_share: float, out: Path) -> None:
    skipped = pd.concat([p.skipped for p in parts], ignore_index=True)
    write_table(skipped, out / "skipped.csv")
    n_clips = sum(p.table["clip_id"].nunique() for p in parts) + len(skipped)
    if len(skipped) > max_share * n_clips:
        first = skipped.iloc[0]
        raise MediaError(
            f"{len(skipped)} of {n_clips} labelled files cannot be read", where=out / "skipped.csv",
            found=f"{first['path']}: {first['reason']}", expected=f"at most {max_share:.0%}",
            todo="run `leopardnet check`, repair or remove the files, or raise data.max_unreadable_share",
        )  # fmt: skip
