"""Backbones and their weights: embedded in a Python package, from the hub of timm, or in a file."""

from __future__ import annotations

import logging
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import timm
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from leopardnet.core.errors import BackendError, BundleError, ConfigError
from leopardnet.core.settings.inference import ModelConfig
from leopardnet.core.tables import atomic_path
from leopardnet.core.weights.embedded_backbones import find_embedded, list_embedded_models, read_embedded
from leopardnet.network.unlisted_weights import find_weights


def native_size_px(config: ModelConfig) -> int:
    """Return the input size of the backbone: `config.size_px`, or if that is 0, the size that its weights state.

    Nothing is downloaded: timm contains a description of all weights.

    >>> native_size_px(load_group("model", "hub"))
    384
    """
    if config.size_px:
        return config.size_px
    _check_name(config)
    described = timm.get_pretrained_cfg(find_weights(config.backbone)[0])
    assert described is not None
    return int(described.input_size[-1])


def create_backbone(config: ModelConfig, *, size_px: int | None = None) -> nn.Module:
    """Return the timm model of `config` with its ImageNet head and weights.

    Its `pretrained_cfg` describes the preprocessing.

    size_px: the side of its input, by default the native one. It matters for networks with a grid of positions,
    such as vision transformers: their grid is resampled to this size, and they accept no other.

    Raises BackendError if a package is missing, its file is not the known one, the hub cannot be reached or timm
    does not know the name, BundleError if a file of weights does not fit, and ConfigError if the size is not a
    multiple of the network's patch size.
    """
    size = size_px or native_size_px(config)
    if config.weights_file:
        model = _load_file(config, config.weights_file)
    else:
        model = _fetch(config) if config.weights == "hub" else _create_timm_model(config)
    if config.weights == "embedded":
        model.load_state_dict(load_embedded_state(config.backbone, model), strict=True)
    _check_patches(model, config, size)
    if hasattr(model, "set_input_size"):
        model.set_input_size(img_size=(size, size))  # type: ignore[operator]
    return model


def _fetch(config: ModelConfig) -> nn.Module:
    _check_name(config)
    log = logging.getLogger("huggingface_hub")
    level = log.level
    log.setLevel(logging.ERROR)  # without a network it prints a line for each of its dozen attempts
    try:
        return _create_timm_model(config, pretrained=True)
    except Exception as error:  # the hub client passes on the errors of its transport
        nowhere = "no copy on this machine, and no answer from the hub"
        raise BackendError(
            f"the weights of '{config.backbone}' cannot be downloaded from the hub",
            found=nowhere if isinstance(error, LocalEntryNotFoundError) else type(error).__name__,
            expected="an internet connection, or embedded weights: model="
            + ", model=".join(list_embedded_models()),
            todo="go online once (the download is kept), bring the file of the weights from another machine "
            "(model.weights=FILE), or choose an embedded model",
        ) from None
    finally:
        log.setLevel(level)


def _load_file(config: ModelConfig, path: Path) -> nn.Module:
    """Return the network with the weights of a file in a form that timm reads. Nothing in it is executed."""
    if not path.is_file():
        raise BundleError("there is no such file of weights", where="model.weights", found=path.name)
    _check_name(config)  # its errors are clearer than those below
    try:
        classes = {} if (n := _count_classes(config, path)) is None else {"num_classes": n}
        return _create_timm_model(config, pretrained=True, file=str(path), **classes)
    except Exception as error:  # whatever is in the file: torch, timm and safetensors each have errors of their own
        text = str(error).strip().replace(str(path), path.name)
        raise BundleError(
            "the weights in this file cannot be used",
            where=path.name,
            found=f"{type(error).__name__}: {' '.join(text.split())[:200]}",
            expected=f"tensors for {config.backbone}, all of them, as .safetensors or in a file of torch",
            todo="set model= and model.backbone= to the network that these weights were made for",
        ) from None


def _count_classes(config: ModelConfig, path: Path) -> int | None:
    """Return the number of classes of the head in a file, which is replaced; None where it has no such head."""
    described = timm.get_pretrained_cfg(find_weights(config.backbone)[0])
    state = timm.models.load_state_dict(str(path), device="cpu", weights_only=True)
    head = state.get(f"{described.classifier}.weight") if described is not None else None
    return None if head is None else int(head.shape[0])


def load_embedded_state(backbone: str, model: nn.Module) -> dict[str, Tensor]:
    """Return the embedded weights of `backbone` under timm's names, from the cache or from the package."""
    known = find_embedded(backbone)
    cached = user_cache_path("leopardnet") / "weights" / f"{backbone}-{known.sha256[:12]}.safetensors"
    try:
        state = load_file(cached)
        if state.keys() == model.state_dict().keys():
            return state
    except (OSError, SafetensorError):
        pass  # missing or damaged: written again below
    state = {name: torch.from_numpy(values) for name, values in read_embedded(backbone).items()}
    try:
        with atomic_path(cached) as part:
            part.write_bytes(
                save(state, {"source": known.package, "sha256": known.sha256, "licence": "Apache-2.0"})
            )
    except OSError:
        pass  # without the cache, the next start only takes a second longer
    return state


def _create_timm_model(config: ModelConfig, *, pretrained: bool = False, **source: Any) -> nn.Module:
    """Return timm's network; `source` replaces values of its description, such as where weights come from."""
    _check_name(config)
    name, changes = find_weights(config.backbone)
    overlay, classes = changes | source, {k: v for k, v in source.items() if k == "num_classes"}
    model: nn.Module = timm.create_model(
        name, pretrained=pretrained, pretrained_cfg_overlay=overlay, drop_rate=config.drop_rate, **classes
    )
    return model


def _check_name(config: ModelConfig) -> None:
    """Refuse a name, or a name of weights after the dot, that timm does not know."""
    try:
        if timm.get_pretrained_cfg(find_weights(config.backbone)[0]) is not None:
            return
        close = get_close_matches(config.backbone.split(".")[0], timm.list_models(), n=6)
    except RuntimeError:  # timm knows the network, but not these weights
        close = timm.list_models(f"{config.backbone.split('.')[0]}.*", pretrained=True)
    raise BackendError(
        "timm has no such backbone",
        where="model.backbone",
        found=config.backbone,
        expected=", ".join(close) or "a name from timm.list_models()",
    )


def _check_patches(model: nn.Module, config: ModelConfig, size_px: int) -> None:
    """Refuse a size that is not a multiple of the network's patch size, if it has one."""
    patch: Any = getattr(getattr(model, "patch_embed", None), "patch_size", None)
    if patch is None:
        return
    side = int(patch if isinstance(patch, int) else patch[0])
    below = size_px // side * side
    if size_px != below:
        raise ConfigError(
            "the input size is no multiple of this backbone's patch size",
            where="preprocess.size_px",
            found=f"{size_px} px for {config.backbone}",
            expected=f"a multiple of {side}: {below} or {below + side}",
            todo="set preprocess=squash, which has the size of the model, or set preprocess.size_px",
        )
