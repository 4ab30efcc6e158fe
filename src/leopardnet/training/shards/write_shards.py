"""From labelled footage to shards: the frames that training reads, in tar files of equal size."""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leopardnet.core.errors import ConfigError
from leopardnet.core.manifest import Manifest
from leopardnet.core.people import rows_with_people
from leopardnet.core.settings.training import TrainConfig
from leopardnet.core.tables import atomic_path, write_json
from leopardnet.core.types import Clip
from leopardnet.data.checks.match_files import refuse_other_files
from leopardnet.training.folds import should_use_folds
from leopardnet.training.frames.clip_frames import ClipFrames, Reading, read_clip
from leopardnet.training.frames.frame_cache import ClipRows, describe_reading, hash_wanted
from leopardnet.training.frames.labelled_frames import match_twins
from leopardnet.training.frames.select_frames import iterate_clips
from leopardnet.training.frames.shard_set import (
    INDEX,
    LEFT_OUT,
    RECORD,
    SCHEMA,
    SIZES,
    VERSION,
    Picture,
    ShardFile,
    ShardRecord,
    ShardSet,
)
from leopardnet.training.resolve_settings import resolve_settings
from leopardnet.training.resource_errors import explain_resource_errors
from leopardnet.training.train_val import TrainVal, select_train_val

ENCODING = {
    "png": (cv2.IMWRITE_PNG_COMPRESSION, 1),  # more costs three times the time and saves 2 %
    "jpg": (
        *(cv2.IMWRITE_JPEG_QUALITY, 95),
        *(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    ),
}
AHEAD = 16  # clips that are decoded before they are written, for each worker


def write_shards(
    manifest: Manifest,
    config: TrainConfig,
    *,
    out: str | Path,
    picture: Picture = "png",
    shard_mb: int = 256,
    include_people: bool = False,
    on_progress: Callable[..., None] | None = None,
) -> ShardSet:
    """Write the labelled frames that `train` would read of a manifest into shards, and return them.

    config: of training, `load_config("train", …)`: sampling, preprocessing, detector and data settings say which
    frames there are, and only the same settings can train on them. out: a new or empty folder, or one whose writing
    was interrupted, which begins anew. picture: png keeps every value; jpg takes a third of the bytes, and values
    differ by 1 to 2 grey levels on average. shard_mb: size of a shard, in megabytes. Clips come in random order (of
    the seed of `config`), so each shard is a sample of all footage. Clips of people and vehicles are left out, by
    the labels and boxes of the manifest, unless include_people. What cannot be read, or is left out, has a row in
    the index with the reason.

    Raises ConfigError for a folder with other files, ManifestError as `train` does, and BackendError if the disk is
    full.

    >>> shards = ln.write_shards(manifest, ln.load_config("train"), out="shards")  # doctest: +SKIP
    >>> ln.train(manifest, ln.load_config("train"), out="runs/a", shards="shards")  # doctest: +SKIP
    """
    out, tell = Path(out), on_progress or (lambda *_: None)
    leftovers = _find_leftovers(out)
    refuse_other_files(manifest.table, manifest.root)
    config = resolve_settings(config, manifest)
    labels = config.labels.label_set()
    by_folds = should_use_folds(bool(manifest.table["split"].eq("val").any()), config.validation)
    wanted = select_train_val(manifest, config, labels, by_folds=by_folds)
    data = TrainVal(wanted, manifest.root, config, labels, by_folds)
    clips = list(iterate_clips(wanted))
    order = np.random.default_rng(config.seed).permutation(len(clips))
    hidden = frozenset() if include_people else rows_with_people(manifest.table)
    reading = match_twins(data.reading, manifest.root, clips)
    with explain_resource_errors(out):
        _prepare_folder(out, leftovers)
        writer = _ShardWriter(out, picture, shard_mb * 1_000_000)
        chosen = (clips[i] for i in order)
        read = _read_ahead(chosen, manifest.root, reading, hidden, picture, config.runtime.workers or 2)
        for n, (clip, rows, found, pictures) in enumerate(read, 1):
            writer.add(clip, rows, found, pictures)
            tell("writing shards", n, len(clips))
        writer.finish(describe_reading(reading))
    return ShardSet.open(out)


@dataclass
class _ShardWriter:
    """Writes one shard after the other, and then the index and the record."""

    out: Path
    picture: Picture
    max_bytes: int
    index: list[dict[str, Any]] = field(default_factory=list)
    shards: list[ShardFile] = field(default_factory=list)
    n_frames: int = 0
    _members: list[tuple[str, bytes]] = field(default_factory=list)
    _n_bytes: int = 0

    def add(self, clip: Clip, rows: pd.DataFrame, found: ClipRows, pictures: list[bytes]) -> None:
        """Add a clip with its pictures, exact and large in turns."""
        n = sum(map(len, pictures))
        if self._members and self._n_bytes + n > self.max_bytes:
            self._write_shard()
        first = len(self._members)
        table = rows.reset_index(drop=True)
        for k, i_row in enumerate(found.i_row):
            name, row = f"{clip.clip_id}-{k:04d}", table.iloc[i_row]
            said = {"label": row["label"], "site": None if pd.isna(row["site"]) else row["site"]}
            known = {"time_s": found.time_s[k], "view": found.view[k], "box": json.loads(found.box[k] or "null")}
            pair = pictures[2 * k : 2 * k + 2]
            self._members += [(f"{name}.{size}.{self.picture}", x) for size, x in zip(SIZES, pair, strict=True)]
            self._members.append((f"{name}.json", json.dumps(said | known, ensure_ascii=False).encode()))
        self.index.append(
            {
                "key": hash_wanted(clip, rows),
                "clip_id": clip.clip_id,
                "shard": len(self.shards),
                "rows": found.dump(),
                "starts": [i for i in range(first, len(self._members)) if (i - first) % 3 < 2],  # then bytes
                "lengths": list(map(len, pictures)),
                "checksums": list(map(zlib.crc32, pictures)),
            }
        )
        self.n_frames += len(found.i_row)
        self._n_bytes += n

    def finish(self, reading: str) -> None:
        """Write the last shard, the index, and the record that makes the set complete."""
        if self._members:
            self._write_shard()
        with atomic_path(self.out / INDEX) as part:
            pq.write_table(pa.Table.from_pylist(self.index, SCHEMA), part)
        record = ShardRecord(
            version=VERSION,
            picture=self.picture,
            reading=reading,
            n_clips=len(self.index),
            n_frames=self.n_frames,
            index=ShardFile.of(self.out / INDEX),
            shards=self.shards,
        )
        write_json(record.model_dump(), self.out / RECORD)

    def _write_shard(self) -> None:
        i, starts = len(self.shards), list[int]()
        path = self.out / f"{i:06d}.tar"
        with atomic_path(path) as part, tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar:
            for name, data in self._members:
                info = tarfile.TarInfo(name)  # with no time and no owner: the same footage gives the same bytes
                info.size = len(data)
                starts.append(tar.offset + tarfile.BLOCKSIZE)
                tar.addfile(info, io.BytesIO(data))
        for row in reversed(self.index):
            if row["shard"] != i:
                break
            row["starts"] = [starts[k] for k in row["starts"]]
        self.shards.append(ShardFile.of(path))
        self._members, self._n_bytes = [], 0


def _read_ahead(
    clips: Iterator[tuple[Clip, pd.DataFrame]],
    root: Path,
    reading: Reading,
    hidden: frozenset[str],
    picture: Picture,
    n_workers: int,
) -> Iterator[tuple[Clip, pd.DataFrame, ClipRows, list[bytes]]]:
    """Yield each clip, its rows, what is known of its frames, and its pictures; threads decode the next ones."""

    def read(clip: Clip, rows: pd.DataFrame) -> tuple[Clip, pd.DataFrame, ClipRows, list[bytes]]:
        if clip.clip_id in hidden:
            nothing = np.zeros((0, 3, 1, 1), np.uint8)
            found = ClipFrames(None, nothing, nothing, [LEFT_OUT])
        else:
            found = read_clip(clip, rows, root, reading)
        pairs = zip(found.exact, found.large, strict=True)
        pictures = [_encode(x, picture) for pair in pairs for x in pair]
        return clip, rows, ClipRows.of(found, int(rows.index[0])), pictures

    with ThreadPoolExecutor(n_workers, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        waiting = []
        for clip in clips:
            waiting.append(pool.submit(read, *clip))
            if len(waiting) > AHEAD * n_workers:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()


def _encode(picture: NDArray[np.uint8], kind: Picture) -> bytes:
    """Return a picture [3, S, S] as a file."""
    bgr = cv2.cvtColor(np.ascontiguousarray(picture.transpose(1, 2, 0)), cv2.COLOR_RGB2BGR)
    return cv2.imencode(f".{kind}", bgr, ENCODING[kind])[1].tobytes()


def _find_leftovers(out: Path) -> list[str]:
    """Return what an interrupted writing left in the folder. Raises ConfigError for other files."""
    found = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    ours = [x for x in found if x == INDEX or x.endswith(".part") or (x[:6].isdigit() and x[6:] == ".tar")]
    if len(ours) < len(found):
        other = "a complete set of shards" if RECORD in found else next(x for x in found if x not in ours)
        raise ConfigError(
            "the folder for the shards is not empty",
            where="--out",
            found=f"{out.name}: {other}",
            expected="a new folder, or an empty one",
            todo="choose another folder, or delete this one",
        )
    return ours


def _prepare_folder(out: Path, leftovers: list[str]) -> None:
    """Make the folder, or take the leftovers out of it."""
    out.mkdir(parents=True, exist_ok=True)
    for name in leftovers:
        (out / name).unlink()
