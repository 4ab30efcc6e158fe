"""One contract for whatever finds boxes, and the way from settings to it."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import yaml
from numpy.typing import NDArray

from leopardnet.core.errors import BackendError, ConfigError
from leopardnet.core.onnx_file import refuse_unsafe_graph
from leopardnet.core.settings.detection import DetectorConfig, NetworkConfig
from leopardnet.core.settings.validate import validate
from leopardnet.core.types import Boxes, Clip, Frames
from leopardnet.detect.embedded_weights import find_description
from leopardnet.detect.megadetector_file import ResultsFile
from leopardnet.detect.motion_detector import MotionDetector
from leopardnet.detect.onnx_detector import OnnxNetwork

MAX_NETWORK_BYTES = 2_000_000_000


class Detector(Protocol):
    """Something that finds boxes. `source` stands beside every box.

    uses_small_frames: it needs no frame at its full size, so it looks at all frames of a clip, and those with its best boxes are
    the ones that are worth a look from nearby.
    """

    source: str
    uses_small_frames: bool

    def suggest_times(self, clip: Clip) -> NDArray[np.float64]:
        """Moments of the clip that this detector wants looked at, float64 [K] seconds, the best first; mostly none."""
        ...

    def find(self, clip: Clip, frames: Frames, close: Frames) -> list[Boxes | None]:
        """The boxes of each of the frames `close`, in their px; None where it cannot say anything of one.

        frames: all judged frames of the clip, at any size; close: some of them, at theirs.
        """
        ...


class NetworkDetector:
    """A network that looks at each frame by itself."""

    uses_small_frames = False

    def __init__(self, network: OnnxNetwork, source: str) -> None:
        self.network, self.source = network, source

    def suggest_times(self, clip: Clip) -> NDArray[np.float64]:
        """None: it has no wish before it sees a frame."""
        return np.zeros(0, np.float64)

    def find(self, clip: Clip, frames: Frames, close: Frames) -> list[Boxes | None]:
        """The boxes of each of the frames `close`."""
        pairs = zip(close.pixels, close.times_s.tolist(), strict=True)
        return [self.network.find_boxes(pixels, time_s=time_s, source=self.source) for pixels, time_s in pairs]


def choose_detector(name: str, base: DetectorConfig) -> DetectorConfig:
    """`base` with the detector that a person named: none, embedded, motion, or a file; without a name, `base` itself.

    Raises ConfigError where `base` means a file of its own that nobody has named here.

    >>> choose_detector("motion", DetectorConfig()).source, choose_detector("md.json", DetectorConfig()).file
    ('motion', 'md.json')
    """
    if name in ("none", "embedded", "motion"):
        return base.model_copy(update={"source": name, "file": ""})
    if name:
        return base.model_copy(update={"source": "file", "file": name})
    if base.source == "file" and not Path(base.file).is_file():
        raise ConfigError(
            "this model has learned from the boxes of a file, and needs one for these clips",
            where="--detector",
            found=f"it learned from {base.file}",
            expected="embedded, motion, none, or a file",
            todo="give the results of the same detector for these clips, or --detector embedded",
        )
    return base


def open_detector(config: DetectorConfig, root: Path, *, threads: int = 0) -> Detector | None:
    """The detector of these settings, opened once in a process; None for the source `none`.

    root: of the footage, which the paths in a file of results are relative to. Raises BackendError where the embedded
    detector is not installed or a network cannot be loaded, ConfigError and ManifestError for files that are no
    detector.

    >>> open_detector(DetectorConfig(source="motion"), Path(".")).source
    'motion'
    """
    if not config.is_on:
        return None
    path = detector_file(config)
    stamp = (path.stat().st_size, path.stat().st_mtime_ns) if path else None
    return _opened(config.source, path, stamp, Path(root).resolve(), threads)


def detector_file(config: DetectorConfig) -> Path | None:
    """The file that a detector is read from; None for `motion`. Raises ConfigError where there is none."""
    if config.source == "embedded":
        return find_description()
    if config.source != "file":
        return None
    path = Path(config.file)
    if path.suffix.lower() == ".onnx":
        path = path.with_suffix(".yaml")
    if not path.is_file():
        raise ConfigError(
            "there is no such detector",
            where="detector.file",
            found=path.name,
            expected="embedded, motion, MegaDetector results (.json), or an ONNX network with its .yaml beside it",
            todo="check the path; docs/detectors.md says what the .yaml holds",
        )
    return path


def detector_id(config: DetectorConfig) -> str:
    """What boxes depend on, without opening the detector: its source, and the content of its file."""
    path = detector_file(config)
    digest = hashlib.sha256(config.model_copy(update={"file": ""}).model_dump_json().encode())
    if path is None:
        digest.update(f"motion {MotionDetector.version}".encode())
    else:
        files = [path] if path.suffix.lower() == ".json" else [path, *sorted(path.parent.glob("*.onnx"))]
        for file in files:
            with file.open("rb") as data:
                digest.update(hashlib.file_digest(data, "sha256").digest())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=4)
def _opened(source: str, path: Path | None, stamp: object, root: Path, threads: int) -> Detector:
    if path is None:
        return MotionDetector()
    if path.suffix.lower() == ".json":
        return ResultsFile.read(path, root)
    return NetworkDetector(load_network(path, threads=threads), source if source != "file" else path.stem)


def load_network(path: Path, *, threads: int = 0) -> OnnxNetwork:
    """The network that a YAML describes, from the ONNX file beside it.

    Raises ConfigError for a description that does not hold, BackendError for a network that is missing, no ONNX file, or
    keeps weights in other files.
    """
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(
            "the description of the detector is no YAML", where=path.name, found=str(error)[:150]
        ) from None
    if not isinstance(data, dict):
        raise ConfigError(
            "the description of the detector does not hold what it should",
            where=path.name,
            found=type(data).__name__,
            expected="name, model, classes, input, output",
            todo="docs/detectors.md has examples",
        )
    config: NetworkConfig = validate(NetworkConfig, {str(k): v for k, v in data.items()}, where=path.name)
    graph = path.with_name(config.model)
    if not graph.is_file() or graph.stat().st_size > MAX_NETWORK_BYTES:
        raise BackendError(
            "the network of the detector is missing or too large",
            where=path.name,
            found=config.model,
            expected=f"an ONNX file beside {path.name}, of at most {MAX_NETWORK_BYTES // 10**9} GB",
        )
    refuse_unsafe_graph(graph, error=BackendError)
    return OnnxNetwork(config, graph.read_bytes(), threads=threads)
