"""Figures from the validation clips of a run: the temperature, the evaluations for the card, held-out scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.columns import HELD_OUT, evidence_columns, predictions_columns
from leopardnet.core.labels import JOINER, LabelSet
from leopardnet.core.predictions import Predictions
from leopardnet.core.settings.training import TrainConfig
from leopardnet.core.tables import conform
from leopardnet.metrics.conditions.conditions import evaluate_conditions
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.judges.label_choice import UNKNOWN_CHOICE, LabelChoice
from leopardnet.metrics.judges.wrong_labels import find_label_errors
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.calibrate import Calibration
from leopardnet.score.decide import decide_table
from leopardnet.training.fit.clip_scores import compute_clip_logits
from leopardnet.training.fit.cross_choice import calibrate_clips, fit_clips


@dataclass(frozen=True, eq=False)
class ValidationFigures:
    """The evaluation of the validation clips, twice, and the scores behind the second.

    chosen_on: with the epoch and the temperature of the bundle, which were chosen on the same clips. judged_on:
    with those that the clips of other sites chose, see `training.fit.cross_choice`, and held_out: its rows of a
    predictions table, without the ids of the bundle; None for older runs and where there are too few sites. Clips
    that the model learned from that the run went on from are not held out, and neither are those of sites that were
    trained on: their column in_training says `site`, and they judge nothing where there are others. Where there are
    none, judged_on is None, and chosen_on too good. Where there is a random audit, both evaluations are about its
    clips. label_errors: as of `find_label_errors`; None without held-out rows.
    """

    chosen_on: Evaluation
    judged_on: Evaluation | None
    held_out: pd.DataFrame | None
    label_errors: pd.DataFrame | None = None


def evaluate_validation(
    run: Path, config: TrainConfig, labels: LabelSet, calibration: Calibration
) -> ValidationFigures:
    """Return the evaluations of the run's validation clips.

    With folds these are all clips, each with the logits of a network trained without its site. They have figures
    by light and by size of the animal as far as the run noted what its frames look like.
    """
    clips, frames = _read_validation_clips(run, config, labels), pd.read_parquet(run / "val_frames.parquet")
    if labels.multi:
        shown = [[x for x, is_shown in zip(labels.names, row, strict=True) if is_shown] for row in clips["shows"]]
        truth = pd.Series(list(map(JOINER.join, shown)), index=clips["clip_id"])
    else:
        truth = pd.Series([labels.names[i] for i in clips["i_label"]], index=clips["clip_id"])
    probs = calibrate_clips(clips, calibration, labels)
    targets = [name for name in labels.names if name != labels.empty]  # none of them should be decided `empty`
    choice = _read_choice(frames)
    at_known = set(frames.loc[frames["site_seen"], "clip_id"])
    is_any_apart = not at_known.issuperset(clips["clip_id"])

    def evaluate(table: pd.DataFrame) -> Evaluation:
        if is_any_apart:
            table = table[~table["clip_id"].isin(at_known)]
        if choice.is_sample:
            table = table[table["clip_id"].isin(set(choice.chances))]
        judges = replace(LabelledClips.from_tables(table, truth), choice=choice).drop_copies()
        return replace(evaluate_clips(judges, targets=targets), conditions=evaluate_conditions(judges, frames))

    chosen_on = evaluate(decide_table(clips[["clip_id", "site"]], probs, labels, config.decide))
    path = run / "cross_chosen.parquet"
    crossed = pd.read_parquet(path) if path.is_file() else pd.DataFrame()
    if not len(crossed):
        return ValidationFigures(chosen_on, None, None)
    facts = frames.drop_duplicates("clip_id").set_index("clip_id")[["path", "kind", "site"]]
    is_whole = frames["view"] == "frame"
    facts["n_frames"] = frames[is_whole].groupby("clip_id").size()
    others = crossed[[f"p_{name}" for name in labels.names]].to_numpy(np.float32)
    held_out = decide_table(crossed[["clip_id"]].join(facts, on="clip_id"), others, labels, config.decide)
    if "seen_before" in frames:
        held_out = held_out[~held_out["clip_id"].isin(frames.loc[frames["seen_before"], "clip_id"])]
    is_apart = ~held_out["clip_id"].isin(at_known)
    held_out = held_out.assign(in_training=np.where(is_apart, HELD_OUT, "site"))
    can_judge = (is_apart & held_out["clip_id"].isin(set(choice.chances)) if choice.is_sample else is_apart).any()
    ids, p = held_out["clip_id"], held_out[[f"p_{name}" for name in labels.names]].to_numpy(np.float64)
    errors = find_label_errors(
        ids.to_numpy(object), ids.map(truth).to_numpy(object), p, labels.names, multi=labels.multi
    )
    judged_on = evaluate(held_out) if can_judge else None
    return ValidationFigures(chosen_on, judged_on, held_out if len(held_out) else None, errors)


def _read_choice(frames: pd.DataFrame) -> LabelChoice:
    """Return how the clips were chosen that the figures are about: the random audit, where there is one."""
    if "chance" not in frames or not frames["chance"].notna().any():
        return UNKNOWN_CHOICE
    clips = frames.drop_duplicates("clip_id").set_index("clip_id")["chance"]
    return LabelChoice.of(clips.dropna(), n_left_out=int(clips.isna().sum()))


def write_held_out(table: pd.DataFrame, bundle: Bundle, run: Path) -> None:
    """Write the held-out rows of a run as predictions of its bundle, for evaluate and thresholds."""
    names, multi = bundle.labels.names, bundle.labels.multi
    ids = {"bundle_id": bundle.id, "labels_id": bundle.labels.id, "status": "ok"}
    rows = conform(table.assign(**ids), predictions_columns(names, multi=multi), where=HELD_OUT)
    no_frames = pd.DataFrame(columns=[c.name for c in evidence_columns(names)])
    Predictions(rows, conform(no_frames, evidence_columns(names), where=HELD_OUT)).write(run / HELD_OUT)


def fit_calibration(run: Path, config: TrainConfig, labels: LabelSet) -> Calibration:
    """Return the calibration of a run, fitted on its validation clips: see `fit_safely`."""
    fitted = fit_clips(_read_validation_clips(run, config, labels), labels)
    frames = pd.read_parquet(run / "val_frames.parquet", columns=["site", "site_seen"])
    seen = frames.loc[frames["site_seen"], "site"].nunique()
    if seen:
        note = f"{seen} of the validation sites were trained on: the temperature may leave the model too sure."
        fitted = replace(fitted, reason=f"{note} {fitted.reason}".strip())
    return fitted


def _read_validation_clips(run: Path, config: TrainConfig, labels: LabelSet) -> pd.DataFrame:
    """Return one row per validation clip with its aggregated logits; see `compute_clip_logits`."""
    frames = pd.read_parquet(run / "val_frames.parquet")
    logits = frames[[f"logit_{name}" for name in labels.names]].to_numpy(np.float32)
    return compute_clip_logits(frames, logits, config.aggregate, labels)
