"""A sound network of the user's own: an ONNX or TensorFlow Lite file with a YAML that describes it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.signal import resample_poly

from leopardnet.core.errors import BackendError, ConfigError
from leopardnet.core.install_advice import name_install
from leopardnet.core.onnx_file import refuse_unsafe_graph
from leopardnet.core.settings.sound_network_config import SoundNetworkConfig
from leopardnet.core.settings.validate import validate
from leopardnet.core.types import FoundSound
from leopardnet.sound.track import Track

MAX_NETWORK_BYTES = 2_000_000_000
MIN_S = 0.1  # of sound that is worth a window of its own
Answer = Callable[[NDArray[np.float32]], list[NDArray[Any]]]
"""From one window, float32 [1, N], to all outputs of the network."""


@dataclass(frozen=True, eq=False)
class SoundNetwork:
    """An opened network. labels: of its outputs, in order; source: its name and a hash of its file."""

    config: SoundNetworkConfig
    labels: tuple[str, ...]
    source: str
    answer: Answer

    def find(self, track: Track) -> list[FoundSound]:
        """Return what the network hears on a track, in order of time; the last window is filled with silence.

        A label that is heard in windows that follow each other is one sound, with the highest of their scores.
        Raises BackendError for an output that does not fit the description.
        """
        config, rate_hz = self.config, self.config.sample_rate_hz
        samples = track.samples
        if track.rate_hz != rate_hz:
            samples = resample_poly(samples, rate_hz, track.rate_hz).astype(np.float32)
        n_window, n_hop = round(config.window_s * rate_hz), round(config.hop_s * rate_hz)
        open_sounds: dict[str, FoundSound] = {}
        found: list[FoundSound] = []
        for first in range(0, max(len(samples) - n_window + n_hop, 1), n_hop):
            window = samples[first : first + n_window]
            if first and len(window) < MIN_S * rate_hz:
                break
            scores = self._scores(np.pad(window, (0, n_window - len(window))))
            start_s = round(track.start_s + first / rate_hz, 3)
            end_s = round(track.start_s + (first + len(window)) / rate_hz, 3)
            heard = {
                label: float(scores[i]) for i, label in enumerate(self.labels) if scores[i] >= config.min_score
            }
            if config.only:
                heard = {label: score for label, score in heard.items() if label in {*config.only, *config.voices}}
            found += [sound for label, sound in open_sounds.items() if label not in heard]
            open_sounds = {
                label: self._join(open_sounds.get(label), label, start_s, end_s, score)
                for label, score in heard.items()
            }
        return sorted([*found, *open_sounds.values()], key=lambda s: (s.start_s, s.kind))

    def _join(
        self, before: FoundSound | None, label: str, start_s: float, end_s: float, score: float
    ) -> FoundSound:
        kind = "voice" if label in self.config.voices else f"network:{label}"
        if before is not None:
            start_s, score = before.start_s, max(before.score, score)
        return FoundSound(start_s, end_s, kind, None, None, None, None, None, round(score, 6), self.source)

    def _scores(self, window: NDArray[np.float32]) -> NDArray[np.float64]:
        outputs = [np.asarray(o, np.float64) for o in self.answer(window[None])]
        fitting = [o.reshape(-1) for o in outputs if o.size == len(self.labels)]
        if not fitting:
            raise BackendError(
                "the output of the sound network does not match its labels",
                where=self.config.model,
                found=" and ".join(str(list(o.shape)) for o in outputs),
                expected=f"one score for each of {len(self.labels)} labels",
                todo="correct the labels in the YAML beside it",
            )
        scores = 1.0 / (1.0 + np.exp(-fitting[0])) if self.config.scores == "logits" else fitting[0]
        if not (np.isfinite(scores).all() and scores.min() >= -1e-3 and scores.max() <= 1.001):
            raise BackendError(
                "the sound network gives scores outside 0 to 1",
                where=self.config.model,
                found=f"{np.nanmin(scores):.3g} to {np.nanmax(scores):.3g}",
                todo="write `scores: logits` in the YAML beside it, if its outputs are before the sigmoid",
            )
        return scores.clip(0.0, 1.0)


def open_sound_network(path: Path) -> SoundNetwork:
    """Open the network that a YAML describes; of an .onnx or .tflite file, the YAML beside it.

    Raises ConfigError for a description that is missing or not valid, BackendError for a network that is missing,
    keeps weights in other files, or that no installed library can load.

    >>> network = ln.open_sound_network(Path("birds.yaml"))  # doctest: +SKIP
    """
    path = Path(path)
    path = path.with_suffix(".yaml") if path.suffix.lower() in (".onnx", ".tflite") else path
    config = _read_description(path)
    model = path.with_name(config.model)
    if not model.is_file() or not 0 < model.stat().st_size <= MAX_NETWORK_BYTES:
        raise BackendError(
            "the sound network is missing, empty or too large",
            where=path.name,
            found=config.model,
            expected=f"a file beside {path.name}, of at most {MAX_NETWORK_BYTES // 10**9} GB",
        )
    data = model.read_bytes()
    source = f"{config.name} {hashlib.sha256(data).hexdigest()[:8]}"
    if model.suffix == ".onnx":
        refuse_unsafe_graph(model, error=BackendError)
        answer = _load_onnx(data, config.model)
    else:
        answer = _load_tflite(data, config.model)
    return SoundNetwork(config, _read_labels(config, path), source, answer)


def _read_description(path: Path) -> SoundNetworkConfig:
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError:
        raise ConfigError(
            "there is no such sound network",
            where="--network",
            found=path.name,
            expected="a YAML, with the network beside it; docs/sound.md describes it",
            todo="check the path",
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        found = str(error)[:150]
        raise ConfigError(
            "the description of the sound network is not YAML", where=path.name, found=found
        ) from None
    if not isinstance(data, dict):
        raise ConfigError(
            "the description of the sound network is not valid",
            where=path.name,
            found=type(data).__name__,
            expected="name, model, sample_rate_hz, window_s, hop_s, labels",
            todo="docs/sound.md has an example",
        )
    return validate(SoundNetworkConfig, {str(k): v for k, v in data.items()}, where=path.name)


def _read_labels(config: SoundNetworkConfig, path: Path) -> tuple[str, ...]:
    labels = config.labels
    if config.labels_file:
        file = path.with_name(config.labels_file)
        try:
            labels = tuple(line.strip() for line in file.read_text("utf-8-sig").splitlines() if line.strip())
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                "the labels of the sound network cannot be read",
                where=path.name,
                found=f"{file.name}: {type(error).__name__}",
                expected="a text file in UTF-8 beside it, one label on each line",
            ) from None
    unknown = sorted({*config.only, *config.voices} - set(labels))
    if unknown:
        raise ConfigError(
            "the sound network has no such label",
            where=path.name,
            found=unknown[0],
            todo="correct `only` or `voices`",
        )
    return labels


def _load_onnx(data: bytes, name: str) -> Answer:
    """Load a network with OpenVINO, or with ONNX Runtime, where it is installed, if OpenVINO lacks an operation."""
    import openvino

    options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    try:
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(data), "CPU", options)
        len(compiled.input(0).get_partial_shape())  # a network without an input cannot be asked
        return lambda window: [np.array(o) for o in compiled({0: window}).values()]
    except (RuntimeError, IndexError) as error:
        reason = str(error).splitlines()[0][:200]
    try:
        import onnxruntime
    except ImportError:
        todo = f"{name_install('onnx')}, which knows more operations"
        raise BackendError("OpenVINO cannot load the sound network", where=name, found=reason, todo=todo) from None
    try:
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        first = session.get_inputs()[0].name
    except Exception as error:  # its errors share no class
        found = str(error).splitlines()[0][:200]
        raise BackendError(
            "neither OpenVINO nor ONNX Runtime can load the sound network", where=name, found=found
        ) from None
    return lambda window: list(session.run(None, {first: window}))


def _load_tflite(data: bytes, name: str) -> Answer:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise BackendError(
            "a network of TensorFlow Lite needs LiteRT",
            where=name,
            found="ai-edge-litert is not installed",
            todo=name_install("birdnet"),
        ) from None
    try:
        interpreter = Interpreter(model_content=data, num_threads=1)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        found = str(error).splitlines()[0][:200]
        raise BackendError("LiteRT cannot load the sound network", where=name, found=found) from None
    entry = interpreter.get_input_details()[0]["index"]
    exits = [o["index"] for o in interpreter.get_output_details()]

    def answer(window: NDArray[np.float32]) -> list[NDArray[Any]]:
        interpreter.set_tensor(entry, window)
        interpreter.invoke()
        return [np.array(interpreter.get_tensor(i)) for i in exits]

    return answer
