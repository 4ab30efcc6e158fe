"""A bundle: one folder with a model and everything needed to use it, verified before it is used.

bundle.json        labels, preprocessing, sampling, aggregation, calibration, thresholds, provenance
model.onnx         the network: uint8 RGB [N, 3, S, S] in; float32 logits and cosines to class means [N, C] out
model.safetensors  the same weights for torch
card.md            the model card; card.json, the same for programs
SHA256SUMS         hashes of the other files, in the format of the `sha256sum` program
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError, field_serializer, model_validator

from leopardnet.bundle.promise_record import check_promises
from leopardnet.bundle.runtime import OnnxRuntime, OpenVinoRuntime, Runtime, TorchRuntime
from leopardnet.core.errors import BundleError
from leopardnet.core.interactive.html_summary import summarise_as_html
from leopardnet.core.labels import LabelSet
from leopardnet.core.onnx_file import refuse_unsafe_graph
from leopardnet.core.settings.detection import NO_DETECTOR, DetectorConfig
from leopardnet.core.settings.inference import (
    AggregateConfig,
    DecideConfig,
    LabelsConfig,
    ModelConfig,
    PreprocessSpec,
    RuntimeConfig,
    Sampling,
)
from leopardnet.core.settings.settings_model import Settings
from leopardnet.core.tables import atomic_path, write_json
from leopardnet.score.calibrate import Calibration

FORMAT_VERSION = 1
FILES = ("bundle.json", "model.onnx", "model.safetensors", "card.md", "card.json")
MAX_JSON_BYTES = 16_000_000
MAX_WEIGHTS_BYTES = 4_000_000_000


class BundleSpec(Settings):
    """The content of `bundle.json`."""

    format_version: int = FORMAT_VERSION
    name: str
    labels: LabelsConfig
    model: ModelConfig
    preprocess: PreprocessSpec
    sampling: Sampling
    detector: DetectorConfig = NO_DETECTOR  # the one whose crops the network was trained on
    aggregate: AggregateConfig
    calibration: Calibration
    decide: DecideConfig
    provenance: dict[str, Any]

    @model_validator(mode="after")
    def _temperature_is_usable(self) -> BundleSpec:
        if not 0.01 <= self.calibration.temperature <= 100:
            raise ValueError("calibration.temperature must lie between 0.01 and 100")
        if len(self.calibration.biases) not in (0, len(self.labels.labels) if self.labels.multi else 0):
            raise ValueError("calibration.biases must have a number for each independent label, or none")
        if self.calibration.shift and (self.labels.multi or self.labels.empty is None):
            raise ValueError("calibration.shift needs an empty label, and labels of which a clip has one")
        return self

    # What only independent labels have is written for these alone, so that older versions read all other bundles.

    @field_serializer("labels")
    def _write_labels(self, labels: LabelsConfig) -> dict[str, Any]:
        return labels.model_dump(mode="json", exclude=None if labels.multi else {"multi"})

    @field_serializer("calibration")
    def _write_calibration(self, calibration: Calibration) -> dict[str, Any]:
        return calibration.to_dict()


@dataclass(frozen=True)
class Bundle:
    """A verified model folder.

    `id`, the first twelve hex digits of the hash over all its files, is in every row that the model wrote.

    >>> ln.load_bundle("runs/amur/bundle").labels.names  # doctest: +SKIP
    ('leopard', 'tiger', 'sika_deer', 'empty')
    """

    folder: Path
    spec: BundleSpec
    hashes: dict[str, str]

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """Return the bundle in `folder`. Every file is compared with its hash before anything is parsed.

        Raises BundleError where a file is missing, changed, too large, or of another format version, where its
        promises are damaged, and where the network refers to other files.
        """
        folder = Path(folder)
        hashes = _verify_hashes(folder)
        text = (folder / "bundle.json").read_bytes()
        digest = hashlib.sha256(text).hexdigest()
        if digest != hashes["bundle.json"]:  # the file was read twice; the bytes that are parsed must be those
            raise _change_error("bundle.json", digest, hashes["bundle.json"])
        refuse_unsafe_graph(folder / "model.onnx")
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BundleError("bundle.json is not JSON", where="bundle.json", found=str(error)[:100]) from None
        if not isinstance(data, dict):
            raise BundleError("bundle.json has unexpected content", found=type(data).__name__, expected="an object")
        if data.get("format_version") != FORMAT_VERSION:
            raise BundleError(
                "this bundle has another format version",
                where="bundle.json",
                found=data.get("format_version"),
                expected=FORMAT_VERSION,
                todo="use the leopardnet version that made it, or pack the run again",
            )
        try:
            spec = BundleSpec.model_validate(data)
            spec.labels.label_set()
            check_promises(spec.provenance)
            return cls(folder, spec, hashes)
        except ValidationError as error:
            first = error.errors()[0]
            raise BundleError(
                "bundle.json has unexpected content",
                where=".".join(map(str, first["loc"])),
                found=str(first.get("input"))[:100],
                expected=first["msg"],
            ) from None

    @property
    def id(self) -> str:
        """Twelve hex digits of the hash over all files."""
        return hashlib.sha256(json.dumps(self.hashes, sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def labels(self) -> LabelSet:
        """The label set."""
        return self.spec.labels.label_set()

    def runtime(self, config: RuntimeConfig) -> Runtime:
        """Load the network on the configured backend."""
        size_px, n_labels = self.spec.preprocess.size_px, len(self.labels)
        if config.backend_name == "torch":
            weights = self.folder / "model.safetensors"
            return TorchRuntime(weights, self.spec.model, config, size_px=size_px, n_labels=n_labels)
        kind = OnnxRuntime if config.backend_name == "onnxruntime" else OpenVinoRuntime
        return kind(self.folder / "model.onnx", config, size_px=size_px, n_labels=n_labels)

    def __repr__(self) -> str:
        s = self.spec
        return (
            f"Bundle({s.name} {self.id}; labels {', '.join(self.labels.names)}; {s.model.backbone} at "
            f"{s.preprocess.size_px} px; temperature {s.calibration.temperature:.2f})"
        )

    def _repr_html_(self) -> str:
        s = self.spec
        facts = {
            "labels": ", ".join(self.labels.names),
            "looks for": ", ".join(self.labels.targets) or "no target",
            "network": f"{s.model.backbone} at {s.preprocess.size_px} px",
            "licence of the weights it began with": s.model.licence,
            "temperature": f"{s.calibration.temperature:.2f}",
            "called empty from": s.decide.empty,
            "named from": s.decide.species,
        }
        return summarise_as_html(f"Bundle {s.name}, id {self.id}", facts)


def load_bundle(folder: str | Path) -> Bundle:
    """Return the verified bundle in a folder. Raises BundleError, as `Bundle.load` does.

    >>> ln.load_bundle("runs/amur/bundle").id  # doctest: +SKIP
    '3f0c9a71b2de'
    """
    return Bundle.load(Path(folder))


def write_spec(folder: Path, spec: BundleSpec) -> Bundle:
    """Write `bundle.json` and the hashes beside the network files in `folder`, and load the result."""
    write_json(spec.model_dump(mode="json"), folder / "bundle.json")
    lines = [f"{_sha256(folder / name)}  {name}\n" for name in FILES]
    with atomic_path(folder / "SHA256SUMS") as part:
        part.write_text("".join(lines), "ascii")
    return Bundle.load(folder)


def _verify_hashes(folder: Path) -> dict[str, str]:
    sums = folder / "SHA256SUMS"
    if not sums.is_file() or sums.is_symlink() or sums.stat().st_size > 10_000:
        raise BundleError(
            "this folder is not a bundle",
            where=folder,
            found="no SHA256SUMS" if folder.is_dir() else "a file" if folder.exists() else "no such folder",
            expected="a folder with " + ", ".join((*FILES, "SHA256SUMS")),
            todo="give the folder that `leopardnet train` prints at its end, for example runs/amur/bundle",
        )
    expected = _read_sums(sums)
    for name in FILES:
        path = folder / name
        limit = MAX_JSON_BYTES if name.endswith((".json", ".md")) else MAX_WEIGHTS_BYTES
        if path.is_symlink() or not path.is_file():
            raise BundleError(
                "a file of the bundle is missing", where=name, found="nothing", todo="copy the whole folder again"
            )
        if path.stat().st_size > limit:
            raise BundleError(
                "a file of the bundle is too large",
                where=name,
                found=path.stat().st_size,
                expected=f"at most {limit} bytes",
            )
        found = _sha256(path)
        if found != expected[name]:
            raise _change_error(name, found, expected[name])
    return expected


def _change_error(name: str, found: str, expected: str) -> BundleError:
    return BundleError(
        "a file of the bundle was changed",
        where=name,
        found=f"SHA-256 {found}",
        expected=expected,
        todo="copy the bundle again from where it came from; do not use this one",
    )


def _read_sums(path: Path) -> dict[str, str]:
    try:
        pairs = [line.split("  ") for line in path.read_text("ascii").splitlines()]
        found = {name: digest for digest, name in pairs}
    except (ValueError, UnicodeDecodeError):
        found = {}
    if set(found) != set(FILES):
        raise BundleError(
            "the list of hashes is damaged",
            where=path.name,
            found=", ".join(found) or "no readable line",
            expected=", ".join(FILES),
            todo="copy the bundle again from where it came from",
        )
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
