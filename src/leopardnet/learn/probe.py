"""A linear probe: a regularised logistic regression on frozen features, as a head for the network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def fit_head(
    features: NDArray[np.float32], y: NDArray[np.int64], *, n_labels: int, c: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight [C, F] and bias [C] of a linear layer fitted to features [N, F] and class indices [N].

    Labels are weighted alike whatever their counts. The scaling of features that the fit uses is folded into the
    layer. A label without examples gets a bias so low that it is never chosen. `c` is the inverse regularisation.

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
    if len(classes) == 1:
        bias[classes[0]] = 0.0
        return weight, bias
    fit = LogisticRegression(C=c, class_weight="balanced", max_iter=2000).fit((features - mean) / scale, y)
    rows, intercepts = fit.coef_, fit.intercept_
    if len(classes) == 2:  # scikit-learn keeps one row for two classes
        rows, intercepts = np.concatenate([-rows, rows]) / 2, np.concatenate([-intercepts, intercepts]) / 2
    weight[classes] = rows / scale
    bias[classes] = intercepts - (rows / scale) @ mean
    return weight, bias
