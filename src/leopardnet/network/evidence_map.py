"""Where a frame speaks for a class: the logit of a linear head, divided among the positions of the feature map."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from leopardnet.core.errors import BackendError
from leopardnet.network.classifier import Classifier
from leopardnet.network.pooling import EPS, GeneralisedMean


@torch.no_grad()
def map_evidence(model: Classifier, frames: NDArray[np.uint8], classes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return how much each position of the feature map adds to the logit of a class, float32 [N, h, w].

    frames: uint8 [N, 3, S, S]; classes: of each frame, int64 [N]. The values of a frame add up to its logit without
    the bias. A feature that is pooled with power p is divided in proportion to the p-th powers of its map, and
    weighed by the head; with p = 1 these are class activation maps (Zhou et al. 2016). Neither gradients nor
    changed pictures are needed. A position sees more of the frame than its own square. Raises BackendError for a
    backbone that does not pool one map.
    """
    model.eval()
    x = (torch.from_numpy(np.array(frames)).to(model.mean.device).float() - model.mean) / model.std
    features = model.backbone.forward_features(x)  # [N, F, h, w]
    p = next((layer.p for layer in model.backbone.modules() if isinstance(layer, GeneralisedMean)), 1.0)
    pooled = model.backbone.forward_head(features, pre_logits=True) if torch.is_tensor(features) else None
    if pooled is None or features.ndim != 4 or pooled.shape != features.shape[:2]:
        raise BackendError(
            "this backbone does not say where a frame speaks for a class",
            found=type(model.backbone).__name__,
            expected="one convolutional network, whose last feature map is pooled",
            todo="train with model=lite0 or another single convolutional network",
        )
    n_positions = features.shape[2] * features.shape[3]
    parts = features.float() / n_positions  # of the pooled features, [N, F, h, w]
    if p != 1.0:
        powers = features.float().clamp(min=EPS).pow(p)
        parts = pooled[..., None, None] * powers / powers.sum(dim=(2, 3), keepdim=True)
    weights = model.head.weight[torch.from_numpy(classes)][..., None, None]  # [N, F, 1, 1]
    return np.asarray((weights * parts).sum(dim=1).cpu().numpy(), np.float32)
