"""Several ways of answering beside each other, on the same clips: aggregators on the same frames, and what must be beaten."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.columns import table_labels
from leopardnet.core.labels import EMPTY
from leopardnet.core.settings.inference import AggregateConfig
from leopardnet.metrics.bootstrap import Estimate, columns_of, estimate, estimate_columns
from leopardnet.metrics.evaluate_clips import Evaluation, evaluate_clips
from leopardnet.metrics.measures import label_measures
from leopardnet.score.aggregate import aggregate
from leopardnet.score.calibrate import Calibration, cross_calibrate, undo_calibration

Floats = NDArray[np.float64]
AGGREGATORS: tuple[AggregateConfig, ...] = tuple(
    AggregateConfig.model_validate({"name": name, "top_share": 0.25})
    for name in get_args(AggregateConfig.model_fields["name"].annotation)
)


def aggregator_tables(
    predictions: pd.DataFrame,
    evidence: pd.DataFrame,
    truth: pd.Series[str],
    *,
    calibration: Calibration | None = None,
    configs: Sequence[AggregateConfig] = AGGREGATORS,
) -> dict[str, pd.DataFrame]:
    """A predictions table for each way of aggregating the same judged frames, by its name.

    evidence: the frames' probabilities; calibration: the temperature they were made with, 1 where unknown. Each way gets a
    temperature of its own, for each site from clips of other sites (`cross_calibrate`), so that none is favoured.
    Each mean is there again with its frames weighed, where there is something to weigh them by: by the best box
    (`box_weights`), by motion (`motion_weights`). Clips without frames keep their row without probabilities.
    """
    labels = table_labels(predictions)
    frames = evidence.sort_values(["clip_id", "i_frame"])
    probs = frames[[f"p_{x}" for x in labels]].to_numpy(np.float64)
    logits = undo_calibration(probs, calibration or Calibration()).astype(np.float32)  # [frames, C]
    part_of = _parts(frames["clip_id"].astype(str).to_numpy(object))
    parts = [part_of.get(clip_id) for clip_id in predictions["clip_id"].astype(str)]
    ways: list[tuple[str, AggregateConfig, Floats | None]] = [(c.name, c, None) for c in configs]
    for how, (column, weigh) in WEIGHED.items():
        if column in frames.columns and frames[column].notna().any():
            weighed = weigh(frames)
            ways += [(f"{c.name}, {how}", c, weighed) for c in configs if c.name not in ("max", "noisy_or")]
    i_empty = list(labels).index(EMPTY) if EMPTY in labels else None
    tables = {}
    for name, config, weights in ways:
        joint = np.full((len(predictions), len(labels)), np.nan)
        for i, part in enumerate(parts):
            if part is not None:
                own = weights[part] if weights is not None and np.isfinite(weights[part]).all() else None
                joint[i] = aggregate(logits[part], config, i_empty=i_empty, weights=own)
        tables[name] = _recalibrated(predictions, joint, truth)
    return tables


def _parts(ids: NDArray[np.object_]) -> dict[str, slice]:
    """Where the rows of each clip stand; `ids` are sorted."""
    starts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1])) if len(ids) else np.zeros(0, np.int64)
    stops = [*starts[1:].tolist(), len(ids)]
    return {str(ids[a]): slice(a, b) for a, b in zip(starts.tolist(), stops, strict=False)}


def box_weights(frames: pd.DataFrame) -> Floats:
    """The score of the best box of each frame, float64 [N]: 0 where a detector found nothing, nan where none looked.

    >>> frames = pd.DataFrame({"boxes": ['[{"xyxy": [0, 0, 1, 1], "score": 0.7}]', "[]", None]})
    >>> box_weights(frames).tolist()
    [0.7, 0.0, nan]
    """
    return np.array(
        [
            max((float(box["score"]) for box in json.loads(text)), default=0.0) if isinstance(text, str) else np.nan
            for text in frames["boxes"]
        ]
    )


def motion_weights(frames: pd.DataFrame) -> Floats:
    """How much moves in each frame, float64 [N] (column `motion`, see `evaluation.motion_baseline`); nan where nobody knows.

    >>> motion_weights(pd.DataFrame({"motion": [0.5, 12.0]})).tolist()
    [0.5, 12.0]
    """
    return frames["motion"].to_numpy(np.float64)


WEIGHED: dict[str, tuple[str, Callable[[pd.DataFrame], Floats]]] = {
    "weighed by boxes": ("boxes", box_weights),
    "weighed by motion": ("motion", motion_weights),
}
"""Ways to weigh frames, each with the column of the evidence that it needs. A clip of which one frame has none is not weighed."""


def _recalibrated(predictions: pd.DataFrame, logits: Floats, truth: pd.Series[str]) -> pd.DataFrame:
    """The clip's columns with new probabilities and the likeliest label as decision."""
    labels = table_labels(predictions)
    y = pd.Index(labels).get_indexer(pd.Index(predictions["clip_id"].map(truth)))
    probs = np.full(logits.shape, np.nan)
    use = np.isfinite(logits).all(axis=1) & (y >= 0)
    if use.any():
        sites = (
            predictions["site"]
            if "site" in predictions.columns
            else pd.Series(None, index=predictions.index, dtype=object)
        )
        probs[use] = cross_calibrate(logits[use], y[use].astype(np.int64), sites[use].tolist())
    return answers(predictions, probs)


def answers(predictions: pd.DataFrame, probs: Floats) -> pd.DataFrame:
    """A predictions table of the same clips with these probabilities, float64 [M, C], and the likeliest label said."""
    labels = table_labels(predictions)
    readable = np.isfinite(probs).all(axis=1)
    likeliest = np.array([*labels, "unreadable"])[
        np.where(readable, np.nan_to_num(probs).argmax(axis=1), len(labels))
    ]
    rule = np.where(~readable, "none", np.where(likeliest == EMPTY, "empty", "species"))
    head = predictions[[c for c in ("clip_id", "site") if c in predictions.columns]]
    return head.assign(decision=likeliest, rule=rule, **{f"p_{x}": probs[:, i] for i, x in enumerate(labels)})


def compare(
    tables: Mapping[str, pd.DataFrame],
    truth: pd.Series[str],
    *,
    against: pd.DataFrame | None = None,
    targets: Sequence[str] = (),
    outside: Sequence[str] = (),
    presence_only: Sequence[str] = (),
    n_boot: int = 1000,
    seed: int = 7,
) -> pd.DataFrame:
    """One row per table: macro_f1, top1, presence_auroc, empties removed at animal recall 0.95 and 0.99, ECE, and recall and
    AUPRC of the targets, each with its interval.

    against: a predictions table of the same clips; then `behind` says how far the macro F1 of each row lies under it. Both
    see the same draws of sites, so this interval is narrower than the two seem to allow: above 0, the row is beaten.
    presence_only: names of tables that tell animals from empty clips and nothing more.
    """
    judge: dict[str, Any] = {"targets": targets, "outside": outside, "n_boot": n_boot, "seed": seed}
    best = evaluate_clips(against, truth, **judge) if against is not None else None
    rows: dict[str, dict[str, float]] = {}
    for name, table in tables.items():
        found = evaluate_clips(table, truth, **judge)
        behind = {"behind": _behind(best, found)} if best is not None and name not in presence_only else {}
        rows[name] = flat(figures(found, targets, presence_only=name in presence_only) | behind)
    return in_order(pd.DataFrame.from_dict(rows, orient="index").rename_axis("way"))


def figures(found: Evaluation, targets: Sequence[str], *, presence_only: bool = False) -> dict[str, Estimate]:
    """The figures by which ways and slices are compared."""
    presence = {"presence_auroc": found.presence_auroc}
    presence |= {f"removed_at_{recall:g}": x for recall, x in found.removed().items()}
    if presence_only:
        return presence
    of_targets = {f"{m}_{name}": found.label_estimate(name, m) for name in targets for m in ("recall", "auprc")}
    return {"macro_f1": found.macro_f1, "top1": found.top1, **presence, "ece": found.ece, **of_targets}


def flat(row: Mapping[str, Estimate]) -> dict[str, float]:
    """Each estimate as three columns: x, x_low, x_high."""
    columns = [estimate_columns(key, [value]) for key, value in row.items()]
    return {key: float(values[0]) for part in columns for key, values in part.items()}


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """The same table with the figures that matter most in front."""
    first = [
        "n_clips",
        "n_sites",
        "n_right",
        "macro_f1",
        "behind",
        "top1",
        "presence_auroc",
        "removed_at_0.95",
        "removed_at_0.99",
        "ece",
    ]
    order = [c for key in first for c in columns_of(key) if c in table.columns]
    return table[[*order, *[c for c in table.columns if c not in order]]]


def _behind(best: Evaluation, other: Evaluation) -> Estimate:
    drawn = [label_measures(e.confusion_draws)["macro_f1"] for e in (best, other)]
    same = drawn[0].shape == drawn[1].shape
    value = best.macro_f1.value - other.macro_f1.value
    return estimate(value, drawn[0] - drawn[1], best.n_sites) if same else Estimate(value)
