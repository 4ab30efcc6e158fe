"""What a model must beat: answers that need no model, or much less of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.tables import labels_of
from leopardnet.score.compare import answers
from leopardnet.score.metrics import EMPTY

MOTION = "motion"


def baseline_tables(
    predictions: pd.DataFrame, evidence: pd.DataFrame, truth: pd.Series[str], *, motion: pd.Series[float] | None = None,
    class_means: pd.DataFrame | None = None,
) -> dict[str, pd.DataFrame]:  # fmt: skip
    """A predictions table for each baseline that can be had, by its name.

    - `majority`: the commonest true label for every clip. It knows the shares of the labels in the very clips it is judged on.
    - `middle_frame`: the probabilities of the frame in the middle of the clip alone.
    - `best_frame`: those of the frame in which the model is surest of one label.
    - `motion`: how much moves in the clip (`motion`, by clip_id; see `infer.footage_baselines`), and nothing else. It tells
      animals from empty clips at best, and no species apart.
    - `nearest_class_mean`: what frozen features say without a trained head (`class_means`, p_<label> by clip_id).

    Clips without frames stay unreadable in all of them but `majority`.
    """
    labels = labels_of(predictions)
    tables = {"majority": _majority(predictions, truth)}
    if len(evidence):
        frames = evidence.sort_values(["clip_id", "i_frame"])
        tables["middle_frame"] = _of_frames(predictions, _middle(frames))
        tables["best_frame"] = _of_frames(predictions, _surest(frames, [f"p_{x}" for x in labels]))
    if motion is not None and EMPTY in labels:
        tables[MOTION] = _motion(predictions, motion)
    if class_means is not None:
        tables["nearest_class_mean"] = _of_frames(predictions, class_means.reset_index())
    return tables


def _majority(predictions: pd.DataFrame, truth: pd.Series[str]) -> pd.DataFrame:
    labels = labels_of(predictions)
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
    columns = [f"p_{x}" for x in labels_of(predictions)]
    chosen = rows.set_index("clip_id")[columns].reindex(predictions["clip_id"])
    return answers(predictions, chosen.to_numpy(np.float64))


def _motion(predictions: pd.DataFrame, motion: pd.Series[float]) -> pd.DataFrame:
    """Motion as the probability of an animal: its rank among the clips, shared out over the animals."""
    labels = labels_of(predictions)
    moved = predictions["clip_id"].map(motion).astype(float)
    p_animal = moved.rank(pct=True).to_numpy(np.float64)  # nan stays nan: stills have no motion
    probs = np.repeat((p_animal / (len(labels) - 1))[:, None], len(labels), axis=1)
    probs[:, list(labels).index(EMPTY)] = 1 - p_animal
    return answers(predictions, probs)


def class_mean_probs(
    train: NDArray[np.floating[Any]], y: NDArray[np.int64], test: NDArray[np.floating[Any]], *, n_labels: int
) -> NDArray[np.float64]:
    """Probabilities [M, C] by the cosine of features [M, F] to the mean of each class of `train` [N, F].

    The softmax of ten times the cosine: only its order means something. A class without a training row has 0.

    >>> train = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> class_mean_probs(train, np.array([0, 1]), np.array([[2.0, 0.1]]), n_labels=2).argmax()
    np.int64(0)
    """
    from scipy.special import softmax

    means = np.array(
        [train[y == c].mean(axis=0) if (y == c).any() else np.zeros(train.shape[1]) for c in range(n_labels)]
    )
    lengths = np.linalg.norm(test, axis=1)[:, None] * np.linalg.norm(means, axis=1)[None]
    cosine = np.divide(test @ means.T, lengths, out=np.full(lengths.shape, -np.inf), where=lengths > 0)
    return np.asarray(softmax(10 * cosine, axis=1), np.float64)
