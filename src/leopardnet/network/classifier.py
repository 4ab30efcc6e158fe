"""The classifier: normalisation, backbone and head in one module, from uint8 frames to logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from leopardnet.core.errors import BackendError, BundleError
from leopardnet.core.settings.inference import ModelConfig
from leopardnet.core.tables import atomic_path
from leopardnet.network.backbone_weights import create_backbone
from leopardnet.network.pooling import use_generalised_mean

CPU_BATCH, BATCH = 4, 32  # frames at once: of four, the processor's cache holds the layers, which halves the time


class Classifier(nn.Module):
    """uint8 RGB [N, 3, S, S] → float32 logits [N, C].

    Mean and standard deviation come from the backbone's weights and are part of the graph, so that callers cannot
    normalise twice or with other values.
    """

    mean: Tensor
    std: Tensor
    class_means: Tensor  # float32 [C, F], rows of length 1; 0 for classes without features
    backbone: Any  # a timm model, whose methods nn.Module does not declare

    def __init__(self, backbone: Any, n_labels: int, *, gem_p: float = 1.0) -> None:
        super().__init__()
        self.pooling = f"gem {gem_p}"
        cfg = backbone.pretrained_cfg
        self.register_buffer("mean", torch.tensor(cfg["mean"]).view(1, 3, 1, 1) * 255.0)
        self.register_buffer("std", torch.tensor(cfg["std"]).view(1, 3, 1, 1) * 255.0)
        backbone.reset_classifier(n_labels)
        if gem_p != 1.0:
            use_generalised_mean(backbone, p=gem_p)
        self.backbone = backbone
        self.register_buffer("class_means", torch.zeros(n_labels, self.n_features))

    @property
    def n_labels(self) -> int:
        """The number of classes, C."""
        return int(self.head.weight.shape[0])

    @property
    def n_features(self) -> int:
        """The number of features of a frame, F."""
        return int(self.head.weight.shape[1])

    def backbone_state(self) -> dict[str, Tensor]:
        """Return the tensors below the head, which determine the features."""
        head = {id(p) for p in self.head.parameters()}
        state = self.backbone.state_dict(keep_vars=True)
        return {name: tensor for name, tensor in state.items() if id(tensor) not in head}

    def forward(self, frames: Tensor) -> Tensor:
        """Return logits float32 [N, C] of frames uint8 [N, 3, S, S]."""
        logits: Tensor = self.head(self.features(frames))
        return logits

    def answers(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits float32 [N, C], and cosines float32 [N, C] between the features and the class means."""
        features = self.features(frames)
        logits: Tensor = self.head(features)
        return logits, nn.functional.normalize(features) @ self.class_means.T

    def features(self, frames: Tensor) -> Tensor:
        """Return pooled features float32 [N, F], the input of the last linear layer."""
        x = (frames.float() - self.mean) / self.std
        x = self.backbone.forward_features(x)  # [N, F', S/32, S/32]
        pooled: Tensor = self.backbone.forward_head(x, pre_logits=True)  # [N, F]
        return pooled

    @property
    def head(self) -> nn.Linear:
        """The last linear layer."""
        layer: nn.Linear = self.backbone.get_classifier()
        return layer

    def set_head(self, weight: NDArray[np.float64], bias: NDArray[np.float64]) -> None:
        """Replace the head's parameters: weight [C, F], bias [C]."""
        with torch.no_grad():
            self.head.weight.copy_(torch.from_numpy(weight))
            self.head.bias.copy_(torch.from_numpy(bias))

    @property
    def has_class_means(self) -> bool:
        """Whether there are class means; foreign weights have none."""
        return bool(self.class_means.any())

    def set_class_means(self, features: NDArray[np.float32], y: NDArray[np.int64] | NDArray[np.bool_]) -> None:
        """Store the direction of the mean features of each class, from features [N, F].

        y: their classes [N], or which of the independent labels they show, bool [N, C].
        """
        for c in range(self.n_labels):
            own = features[y[:, c] if y.ndim == 2 else y == c].astype(np.float64)
            mean = own.mean(axis=0) if len(own) else np.zeros(self.n_features)
            self.class_means[c] = torch.from_numpy(mean / max(float(np.linalg.norm(mean)), 1e-12))


def build_classifier(config: ModelConfig, n_labels: int, *, size_px: int | None = None) -> Classifier:
    """Return a classifier on the configured backbone with a new head, in channels-last memory (faster on CPUs).

    size_px: the side of its input; see `create_backbone`.
    """
    model = Classifier(create_backbone(config, size_px=size_px), n_labels, gem_p=config.gem_p)
    return model.to(memory_format=torch.channels_last)


def load_classifier(config: ModelConfig, n_labels: int, path: Path, *, size_px: int | None = None) -> Classifier:
    """Return the classifier with the weights of a safetensors file. Nothing is downloaded; see `load_weights`."""
    model = build_classifier(config.model_copy(update={"weights": "none"}), n_labels, size_px=size_px)
    return load_weights(model, path).eval()


def load_weights(model: Classifier, path: Path) -> Classifier:
    """Load the weights of a safetensors file and return the model. Raises BundleError unless every tensor fits.

    Class means may be missing, as in foreign weights.
    """
    try:
        missing = {"class_means": torch.zeros_like(model.class_means)}
        model.load_state_dict(missing | load_file(path), strict=True)
    except (SafetensorError, RuntimeError) as error:
        raise BundleError(
            "the weights do not fit the network",
            where=path.name,
            found=str(error).splitlines()[0][:200],
            expected=f"the tensors of this backbone with {model.n_labels} labels",
        ) from None
    return model


def choose_device(wanted: str) -> str:
    """Return the name of the device to use. Raises BackendError for one that this machine does not have."""
    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if available[name])
    if not available[wanted]:
        raise BackendError(
            "this device is not available",
            where="runtime.device",
            found=wanted,
            expected=", ".join(name for name, here in available.items() if here),
            todo="leave out --device, or runtime.device: then the best one that is here is used",
        )
    return wanted


def save_weights(state: Mapping[str, Tensor], path: Path) -> Path:
    """Write the tensors as safetensors, replacing the file atomically, and return `path`."""
    with atomic_path(path) as part:
        part.write_bytes(save({k: v.detach().cpu().contiguous() for k, v in state.items()}))
    return path


@torch.no_grad()
def predict_logits(model: Classifier, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return logits float32 [N, C] of frames uint8 [N, 3, S, S]. The model's mode is restored."""
    return _run_in_batches(model, model.forward, frames)


@torch.no_grad()
def predict_answers(
    model: Classifier, frames: NDArray[np.uint8], *, batch_size: int | None = None
) -> NDArray[np.float32]:
    """Return logits and cosines, float32 [N, 2C], of frames uint8 [N, 3, S, S]; see `Classifier.answers`."""
    return _run_in_batches(model, lambda x: torch.cat(model.answers(x), dim=1), frames, batch_size)


@torch.no_grad()
def extract_features(model: Classifier, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pooled features float32 [N, F] of frames uint8 [N, 3, S, S]."""
    return _run_in_batches(model, model.features, frames)


def _run_in_batches(
    model: Classifier, call: Callable[[Tensor], Tensor], frames: NDArray[np.uint8], batch_size: int | None = None
) -> NDArray[np.float32]:
    was_training, device = model.training, model.mean.device
    model.eval()
    parts = []
    n = batch_size or (CPU_BATCH if device.type == "cpu" else BATCH)
    for i in range(0, len(frames), n):
        x = torch.from_numpy(np.array(frames[i : i + n])).to(device)
        n_here = len(x)
        if (
            batch_size is None and n_here == 1
        ):  # alone, a frame is computed in another order; so its company is nothing
            x = x.expand(2, -1, -1, -1)
        parts.append(call(x.contiguous(memory_format=torch.channels_last))[:n_here].float().cpu().numpy())
    model.train(was_training)
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)
