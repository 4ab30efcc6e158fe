"""A linear probe: a regularised logistic regression on frozen features, used as the head of the network.

Small sets of camera-trap pictures come from few cameras, and a probe learns these as easily as animals. Two
measures reduce this: a camera with 16 times the frames counts only twice as much, and the directions in which
frames of one label differ between cameras are removed before the fit. `docs/LOG.md` reports the gain of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.labels import split_labels
from leopardnet.data.splits.stratify import assign_groups

MIN_FRAMES, MAX_FRAMES = 3, 20  # of a label at a site: fewer do not describe the site, more add nothing
MAX_DIRECTIONS = 32
SITE_BALANCE = 0.75  # 0 weights every frame equally, 1 every site
DIGITS = 6, 9  # of logits and of macro-F1: values that agree this far are equal


def fit_head(
    features: NDArray[np.float32],
    y: NDArray[np.int64],
    weights: NDArray[np.float64] | None = None,
    *,
    n_labels: int,
    c: float,
    sites: pd.Series[Any] | None = None,
    shows: NDArray[np.bool_] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return weight [C, F] and bias [C] of a linear layer fitted to features [N, F] and class indices [N].

    weights: of the frames, float64 [N] (see `compute_probe_weights`). sites: of the frames; if given, the
    directions in which only sites differ are removed first (see `find_site_directions`). The scaling of the
    features and the removal are folded into the layer. A label without examples gets a bias so low that it is never
    predicted. `c` is the inverse regularisation. shows: of independent labels, which ones each frame has, bool
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
    bias = np.full(n_labels, -30.0)
    if shows is None and len(classes) == 1:
        bias[classes[0]] = 0.0
        return weight, bias
    z = (features - mean) / scale
    v = np.zeros((0, z.shape[1])) if sites is None else find_site_directions(z, y, sites)  # [K, F]
    z = z - (z @ v.T) @ v
    if shows is not None:
        for i in range(n_labels):
            if shows[:, i].all() or not shows[:, i].any():
                bias[i] = 30.0 if shows[:, i].all() else -30.0
                continue
            fit = LogisticRegression(C=c, max_iter=2000).fit(z, shows[:, i], sample_weight=weights)
            weight[i] = (fit.coef_[0] - (fit.coef_[0] @ v.T) @ v) / scale
            bias[i] = fit.intercept_[0] - weight[i] @ mean
        return weight, bias
    fit = LogisticRegression(C=c, max_iter=2000).fit(z, y, sample_weight=weights)
    rows, intercepts = fit.coef_, fit.intercept_
    if len(classes) == 2:  # scikit-learn returns one row for two classes
        rows, intercepts = np.concatenate([-rows, rows]) / 2, np.concatenate([-intercepts, intercepts]) / 2
    rows = (rows - (rows @ v.T) @ v) / scale
    weight[classes] = rows
    bias[classes] = intercepts - rows @ mean
    return weight, bias


def find_site_directions(
    z: NDArray[np.float64], y: NDArray[np.int64], sites: pd.Series[Any]
) -> NDArray[np.float64]:
    """Return orthonormal directions [K, F] in which frames of one label differ from site to site, at most 32.

    A probe without these directions cannot learn cameras (nuisance attribute projection, Solomonoff et al. 2005).
    z: standardised features [N, F]. All frames without a site are one group; groups of fewer than three frames are
    ignored.

    >>> z = np.array([[1.0, 5.0], [1, 5], [1, 5], [1, -5], [1, -5], [1, -5]])
    >>> np.abs(find_site_directions(z, np.zeros(6, int), pd.Series(list("aaabbb")))).round(3).tolist()
    [[0.0, 1.0]]
    """
    names = sites.astype(object).where(sites.notna(), "").to_numpy()
    offsets = []
    for label in np.unique(y):
        means, counts = [], []
        for site in np.unique(names[y == label].astype(str)):
            chosen = (y == label) & (names == site)
            if chosen.sum() >= MIN_FRAMES:
                means.append(z[chosen].mean(axis=0))
                counts.append(min(int(chosen.sum()), MAX_FRAMES))
        if len(means) > 1:
            centred = np.stack(means) - np.mean(means, axis=0)
            offsets.append(centred * np.sqrt(counts)[:, None])
    if not offsets:
        return np.zeros((0, z.shape[1]))
    _, sizes, directions = np.linalg.svd(np.concatenate(offsets), full_matrices=False)
    kept: NDArray[np.float64] = directions[sizes > 1e-4 * max(sizes[0], 1e-12)][:MAX_DIRECTIONS]
    return kept


def compute_probe_weights(table: pd.DataFrame, *, multi: bool = False) -> NDArray[np.float64]:
    """Return the weight of each frame for a probe, float64 [N] with mean 1.

    All labels have the same total weight. Within a label, a site is weighted by the fourth root of its number of
    frames, so that one busy camera does not dominate the label. A frame without a site is a site of its own. multi:
    a frame of several independent labels has the mean of the weights that it would have for each.

    >>> table = pd.DataFrame({"label": ["deer"] * 5 + ["empty"], "site": ["a", "a", "a", "a", "b", "a"]})
    >>> compute_probe_weights(table).round(2).tolist()
    [0.44, 0.44, 0.44, 0.44, 1.24, 3.0]
    """
    if multi:
        single = table[["site"]].assign(label=table["label"].map(split_labels), _row=np.arange(len(table)))
        single = single.explode("label", ignore_index=True)
        mean = pd.Series(compute_probe_weights(single)).groupby(single["_row"]).mean().to_numpy(np.float64)
        return np.asarray(mean / mean.mean(), np.float64)
    of_site = (
        table.groupby(["label", "site"], dropna=True)["label"].transform("size").fillna(1.0).to_numpy(np.float64)
    )
    weights = pd.Series(of_site**-SITE_BALANCE, index=table.index)
    weights /= weights.groupby(table["label"]).transform("sum")
    return weights.to_numpy(np.float64) * len(table) / table["label"].nunique()


def choose_c(
    features: NDArray[np.float32],
    y: NDArray[np.int64],
    weights: NDArray[np.float64],
    groups: NDArray[np.int64],
    *,
    n_labels: int,
    choices: Sequence[float],
    seed: int,
    sites: pd.Series[Any] | None = None,
    shows: NDArray[np.bool_] | None = None,
) -> float:
    """Return the inverse regularisation with the best macro-F1 in grouped 4-fold cross-validation.

    Of equal choices the first, that is the strongest regularisation, is taken; with fewer than two groups, the
    middle one.
    """
    from sklearn.metrics import f1_score

    n_folds = min(4, len(np.unique(groups)))
    if n_folds < 2:
        return choices[len(choices) // 2]
    codes = np.unique(groups, return_inverse=True)[1]
    fold = assign_groups(codes, y, shares=np.full(n_folds, 1 / n_folds), folds=True, seed=seed)[codes]
    scores = []
    for c in choices:
        predicted = np.full(len(y), -1, np.int64) if shows is None else np.zeros_like(shows)
        for i in np.unique(fold):
            held, rest = fold == i, fold != i
            of_rest = None if sites is None else sites[rest]
            shown = None if shows is None else shows[rest]
            weight, bias = fit_head(
                features[rest], y[rest], weights[rest], n_labels=n_labels, c=c, sites=of_rest, shows=shown
            )
            logits = (features[held] @ weight.T + bias).round(DIGITS[0])
            predicted[held] = logits.argmax(axis=1) if shows is None else logits > 0
        truth, labels = (y, np.unique(y)) if shows is None else (shows, np.flatnonzero(shows.any(axis=0)))
        f1 = f1_score(truth, predicted, labels=labels, average="macro", zero_division=0)
        scores.append(round(float(f1), DIGITS[1]))
    return choices[int(np.argmax(scores))]
