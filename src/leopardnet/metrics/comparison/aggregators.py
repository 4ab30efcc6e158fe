"""Ways of aggregating the same frames into one prediction per clip."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np
import pandas as pd

from leopardnet.core.settings.inference import AggregateConfig
from leopardnet.metrics.bootstrap import Floats
from leopardnet.metrics.labelled_clips import LabelledClips, Texts
from leopardnet.score.aggregate import aggregate
from leopardnet.score.calibrate import Calibration, undo_calibration
from leopardnet.score.safe_fit import cross_calibrate

AGGREGATORS: tuple[AggregateConfig, ...] = tuple(
    AggregateConfig.model_validate({"name": name, "top_share": 0.25})
    for name in get_args(AggregateConfig.model_fields["name"].annotation)
)
NOT_MEANS = ("max", "noisy_or")  # weights of frames mean nothing to these


def apply_aggregators(
    clips: LabelledClips,
    evidence: pd.DataFrame,
    *,
    calibration: Calibration | None = None,
    configs: Sequence[AggregateConfig] = AGGREGATORS,
) -> dict[str, LabelledClips]:
    """Return the clips with the probabilities that each aggregator gives for the same frames, by its name.

    evidence: the frames' probabilities; calibration: the temperature they were made with, 1 where unknown. Each
    aggregator gets a temperature of its own, fitted for each site on clips of other sites (`cross_calibrate`), so
    that none is favoured. Means are computed a second time with weights for the frames where there are any: the
    score of the best box (`box_weights`), motion (`motion_weights`). Clips without frames have no probabilities.
    """
    multi = clips.presence is not None
    frames = evidence.sort_values(["clip_id", "i_frame"])
    probs = frames[[f"p_{x}" for x in clips.labels]].to_numpy(np.float64)
    logits = undo_calibration(probs, calibration or Calibration(), multi=multi).astype(np.float32)  # [frames, C]
    rows_of = _find_rows(frames["clip_id"].astype(str).to_numpy(object))
    parts = [rows_of.get(str(clip_id)) for clip_id in clips.clip_ids]
    variants: list[tuple[str, AggregateConfig, Floats | None]] = [(c.name, c, None) for c in configs]
    for how, (column, weigh) in WEIGHTS.items():
        if column in frames.columns and frames[column].notna().any():
            weights = weigh(frames)
            variants += [(f"{c.name}, {how}", c, weights) for c in configs if c.name not in NOT_MEANS]
    found = {}
    for name, config, weights_of_frames in variants:
        joint = np.full((len(clips), len(clips.labels)), np.nan)
        for i, part in enumerate(parts):
            if part is not None:
                own = weights_of_frames[part] if weights_of_frames is not None else None
                own = own if own is not None and np.isfinite(own).all() else None
                joint[i] = aggregate(logits[part], config, i_empty=clips.i_empty, weights=own, multi=multi)
        found[name] = _recalibrate(clips, joint)
    return found


def _find_rows(ids: Texts) -> dict[str, slice]:
    """Return the rows of each clip; ids: object [N], rows of one clip follow each other."""
    starts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1])) if len(ids) else np.zeros(0, np.int64)
    stops = [*starts[1:].tolist(), len(ids)]
    return {str(ids[a]): slice(a, b) for a, b in zip(starts.tolist(), stops, strict=False)}


def _recalibrate(clips: LabelledClips, logits: Floats) -> LabelledClips:
    """Return the clips with probabilities from logits, float64 [M, C], under temperatures from other sites."""
    probs = np.full(logits.shape, np.nan)
    use = np.isfinite(logits).all(axis=1) & clips.is_known
    if use.any():
        truth = clips.y if clips.presence is None else clips.presence[:, : len(clips.labels)]
        probs[use] = cross_calibrate(logits[use], truth[use], clips.sites[use].tolist())
    return clips.replace_probs(probs)


def box_weights(frames: pd.DataFrame) -> Floats:
    """Return the score of the best box of each frame, float64 [N]: 0 without a box, nan where no detector was run.

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
    """Return the motion of each frame (see `evaluation.motion_baseline`), float64 [N]; nan if unknown.

    >>> motion_weights(pd.DataFrame({"motion": [0.5, 12.0]})).tolist()
    [0.5, 12.0]
    """
    return frames["motion"].to_numpy(np.float64)


WEIGHTS: dict[str, tuple[str, Callable[[pd.DataFrame], Floats]]] = {
    "weighed by boxes": ("boxes", box_weights),
    "weighed by motion": ("motion", motion_weights),
}
"""Weights of frames, each with its column of the evidence. A clip with a frame without a weight is not weighed."""
