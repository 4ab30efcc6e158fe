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

from leopardnet.core.labels import LabelSet
from leopardnet.score.calibrate import Calibration, apply_calibration, fit_safely
from leopardnet.training.fit.clip_scores import compute_scores
from leopardnet.training.rank_epochs import find_best

MIN_GROUPS = 3
MAX_GROUPS = 10


def fit_clips(clips: pd.DataFrame) -> Calibration:
    """Return the calibration of a network, fitted to its clips, as of `compute_clip_logits`."""
    z = np.stack(clips["logits"].to_list()).astype(np.float64)
    y = np.stack(clips["shows"].to_list()) if "shows" in clips else clips["i_label"].to_numpy(np.int64)
    return fit_safely(z, y, sites=clips["site"].tolist(), before=Calibration())


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
        rows = [{"epoch": epoch, **compute_scores(clips.iloc[others])} for epoch, clips in by_epoch.items()]
        epochs[here] = epoch = int(find_best(rows)["epoch"])
        clips = by_epoch[epoch]
        logits = np.stack(clips["logits"].iloc[here].to_list())
        probs[here] = apply_calibration(logits, fit_clips(clips.iloc[others]), multi=labels.multi)
    return first[["clip_id"]].assign(epoch=epochs, **{name: probs[:, i] for i, name in enumerate(names)})
