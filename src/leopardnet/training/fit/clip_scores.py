"""Weights judged on clips: the logits of frames, joined per clip as at inference, and the scores of a run's history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.labels import LabelSet
from leopardnet.core.settings.inference import AggregateConfig
from leopardnet.core.tables import write_table
from leopardnet.network.classifier import Classifier, predict_logits
from leopardnet.training.frames.labelled_frames import LabelledFrames, read_batch

BATCH = 32


def compute_frame_logits(model: Classifier, frames: LabelledFrames, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Logits float32 [len(rows), C] of these frames as inference sees them; NaN where one cannot be read."""
    logits = np.full((len(rows), model.n_labels), np.nan, np.float32)
    for start in range(0, len(rows), BATCH):
        part = slice(start, min(start + BATCH, len(rows)))
        pixels, ok, _ = read_batch(frames.exact, rows[part])
        if ok.any():
            logits[np.arange(part.start, part.stop)[ok]] = predict_logits(model, pixels)
    return logits


def compute_clip_logits(
    table: pd.DataFrame, logits: NDArray[np.float32], aggregate_config: AggregateConfig, labels: LabelSet
) -> pd.DataFrame:
    """One row per clip that has one label: clip_id, site, i_label, and its aggregated logits as an array column.

    Frames whose logits are not finite were not read and do not count. Rows whose `view` is `crop` are joined with the whole
    frame of the same moment first.
    """
    from leopardnet.score.aggregate import aggregate

    rows: list[dict[str, Any]] = []
    readable = np.isfinite(logits).all(axis=1)
    for clip_id, at in table.reset_index(drop=True).groupby("clip_id", sort=False).indices.items():
        at = at[readable[at]]
        if not len(at):
            continue
        part = table.iloc[at]
        seen = [name for name in part["label"].unique() if name != labels.empty]
        if len(seen) > 1:
            continue  # two species: no single right answer
        i_label = labels.index(seen[0]) if seen else labels.index(str(labels.empty))
        z = aggregate(
            _merge_crops(part, logits[at], aggregate_config, labels), aggregate_config, i_empty=labels.i_empty
        )
        rows.append({"clip_id": clip_id, "site": part["site"].iloc[0], "i_label": i_label, "logits": z})
    return pd.DataFrame(rows, columns=["clip_id", "site", "i_label", "logits"])


def _merge_crops(
    rows: pd.DataFrame, logits: NDArray[np.float32], aggregate_config: AggregateConfig, labels: LabelSet
) -> NDArray[np.float32]:
    """The logits of a clip's whole frames, float32 [N, C], each joined with that of its crop where it has one."""
    from leopardnet.score.aggregate import merge_crops

    is_crop = (
        rows["view"].to_numpy() == "crop" if "view" in rows else np.zeros(len(rows), bool)
    )  # older runs have none
    if not is_crop.any():
        return logits
    moments = {t: i for i, t in enumerate(rows["time_s"].to_numpy()[~is_crop].tolist())}
    crops = np.full_like(logits[~is_crop], np.nan)
    for t, z in zip(rows["time_s"].to_numpy()[is_crop].tolist(), logits[is_crop], strict=True):
        if t in moments:
            crops[moments[t]] = z
    return merge_crops(logits[~is_crop], crops, aggregate_config, i_empty=labels.i_empty)


def write_val_frames(
    out: Path,
    table: pd.DataFrame,
    rows: NDArray[np.int64],
    logits: NDArray[np.float32],
    *,
    learned: NDArray[np.int64],
    names: Sequence[str],
) -> None:
    """Write val_frames.parquet: the validation rows of the frames' table, and their logits.

    learned: the rows that the judged weights had learned from; a good figure at a site of theirs proves less.
    """
    val = table.iloc[rows].reset_index(drop=True)
    seen = val["site"].isin(table.iloc[learned]["site"].dropna().unique())
    columns = {f"logit_{name}": logits[:, i] for i, name in enumerate(names)}
    write_table(val.assign(site_seen=seen, **columns), out / "val_frames.parquet")


def compute_scores(clips: pd.DataFrame) -> dict[str, float]:
    """`val_macro_f1` over the labels that occur, `val_nll` and `n_val_clips` of a table of `compute_clip_logits`."""
    from scipy.special import log_softmax
    from sklearn.metrics import f1_score

    y = clips["i_label"].to_numpy(np.int64)
    logp = log_softmax(np.stack(clips["logits"].to_list()).astype(np.float64), axis=1)
    present: Iterable[int] = sorted(set(y.tolist()))
    f1 = f1_score(y, logp.argmax(axis=1), labels=list(present), average="macro", zero_division=0)
    return {
        "val_macro_f1": float(f1),
        "val_nll": float(-logp[np.arange(len(y)), y].mean()),
        "n_val_clips": float(len(y)),
    }


def better(row: dict[str, Any], than: Iterable[dict[str, Any]]) -> bool:
    """Whether an epoch is better than all of the others: by macro-F1, and where that is equal, by likelihood."""
    return all((row["val_macro_f1"], -row["val_nll"]) > (r["val_macro_f1"], -r["val_nll"]) for r in than)
