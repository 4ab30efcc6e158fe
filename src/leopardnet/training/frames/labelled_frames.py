"""Labelled frames and their pixels: decoded once into the cache, or each time they are needed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.errors import ConfigError, MediaError
from leopardnet.core.labels import LabelSet
from leopardnet.core.settings.inference import PreprocessSpec
from leopardnet.core.types import Clip
from leopardnet.detect.detector import detector_id, match_detector
from leopardnet.media.decode import decode
from leopardnet.media.preprocess import decode_side_px, to_model_input
from leopardnet.training.frames.clip_frames import LARGE, Reading
from leopardnet.training.frames.decode_labelled import leave_out_damaged, plan_rows
from leopardnet.training.frames.frame_cache import ClipRows, ClipStore, FrameCache, FrameStore, StoredPixels
from leopardnet.training.frames.frame_looks import NOT_SEEN
from leopardnet.training.frames.select_frames import build_clip, iterate_clips
from leopardnet.training.frames.shard_order import ShardOrder
from leopardnet.training.frames.shard_set import ShardSet, ShardStore

KEPT = (
    "clip_id", "kind", "path", "paths", "site", "deployment", "sequence_id",
    "split", "time_s", "label", "i_label", "box", "view", "colour", "boxes",
)  # fmt: skip


class Pixels(Protocol):
    """Pictures, uint8 [3, S, S] each, read one at a time. Raises MediaError for one that cannot be read."""

    def __len__(self) -> int: ...
    def __getitem__(self, i: int) -> NDArray[np.uint8]: ...


@dataclass(frozen=True)
class ClipPart:
    """The rows `start` to `stop` of a table, which are a clip, and its key in the cache."""

    key: str
    start: int
    stop: int


@dataclass(frozen=True, eq=False)
class LabelledFrames:
    """Labelled frames, row for row.

    exact: the frames as in inference, [3, S, S]; large: the same at a larger size, for the crops of augmentation.
    table: clip_id, path, site, split, time_s, label, i_label, box (in shares of the input), grouping columns, and
    view: `frame` for a whole frame, `crop` for the crop around the best box of the frame at the same time.
    colour, boxes: of the whole frame, as in an evidence table; missing where it was not decoded or not searched.
    skipped: path and reason of what could not be read; it is not replaced.
    parts: the frames of each clip that is in the cache. n_reused: clips that an earlier run had decoded.
    shards: where each frame lies, if they are read from shards.
    """

    table: pd.DataFrame
    exact: Pixels
    large: Pixels
    skipped: pd.DataFrame
    parts: tuple[ClipPart, ...] = ()
    n_reused: int = 0
    shards: ShardOrder | None = None

    def __len__(self) -> int:
        return len(self.table)

    @property
    def y(self) -> NDArray[np.int64]:
        """Class indices int64 [N]; see `LabelSet.number` for frames of several labels."""
        return self.table["i_label"].to_numpy(np.int64)

    def __repr__(self) -> str:
        counts = ", ".join(f"{k} {v}" for k, v in self.table["label"].value_counts().items())
        return f"LabelledFrames({len(self)}; {counts}; {len(self.skipped)} skipped)"


class LazyPixels:
    """Pictures decoded from the footage each time, for sets that are too large for a file."""

    def __init__(self, table: pd.DataFrame, root: Path, spec: PreprocessSpec, *, side_px: int) -> None:
        self.table, self.root, self.spec, self.side_px = table, root, spec, side_px

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, i: int) -> NDArray[np.uint8]:
        row = self.table.iloc[i]
        times = np.array([row["time_s"]], np.float64)
        clip = build_clip(row)
        frames, _ = leave_out_damaged(decode(clip, self.root, times_s=times, short_side_px=self.side_px), clip)
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
    cache: FrameCache,
    shards: ShardSet | None = None,
    n_workers: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> LabelledFrames:
    """Return the wanted frames (see `select_frames`), decoded into the cache unless they are there already.

    With shards, they come from there, and no footage is opened. What cannot be read is listed in `skipped` and not
    replaced. Raises ManifestError for a results file of a detector that fits none of the footage, and for shards
    that lack some of the frames.
    """
    clips = list(iterate_clips(wanted))
    store: FrameStore
    if shards is None:
        store = ClipStore(clips, root, match_twins(reading, root, clips), cache)
    else:
        store = from_shards = ShardStore(clips, reading, shards)
    found, n_reused = _read_all(store, n_workers, on_progress)
    counts = [len(rows.i_row) for rows in found]
    ends = np.cumsum(counts, dtype=np.int64)
    i_clip = np.repeat(np.arange(len(clips)), counts)
    firsts = np.array([rows.index[0] for _, rows in clips], np.int64)[i_clip]
    i_row = firsts + np.array([i for rows in found for i in rows.i_row], np.int64)
    table = wanted.iloc[i_row].reset_index(drop=True)
    table["i_label"] = labels.number(table["label"].tolist())
    for name in ("time_s", "colour"):
        table[name] = np.array([x for rows in found for x in getattr(rows, name)], np.float64)
    for name in ("view", "box", "boxes"):
        table[name] = np.array([x for rows in found for x in getattr(rows, name)] or [None], object)[: len(table)]
    i_picture = np.arange(len(table)) - np.repeat(ends - counts, counts)
    exact, large = (StoredPixels(store, size, i_clip, i_picture) for size in ("exact", "large"))
    skipped = [
        {"path": clip.path, "reason": reason}
        for (clip, _), rows in zip(clips, found, strict=True)
        for reason in rows.missing
    ]
    parts = zip(store.keys, (ends - counts).tolist(), ends.tolist(), strict=True)
    return LabelledFrames(
        table[list(KEPT)],
        exact,
        large,
        pd.DataFrame(skipped, columns=["path", "reason"]),
        tuple(ClipPart(*part) for part in parts if part[1] < part[2]),
        n_reused,
        None if shards is None else ShardOrder(shards, shards.i_shard[from_shards.places][i_clip]),
    )


def match_twins(reading: Reading, root: Path, clips: list[tuple[Clip, pd.DataFrame]]) -> Reading:
    """Return the reading with the twins of the footage, see `match_detector`."""
    if not reading.detector.is_on:
        return reading
    fit = match_detector(reading.detector, root, [clip.paths for clip, _ in clips])
    return reading if fit is None else replace(reading, twins=fit.twins)


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


def _read_all(
    store: FrameStore, n_workers: int, on_progress: Callable[[int, int], None] | None
) -> tuple[list[ClipRows], int]:
    """Return the rows of all clips of a store, and how many of them were in the cache."""
    found: list[ClipRows] = []
    n_reused = 0
    with ThreadPoolExecutor(max(1, n_workers), initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        for rows, was_there in pool.map(store.read_rows, range(len(store.clips))):
            found.append(rows)
            n_reused += was_there
            if on_progress:
                on_progress(len(found), len(store.clips))
    return found, n_reused
