"""The backends that run a network, behind one interface: uint8 frames in, float32 answers out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from leopardnet.bundle.compiled_cache import CompiledCache
from leopardnet.core.errors import BackendError, BundleError, ConfigError
from leopardnet.core.settings.inference import ModelConfig, RuntimeConfig

# The default number of frames per batch. OpenVINO is fastest one by one (15 ms a frame against 19 in batches of 16,
# one thread): the layers of one frame stay in the cache of the processor.
BATCH_SIZE = {"openvino": 1, "onnxruntime": 16, "torch": 32}


@dataclass(frozen=True, eq=False)
class Answers:
    """The output of a network for N frames.

    logits: float32 [N, C]; cosines: of the frames' features to the mean of each class, float32 [N, C], nan where
    the network does not hold class means.
    """

    logits: NDArray[np.float32]
    cosines: NDArray[np.float32]

    def part(self, start: int, stop: int) -> Answers:
        """Return the answers for the frames from `start` up to, but not including, `stop`."""
        return Answers(self.logits[start:stop], self.cosines[start:stop])

    def __len__(self) -> int:
        return len(self.logits)


class Runtime(Protocol):
    """A loaded network."""

    def answers(self, frames: NDArray[np.uint8]) -> Answers:
        """Return the network's output for frames uint8 [N, 3, S, S]."""
        ...


Network = Callable[[NDArray[np.uint8]], Sequence[NDArray[np.float32]]]


def compile_openvino(graph: bytes, config: RuntimeConfig, *, name: str, is_single: bool) -> Any:
    """Return an ONNX graph as OpenVINO runs it, if possible from the cache.

    name: of its file, for errors; is_single: it will get one frame at a time, for which OpenVINO prepares itself
    once; the answers are the same. Raises ConfigError for another device than the processor, BundleError for a
    graph that OpenVINO cannot load.
    """
    import openvino

    if config.device not in ("auto", "cpu"):
        raise ConfigError(
            "the OpenVINO backend runs on the processor only",
            where="runtime.device",
            found=config.device,
            expected="auto or cpu",
            todo="choose the backend torch for this device",
        )
    options: dict[str, Any] = {
        # OpenVINO chooses bf16 by itself on some processors, which moves probabilities by up to 0.03.
        "INFERENCE_PRECISION_HINT": config.precision,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,
    }
    if config.threads:
        options["INFERENCE_NUM_THREADS"] = config.threads
    core = openvino.Core()
    try:
        cache = CompiledCache(core, graph, options, is_single=is_single)
        compiled = cache.load()
        if compiled is None:
            model = core.read_model(graph)
            if is_single:
                shape = model.input(0).get_partial_shape()
                shape[0] = 1
                model.reshape(shape)
            compiled = core.compile_model(model, "CPU", options)
            cache.keep(compiled)
        return compiled
    except (RuntimeError, IndexError) as error:  # IndexError: a network without an input
        found = str(error).splitlines()[0][:200]
        raise BundleError("OpenVINO cannot load the network of the bundle", where=name, found=found) from None


def run_singly(compiled: Any) -> Network:
    """Return a function that runs a network of `compile_openvino` on one frame, uint8 [1, 3, S, S].

    Its memory is taken once. Calling the compiled network would look through the types of what it is given each
    time, which takes 0.1 ms.
    """
    request = compiled.create_infer_request()
    x, n_outputs = request.get_input_tensor(0).data, len(compiled.outputs)

    def run(frame: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        np.copyto(x, frame)
        request.infer(share_outputs=True)
        return [request.get_output_tensor(i).data.copy() for i in range(n_outputs)]

    return run


class OpenVinoRuntime:
    """The bundle's ONNX graph on OpenVINO: the default, fast on laptop processors."""

    def __init__(self, graph: Path, config: RuntimeConfig, *, size_px: int, n_labels: int) -> None:
        # From memory, because only these bytes were checked: their hash, and that they refer to no other file.
        self._batch_size = config.batch_size or BATCH_SIZE["openvino"]
        is_single = self._batch_size == 1
        model = compile_openvino(graph.read_bytes(), config, name=graph.name, is_single=is_single)
        ports = [model.input(0), *model.outputs]
        shapes = [str(port.get_partial_shape()).strip("[]").split(",") for port in ports]
        check_shapes(shapes, graph, size_px=size_px, n_labels=n_labels, n_frames="1" if is_single else "?")
        self._run: Network = run_singly(model) if is_single else lambda part: list(model({0: part}).values())

    def answers(self, frames: NDArray[np.uint8]) -> Answers:
        """Return the network's output for frames uint8 [N, 3, S, S]."""
        return run_in_batches(self._run, frames, self._batch_size)


class OnnxRuntime:
    """The same graph on ONNX Runtime: for processors that OpenVINO does not support."""

    def __init__(self, graph: Path, config: RuntimeConfig, *, size_px: int, n_labels: int) -> None:
        if config.precision != "f32" or config.device not in ("auto", "cpu"):
            raise ConfigError(
                "the ONNX Runtime backend computes in float32 on the processor only",
                where="runtime",
                found=f"precision {config.precision}, device {config.device}",
                expected="f32 on cpu",
                todo="choose the backend openvino for bf16, torch for another device",
            )
        try:
            import onnxruntime
        except ImportError as error:
            raise BackendError(
                "the ONNX Runtime backend is not installed",
                found=str(error),
                expected="onnxruntime",
                todo='pip install -c constraints.txt -e ".[onnx]", or --backend openvino',
            ) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = config.threads, 1
        options.log_severity_level = 3  # errors
        try:
            self._session = onnxruntime.InferenceSession(graph.read_bytes(), options, ["CPUExecutionProvider"])
        except Exception as error:  # its errors share no base class
            raise BundleError(
                "ONNX Runtime cannot load the network of the bundle", where=graph.name, found=str(error)[:200]
            ) from None
        self._batch_size = config.batch_size or BATCH_SIZE["onnxruntime"]
        ports = [self._session.get_inputs()[0], *self._session.get_outputs()]
        self._input = ports[0].name
        shapes = [[n if isinstance(n, int) else "?" for n in port.shape] for port in ports]
        check_shapes(shapes, graph, size_px=size_px, n_labels=n_labels)

    def answers(self, frames: NDArray[np.uint8]) -> Answers:
        """Return the network's output for frames uint8 [N, 3, S, S]."""
        return run_in_batches(lambda part: self._session.run(None, {self._input: part}), frames, self._batch_size)


def run_in_batches(network: Network, frames: NDArray[np.uint8], batch_size: int) -> Answers:
    """Run a network that returns logits, and cosines where it has class means, over frames in batches."""
    starts = range(0, len(frames), batch_size)
    parts = [[np.array(a) for a in network(np.ascontiguousarray(frames[i : i + batch_size]))] for i in starts]
    logits, *more = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Answers(logits, more[0] if more else np.full_like(logits, np.nan))


def check_shapes(
    shapes: Sequence[Sequence[object]], graph: Path, *, size_px: int, n_labels: int, n_frames: str = "?"
) -> None:
    """Raise BundleError where the input and outputs of a network do not have the shapes that the bundle states.

    n_frames: `?` for any number. Cosines to class means are a second output of the same shape; a network without
    class means has one output.
    """
    found = [f"[{','.join(str(n).strip() for n in shape)}]" for shape in shapes]
    wanted = [f"[{n_frames},3,{size_px},{size_px}]", f"[{n_frames},{n_labels}]"]
    if found not in (wanted, [*wanted, wanted[1]]):
        raise BundleError(
            "the network does not have the shape that the bundle states",
            where=graph.name,
            found=" and ".join(found),
            expected=" and ".join(wanted),
        )


class TorchRuntime:
    """The bundle's weights in torch: for graphics processors, and as the reference for the other backends."""

    def __init__(
        self, weights: Path, model: ModelConfig, config: RuntimeConfig, *, size_px: int, n_labels: int
    ) -> None:
        if config.precision != "f32":
            raise ConfigError(
                "the torch backend computes in float32",
                where="runtime.precision",
                found=config.precision,
                expected="f32",
                todo="choose the backend openvino for bf16",
            )
        try:
            import torch

            from leopardnet.network.classifier import choose_device, load_classifier
        except ImportError as error:
            raise BackendError(
                "the torch backend is not installed",
                found=str(error),
                expected="torch and timm",
                todo='pip install -c constraints.txt -e ".[train]", or --backend openvino',
            ) from None
        self._model = load_classifier(model, n_labels, weights, size_px=size_px).to(choose_device(config.device))
        self._batch_size = config.batch_size or BATCH_SIZE["torch"]
        if config.threads:
            torch.set_num_threads(config.threads)

    def answers(self, frames: NDArray[np.uint8]) -> Answers:
        """Return the network's output for frames uint8 [N, 3, S, S]."""
        from leopardnet.network.classifier import predict_answers

        logits, cosines = np.split(predict_answers(self._model, frames, batch_size=self._batch_size), 2, axis=1)
        return Answers(logits, cosines if self._model.has_class_means else np.full_like(cosines, np.nan))
