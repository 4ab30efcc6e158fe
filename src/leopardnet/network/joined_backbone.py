"""Several backbones as one: their features stand side by side before one head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from timm.models import group_parameters
from torch import Tensor, nn

from leopardnet.core.errors import ConfigError

JOIN = "+"  # between the names in a settings file


class JoinedBackbone(nn.Module):
    """What timm's models offer, for several of them: each sees the same input, and their features are joined.

    Networks of one family that were trained apart make different mistakes, and a linear head on both uses it. The cost
    is the sum of theirs. Raises ConfigError where they do not take the same normalisation, because the input is one.
    """

    def __init__(self, parts: Sequence[nn.Module]) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)
        configs: list[Any] = [part.pretrained_cfg for part in parts]
        for key in ("mean", "std"):
            found = {tuple(config[key]) for config in configs}
            if len(found) > 1:
                raise ConfigError(
                    "these backbones want the input normalised differently",
                    where="model.backbone",
                    found=f"{key} {sorted(found)}",
                    expected="backbones with the same mean and standard deviation",
                )
        self.pretrained_cfg = configs[0]
        self.head: nn.Module = nn.Identity()

    def reset_classifier(self, n_labels: int) -> None:
        """Take the heads of the parts away and put one for `n_labels` behind all of them."""
        for part in self.parts:
            part.reset_classifier(0)  # type: ignore[operator]
        self.head = nn.Linear(sum(int(part.num_features) for part in self.parts), n_labels)  # type: ignore[arg-type]

    def get_classifier(self) -> nn.Module:
        """The head."""
        return self.head

    def forward_features(self, x: Tensor) -> list[Tensor]:
        """The map of each part."""
        return [part.forward_features(x) for part in self.parts]  # type: ignore[operator]

    def forward_head(self, maps: list[Tensor], pre_logits: bool = False) -> Tensor:
        """Joined features [N, F], or with `pre_logits` off the logits [N, C]."""
        pooled = [part.forward_head(m, pre_logits=True) for part, m in zip(self.parts, maps, strict=True)]  # type: ignore[operator]
        features = torch.cat(pooled, dim=1)
        logits: Tensor = features if pre_logits else self.head(features)
        return logits

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, C] of normalised input."""
        return self.forward_head(self.forward_features(x))

    def group_matcher(self, coarse: bool = False) -> Callable[[str], float]:
        """The layer group of a parameter, as timm asks for it: that of its own part; the head comes last."""
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
