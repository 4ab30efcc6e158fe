"""One contract for every backend: uint8 frames in, float32 logits out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.config import ModelConfig, RuntimeConfig
from leopardnet.core.types import BackendError, BundleError


class Runtime(Protocol):
    """A loaded network."""

    def logits(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits float32 [N, C] of frames uint8 [N, 3, S, S]."""
        ...


class OpenVinoRuntime:
    """The bundle's ONNX graph on OpenVINO: the default, fast on laptop processors."""

    def __init__(self, graph: Path, config: RuntimeConfig) -> None:
        import openvino

        options: dict[str, Any] = {
            # OpenVINO silently chooses bf16 on some processors, and probabilities move by up to 0.03
            "INFERENCE_PRECISION_HINT": config.precision,
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,
        }
        if config.threads:
            options["INFERENCE_NUM_THREADS"] = config.threads
        try:
            self._model = openvino.Core().compile_model(graph, "CPU", options)
        except RuntimeError as error:
            raise BundleError(
                "OpenVINO cannot load the network of the bundle",
                where=graph.name,
                found=str(error).splitlines()[0][:200],
            ) from None
        self._batch_size = config.batch_size

    def logits(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits float32 [N, C] of frames uint8 [N, 3, S, S]."""
        parts = [
            np.array(self._model({0: np.ascontiguousarray(frames[i : i + self._batch_size])})[0])
            for i in range(0, len(frames), self._batch_size)
        ]
        return np.concatenate(parts)


class TorchRuntime:
    """The bundle's weights in torch: for graphics processors, and to check the others against."""

    def __init__(self, weights: Path, model: ModelConfig, n_labels: int, config: RuntimeConfig) -> None:
        try:
            import torch

            from leopardnet.learn.model import build_from
        except ImportError as error:
            raise BackendError(
                "the torch backend is not installed", found=str(error), expected="torch and timm",
                todo='pip install "leopardnet[train]", or use runtime.backend=openvino',
            ) from None  # fmt: skip
        self._model = build_from(model, n_labels, weights).to(_torch_device(config.device))
        self._batch_size = config.batch_size
        if config.threads:
            torch.set_num_threads(config.threads)

    def logits(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits float32 [N, C] of frames uint8 [N, 3, S, S]."""
        from leopardnet.learn.model import predict_logits

        return predict_logits(self._model, frames, batch_size=self._batch_size)


def _torch_device(wanted: str) -> str:
    import torch

    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if wanted == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if available[name])
    if not available[wanted]:
        raise BackendError(
            "this device is not there", where="runtime.device", found=wanted,
            expected=", ".join(name for name, here in available.items() if here),
        )  # fmt: skip
    return wanted
