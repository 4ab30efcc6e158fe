"""A folder of shards: tar files of labelled frames, read at random or one shard after the other.

<folder>/000000.tar …    the frames, in the layout of WebDataset: <clip_id>-0000.exact.png, .large.png and .json
<folder>/index.parquet   a row per clip: what is known of its frames, and where each picture lies in which shard
<folder>/shards.json     how frames were read, and bytes and SHA-256 of every file; written last

Other programs read the tar files as they are. Here the index makes any picture one read of its bytes, so the order
of an epoch, its parts among processes and what was interrupted are as they are without shards. Each picture has a
checksum. Nothing in a shard is executed or unpacked into files.
"""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from leopardnet.core.errors import ManifestError
from leopardnet.core.types import Clip
from leopardnet.training.frames.clip_frames import Reading
from leopardnet.training.frames.frame_cache import ClipRows, compare_readings, describe_reading, hash_wanted

VERSION = 1
RECORD, INDEX = "shards.json", "index.parquet"
SIZES = ("exact", "large")
LEFT_OUT = "left out of the shards: it shows people or vehicles"  # no fault of the file
SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("clip_id", pa.string()),
        ("shard", pa.int32()),
        ("rows", pa.string()),
        ("starts", pa.list_(pa.int64())),
        ("lengths", pa.list_(pa.int32())),
        ("checksums", pa.list_(pa.uint32())),
    ]
)

Picture = Literal["png", "jpg"]


class ShardFile(BaseModel):
    """A file of a set, with its bytes and SHA-256."""

    name: str = Field(pattern=r"^([0-9]{6}\.tar|index\.parquet)$")
    n_bytes: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> ShardFile:
        """Return what a file is now."""
        with path.open("rb") as file:
            return cls(
                name=path.name, n_bytes=path.stat().st_size, sha256=hashlib.file_digest(file, "sha256").hexdigest()
            )


class ShardRecord(BaseModel):
    """What `shards.json` holds. reading: of `describe_reading`; n_clips: also those without a readable frame."""

    version: int
    picture: Picture
    reading: str
    n_clips: int
    n_frames: int
    index: ShardFile
    shards: list[ShardFile]


@dataclass(frozen=True, eq=False)
class ShardSet:
    """A complete folder of shards. Thread-safe; it keeps no file open.

    >>> shards = ShardSet.open(Path("shards"))  # doctest: +SKIP
    >>> shards.record.n_frames  # doctest: +SKIP
    982311
    """

    folder: Path
    record: ShardRecord
    table: pa.Table
    at: dict[str, int]

    @classmethod
    def open(cls, folder: Path) -> ShardSet:
        """Return the shards of a folder. Raises ManifestError where a file is missing or not as it was written.

        Of the shards only the sizes are looked at; `check` reads them.
        """
        try:
            record = ShardRecord.model_validate_json((folder / RECORD).read_bytes())
        except OSError as error:
            if not any(folder.glob("*.tar")):
                raise _refuse_other_folder(folder) from None
            raise _explain(
                folder.name, f"no {RECORD}: {error.strerror}", "a folder of `leopardnet shards`"
            ) from None
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise _explain(f"{folder.name}/{RECORD}", f"{where}: {first['msg']}", "as it was written") from None
        if record.version != VERSION:
            raise _explain(f"{folder.name}/{RECORD}", f"version {record.version}", f"version {VERSION}")
        for file in (record.index, *record.shards):
            _check_size(folder, file)
        if ShardFile.of(folder / INDEX).sha256 != record.index.sha256:
            raise _explain(f"{folder.name}/{INDEX}", "other bytes", "the SHA-256 of shards.json")
        table = pq.read_table(folder / INDEX, schema=SCHEMA).combine_chunks()
        return cls(folder, record, table, {key: i for i, key in enumerate(table["key"].to_pylist())})

    @property
    def id(self) -> str:
        """A hash of all that the set holds."""
        return hashlib.sha256(self.record.model_dump_json().encode()).hexdigest()[:16]

    @property
    def i_shard(self) -> NDArray[np.int32]:
        """The shard of each clip of the index, int32."""
        return np.asarray(self.table["shard"].to_numpy(), np.int32)

    def __repr__(self) -> str:
        n = self.record
        return f"ShardSet({n.n_frames} frames of {n.n_clips} clips, {n.picture}, {len(n.shards)} shards)"

    def describe(self) -> str:
        """Return what the set holds, in words."""
        n = self.record
        files = f"{len(n.shards)} tar file{'s' * (len(n.shards) != 1)}"
        return f"{n.n_frames} frames of {n.n_clips} clips as {n.picture}, in {files}"

    @property
    def missing(self) -> dict[str, int]:
        """How many clips have no frame or lack some, by reason; the most frequent reasons first."""
        reasons = Counter(
            reason.split(": ", 1)[-1]
            for text in self.table["rows"].to_pylist()
            for reason in ClipRows.parse(text).missing
        )
        return dict(reasons.most_common())

    def check(self) -> list[str]:
        """Return the names of shards whose bytes are not those that were written; all of them are read."""
        return [x.name for x in self.record.shards if ShardFile.of(self.folder / x.name).sha256 != x.sha256]

    def read_rows(self, i: int) -> ClipRows:
        """Return what is known of the frames of the clip in row i of the index."""
        return ClipRows.parse(self.table["rows"][i].as_py())

    def read_picture(self, i: int, size: str, k: int) -> NDArray[np.uint8]:
        """Return picture k of the clip in row i of the index, uint8 [3, S, S], at the size `exact` or `large`.

        Raises ManifestError where the shard has changed.
        """
        j = len(SIZES) * k + SIZES.index(size)
        start, n, checksum = (self.table[name][i][j].as_py() for name in ("starts", "lengths", "checksums"))
        file = self.record.shards[self.table["shard"][i].as_py()]
        where = f"{self.folder.name}/{file.name}"
        try:
            with (self.folder / file.name).open("rb", buffering=0) as stream:
                stream.seek(start)
                data = stream.read(n)
        except OSError as error:
            raise _explain(where, str(error.strerror), "a shard that can be read") from None
        if len(data) != n or zlib.crc32(data) != checksum:
            raise _explain(where, f"other bytes at {start}", "the bytes of its index")
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        assert picture is not None  # its bytes are those that were written
        return np.ascontiguousarray(picture.transpose(2, 0, 1), np.uint8)


class ShardStore:
    """The wanted clips of a run, read from shards instead of from footage, as `ClipStore` reads them.

    Raises ManifestError where the shards lack some of the clips, or were written with other settings.
    """

    def __init__(self, clips: list[tuple[Clip, pd.DataFrame]], reading: Reading, shards: ShardSet) -> None:
        settings = describe_reading(reading)
        if shards.record.reading != settings:
            changed = compare_readings(shards.record.reading, settings)
            raise ManifestError(
                "the shards were written with other settings of reading",
                where=shards.folder.name,
                found="; ".join(f"{name} {a}" for name, a, _ in changed),
                expected="; ".join(f"{name} {b}" for name, _, b in changed),
                todo="train with the settings that the shards were written with, or write them again with these "
                "(model.size_px and detector= are settings of reading, too)",
            )
        wanted = [hash_wanted(clip, rows) for clip, rows in clips]
        lost = [clip.path for (clip, _), key in zip(clips, wanted, strict=True) if key not in shards.at]
        if lost:
            raise ManifestError(
                "the shards lack clips of the manifest, or their labelled frames are others",
                where=shards.folder.name,
                found=f"{len(lost)} of {len(clips)} clips, such as {lost[0]}",
                expected="shards written from this manifest, or from a larger one with the same frames",
                todo="write them again with `leopardnet shards`, or leave --shards out",
            )
        self.clips, self.shards = clips, shards
        self.keys = [hashlib.sha256(f"{shards.id} {key}".encode()).hexdigest()[:32] for key in wanted]
        self.places = np.array([shards.at[key] for key in wanted], np.int64)

    def read_rows(self, i_clip: int) -> tuple[ClipRows, bool]:
        """Return the rows of a clip, and that nothing was decoded for them."""
        return self.shards.read_rows(int(self.places[i_clip])), True

    def read_picture(self, i_clip: int, size: str, i: int) -> NDArray[np.uint8]:
        """Return picture i of a clip, uint8 [3, S, S]. Raises ManifestError where the shard has changed."""
        return self.shards.read_picture(int(self.places[i_clip]), size, i)


def _check_size(folder: Path, file: ShardFile) -> None:
    where = f"{folder.name}/{file.name}"
    try:
        n = (folder / file.name).stat().st_size
    except OSError as error:
        raise _explain(where, str(error.strerror), "all files that shards.json names") from None
    if n != file.n_bytes:
        raise _explain(where, f"{n} bytes", f"{file.n_bytes} bytes")


def _refuse_other_folder(folder: Path) -> ManifestError:
    is_there = folder.is_dir()
    return ManifestError(
        "this folder holds no shards" if is_there else "there is no such folder",
        where=folder.name,
        found=f"no {RECORD}",
        expected="a folder that `leopardnet shards MANIFEST --out` wrote",
        todo="make a manifest of footage first (`leopardnet import folders FOLDER --out m.parquet`), and write its "
        "shards: `leopardnet shards m.parquet --out shards`",
    )


def _explain(where: str, found: str, expected: str) -> ManifestError:
    return ManifestError(
        "the shards are not complete",
        where=where,
        found=found,
        expected=expected,
        todo="copy the folder again, or write it anew with `leopardnet shards`",
    )
