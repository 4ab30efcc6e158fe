"""One contract for every backend: uint8 frames in, float32 logits out."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.config import ModelConfig, RuntimeConfig
from leopardnet.core.types import BackendError, BundleError, ConfigError


class Runtime(Protocol):
    """A loaded network."""

    def logits(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits float32 [N, C] of frames uint8 [N, 3, S, S]."""
        ...


class OpenVinoRuntime:
    """The bundle's ONNX graph on OpenVINO: the default, fast on laptop processors."""

    def __init__(self, graph: Path, config: RuntimeConfig, *, size_px: int, n_labels: int) -> None:
        import openvino

        if config.device not in ("auto", "cpu"):
            raise ConfigError(
                "OpenVINO runs on the processor here", where="runtime.device", found=config.device, expected="auto or cpu",
                todo="choose the backend torch for this device",
            )  # fmt: skip
        options: dict[str, Any] = {
            # OpenVINO silently chooses bf16 on some processors, and probabilities move by up to 0.03
            "INFERENCE_PRECISION_HINT": config.precision,
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,
        }
        if config.threads:
            options["INFERENCE_NUM_THREADS"] = config.threads
        try:
            # from memory: these are the bytes whose hash was checked, and they cannot refer to other files
            network = openvino.Core().read_model(graph.read_bytes())
            self._model = openvino.Core().compile_model(network, "CPU", options)
        except RuntimeError as error:
            raise BundleError(
                "OpenVINO cannot load the network of the bundle",
                where=graph.name,
                found=str(error).splitlines()[0][:200],
            ) from None
        self._batch_size = config.batch_size
        found = [str(port.get_partial_shape()) for port in (self._model.input(0), self._model.output(0))]
        wanted = [f"[?,3,{size_px},{size_px}]", f"[?,{n_labels}]"]
        if [text.replace(" ", "") for text in found] != wanted:
            raise BundleError(
                "the network does not have the shape that the bundle says", where=graph.name, found=" and ".join(found),
                expected=" and ".join(wanted),
            )  # fmt: skip

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
        if config.precision != "f32":
            raise ConfigError(
                "the torch backend computes in float32", where="runtime.precision", found=config.precision, expected="f32",
                todo="choose the backend openvino for bf16",
            )  # fmt: skip
        try:
            import torch

            from leopardnet.learn.model import build_from, torch_device
        except ImportError as error:
            raise BackendError(
                "the torch backend is not installed", found=str(error), expected="torch and timm",
                todo='pip install "leopardnet[train]", or use runtime.backend=openvino',
            ) from None  # fmt: skip
        self._model = build_from(model, n_labels, weights).to(torch_device(config.device))
        self._batch_size = config.batch_size
        if config.threads:
            torch.set_num_threads(config.threads)

    def logits(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits float32 [N, C] of frames uint8 [N, 3, S, S]."""
        from leopardnet.learn.model import predict_logits

        return predict_logits(self._model, frames, batch_size=self._batch_size)
