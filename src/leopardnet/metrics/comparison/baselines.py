"""What a model must beat: answers that need no model, or much less of one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from leopardnet.core.columns import table_labels
from leopardnet.core.labels import EMPTY
from leopardnet.metrics.comparison.compare import answers
from leopardnet.score.familiarity import class_mean_probs, clip_familiarity

MOTION = "motion"


def baseline_tables(
    predictions: pd.DataFrame,
    evidence: pd.DataFrame,
    truth: pd.Series[str],
    *,
    motion: pd.Series[float] | None = None,
) -> dict[str, pd.DataFrame]:
    """A predictions table for each baseline that can be had, by its name.

    - `majority`: the commonest true label for every clip. It knows the shares of the labels in the very clips it is judged on.
    - `middle_frame`: the probabilities of the frame in the middle of the clip alone.
    - `best_frame`: those of the frame in which the model is surest of one label.
    - `motion`: how much moves in the clip (`motion`, by clip_id; see `evaluation.motion_baseline`), and nothing else. It tells
      animals from empty clips at best, and no species apart.
    - `nearest_class_mean`: the label whose mean features in training lie nearest to those of the clip's frames: what the
      features say without the last layer. For networks that know these means.

    Clips without frames stay unreadable in all of them but `majority`.
    """
    labels = table_labels(predictions)
    tables = {"majority": _majority(predictions, truth)}
    if len(evidence):
        frames = evidence.sort_values(["clip_id", "i_frame"])
        tables["middle_frame"] = _of_frames(predictions, _middle(frames))
        tables["best_frame"] = _of_frames(predictions, _surest(frames, [f"p_{x}" for x in labels]))
        familiar = clip_familiarity(frames, labels)[[f"cos_{x}" for x in labels]]
        if familiar.notna().to_numpy().any():
            probs = class_mean_probs(familiar.reindex(predictions["clip_id"]).to_numpy(np.float64))
            tables["nearest_class_mean"] = answers(predictions, probs)
    if motion is not None and EMPTY in labels:
        tables[MOTION] = _motion(predictions, motion)
    return tables


def _majority(predictions: pd.DataFrame, truth: pd.Series[str]) -> pd.DataFrame:
    labels = table_labels(predictions)
    known = predictions["clip_id"].map(truth)
    shares = known[known.isin(labels)].value_counts(normalize=True).reindex(labels, fill_value=0.0)
    return answers(predictions, np.tile(shares.to_numpy(np.float64), (len(predictions), 1)))


def _middle(frames: pd.DataFrame) -> pd.DataFrame:
    """The middle frame of each clip, the earlier one of two."""
    clip = frames.groupby("clip_id")["i_frame"]
    position, n = clip.cumcount(), clip.transform("size")
    return frames[position == (n - 1) // 2]


def _surest(frames: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """The frame of each clip with the largest probability of any label, the first one at a tie."""
    at = frames[columns].max(axis=1).groupby(frames["clip_id"]).idxmax()
    return frames.loc[at]


def _of_frames(predictions: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    columns = [f"p_{x}" for x in table_labels(predictions)]
    chosen = rows.set_index("clip_id")[columns].reindex(predictions["clip_id"])
    return answers(predictions, chosen.to_numpy(np.float64))


def _motion(predictions: pd.DataFrame, motion: pd.Series[float]) -> pd.DataFrame:
    """Motion as the probability of an animal: its rank among the clips, shared out over the animals."""
    labels = table_labels(predictions)
    moved = predictions["clip_id"].map(motion).astype(float)
    p_animal = moved.rank(pct=True).to_numpy(np.float64)  # nan stays nan: stills have no motion
    probs = np.repeat((p_animal / (len(labels) - 1))[:, None], len(labels), axis=1)
    probs[:, list(labels).index(EMPTY)] = 1 - p_animal
    return answers(predictions, probs)
