"""Where a frame speaks for a class: its logit divided among the positions of the last map of features."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from leopardnet.core.errors import BackendError
from leopardnet.network.classifier import Classifier


@torch.enable_grad()
def map_evidence(model: Classifier, frames: NDArray[np.uint8], classes: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return how much each position of the last map adds to the logit of a class, float32 [N, h, w].

    frames: uint8 [N, 3, S, S]; classes: of each frame, int64 [N]. Each feature of a position is multiplied by the
    slope of the logit, as in Grad-CAM, but at its own position (HiResCAM, Draelos & Carin 2020). Of a network that
    pools one map into a linear head, the values add up to the logit without its bias. Of a vision transformer it is
    the map before the last attention, from which the class token takes what it knows. This is a hint, not a proof:
    a position sees more of the frame than its own square. Raises BackendError for a network without such a map.
    """
    model.eval()
    x = (torch.from_numpy(np.array(frames)).to(model.mean.device).float() - model.mean) / model.std
    seen: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
        seen.append(output.detach().requires_grad_())  # slopes go no further back
        return seen[-1]

    backbone, tokens = model.backbone, _find_tokens(model.backbone)
    if tokens is not None:
        with tokens.register_forward_hook(keep):
            features = backbone.forward_features(x)
    else:
        features = backbone.forward_features(x)
        if not torch.is_tensor(features) or features.ndim != 4:
            raise _no_map_error(backbone)
        features = keep(backbone, x, features)
    logits = model.head(backbone.forward_head(features, pre_logits=True))
    (slopes,) = torch.autograd.grad(logits.gather(1, torch.from_numpy(classes)[:, None].to(x.device)).sum(), seen)
    is_last = tokens is not None or getattr(backbone, "output_fmt", "NCHW") == "NHWC"
    parts = (seen[0] * slopes).detach().sum(dim=-1 if is_last else 1)  # [N, h, w], of a transformer [N, tokens]
    if tokens is not None:
        parts = parts[:, backbone.num_prefix_tokens :].unflatten(1, backbone.patch_embed.grid_size)
    return np.asarray(parts.float().cpu().numpy(), np.float32)


def _find_tokens(backbone: Any) -> nn.Module | None:
    """Return the layer of a vision transformer before its last attention; None for a network with a map."""
    if not hasattr(backbone, "num_prefix_tokens"):
        return None
    layer = getattr(backbone.blocks[-1], "norm1", None)
    if layer is None or not hasattr(getattr(backbone, "patch_embed", None), "grid_size"):
        raise _no_map_error(backbone)
    return layer


def _no_map_error(backbone: nn.Module) -> BackendError:
    return BackendError(
        "this backbone does not say where a frame speaks for a class",
        found=type(backbone).__name__,
        expected="a network with one last map of features, such as lite0 or a vision transformer",
        todo="leave attention out",
    )
