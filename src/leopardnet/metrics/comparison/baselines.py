"""Baselines that a model must beat: predictions that need no model, or much less of one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from leopardnet.metrics.bootstrap import Floats
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.familiarity import class_mean_probs, clip_familiarity

MOTION = "motion"


def apply_baselines(
    clips: LabelledClips, evidence: pd.DataFrame, *, motion: pd.Series[float] | None = None
) -> dict[str, LabelledClips]:
    """Return the clips with the probabilities of each baseline that is possible, by its name.

    - `majority`: the commonest true label for every clip. It knows the shares of the labels in the very clips
      that it is evaluated on. Of independent labels, each has its share of the clips as probability.
    - `middle_frame`: the probabilities of the frame in the middle of the clip alone.
    - `best_frame`: those of the frame with the largest probability of any label.
    - `motion`: how much moves in the clip and nothing else (by clip_id; see `evaluation.motion_baseline`).
      At best it separates animals from empty clips, and no species from another.
    - `nearest_class_mean`: the label whose mean features in training are nearest to those of the clip's frames: the
      features without the last layer. For networks that store these means; not for independent labels.

    Clips without frames are unreadable in all of them but `majority`.
    """
    known = clips.select(clips.is_known)
    shares = np.array([known.shows(x).sum() for x in clips.labels]) / len(known)
    found = {"majority": clips.replace_probs(np.tile(shares, (len(clips), 1)))}
    if len(evidence):
        frames = evidence.sort_values(["clip_id", "i_frame"])
        columns = [f"p_{x}" for x in clips.labels]
        for name, rows in (("middle_frame", _middle_frames(frames)), ("best_frame", _best_frames(frames, columns))):
            probs = rows.set_index("clip_id")[columns].reindex(clips.clip_ids)
            found[name] = clips.replace_probs(probs.to_numpy(np.float64))
        cosines = clip_familiarity(frames, clips.labels)[[f"cos_{x}" for x in clips.labels]]
        if cosines.notna().to_numpy().any() and clips.presence is None:
            nearest = class_mean_probs(cosines.reindex(clips.clip_ids).to_numpy(np.float64))
            found["nearest_class_mean"] = clips.replace_probs(nearest)
    if motion is not None and clips.i_empty is not None:
        found[MOTION] = clips.replace_probs(_motion_probs(clips, motion, clips.i_empty))
    return found


def _middle_frames(frames: pd.DataFrame) -> pd.DataFrame:
    """Return the middle frame of each clip, the earlier one of two."""
    clip = frames.groupby("clip_id")["i_frame"]
    position, n = clip.cumcount(), clip.transform("size")
    return frames[position == (n - 1) // 2]


def _best_frames(frames: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Return the frame of each clip with the largest probability of any label, the first one at a tie."""
    at = frames[columns].max(axis=1).groupby(frames["clip_id"]).idxmax()
    return frames.loc[at]


def _motion_probs(clips: LabelledClips, motion: pd.Series[float], i_empty: int) -> Floats:
    """Return motion as the probability of an animal: its rank among the clips, divided among the animals."""
    moved = pd.Series(clips.clip_ids).map(motion).astype(float)
    p_animal = moved.rank(pct=True).to_numpy(np.float64)  # nan stays nan: stills have no motion
    n_labels = len(clips.labels)
    probs = np.repeat((p_animal / (n_labels - 1))[:, None], n_labels, axis=1)
    probs[:, i_empty] = 1 - p_animal
    return probs
