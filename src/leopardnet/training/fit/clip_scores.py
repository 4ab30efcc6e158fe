"""Scores on clips: the logits of frames, aggregated per clip as in inference, and the figures of a history."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.bundle.head.linear_probe import NEVER
from leopardnet.core.footage.site_names import normalise_site
from leopardnet.core.labels import LabelSet
from leopardnet.core.settings.inference import AggregateConfig
from leopardnet.core.tables import write_table
from leopardnet.network.classifier import Classifier, predict_logits
from leopardnet.score.aggregate import aggregate, merge_crops
from leopardnet.training.frames.labelled_frames import LabelledFrames, read_batch

BATCH = 32
NEVER_WITHIN = 0.5  # fine-tuning hardly moves the logit of a label without examples
DIGITS = 6  # logits that agree this far are equal: the rest depends on the processor


def compute_frame_logits(model: Classifier, frames: LabelledFrames, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return logits float32 [len(rows), C] of these frames, as in inference; NaN for frames that cannot be read."""
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
    """Return one row per clip with a single label: clip_id, site, kind, n_frames, i_label, is_unknown, logits [C].

    For independent labels it is one row per clip, with `shows`, bool [C], which are those of any of its frames.
    Frames whose logits are not finite could not be read and are left out. Rows with the `view` `crop` are first
    merged into the whole frame of the same time. `is_unknown` says that the network had no example of the clip's
    label, as where all are of a site that was left out: its logits say nothing about how sure it may be of others.
    """
    rows: list[dict[str, Any]] = []
    readable = np.asarray(np.isfinite(logits).all(axis=1))
    for clip_id, indices in table.reset_index(drop=True).groupby("clip_id", sort=False).indices.items():
        at = np.asarray(indices, np.int64)
        at = at[readable[at]]
        if not len(at):
            continue
        part = table.iloc[at]
        animals = [name for name in part["label"].unique() if name != labels.empty]
        if len(animals) > 1 and not labels.multi:
            continue  # there is no single right answer for two species
        row: dict[str, Any] = {"clip_id": clip_id, "site": part["site"].iloc[0]}
        row["kind"] = part["kind"].iloc[0] if "kind" in part else None  # older runs do not have the column
        if labels.multi:
            row["shows"] = labels.presence(animals or part["label"]).any(axis=0)
        else:
            row["i_label"] = labels.index(animals[0]) if animals else labels.index(str(labels.empty))
        own = np.zeros(0) if labels.multi else logits[at, row["i_label"]]
        row["is_unknown"] = bool(len(own) and (np.abs(own - NEVER) < NEVER_WITHIN).all())
        merged = _merge_crops(part, logits[at], aggregate_config, labels)
        row["n_frames"] = len(merged)
        row["logits"] = aggregate(merged, aggregate_config, i_empty=labels.i_empty, multi=labels.multi)
        rows.append(row)
    truth = "shows" if labels.multi else "i_label"
    return pd.DataFrame(rows, columns=["clip_id", "site", "kind", "n_frames", truth, "is_unknown", "logits"])


def _merge_crops(
    rows: pd.DataFrame, logits: NDArray[np.float32], aggregate_config: AggregateConfig, labels: LabelSet
) -> NDArray[np.float32]:
    """Return the logits of a clip's whole frames, float32 [N, C], merged with those of its crop if it has one."""
    is_crop = np.zeros(len(rows), bool)
    if "view" in rows:  # older runs do not have the column
        is_crop = rows["view"].to_numpy() == "crop"
    if not is_crop.any():
        return logits
    times = rows["time_s"].to_numpy()
    i_frames = {t: i for i, t in enumerate(times[~is_crop].tolist())}
    crops = np.full_like(logits[~is_crop], np.nan)
    for t, z in zip(times[is_crop].tolist(), logits[is_crop], strict=True):
        if t in i_frames:
            crops[i_frames[t]] = z
    return merge_crops(logits[~is_crop], crops, aggregate_config, i_empty=labels.i_empty, multi=labels.multi)


def write_val_frames(
    out: Path,
    table: pd.DataFrame,
    rows: NDArray[np.int64],
    logits: NDArray[np.float32],
    *,
    trained: NDArray[np.int64],
    names: Sequence[str],
) -> None:
    """Write val_frames.parquet: the validation rows of the frames' table, and their logits.

    trained: the rows that the weights were trained on. Good figures at sites of these rows prove less.
    """
    val = table.iloc[rows].reset_index(drop=True)
    places = table["site"].map(normalise_site, na_action="ignore")
    seen = places.iloc[rows].reset_index(drop=True).isin(places.iloc[trained].dropna().unique())
    if "seen_before" in val:  # by the model that the run went on from
        seen |= val["seen_before"]
    columns = {f"logit_{name}": logits[:, i] for i, name in enumerate(names)}
    write_table(val.assign(site_seen=seen, **columns), out / "val_frames.parquet")


def compute_scores(clips: pd.DataFrame, probe: pd.DataFrame | None = None) -> dict[str, float]:
    """Return `val_macro_f1` over the labels that occur, `val_nll` and `n_val_clips` of `compute_clip_logits`.

    An independent label is predicted from a probability of a half on, and `val_nll` is the sum over labels. probe:
    the same clips with the logits of the probe; then `val_gain` and `val_gain_se` as well, see `measure_gain`.
    """
    from scipy.special import log_expit, log_softmax
    from sklearn.metrics import f1_score

    truth, said = read_answers(clips)
    z = np.stack(clips["logits"].to_list()).astype(np.float64)
    if "shows" in clips:
        nll = -log_expit(np.where(truth, 1, -1) * z).sum(axis=1).mean()
    else:
        nll = -log_softmax(z, axis=1)[truth].mean()
    labels = np.flatnonzero(truth.any(axis=0))
    f1 = f1_score(truth, said, labels=labels, average="macro", zero_division=0)
    scores = {"val_macro_f1": float(f1), "val_nll": float(nll), "n_val_clips": float(len(clips))}
    return scores if probe is None else scores | measure_gain(clips, probe)


def measure_gain(clips: pd.DataFrame, probe: pd.DataFrame) -> dict[str, float]:
    """Return `val_gain`, the macro-F1 of clips above that of the probe, and `val_gain_se`, its error over sites.

    The standard error is that of a jackknife over sites, as the clips of a camera are alike; a clip without a site
    is one of its own. NaN with one site. Clips that only one of the two could read do not count.
    """
    clips, probe = (x[x["clip_id"].isin(y["clip_id"])] for x, y in ((clips, probe), (probe, clips)))
    site = np.unique(clips["site"].astype(object).fillna(clips["clip_id"]).astype(str), return_inverse=True)[1]
    n = int(site.max()) + 1 if len(site) else 0
    (truth, said), (_, said_before) = read_answers(clips), read_answers(probe)
    counts = np.zeros((n, 3, 2, truth.shape[1]))  # of each site: right, true and said, of both, by label
    for i, answer in enumerate((said, said_before)):
        for k, shown in enumerate((truth & answer, truth, answer)):
            np.add.at(counts[:, k, i], site, shown)
    of_label = truth.any(axis=0)

    def gain(hits: NDArray[np.float64]) -> NDArray[np.float64]:  # [..., 3, 2, C] → [...]
        right, true, answered = np.moveaxis(hits[..., of_label], -3, 0)
        f1 = (2 * right / np.maximum(true + answered, 1)).mean(axis=-1)
        return np.asarray(f1[..., 0] - f1[..., 1], np.float64)

    whole, without = counts.sum(axis=0), gain(counts.sum(axis=0) - counts)
    error = float(np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())) if n > 1 else math.nan
    return {"val_gain": float(gain(whole)), "val_gain_se": error}


def read_answers(clips: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which labels are true and which are predicted, bool [M, C] each, of `compute_clip_logits`."""
    z = np.stack(clips["logits"].to_list()).astype(np.float64)
    if "shows" in clips:
        return np.stack(clips["shows"].to_list()), z.round(DIGITS) > 0
    from scipy.special import log_softmax

    best = log_softmax(z, axis=1).round(DIGITS).argmax(axis=1)
    each = np.arange(z.shape[1])
    return clips["i_label"].to_numpy(np.int64)[:, None] == each, best[:, None] == each
