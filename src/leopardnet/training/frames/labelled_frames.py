"""Pixels of labelled frames: decoded once into files of the run, or each time they are needed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.errors import ConfigError, MediaError
from leopardnet.core.labels import LabelSet
from leopardnet.core.settings.detection import NO_DETECTOR, DetectorConfig
from leopardnet.core.settings.inference import PreprocessSpec, Sampling
from leopardnet.core.tables import atomic_path
from leopardnet.core.types import Clip, Frames
from leopardnet.detect.crops import crops_to_input, find_crops
from leopardnet.detect.detector import Detector, detector_id, match_detector, open_detector
from leopardnet.media.decode import decode
from leopardnet.media.preprocess import box_to_input, decode_side_px, to_model_input
from leopardnet.training.frames.decode_labelled import decode_rows, plan_rows
from leopardnet.training.frames.frame_looks import NOT_SEEN, note_boxes, note_colour
from leopardnet.training.frames.select_frames import build_clip, iterate_clips
from leopardnet.training.frames.upright_box import turn_upright

LARGE = 1.125  # training frames are stored this much larger than the input, so that crops stay sharp
KEPT = (
    "clip_id", "kind", "path", "paths", "site", "deployment", "sequence_id",
    "split", "time_s", "label", "i_label", "box", "view", "colour", "boxes",
)  # fmt: skip


class Pixels(Protocol):
    """Pictures, uint8 [3, S, S] each, read one at a time. Raises MediaError for one that cannot be read."""

    def __len__(self) -> int: ...
    def __getitem__(self, i: int) -> NDArray[np.uint8]: ...


@dataclass(frozen=True, eq=False)
class LabelledFrames:
    """Labelled frames, row for row.

    exact: the frames as in inference, [3, S, S]; large: the same at a larger size, for the crops of augmentation.
    table: clip_id, path, site, split, time_s, label, i_label, box (in shares of the input), grouping columns, and
    view: `frame` for a whole frame, `crop` for the crop around the best box of the frame at the same time.
    colour, boxes: of the whole frame, as in an evidence table; missing where it was not decoded or not searched.
    skipped: path and reason of what could not be read; it is not replaced.
    """

    table: pd.DataFrame
    exact: Pixels
    large: Pixels
    skipped: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    @property
    def y(self) -> NDArray[np.int64]:
        """Class indices int64 [N]; see `LabelSet.number` for frames of several labels."""
        return self.table["i_label"].to_numpy(np.int64)

    def __repr__(self) -> str:
        counts = ", ".join(f"{k} {v}" for k, v in self.table["label"].value_counts().items())
        return f"LabelledFrames({len(self)}; {counts}; {len(self.skipped)} skipped)"


@dataclass(frozen=True)
class Reading:
    """All settings that determine the pixels of frames. twins: of the footage, see `match_detector`."""

    spec: PreprocessSpec
    sampling: Sampling
    max_frames_per_clip: int
    detector: DetectorConfig = NO_DETECTOR
    twins: frozenset[str] = frozenset()

    @property
    def large(self) -> PreprocessSpec:
        """The same preprocessing at the larger size."""
        return self.spec.model_copy(update={"size_px": round(self.spec.size_px * LARGE)})


class PixelFile:
    """Pictures in a file, each read when it is needed, so that they take no memory. Thread-safe."""

    def __init__(self, path: Path, size_px: int) -> None:
        self.shape = (3, size_px, size_px)
        self._n_bytes = int(np.prod(self.shape))
        self._file = path.open("rb", buffering=0)
        self._n = path.stat().st_size // self._n_bytes

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, i: int) -> NDArray[np.uint8]:
        if not 0 <= i < self._n:
            raise IndexError(i)
        data = os.pread(self._file.fileno(), self._n_bytes, i * self._n_bytes)
        return np.frombuffer(data, np.uint8).reshape(self.shape)


class LazyPixels:
    """Pictures decoded from the footage each time, for sets that are too large for a file."""

    def __init__(self, table: pd.DataFrame, root: Path, spec: PreprocessSpec, *, side_px: int) -> None:
        self.table, self.root, self.spec, self.side_px = table, root, spec, side_px

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, i: int) -> NDArray[np.uint8]:
        row = self.table.iloc[i]
        times = np.array([row["time_s"]], np.float64)
        frames = decode(build_clip(row), self.root, times_s=times, short_side_px=self.side_px)
        return np.asarray(to_model_input(frames.pixels[:1], self.spec)[0], np.uint8)


def count_bytes(n_frames: int, reading: Reading) -> int:
    """Return the bytes that `n_frames` take on disk when they are decoded into files."""
    n_views = 2 if reading.detector.is_on else 1
    return n_views * n_frames * 3 * (reading.spec.size_px**2 + reading.large.size_px**2)


def hash_footage(wanted: pd.DataFrame, root: Path, reading: Reading) -> str:
    """Return a hash of the wanted frames, of their files (size, modification time) and of the reading."""
    stats = []
    for path in wanted["path"].unique():
        try:
            found = (Path(root) / path).stat()
            stats.append(f"{path} {found.st_size} {found.st_mtime_ns}")
        except OSError:
            stats.append(f"{path} missing")
    rows = wanted[[c for c in wanted.columns if c != "split"]].to_csv(index=False)
    settings = [x.model_dump_json() for x in (reading.spec, reading.sampling)]
    text = "\n".join([rows, *stats, *settings, str(reading.max_frames_per_clip), str(LARGE)])
    if reading.detector.is_on:
        text += detector_id(reading.detector)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def load_frames(
    wanted: pd.DataFrame,
    root: Path,
    *,
    labels: LabelSet,
    reading: Reading,
    folder: Path,
    n_workers: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> LabelledFrames:
    """Return the wanted frames (see `select_frames`), decoded into files in `folder` unless they are there already.

    What cannot be read is listed in `skipped` and not replaced. Raises ManifestError for a results file of a
    detector that fits none of the footage.
    """
    key = hash_footage(wanted, root, reading)
    if not _is_complete(folder, key):
        fit = match_detector(reading.detector, root, [clip.paths for clip, _ in iterate_clips(wanted)])
        reading = reading if fit is None else replace(reading, twins=fit.twins)
        _decode_into(folder, wanted, root, labels, reading, n_workers, on_progress)
        with atomic_path(folder / "key.txt") as part:
            part.write_text(key, "ascii")
    table = pd.read_parquet(folder / "frames.parquet")
    splits = wanted.drop_duplicates("clip_id").set_index("clip_id")["split"]
    table["split"] = table["clip_id"].map(splits)
    exact = PixelFile(folder / "exact.bin", reading.spec.size_px)
    large = PixelFile(folder / "large.bin", reading.large.size_px)
    return LabelledFrames(table, exact, large, pd.read_parquet(folder / "skipped.parquet"))


def open_lazy_frames(wanted: pd.DataFrame, root: Path, *, labels: LabelSet, reading: Reading) -> LabelledFrames:
    """Return the wanted frames without reading them: each is decoded when a batch needs it.

    Rows for a whole video are spread over it according to its header, which is read here. Crops are not possible
    this way, since detection needs decoded frames: raises ConfigError if a detector is on.
    """
    if reading.detector.is_on:
        raise ConfigError(
            "crops need decoded frames on disk",
            where="data.cache_gb",
            found=f"{count_bytes(len(wanted), reading) / 1e9:.0f} GB for {len(wanted)} frames and their crops",
            expected="a data.cache_gb that is large enough",
            todo="raise data.cache_gb, use fewer frames (data.max_frames_per_clip), or set detector=none",
        )
    tables, skipped = [], []
    simple = (wanted["kind"] == "still") | wanted["time_s"].notna()
    tables.append(wanted[simple].assign(time_s=wanted["time_s"].fillna(0.0)))
    for clip, rows in iterate_clips(wanted[~simple]):
        try:
            tables.append(plan_rows(clip, root, rows, reading.sampling, reading.max_frames_per_clip))
        except MediaError as error:
            skipped.append({"path": clip.path, "reason": error.one_line})
    table = pd.concat(tables, ignore_index=True)
    table["i_label"] = labels.number(table["label"].tolist())
    table = table.assign(view="frame", box=None, **NOT_SEEN)[list(KEPT)]
    side = decode_side_px(reading.spec)  # both sizes come from the same decoded frame, as in files
    exact, large = (LazyPixels(table, root, spec, side_px=side) for spec in (reading.spec, reading.large))
    return LabelledFrames(table, exact, large, pd.DataFrame(skipped, columns=["path", "reason"]))


def read_batch(
    pixels: Pixels, rows: Sequence[int] | NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.bool_], list[str]]:
    """Return the readable pictures of these rows, uint8 [n, 3, S, S], their mask, and the errors of the others."""
    found: list[NDArray[np.uint8]] = []
    ok = np.ones(len(rows), bool)
    reasons = []
    for k, i in enumerate(rows):
        try:
            found.append(pixels[int(i)])
        except MediaError as error:
            ok[k] = False
            reasons.append(error.one_line)
    return np.stack(found) if found else np.zeros((0, 3, 1, 1), np.uint8), ok, reasons


def _is_complete(folder: Path, key: str) -> bool:
    path = folder / "key.txt"
    return path.is_file() and path.read_text("ascii") == key


def _decode_into(
    folder: Path,
    wanted: pd.DataFrame,
    root: Path,
    labels: LabelSet,
    reading: Reading,
    n_workers: int,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "key.txt").unlink(missing_ok=True)
    jobs = list(iterate_clips(wanted))
    tables: list[pd.DataFrame] = []
    skipped: list[dict[str, str]] = []
    with (
        (folder / "exact.bin").open("wb") as exact,
        (folder / "large.bin").open("wb") as large,
        ThreadPoolExecutor(max(1, n_workers)) as pool,
    ):
        for start in range(0, len(jobs), 256):  # in chunks, so that decoded frames do not pile up in memory
            part = jobs[start : start + 256]
            for i, (clip, found) in enumerate(
                pool.map(lambda job: (job[0], _read_clip(job[0], job[1], root, reading)), part)
            ):
                skipped += [{"path": clip.path, "reason": reason} for reason in found.missing]
                if found.table is not None:
                    exact.write(found.exact.tobytes())
                    large.write(found.large.tobytes())
                    tables.append(found.table)
                if on_progress:
                    on_progress(start + i + 1, len(jobs))
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(KEPT))
    table["i_label"] = labels.number(table["label"].tolist())
    table[list(KEPT)].to_parquet(folder / "frames.parquet", index=False)
    pd.DataFrame(skipped, columns=["path", "reason"]).to_parquet(folder / "skipped.parquet", index=False)


@dataclass(frozen=True, eq=False)
class _ClipFrames:
    """The frames of one clip: a row for each (None: no frames), their pixels at both sizes, and what is missing."""

    table: pd.DataFrame | None
    exact: NDArray[np.uint8]
    large: NDArray[np.uint8]
    missing: list[str]


def _read_clip(clip: Clip, rows: pd.DataFrame, root: Path, reading: Reading) -> _ClipFrames:
    side = decode_side_px(reading.spec)
    try:
        frames, table, missing = decode_rows(clip, root, rows, reading.sampling, reading.max_frames_per_clip, side)
    except MediaError as error:
        nothing = np.zeros((0, 3, 1, 1), np.uint8)
        return _ClipFrames(None, nothing, nothing, [error.one_line])
    height, width = frames.pixels.shape[1:3]
    placed = [turn_upright(text, clip, root) if isinstance(text, str) else None for text in table["box"]]
    boxes: list[str | None] = [
        None if box is None else json.dumps(box_to_input(box, width=width, height=height, spec=reading.spec))
        for box in placed
    ]
    exact, large = (to_model_input(frames.pixels, spec) for spec in (reading.spec, reading.large))
    table = note_colour(table.assign(box=np.array(boxes, object), view="frame"), exact)
    read = _ClipFrames(table, exact, large, missing)
    detector = open_detector(reading.detector, root, twins=reading.twins)
    return read if detector is None else _add_crops(read, clip, root, frames, detector, reading)


def _add_crops(
    read: _ClipFrames, clip: Clip, root: Path, frames: Frames, detector: Detector, reading: Reading
) -> _ClipFrames:
    """Return the same with a row and a picture added for the crop of every frame with a box, as in inference."""
    assert read.table is not None
    closer = find_crops(clip, root, frames, detector, reading.detector, reading.spec)
    crops, table = closer.crops, note_boxes(read.table, closer.boxes)
    rows = table.iloc[[crop.i_frame for crop in crops]]
    rows = rows.assign(view="crop", box=[json.dumps(crop.box) for crop in crops])
    exact, large = (
        np.concatenate([whole, crops_to_input(crops, spec.size_px)])
        for whole, spec in ((read.exact, reading.spec), (read.large, reading.large))
    )
    return _ClipFrames(pd.concat([table, rows]), exact, large, [*read.missing, *closer.warnings])
