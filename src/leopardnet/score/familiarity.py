"""How familiar footage is to a network, independent of the predicted class.

A softmax always sums to 1, so an unknown animal still gets a class. Two other scores are higher for more familiar
frames: the energy is the log of the sum of the exponentials of the logits (Liu et al. 2020, Energy-based
Out-of-distribution Detection), and the cosine compares a frame's features with the mean features of each class in
training. How well they separate unknown from known animals is measured by `metrics.comparison.novelty`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.labels import EMPTY
from leopardnet.score.log_sums import logsumexp
from leopardnet.score.ties import round_scores

if TYPE_CHECKING:
    import pandas as pd

TOP_SHARE = 0.25  # of a clip's frames, the least empty ones, as in `presence_topk`


def familiarity(logits: NDArray[np.float32], cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return energy and cosines, float32 [N, 1 + C], from logits and cosines of whole frames, both float32 [N, C].

    >>> familiarity(np.array([[0.0, 0.0]], np.float32), np.array([[0.9, 0.2]], np.float32)).round(2)
    array([[0.69, 0.9 , 0.2 ]], dtype=float32)
    """
    energy = logsumexp(logits.astype(np.float64), axis=1)
    return np.column_stack([energy, cosines]).astype(np.float32)


def clip_familiarity(
    evidence: pd.DataFrame, labels: Sequence[str], *, empty: str = EMPTY, top_share: float = 1.0
) -> pd.DataFrame:
    """Return the means of `energy` and `cos_<label>` over the frames of each clip, indexed by clip_id.

    top_share: use only this share of the frames, with the lowest probability of `empty`, and at least one. A clip
    whose frames lack these columns, from an older version or another network, has nan.

    >>> import pandas as pd
    >>> frames = pd.DataFrame({"clip_id": "a", "i_frame": [0, 1], "p_deer": [0.9, 0.1], "p_empty": [0.1, 0.9],
    ...                        "energy": [4.0, 2.0], "cos_deer": [0.8, 0.2], "cos_empty": [0.1, 0.9]})
    >>> clip_familiarity(frames, ("deer", "empty"), top_share=0.25).to_dict("records")
    [{'energy': 4.0, 'cos_deer': 0.8, 'cos_empty': 0.1}]
    """
    import pandas as pd

    columns = ["energy", *(f"cos_{x}" for x in labels)]
    frames = evidence.reindex(columns=[*evidence.columns, *(c for c in columns if c not in evidence.columns)])
    if f"p_{empty}" in frames.columns and top_share < 1:
        # The logarithm keeps small probabilities apart when it is rounded.
        log_p = round_scores(np.log(frames[f"p_{empty}"].clip(lower=1e-30).to_numpy(np.float64)))
        groups = pd.Series(log_p, index=frames.index).groupby(frames["clip_id"])
        place = groups.rank(method="first")  # the least empty frame first
        frames = frames[place <= np.ceil(top_share * groups.transform("size") - 1e-9).clip(lower=1)]
    means: pd.DataFrame = frames.groupby("clip_id")[columns].mean()
    return means.astype("float64")


def class_mean_probs(cosines: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return probabilities float64 [M, C] from cosines [M, C] to the class means: softmax of ten times the cosine.

    Only their order is meaningful; nan stays nan.

    >>> class_mean_probs(np.array([[0.9, 0.1], [np.nan, np.nan]])).round(4).tolist()
    [[0.9997, 0.0003], [nan, nan]]
    """
    z = 10.0 * np.asarray(cosines, np.float64)
    return np.asarray(np.exp(z - logsumexp(z, axis=1, keepdims=True)), np.float64)
