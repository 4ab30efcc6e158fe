"""Labels that are probably wrong: a network that had not seen the clip is sure of something else.

Confident learning (Northcutt, Jiang and Chuang 2021): a clip counts as surely of a label if its probability is at
least the mean that clips of this label are given. A label is suspect where the clip is surely of another and less
likely of its own. The mean makes labels of which the network is never sure as easy to reach as others.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.labels import find_presence

FILE = "label_errors.parquet"  # in the folder of a training run
COLUMNS = ("clip_id", "label", "likelier", "score")


def find_label_errors(
    clip_ids: NDArray[np.object_],
    truth: NDArray[np.object_],
    probs: NDArray[np.float64],
    names: tuple[str, ...],
    *,
    multi: bool = False,
) -> pd.DataFrame:
    """Return the clips whose label is probably wrong, the surest first, with the columns COLUMNS.

    clip_ids, truth: object [M], the labels joined; probs: float64 [M, C], of networks that had not seen the clips,
    nan where unreadable; multi: labels are independent. likelier: the label that should be there, or with `multi`
    may be a label that is there and should not be. score: how much likelier it is, 0 to 1.

    >>> ids = np.array(["a", "b", "c", "d"], object)
    >>> said = np.array(["tiger", "tiger", "empty", "empty"], object)
    >>> p = np.array([[0.9, 0.1], [0.1, 0.9], [0.2, 0.8], [0.1, 0.9]])
    >>> find_label_errors(ids, said, p, ("tiger", "empty")).values.tolist()
    [['b', 'tiger', 'empty', 0.8]]
    """
    shows = find_presence(pd.Series(truth), names)
    use = np.isfinite(probs).all(axis=1) & shows.any(axis=1)
    ids, said, shows, p = clip_ids[use], truth[use], shows[use], probs[use]
    if not len(p):
        return pd.DataFrame(columns=list(COLUMNS)).astype({"score": "float64"})
    own = np.ma.masked_array(p, ~shows).mean(axis=0).filled(np.inf)
    if multi:  # each label stands alone: there although it is said not to be, or the other way round
        others = np.ma.masked_array(p, shows).mean(axis=0).filled(-np.inf)
        gain = np.where(~shows & (p >= own) & (p > 0.5), 2 * p - 1, 0.0)
        gain = np.where(shows & (p <= others) & (p < 0.5), 1 - 2 * p, gain)
    else:
        stated = np.where(shows, p, 0.0).max(axis=1)
        gain = np.where(~shows & (p >= own), np.maximum(p - stated[:, None], 0.0), 0.0)
    best, score = gain.argmax(axis=1), gain.max(axis=1)
    found = pd.DataFrame({"clip_id": ids, "label": said, "likelier": np.array(names, object)[best]})
    found = found.assign(score=score.round(6)).iloc[np.flatnonzero(score > 0)]
    return found.sort_values(["score", "clip_id"], ascending=[False, True], ignore_index=True)
