"""A linear probe: a strongly regularised logistic regression on frozen features, the head of the network.

Small sets of camera-trap pictures come from few cameras, and a probe learns these as easily as animals. What helps
is restraint: a small C, so that no direction counts much, and copies in an infrared look beside the pictures. A
strongly regularised head is too unsure, so its logits are scaled by what frames of unseen sites say. `docs/LOG.md`
reports the gain of each, and what did not gain.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.labels import split_labels
from leopardnet.data.splits.stratify import assign_groups

N_FOLDS = 4
SCALES = (0.25, 20.0)  # between which the logits are scaled
NEVER = -30.0  # the logit of a label without examples


def fit_head(
    features: NDArray[np.float32],
    y: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
    *,
    n_labels: int,
    c: float,
    shows: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weight [C, F] and bias [C] of a linear layer fitted to features [N, F] and class indices [N].

    weights: of the frames, float64 [N] (see `compute_probe_weights`). The scaling of the features is folded into
    the layer. A label without examples gets a bias so low that it is never predicted. `c` is the inverse
    regularisation: a larger c trusts the frames more. shows: of independent labels, which ones each frame has, bool
    [N, C]; then each label has a regression of its own, and `y` numbers the combinations.

    >>> x = np.array([[0.0, 1.0], [0.1, 0.9], [1.0, 0.0], [0.9, 0.1]], np.float32)
    >>> weight, bias = fit_head(x, np.array([0, 0, 1, 1]), n_labels=3, c=1.0)
    >>> (x @ weight.T + bias).argmax(axis=1).tolist(), weight.shape
    ([0, 0, 1, 1], (3, 2))
    """
    from sklearn.linear_model import LogisticRegression

    mean, scale = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64) + 1e-6
    classes = np.unique(y)
    weight = np.zeros((n_labels, features.shape[1]))
    bias = np.full(n_labels, NEVER)
    if shows is None and len(classes) == 1:
        bias[classes[0]] = 0.0
        return weight, bias
    z = ((features - mean) / scale).astype(np.float32)  # half the time of float64
    if shows is not None:
        for i in range(n_labels):
            if shows[:, i].all() or not shows[:, i].any():
                bias[i] = -NEVER if shows[:, i].all() else NEVER
                continue
            fit = LogisticRegression(C=c, max_iter=2000).fit(z, shows[:, i], sample_weight=weights)
            weight[i] = fit.coef_[0] / scale
            bias[i] = fit.intercept_[0] - weight[i] @ mean
        return weight, bias
    fit = LogisticRegression(C=c, max_iter=2000).fit(z, y, sample_weight=weights)
    rows, intercepts = fit.coef_, fit.intercept_
    if len(classes) == 2:  # scikit-learn returns one row for two classes
        rows, intercepts = np.concatenate([-rows, rows]) / 2, np.concatenate([-intercepts, intercepts]) / 2
    weight[classes] = rows / scale
    bias[classes] = intercepts - weight[classes] @ mean
    return weight, bias


def fit_probe(
    features: NDArray[np.float32],
    y: NDArray[np.int64],
    weights: NDArray[np.float64],
    groups: NDArray[np.int64],
    *,
    n_labels: int,
    c: float,
    seed: int,
    shows: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weight [C, F] and bias [C] of a head whose logits are as sure as frames of unseen groups allow.

    features: float32 [K, N, F], the frames and K - 1 copies of them, which share the weight of their frame. groups:
    of the frames, int64 [N]; frames of one site are in one group. The factor, between 0.25 and 20, has the least
    negative log-likelihood on the frames themselves, each judged by a head that was fitted without its group. With
    fewer than two groups it is 1. Otherwise as `fit_head`.
    """
    n_views = len(features)

    def fit(rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        x, shown = features[:, rows].reshape(n_views * len(rows), -1), None if shows is None else shows[rows]
        repeated = None if shown is None else np.tile(shown, (n_views, 1))
        shared = np.tile(weights[rows], n_views) / n_views
        return fit_head(x, np.tile(y[rows], n_views), shared, n_labels=n_labels, c=c, shows=repeated)

    weight, bias = fit(np.arange(len(y)))
    n_folds = min(N_FOLDS, len(np.unique(groups)))
    if n_folds < 2:
        return weight, bias
    codes = np.unique(groups, return_inverse=True)[1]
    fold = assign_groups(codes, y, shares=np.full(n_folds, 1 / n_folds), folds=True, seed=seed)[codes]
    logits = np.zeros((len(y), n_labels))
    for i in np.unique(fold):
        part_weight, part_bias = fit(np.flatnonzero(fold != i))
        logits[fold == i] = features[0, fold == i] @ part_weight.T + part_bias
    factor = find_scale(logits, y if shows is None else shows, weights)
    return weight * factor, np.where(np.abs(bias) == -NEVER, bias, bias * factor)


def find_scale(
    logits: NDArray[np.float64], truth: NDArray[np.int64] | NDArray[np.bool_], weights: NDArray[np.float64]
) -> float:
    """Return the factor between 0.25 and 20 by which logits [N, C] of frames say best how sure they may be.

    truth: class indices int64 [N], or of independent labels bool [N, C]. Frames whose label has no example among
    the others say nothing about it and are left out.

    >>> logits = np.log([[0.6, 0.4], [0.6, 0.4], [0.6, 0.4], [0.6, 0.4], [0.6, 0.4]])
    >>> round(find_scale(logits, np.array([0, 0, 0, 0, 1]), np.ones(5)), 2)  # log(4) / log(1.5): 4 of 5 are right
    3.42
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_expit, log_softmax

    if truth.ndim == 1:
        known = np.flatnonzero(logits[np.arange(len(truth)), truth] > NEVER / 2)
        z, at, w = logits[known], truth[known], weights[known]

        def loss(log_factor: float) -> float:
            return float(-(w * log_softmax(z * np.exp(log_factor), axis=1)[np.arange(len(at)), at]).sum())
    else:
        is_known = np.abs(logits) < -NEVER / 2
        signed, w = (
            np.where(truth, logits, -logits)[is_known],
            np.repeat(weights[:, None], logits.shape[1], 1)[is_known],
        )

        def loss(log_factor: float) -> float:
            return float(-(w * log_expit(signed * np.exp(log_factor))).sum())

    if not len(w):
        return 1.0
    found = minimize_scalar(loss, bounds=tuple(np.log(SCALES)), method="bounded")
    return float(np.exp(found.x).round(4))  # rounded: the last bits depend on the processor


def compute_probe_weights(table: pd.DataFrame, *, multi: bool = False) -> NDArray[np.float64]:
    """Return the weight of each frame for a probe, float64 [N] with mean 1: all labels have the same total weight.

    multi: a frame of several independent labels has the mean of the weights that it would have for each.

    >>> compute_probe_weights(pd.DataFrame({"label": ["deer", "deer", "deer", "empty"]})).round(2).tolist()
    [0.67, 0.67, 0.67, 2.0]
    """
    if multi:
        single = pd.DataFrame({"label": table["label"].map(split_labels), "row": np.arange(len(table))})
        single = single.explode("label", ignore_index=True)
        mean = pd.Series(compute_probe_weights(single)).groupby(single["row"]).mean().to_numpy(np.float64)
        return np.asarray(mean / mean.mean(), np.float64)
    counts = table.groupby("label")["label"].transform("size").to_numpy(np.float64)
    return np.asarray(len(table) / counts / table["label"].nunique(), np.float64)
