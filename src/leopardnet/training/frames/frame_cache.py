"""What earlier runs decoded and computed, kept clip by clip in a folder that runs share.

<folder>/pixels    the frames of a clip at both sizes
<folder>/rows      their times, boxes and colour, and which labelled frames the clip does not have
<folder>/features  what a network without its head gives for them

The name of a file is a hash of all that it depends on: path, size and modification time of the clip's files, which
frames are wanted, how they are read, and for features the weights. Labels, splits and sites are no part of it.
Files are written beside their place and moved there, so several runs may share the folder; of each kind, what was
not used for longest is deleted beyond a number of bytes. A file that is lost costs time, and changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from leopardnet.core.errors import MediaError
from leopardnet.core.journal.queued_clip import stamp_clip
from leopardnet.core.processes.file_cache import FileCache
from leopardnet.core.types import Clip
from leopardnet.detect.detector import detector_id
from leopardnet.training.frames.clip_frames import LARGE, ClipFrames, Reading, read_clip

VERSION = 2  # of decoding and preprocessing: raise it when pixels change
SMALL_BYTES = 2_000_000_000  # the most that rows take, and features: those of some hundred thousand frames

Arrays = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class ClipRows:
    """What is known of the frames of a clip, without pixels: one value per frame, and messages about missing ones.

    i_row: its row among the wanted rows of the clip; the others as in the table of `LabelledFrames`.
    """

    i_row: tuple[int, ...]
    time_s: tuple[float, ...]
    view: tuple[str, ...]
    box: tuple[str | None, ...]
    colour: tuple[float, ...]
    boxes: tuple[str | None, ...]
    missing: tuple[str, ...]

    @classmethod
    def parse(cls, text: str | bytes) -> ClipRows:
        """Return the rows that `dump` wrote. Raises ValueError, TypeError or AttributeError for another text."""
        return cls(**{k: tuple(v) for k, v in json.loads(text).items()})

    def dump(self) -> str:
        """Return the rows as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, read: ClipFrames, first: int) -> ClipRows:
        """Return the rows of a clip that was read; `first` is the index of its first wanted row."""
        table = (
            pd.DataFrame(columns=["time_s", "view", "box", "colour", "boxes"]) if read.table is None else read.table
        )
        box, boxes = (tuple(x if isinstance(x, str) else None for x in table[name]) for name in ("box", "boxes"))
        return cls(
            i_row=tuple(int(i) - first for i in table.index),
            time_s=tuple(map(float, table["time_s"])),
            view=tuple(table["view"]),
            box=box,
            colour=tuple(map(float, table["colour"])),
            boxes=boxes,
            missing=tuple(read.missing),
        )


class FrameCache:
    """The folder of the cache. max_bytes: of pixels. Raises OSError where the folder cannot be made."""

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self.folder, self._max_bytes = folder, max_bytes
        self._rows = FileCache(folder / "rows", suffix=".json", max_bytes=SMALL_BYTES)
        self._features = FileCache(folder / "features", suffix=".safetensors", max_bytes=SMALL_BYTES)

    @cached_property
    def _pixels(self) -> FileCache:  # opened when it is needed: a run that keeps no pixels deletes none either
        return FileCache(self.folder / "pixels", suffix=".safetensors", max_bytes=self._max_bytes)

    @property
    def n_not_kept(self) -> int:
        """How many clips of this process were not kept for want of room; each use of them decodes them again."""
        return self._pixels.n_not_kept

    def read_rows(self, key: str) -> ClipRows | None:
        """Return the rows of a clip, or None."""
        data = self._rows.read(key)
        try:
            return None if data is None else ClipRows.parse(data)
        except (ValueError, TypeError, AttributeError):  # damaged, or of another version
            return None

    def write_clip(self, key: str, read: ClipFrames, rows: ClipRows) -> None:
        """Keep a clip."""
        self._pixels.write(key, _pack({"exact": read.exact, "large": read.large}))
        self._rows.write(key, rows.dump().encode())

    def read_picture(self, key: str, size: str, i: int) -> NDArray[np.uint8] | None:
        """Return picture i of a clip, uint8 [3, S, S], at the size `exact` or `large`, or None."""
        path = self._pixels.find(key)
        try:
            if path is None:
                return None
            with safe_open(path, framework="numpy") as file:
                return np.array(file.get_slice(size)[i], np.uint8)
        except (OSError, SafetensorError, IndexError):
            return None

    def read_features(self, key: str) -> Arrays:
        """Return the arrays that were kept under a key; {} if there are none."""
        data = self._features.read(key)
        try:
            return {} if data is None else load(data)
        except SafetensorError:
            return {}

    def write_features(self, key: str, arrays: dict[str, NDArray[np.float32]]) -> None:
        """Keep arrays under a key."""
        self._features.write(key, _pack(arrays))


class ClipStore:
    """The clips of a run: read from the cache, or decoded into it. Thread-safe.

    clips: each with its wanted rows.
    """

    def __init__(
        self, clips: list[tuple[Clip, pd.DataFrame]], root: Path, reading: Reading, cache: FrameCache
    ) -> None:
        self.clips, self.root, self.reading, self.cache = clips, root, reading, cache
        settings = json.dumps([describe_reading(reading), sorted(reading.twins)])
        self.keys = [hash_wanted(clip, rows, stamp_clip(clip, str(root)).stamp, settings) for clip, rows in clips]

    def read_rows(self, i_clip: int) -> tuple[ClipRows, bool]:
        """Return the rows of a clip, decoding it unless it is in the cache, and whether it was there."""
        found = self.cache.read_rows(self.keys[i_clip])
        return (found, True) if found is not None else (self._decode(i_clip)[1], False)

    def read_picture(self, i_clip: int, size: str, i: int) -> NDArray[np.uint8]:
        """Return picture i of a clip, uint8 [3, S, S]; what the cache has lost is decoded again.

        Raises MediaError if it is not in the file any more.
        """
        found = self.cache.read_picture(self.keys[i_clip], size, i)
        if found is not None:
            return found
        read = self._decode(i_clip)[0]
        pictures = read.exact if size == "exact" else read.large
        if i >= len(pictures):
            raise MediaError(
                "the file has changed since the run began",
                where=self.clips[i_clip][0].path,
                found="; ".join(read.missing) or f"{len(pictures)} frames",
                expected=f"at least {i + 1} frames",
            )
        return np.asarray(pictures[i], np.uint8)

    def _decode(self, i_clip: int) -> tuple[ClipFrames, ClipRows]:
        clip, rows = self.clips[i_clip]
        read = read_clip(clip, rows, self.root, self.reading)
        found = ClipRows.of(read, int(rows.index[0]))
        if read.table is not None:  # a file that cannot be read is tried again by the next run
            self.cache.write_clip(self.keys[i_clip], read, found)
        return read, found


class FrameStore(Protocol):
    """The clips of a run, whatever their frames come from. keys: of each clip, for what is kept of it."""

    clips: list[tuple[Clip, pd.DataFrame]]
    keys: list[str]

    def read_rows(self, i_clip: int) -> tuple[ClipRows, bool]:
        """Return the rows of a clip, and whether nothing had to be decoded for them."""
        ...

    def read_picture(self, i_clip: int, size: str, i: int) -> NDArray[np.uint8]:
        """Return picture i of a clip, uint8 [3, S, S], at the size `exact` or `large`."""
        ...


class StoredPixels:
    """The pictures of a store at one size. i_clip, i_picture: int64 [N], where each is."""

    def __init__(
        self, store: FrameStore, size: str, i_clip: NDArray[np.int64], i_picture: NDArray[np.int64]
    ) -> None:
        self._store, self._size, self._i_clip, self._i_picture = store, size, i_clip, i_picture

    def __len__(self) -> int:
        return len(self._i_clip)

    def __getitem__(self, i: int) -> NDArray[np.uint8]:
        if not 0 <= i < len(self):
            raise IndexError(i)
        return self._store.read_picture(int(self._i_clip[i]), self._size, int(self._i_picture[i]))


def _pack(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    return save({name: np.ascontiguousarray(x) for name, x in arrays.items()})  # it writes other arrays as they lie


def describe_reading(reading: Reading) -> str:
    """Return a text of all settings that determine pixels, but for the twins, which are found in the footage."""
    detector = detector_id(reading.detector) if reading.detector.is_on else ""
    parts = [x.model_dump_json() for x in (reading.spec, reading.sampling)]
    return json.dumps([VERSION, LARGE, *parts, reading.max_frames_per_clip, detector])


def compare_readings(before: str, now: str) -> list[tuple[str, str, str]]:
    """Return name, value before and value now of what differs between two texts of `describe_reading`."""
    try:
        one, other = _name_readings(before), _name_readings(now)
    except (ValueError, TypeError, AttributeError):  # of another version
        return [("the settings of reading", "unknown", "known")]
    return [(k, one.get(k, "none"), other.get(k, "none")) for k in one | other if one.get(k) != other.get(k)]


def _name_readings(text: str) -> dict[str, str]:
    version, large, spec, sampling, most, detector = json.loads(text)
    named = {"version of reading": version, "size of frames for augmentation": large}
    for group, values in (("preprocess", spec), ("sampling", sampling)):
        named |= {f"{group}.{k}": v for k, v in json.loads(values).items()}
    named |= {"data.max_frames_per_clip": most, "detector": detector or "none"}
    return {k: str(v) for k, v in named.items()}


def hash_wanted(clip: Clip, rows: pd.DataFrame, *more: str) -> str:
    """Return a hash of a clip, of its wanted rows, and of further texts."""
    wanted = rows[["time_s", "frame_number", "box"]].to_numpy(object).tolist()
    text = json.dumps([clip.paths, clip.kind, wanted, *more], default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
