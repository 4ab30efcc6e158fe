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


def build_loss(config: LossConfig, y: NDArray[np.int64], *, n_labels: int, device: str = "cpu") -> LossFunction:
    """Return a function (logits [n, C], targets [n, C]) → sum of the frames' losses, for the label counts of `y`.

    Targets are probabilities, from `build_targets` or mixup. Label weights have mean 1 over the frames of `y`, so
    that the loss of a step is the sum over its parts divided by its number of frames. `logit_adjust` adds tau · log
    frequency to the logits during training (Menon et al., ICLR 2021). Focal multiplies each term by (1 - p)^gamma
    (Lin et al., ICCV 2017).

    >>> plain = build_loss(load_group("loss", "plain"), np.array([0, 0, 0, 1]), n_labels=2)
    >>> round(float(plain(torch.zeros(1, 2), torch.tensor([[1.0, 0.0]]))), 4)  # log 2
    0.6931
    """
    counts = np.maximum(np.bincount(y, minlength=n_labels), 1).astype(np.float64)
    weight = torch.tensor(compute_label_weights(counts, config.class_balance), dtype=torch.float32, device=device)
    margin = torch.tensor(config.logit_adjust * np.log(counts / counts.sum()), dtype=torch.float32, device=device)

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        log_p = F.log_softmax(logits.float() + margin, dim=1)
        terms = -log_p * targets * weight
        if config.kind == "focal":
            terms = terms * (1.0 - log_p.exp()) ** config.focal_gamma
        return terms.sum()

    return loss


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

    >>> build_targets(torch.tensor([1]), n_labels=2, smoothing=0.1)
    tensor([[0.0500, 0.9500]])
    """
    return F.one_hot(y, n_labels).float() * (1.0 - smoothing) + smoothing / n_labels
