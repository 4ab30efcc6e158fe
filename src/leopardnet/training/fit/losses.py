"""The loss, from settings and label counts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from leopardnet.core.settings.training import LossConfig

LossFunction = Callable[[Tensor, Tensor], Tensor]


def build_loss(
    config: LossConfig, y: NDArray[np.int64] | NDArray[np.bool_], *, n_labels: int, device: str = "cpu"
) -> LossFunction:
    """Return a function (logits [n, C], targets [n, C]) → sum of the frames' losses, for the label counts of `y`.

    y: classes int64 [N], for a cross-entropy over all labels; or bool [N, C], for a binary one of each label.

    Targets are probabilities, from `build_targets` or mixup. Label weights have mean 1 over the frames of `y`, so
    that the loss of a step is the sum over its parts divided by its number of frames. `logit_adjust` adds tau · log
    frequency to the logits during training (Menon et al., ICLR 2021). Focal multiplies each term by (1 - p)^gamma
    (Lin et al., ICCV 2017).

    >>> plain = build_loss(load_group("loss", "plain"), np.array([0, 0, 0, 1]), n_labels=2)
    >>> round(float(plain(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))), 4)  # log 2
    0.6931
    """
    multi = y.ndim == 2
    found = y.sum(axis=0) if multi else np.bincount(y, minlength=n_labels)
    counts = np.maximum(found, 1).astype(np.float64)
    shares = counts / (np.maximum(len(y) - counts, 1) if multi else counts.sum())  # odds of independent labels
    weight = torch.tensor(compute_label_weights(counts, config.class_balance), dtype=torch.float32, device=device)
    margin = torch.tensor(config.logit_adjust * np.log(shares), dtype=torch.float32, device=device)

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        log_p = F.log_softmax(logits.float() + margin, dim=1)
        terms = -log_p * targets * weight
        if config.kind == "focal":
            terms = terms * (1.0 - log_p.exp()) ** config.focal_gamma
        return terms.sum()

    def binary_loss(logits: Tensor, targets: Tensor) -> Tensor:
        z = logits.float() + margin
        terms = F.binary_cross_entropy_with_logits(z, targets, reduction="none") * weight
        if config.kind == "focal":
            terms = terms * (targets - z.sigmoid()).abs() ** config.focal_gamma
        return terms.sum()

    return binary_loss if multi else loss


def compute_label_weights(counts: NDArray[np.float64], balance: float) -> NDArray[np.float64]:
    """Return weights [C] with mean 1 over frames: equal for all frames at balance 0, for all labels at 1.

    >>> compute_label_weights(np.array([3.0, 1.0]), 1.0).round(3).tolist()
    [0.667, 2.0]
    """
    weights = (counts.sum() / (len(counts) * counts)) ** balance
    scaled: NDArray[np.float64] = weights / (weights * counts).sum() * counts.sum()
    return scaled


def build_targets(y: Tensor, *, n_labels: int, smoothing: float) -> Tensor:
    """Return targets float32 [n, C] of class indices int64 [n]: 1 - smoothing, and the rest spread over all labels.

    Of independent labels, bool [n, C], each is moved towards a half by the same share.

    >>> build_targets(torch.tensor([1]), n_labels=2, smoothing=0.1)
    tensor([[0.0500, 0.9500]])
    """
    if y.ndim == 2:
        return y.float() * (1.0 - smoothing) + smoothing / 2
    return F.one_hot(y, n_labels).float() * (1.0 - smoothing) + smoothing / n_labels
