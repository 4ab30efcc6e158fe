"""Pooling of a feature map to one vector."""

from __future__ import annotations

from timm.layers.adaptive_avgmax_pool import SelectAdaptivePool2d
from torch import Tensor, nn

from leopardnet.core.errors import ConfigError

EPS = 1e-4  # activations are at least this, so that roots have a slope


class GeneralisedMean(nn.Module):
    """Generalised-mean pooling (Radenović et al., TPAMI 2019): the p-th root of the mean of p-th powers.

    With p = 1 it is the mean; the larger p, the more the strongest positions count. A small animal activates few
    positions of the map, and a mean dilutes it. float32 [N, F, h, w] → [N, F], or [N, F, 1, 1] with `flatten` off.
    """

    def __init__(self, p: float = 3.0, *, flatten: bool = True, eps: float = EPS) -> None:
        super().__init__()
        self.p, self.flatten, self.eps = p, flatten, eps

    def forward(self, x: Tensor) -> Tensor:
        """Return the pooled features."""
        pooled = x.float().clamp(min=self.eps).pow(self.p).mean(dim=(2, 3), keepdim=True).pow(1.0 / self.p)
        return pooled.flatten(1) if self.flatten else pooled


def use_generalised_mean(backbone: nn.Module, *, p: float) -> None:
    """Replace the backbone's pooling by generalised-mean pooling.

    Raises ConfigError for a backbone that does not pool a map, such as a vision transformer.
    """
    maps = [(name, x) for name, x in backbone.named_modules() if isinstance(x, SelectAdaptivePool2d)]
    for name, module in maps:
        parent = backbone.get_submodule(name.rpartition(".")[0])
        flat = not isinstance(module.flatten, nn.Identity)
        setattr(parent, name.rpartition(".")[2], GeneralisedMean(p, flatten=flat))
    if maps:
        return
    raise ConfigError(
        "this backbone has no feature map to pool",
        where="model.gem_p",
        found=type(backbone).__name__,
        expected="a convolutional network",
        todo="set model.gem_p=1, which keeps the backbone's own pooling",
    )
