"""Figures that no choice flatters: epoch and temperature of each site are chosen on the clips of other sites.

The kept epoch and the temperature are chosen on the validation clips, so figures on these clips are too good: the
best of twenty epochs is partly the luckiest. Here the sites are divided into groups; for each group, epoch and
temperature are chosen on the clips of all other groups, exactly as the run chooses them, and the clips of the group
get the probabilities of that choice. The choice knows nothing of the sites that it is judged on, so it cannot
flatter (Stone 1974, Cross-validatory choice and assessment; Varma and Simon 2006, Bias in error estimation when
using cross-validation for model selection). It is the judgement of a choice on slightly fewer sites.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.labels import LabelSet
from leopardnet.score.calibrate import Calibration, apply_calibration
from leopardnet.score.presence_shift import ClipLengths, shift_presence
from leopardnet.score.safe_fit import fit_safely
from leopardnet.training.fit.clip_scores import compute_scores
from leopardnet.training.rank_epochs import find_best

MIN_GROUPS = 3
MAX_GROUPS = 10


def fit_clips(clips: pd.DataFrame, labels: LabelSet) -> Calibration:
    """Return the calibration of a network, fitted to its clips, as of `compute_clip_logits`.

    Clips of a label of which a network had no example have no part: one of them would flatten all probabilities.
    """
    clips = clips if clips["is_unknown"].all() else clips[~clips["is_unknown"]]
    z = np.stack(clips["logits"].to_list()).astype(np.float64)
    y = np.stack(clips["shows"].to_list()) if labels.multi else clips["i_label"].to_numpy(np.int64)
    sites, lengths = clips["site"].tolist(), _find_lengths(clips, labels)
    return fit_safely(z, y, sites=sites, before=Calibration(), lengths=lengths)


def calibrate_clips(clips: pd.DataFrame, calibration: Calibration, labels: LabelSet) -> NDArray[np.float32]:
    """Return the probabilities float32 [M, C] of clips, as of `compute_clip_logits`."""
    z = shift_presence(np.stack(clips["logits"].to_list()), calibration.shift, _find_lengths(clips, labels))
    return apply_calibration(z, calibration, multi=labels.multi)


def cross_choose(by_epoch: Mapping[int, pd.DataFrame], groups: pd.Series[str], labels: LabelSet) -> pd.DataFrame:
    """Return clip_id, the epoch and the probabilities `p_<label>` that other sites chose for each clip.

    by_epoch: the clips of `compute_clip_logits` after each epoch, the same clips in the same order. groups: the
    site of each clip, or what stands for it where it is unknown. No row is returned where there are fewer than
    three groups: one or two sites cannot choose for another.
    """
    from sklearn.model_selection import GroupKFold

    first = next(iter(by_epoch.values()))
    n_groups = min(groups.nunique(), MAX_GROUPS)
    names = [f"p_{name}" for name in labels.names]
    if n_groups < MIN_GROUPS:
        return pd.DataFrame(columns=["clip_id", "epoch", *names])
    epochs, probs = np.zeros(len(first), np.int64), np.zeros((len(first), len(labels)), np.float32)
    for others, here in GroupKFold(n_groups).split(first, groups=groups.to_numpy(object)):
        theirs = {epoch: clips.iloc[others] for epoch, clips in by_epoch.items()}
        rows = [{"epoch": e, **compute_scores(clips, find_probe(theirs, e))} for e, clips in theirs.items()]
        epochs[here] = epoch = int(find_best(rows)["epoch"])
        clips = by_epoch[epoch]
        probs[here] = calibrate_clips(clips.iloc[here], fit_clips(clips.iloc[others], labels), labels)
    return first[["clip_id"]].assign(epoch=epochs, **{name: probs[:, i] for i, name in enumerate(names)})


def find_probe(by_epoch: Mapping[int, pd.DataFrame], epoch: int) -> pd.DataFrame | None:
    """Return the clips of the probe that an epoch is compared with; None for itself and without one."""
    return by_epoch.get(0) if epoch else None


def _find_lengths(clips: pd.DataFrame, labels: LabelSet) -> ClipLengths | None:
    """Return kinds and numbers of frames; None for labels that have no shift of presence."""
    if labels.multi or labels.i_empty is None:
        return None
    return ClipLengths.of_table(clips, clips["clip_id"].tolist(), labels.i_empty)
