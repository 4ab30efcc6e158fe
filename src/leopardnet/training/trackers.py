"""Trackers, which show the progress of a run: TensorBoard, MLflow, or none.

`metrics.jsonl` always holds the same figures, and nothing is read back from here.

TensorBoard's `EventFileWriter`, which torch and accelerate use, cannot be used: it puts the host name and the
process id into the name of the file and has no option for another name. Its `RecordWriter`, one level below, is
used instead, on files with neutral names. What this gives up is the writing thread (every record is flushed at
once, which is fast enough for a few records per step), remote file systems, and the helpers for histograms, graphs
and audio.
"""

from __future__ import annotations

import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import yaml
from PIL import Image

from leopardnet.core.errors import BackendError
from leopardnet.core.install_advice import name_install
from leopardnet.core.tables import atomic_path

Kind = Literal["tensorboard", "mlflow", "none"]


class Tracker(Protocol):
    """The interface of all trackers. Values that are None or not finite are left out."""

    def log(self, values: Mapping[str, float | None], step: int) -> None:
        """Record the figures of a step."""

    def log_image(self, name: str, path: Path) -> None:
        """Record a PNG of the run under a name."""

    def close(self) -> None:
        """Finish writing."""


def open_tracker(kind: Kind, folder: Path, settings: Mapping[str, Any]) -> Tracker:
    """Return a tracker that writes into the run folder. A resumed run continues there.

    settings: recorded with the figures, without the folder of a detector's file. Raises BackendError if the library
    of this kind is not installed.

    >>> open_tracker("none", Path("runs/first"), {}).log({"loss": 0.3}, step=1)
    """
    settings = _strip_folders(settings)
    if kind == "tensorboard":
        return TensorBoard(Path(folder) / "tensorboard", settings)
    if kind == "mlflow":
        return MLflow(Path(folder) / "mlflow", settings)
    return NoTracker()


class NoTracker:
    """A tracker that records nothing."""

    def log(self, values: Mapping[str, float | None], step: int) -> None:
        """Do nothing."""

    def log_image(self, name: str, path: Path) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


class TensorBoard:
    """Event files for `tensorboard --logdir runs`.

    A resumed run opens a new file, whose steps replace the same and later steps of earlier files.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        try:
            from tensorboard.compat.proto import event_pb2
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError:
            raise _library_error("tensorboard", name_install("train")) from None
        folder.mkdir(parents=True, exist_ok=True)
        n_before = len(list(folder.glob("events.out.tfevents.*.leopardnet")))
        self._event = event_pb2.Event
        self._file = (folder / f"events.out.tfevents.{n_before:04d}.leopardnet").open("xb")
        self._records = RecordWriter(self._file)
        self._is_resumed = n_before > 0
        self._write(file_version="brain.Event:2")
        if not self._is_resumed:
            self._write(summary=_text_summary("settings", _format_settings(settings)))

    def log(self, values: Mapping[str, float | None], step: int) -> None:
        """Record the figures of a step."""
        from tensorboard.compat.proto import event_pb2, summary_pb2

        if self._is_resumed:
            start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
            self._write(session_log=start, step=step)
            self._is_resumed = False
        rows = [summary_pb2.Summary.Value(tag=name, simple_value=value) for name, value in _drop_missing(values)]
        if rows:
            self._write(summary=summary_pb2.Summary(value=rows), step=step)

    def log_image(self, name: str, path: Path) -> None:
        """Record a PNG of the run under a name."""
        from tensorboard.compat.proto import summary_pb2

        with Image.open(path) as image:
            width, height = image.size
        shown = summary_pb2.Summary.Image(
            width=width, height=height, colorspace=3, encoded_image_string=Path(path).read_bytes()
        )
        self._write(summary=summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=name, image=shown)]))

    def close(self) -> None:
        """Finish writing."""
        self._file.close()

    def _write(self, **content: Any) -> None:
        self._records.write(self._event(wall_time=time.time(), **content).SerializeToString())
        self._records.flush()


class MLflow:
    """An MLflow file store in the run folder.

    To view it, run `mlflow ui --backend-store-uri mlflow` in that folder, with the full MLflow package and
    MLFLOW_ALLOW_FILE_STORE=true, without which newer versions refuse file stores; the same variable is set here.

    The low-level client is used, because the usual one records the user, the script and its path as tags. The user
    of the store is 'unknown', and its artifact paths are made relative to the run folder. No server is contacted,
    and MLflow's telemetry is turned off.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        try:
            from mlflow import MlflowClient
        except ImportError:
            raise _library_error("mlflow", name_install("train", "mlflow")) from None
        folder.mkdir(parents=True, exist_ok=True)
        self._client = MlflowClient(tracking_uri=folder.resolve().as_uri())
        known = self._client.get_experiment_by_name("leopardnet")
        experiment = known.experiment_id if known else self._client.create_experiment("leopardnet")
        runs = self._client.search_runs([experiment])
        name = folder.resolve().parent.name
        self._run = (runs[0] if runs else self._client.create_run(experiment, run_name=name)).info.run_id
        self._artifacts = folder / experiment / self._run / "artifacts"
        _make_relative(folder)
        if not runs:
            for key, value in _flatten(settings):
                self._client.log_param(self._run, key, value)

    def log(self, values: Mapping[str, float | None], step: int) -> None:
        """Record the figures of a step."""
        for name, value in _drop_missing(values):
            self._client.log_metric(self._run, name, value, step=step)

    def log_image(self, name: str, path: Path) -> None:
        """Record a PNG of the run under a name."""
        self._artifacts.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, self._artifacts / f"{name}.png")

    def close(self) -> None:
        """Finish writing."""
        self._client.set_terminated(self._run)


def _make_relative(store: Path) -> None:
    """Make the artifact paths in a store relative to the run folder."""
    for meta in store.glob("**/meta.yaml"):
        text = meta.read_text("utf-8")
        with atomic_path(meta) as part:
            part.write_text(text.replace(store.resolve().as_uri(), store.name), "utf-8")


def _library_error(library: str, install: str) -> BackendError:
    return BackendError(
        f"{library} is not installed",
        where="experiment.tracker",
        found=library,
        expected="tensorboard, mlflow or none",
        todo=f"{install}, or set experiment.tracker=none; metrics.jsonl always holds the figures",
    )


def _strip_folders(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings with only the name of the detector's file, because trackers' files may be published."""
    detector = settings.get("detector") or {}
    if not detector.get("file"):
        return settings
    return {**settings, "detector": {**detector, "file": Path(detector["file"]).name}}


def _drop_missing(values: Mapping[str, float | None]) -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if value is not None and math.isfinite(value):
            yield name, float(value)


def _format_settings(settings: Mapping[str, Any]) -> str:
    text = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)
    return "\n".join("    " + line for line in text.splitlines())  # an indented code block


def _flatten(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the settings as pairs of a dotted key and a value."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _text_summary(tag: str, text: str) -> Any:
    from tensorboard.compat.proto import summary_pb2, tensor_pb2, types_pb2

    shown = summary_pb2.SummaryMetadata(
        plugin_data=summary_pb2.SummaryMetadata.PluginData(plugin_name="text"),
        data_class=summary_pb2.DATA_CLASS_TENSOR,
    )
    tensor = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, string_val=[text.encode()])
    return summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, metadata=shown, tensor=tensor)])
