"""What a wrong answer costs: one function from settings and label counts to a loss."""

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
    """A function (logits [n, C], targets [n, C]) → the sum of the frames' losses, for the label counts of `y`.

    Targets are probabilities, as `build_targets` and mixing of pictures make them. Label weights have mean 1 over the
    frames of `y`, so that the loss of a step is this sum divided by its number of frames, however it is shared out.
    `logit_adjust` adds tau · log frequency to the logits while learning (Menon et al., ICLR 2021); focal multiplies
    each term by (1 - p)^gamma (Lin et al., ICCV 2017).

    >>> plain = build_loss(LossConfig(label_smoothing=0, class_balance=0), np.array([0, 0, 0, 1]), n_labels=2)
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
    """Weights [C] with mean 1 over frames: every frame alike at balance 0, every label alike at 1.

    >>> compute_label_weights(np.array([3.0, 1.0]), 1.0).round(3).tolist()
    [0.667, 2.0]
    """
    weights = (counts.sum() / (len(counts) * counts)) ** balance
    scaled: NDArray[np.float64] = weights / (weights * counts).sum() * counts.sum()
    return scaled


def build_targets(y: Tensor, *, n_labels: int, smoothing: float) -> Tensor:
    """Probabilities float32 [n, C] of class indices int64 [n]: 1 - smoothing, and the rest spread over all labels.

    >>> build_targets(torch.tensor([1]), n_labels=2, smoothing=0.1)
    tensor([[0.0500, 0.9500]])
    """
    return F.one_hot(y, n_labels).float() * (1.0 - smoothing) + smoothing / n_labels
