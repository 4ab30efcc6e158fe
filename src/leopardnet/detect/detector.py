"""The interface of detectors, and how settings select one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import BackendError, ConfigError
from leopardnet.core.onnx_file import refuse_unsafe_graph
from leopardnet.core.settings.detection import DetectorConfig, NetworkConfig
from leopardnet.core.settings.validate import validate
from leopardnet.core.types import Boxes, Clip, Frames
from leopardnet.detect.embedded_weights import find_description

if TYPE_CHECKING:
    import pandas as pd

    from leopardnet.data.formats.megadetector.match_paths import PathFit
    from leopardnet.detect.onnx_detector import OnnxNetwork

MAX_NETWORK_BYTES = 2_000_000_000


class Detector(Protocol):
    """Something that finds boxes.

    source: its name in results; uses_small_frames: it works on frames below full size, so it processes all frames
    of a clip, and those with the best boxes are cropped.
    """

    source: str
    uses_small_frames: bool

    def suggest_times(self, clip: Clip) -> NDArray[np.float64]:
        """Return times of the clip that are worth decoding, float64 [K] seconds, best first; usually none."""
        ...

    def find(self, clip: Clip, frames: Frames, targets: Frames) -> list[Boxes | None]:
        """Return the boxes of each frame of `targets`, in its px; None for a frame that it cannot process.

        frames: all frames of the clip to classify, at any size; targets: some of them, at any other size.
        """
        ...

    def list_warnings(self, clip: Clip) -> tuple[str, ...]:
        """Return what of its results for the clip could not be used, and why; usually nothing."""
        ...


class NetworkDetector:
    """A network that processes each frame by itself, at full size."""

    uses_small_frames = False

    def __init__(self, network: OnnxNetwork, source: str) -> None:
        self.network, self.source = network, source

    def suggest_times(self, clip: Clip) -> NDArray[np.float64]:
        """Return no times."""
        return np.zeros(0, np.float64)

    def find(self, clip: Clip, frames: Frames, targets: Frames) -> list[Boxes | None]:
        """Return the boxes of each frame of `targets`."""
        pairs = zip(targets.pixels, targets.times_s.tolist(), strict=True)
        return [self.network.find_boxes(pixels, time_s=time_s, source=self.source) for pixels, time_s in pairs]

    def list_warnings(self, clip: Clip) -> tuple[str, ...]:
        """Return no warnings."""
        return ()


def choose_detector(name: str, base: DetectorConfig) -> DetectorConfig:
    """Return `base` with the named detector: none, embedded, motion, or a file; without a name, `base` itself.

    Raises ConfigError if no file is named although `base` uses one, and that file is not here.

    >>> choose_detector("motion", DetectorConfig()).source, choose_detector("md.json", DetectorConfig()).file
    ('motion', 'md.json')
    """
    if name in ("none", "embedded", "motion"):
        return base.model_copy(update={"source": name, "file": ""})
    if name:
        return base.model_copy(update={"source": "file", "file": name})
    if base.source == "file" and not Path(base.file).is_file():
        raise ConfigError(
            "this model was trained with boxes from a file, and needs such a file for these clips",
            where="--detector",
            found=f"trained with {base.file}",
            expected="embedded, motion, none, or a file",
            todo="give the results of the same detector for these clips, or use --detector embedded",
        )
    return base


def open_detector(
    config: DetectorConfig, root: Path, *, threads: int = 0, twins: frozenset[str] = frozenset()
) -> Detector | None:
    """Return the detector of these settings, opened once per process; None for the source `none`.

    root: of the footage, to which the paths in a results file are relative; threads: of a network, 0 for all;
    twins: of the footage, see `match_detector`.
    Raises BackendError if the embedded detector is not installed or a network cannot be loaded, ConfigError or
    ManifestError for a file that is not a detector.

    >>> open_detector(DetectorConfig(source="motion"), Path(".")).source
    'motion'
    """
    if not config.is_on:
        return None
    path = detector_file(config)
    stamp = (path.stat().st_size, path.stat().st_mtime_ns) if path else None
    return _open_cached(config.source, path, stamp, Path(root).resolve(), threads, twins)


def match_detector(
    config: DetectorConfig, root: Path, clips: Sequence[Sequence[str]], *, table: pd.DataFrame | None = None
) -> PathFit | None:
    """Return how a results file fits the files of the clips; None for a detector that is no results file.

    table: of the manifest, whose capture times and sizes are compared with those that the results file states.
    Raises ManifestError where none of its entries belongs to a clip, where they are of other footage with the same
    file names, and for a broken file.
    """
    if not config.is_on or not config.file.lower().endswith(".json"):
        return None
    from leopardnet.core.footage.other_footage import refuse_other_footage
    from leopardnet.data.formats.megadetector.match_paths import ListedPaths, match_paths
    from leopardnet.detect.megadetector_file import ResultsFile

    detector = open_detector(config, root)
    if not isinstance(detector, ResultsFile):
        return None
    fit = match_paths(detector.paths, clips, name=detector.source)
    if table is not None:
        known = ListedPaths(detector.paths, fit.twins)
        places = table["path"].map(known.find).astype("Int64")
        theirs = detector.facts.reindex(places.dropna().astype("int64")).assign(
            clip_id=table.loc[places.notna(), "clip_id"].to_numpy(),
            path=table.loc[places.notna(), "path"].to_numpy(),
        )
        refuse_other_footage(table, theirs, names=("the footage", detector.source))
    return fit


def detector_file(config: DetectorConfig) -> Path | None:
    """Return the file of a detector; None for `motion`. Raises ConfigError if it does not exist."""
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
            todo="check the path; docs/detectors.md describes the .yaml",
        )
    return path


def detector_id(config: DetectorConfig) -> str:
    """Return a hash of all that boxes depend on, without opening the detector: settings and file contents."""
    from leopardnet.detect.megadetector_file import ResultsFile
    from leopardnet.detect.motion_detector import MotionDetector

    path = detector_file(config)
    digest = hashlib.sha256(config.model_copy(update={"file": ""}).model_dump_json().encode())
    if path is None:
        digest.update(f"motion {MotionDetector.version}".encode())
    else:
        is_results = path.suffix.lower() == ".json"
        digest.update(f"results {ResultsFile.version}".encode() * is_results)
        files = [path] if is_results else [path, *sorted(path.parent.glob("*.onnx"))]
        for file in files:
            with file.open("rb") as data:
                digest.update(hashlib.file_digest(data, "sha256").digest())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=4)
def _open_cached(
    source: str, path: Path | None, stamp: object, root: Path, threads: int, twins: frozenset[str]
) -> Detector:
    if path is None:
        from leopardnet.detect.motion_detector import MotionDetector

        return MotionDetector()
    from leopardnet.detect.megadetector_file import ResultsFile

    if path.suffix.lower() == ".json":
        return ResultsFile.read(path, root, twins=twins)
    return NetworkDetector(load_network(path, threads=threads), source if source != "file" else path.stem)


def load_network(path: Path, *, threads: int = 0) -> OnnxNetwork:
    """Load the network that a YAML describes, from the ONNX file beside it.

    Raises ConfigError for an invalid description, BackendError for a network that is missing, is not an ONNX file,
    or keeps weights in other files.
    """
    import yaml

    from leopardnet.detect.onnx_detector import OnnxNetwork

    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(
            "the description of the detector is not YAML", where=path.name, found=str(error)[:150]
        ) from None
    if not isinstance(data, dict):
        raise ConfigError(
            "the description of the detector is not valid",
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
