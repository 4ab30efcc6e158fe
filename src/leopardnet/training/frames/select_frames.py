"""The frames of a manifest for training and validation: one row per frame, before anything is decoded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import LabelSet, split_labels
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.training import DataConfig
from leopardnet.core.types import Clip, Kind
from leopardnet.training.frames.upright_box import join_boxes

COLUMNS = (
    "clip_id", "kind", "path", "paths", "site", "deployment", "sequence_id",
    "split", "time_s", "frame_number", "label", "box",
)  # fmt: skip


def select_frames(manifest: Manifest, labels: LabelSet, config: DataConfig) -> pd.DataFrame:
    """Return one row per labelled frame, with `COLUMNS`, rows of a clip together. No file is opened.

    A row with neither `time_s` nor `frame_number` stands for a whole clip, whose frames are sampled when it is
    read. Labelled frames of a video replace the label of the whole video. Rows without a label are not used, nor
    those of several labels, unless the labels are independent: then `label` has all of them, joined. `box` is the
    smallest box around the frame's boxes, as `join_boxes` writes it, or missing.

    Raises ManifestError for labels that are not in the label set, with their counts, and for a frame without a
    time.
    """
    table = manifest.table
    if labels.multi:
        table = table.assign(label=table["label"].fillna(table["labels"]))
    table = table[table["label"].notna()]
    named = table["label"].map(split_labels).explode() if labels.multi else table["label"]
    unknown = named[~named.isin(labels.names)].value_counts()
    if len(unknown):
        raise ManifestError(
            "the manifest has labels that are not in the label set",
            found=", ".join(f"{name} ({n} rows)" for name, n in unknown.items()),
            expected="one of " + ", ".join(labels.names),
            todo="use the labels of the data (labels=from_data), choose another label set (labels=…), or map them "
            "with `leopardnet import --label-map`",
        )
    if config.max_stills_per_sequence:
        stills = (table["kind"] == "still") & table["sequence_id"].notna()
        thinned = _spread_evenly(table[stills], ["sequence_id", "label"], config.max_stills_per_sequence)
        table = table[~stills | table.index.isin(thinned)]
    is_frame = table["kind"] == "frame"
    lost = is_frame & table["time_s"].isna() & table["frame_number"].isna()
    if lost.any():
        raise ManifestError(
            "a labelled frame has neither a time nor a number",
            where=str(table.loc[lost, "path"].iloc[0]),
            found="no time_s and no frame_number",
            expected="one of them in every row of kind frame",
        )
    has_frames = table["clip_id"].isin(table.loc[is_frame, "clip_id"])
    whole = table[~has_frames].drop_duplicates("clip_id")
    frames = table[is_frame]
    frames = frames.loc[_spread_evenly(frames, ["clip_id"], config.max_frames_per_clip)]
    wanted = pd.concat([whole, frames]).sort_index()
    order = pd.factorize(wanted["clip_id"])[0].argsort(kind="stable")  # rows of a clip together
    wanted = wanted.iloc[order]
    wanted = wanted.assign(box=np.array(join_boxes(wanted), object))
    wanted["kind"] = wanted["kind"].where(wanted["kind"] != "frame", "video")
    return wanted[list(COLUMNS)].reset_index(drop=True)


def iterate_clips(wanted: pd.DataFrame) -> Iterator[tuple[Clip, pd.DataFrame]]:
    """Yield each clip with its rows."""
    starts = np.flatnonzero(wanted["clip_id"].ne(wanted["clip_id"].shift()))
    for start, stop in zip(starts, [*starts[1:], len(wanted)][: len(starts)], strict=True):
        yield build_clip(wanted.iloc[start]), wanted.iloc[start:stop]


def build_clip(row: pd.Series[Any]) -> Clip:
    """Return the clip that a row belongs to."""
    is_burst = row["kind"] == "burst" and isinstance(row["paths"], str)
    kind: Kind = row["kind"]
    return Clip(str(row["clip_id"]), tuple(json.loads(row["paths"])) if is_burst else (str(row["path"]),), kind)


def _spread_evenly(table: pd.DataFrame, by: list[str], most: int) -> NDArray[np.int64]:
    """Return the index of at most `most` rows of each group, spread evenly from its first to its last."""
    index: NDArray[np.int64] = table.index.to_numpy(np.int64)
    groups = table.groupby(by, sort=False)
    i, n = groups.cumcount().to_numpy(), groups["path"].transform("size").to_numpy()
    if most == 1:
        return np.asarray(index[i == 0])
    gap = (np.maximum(n, 2) - 1) / (most - 1)
    nearest = np.rint(np.rint(i / gap) * gap)  # the evenly spread position closest to row i
    return np.asarray(index[(n <= most) | (nearest == i)])
