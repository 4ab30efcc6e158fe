"""Figures from the validation clips of a run: the temperature, and the evaluation for the model card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from leopardnet.core.labels import JOINER, LabelSet
from leopardnet.core.settings.training import TrainConfig
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.calibrate import Calibration, apply_calibration
from leopardnet.score.decide import decide, name_all
from leopardnet.score.presence_shift import ClipLengths, shift_presence
from leopardnet.score.safe_fit import fit_safely
from leopardnet.training.fit.clip_scores import compute_clip_logits


def evaluate_validation(run: Path, config: TrainConfig, labels: LabelSet, calibration: Calibration) -> Evaluation:
    """Return the evaluation of the model on the run's validation clips.

    With folds these are all clips, each with the logits of a network trained without its site. The kept epoch and
    the temperature were chosen on the same clips, so the figures are slightly optimistic.
    """
    clips = _read_validation_clips(run, config, labels)
    z = shift_presence(np.stack(clips["logits"].to_list()), calibration.shift, _find_lengths(clips, labels))
    probs = apply_calibration(z, calibration, multi=labels.multi)
    decisions = [decide(p, labels, config.decide) for p in probs]
    table = pd.DataFrame(
        {
            "clip_id": clips["clip_id"],
            "site": clips["site"],
            "decision": [d.label for d in decisions],
            "rule": [d.rule for d in decisions],
            **{f"p_{name}": probs[:, i] for i, name in enumerate(labels.names)},
        }
    )
    if labels.multi:
        table["labels"] = [JOINER.join(name_all(p, labels, config.decide)) or None for p in probs]
        shown = [[x for x, is_shown in zip(labels.names, row, strict=True) if is_shown] for row in clips["shows"]]
        truth = pd.Series(list(map(JOINER.join, shown)), index=clips["clip_id"])
    else:
        truth = pd.Series([labels.names[i] for i in clips["i_label"]], index=clips["clip_id"])
    targets = [name for name in labels.names if name != labels.empty]  # none of them should be decided `empty`
    return evaluate_clips(LabelledClips.from_tables(table, truth), targets=targets)


def fit_calibration(run: Path, config: TrainConfig, labels: LabelSet) -> Calibration:
    """Return the calibration of a run, fitted on its validation clips: see `fit_safely`."""
    clips = _read_validation_clips(run, config, labels)
    z = np.stack(clips["logits"].to_list()).astype(np.float64)
    y = np.stack(clips["shows"].to_list()) if labels.multi else clips["i_label"].to_numpy(np.int64)
    lengths = _find_lengths(clips, labels)
    fitted = fit_safely(z, y, sites=clips["site"].tolist(), before=Calibration(), lengths=lengths)
    frames = pd.read_parquet(run / "val_frames.parquet", columns=["site", "site_seen"])
    seen = frames.loc[frames["site_seen"], "site"].nunique()
    if seen:
        note = f"{seen} of the validation sites were trained on: the figures are optimistic."
        fitted = replace(fitted, reason=f"{note} {fitted.reason}".strip())
    return fitted


def _find_lengths(clips: pd.DataFrame, labels: LabelSet) -> ClipLengths | None:
    """Return kinds and numbers of frames; None for labels that have no shift of presence."""
    if labels.multi or labels.i_empty is None:
        return None
    return ClipLengths.of_table(clips, clips["clip_id"].tolist(), labels.i_empty)


def _read_validation_clips(run: Path, config: TrainConfig, labels: LabelSet) -> pd.DataFrame:
    """Return one row per validation clip with its aggregated logits; see `compute_clip_logits`."""
    frames = pd.read_parquet(run / "val_frames.parquet")
    logits = frames[[f"logit_{name}" for name in labels.names]].to_numpy(np.float32)
    return compute_clip_logits(frames, logits, config.aggregate, labels)
