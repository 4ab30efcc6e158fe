"""Several backbones as one, with concatenated features and one head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from timm.models import group_parameters
from torch import Tensor, nn

from leopardnet.core.errors import ConfigError

JOIN = "+"  # between the names in settings


class JoinedBackbone(nn.Module):
    """Several timm models with the interface of one: all get the same input, and their features are concatenated.

    Networks of one family that were trained separately make different mistakes, which a linear head on both
    exploits. The cost is the sum of theirs. Raises ConfigError if they need different normalisation, since they
    share the input.
    """

    def __init__(self, parts: Sequence[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        configs: list[Any] = [part.pretrained_cfg for part in parts]
        for key in ("mean", "std"):
            found = {tuple(config[key]) for config in configs}
            if len(found) > 1:
                raise ConfigError(
                    "these backbones need different normalisation of the input",
                    where="model.backbone",
                    found=f"{key} {sorted(found)}",
                    expected="backbones with the same mean and standard deviation",
                )
        self.pretrained_cfg = configs[0]
        self.head: nn.Module = nn.Identity()

    @property
    def _backbones(self) -> list[Any]:
        return list(self.parts)

    def reset_classifier(self, n_labels: int) -> None:
        """Remove the heads of the parts and add one for `n_labels` on all of them."""
        for part in self._backbones:
            part.reset_classifier(0)
        self.head = nn.Linear(sum(int(part.num_features) for part in self._backbones), n_labels)

    def get_classifier(self) -> nn.Module:
        """Return the head."""
        return self.head

    def forward_features(self, x: Tensor) -> list[Tensor]:
        """Return the feature map of each part."""
        return [part.forward_features(x) for part in self._backbones]

    def forward_head(self, maps: list[Tensor], pre_logits: bool = False) -> Tensor:
        """Return logits [N, C], or with `pre_logits` the concatenated features [N, F]."""
        parts = zip(self._backbones, maps, strict=True)
        pooled = [part.forward_head(m, pre_logits=True) for part, m in parts]
        features = torch.cat(pooled, dim=1)
        logits: Tensor = features if pre_logits else self.head(features)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """Return logits [N, C] of normalised input."""
        return self.forward_head(self.forward_features(x))

    def group_matcher(self, coarse: bool = False) -> Callable[[str], float]:
        """Return a function from a parameter's name to its layer group, that of its part; the head is last."""
        of_part: list[dict[str, int]] = [
            group_parameters(part, part.group_matcher(coarse=coarse), reverse=True)  # type: ignore[operator]
            for part in self.parts
        ]

        def group(name: str) -> float:
            if not name.startswith("parts."):
                return float("inf")
            _, i, rest = name.split(".", 2)
            return float(of_part[int(i)].get(rest, 10**6))

        return group
