"""Facts about the files of a manifest: presence, readability, size, content and fingerprint, and copies."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from leopardnet.core.columns import FLOAT, INT, STRING, TIME, Column
from leopardnet.core.errors import MediaError
from leopardnet.core.footage.find_file import find_file
from leopardnet.core.footage.footage_suffixes import kind_by_suffix
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import conform
from leopardnet.core.types import Clip
from leopardnet.data.checks.fingerprints import MAX_DISTANCE, find_near_pairs, fingerprint
from leopardnet.data.scan.capture_time import CaptureTimeReader

FACTS = (
    Column("path", STRING, False, "file, relative to the root"),
    Column("status", STRING, False, "ok, partial, unreadable, empty or missing"),
    Column("reason", STRING, True, "why the status is not ok"),
    Column("size_bytes", INT, True, "of the file"),
    Column("digest", STRING, True, "BLAKE2b of the content, for files of equal size"),
    Column("phash", "UInt64", True, "perceptual hash of the still, or of the first frame of the video"),
    Column("dhash", "UInt64", True, "a second hash, of other features"),
    Column("chroma", FLOAT, True, "mean difference of the strongest and weakest of R, G, B; 0 to 255"),
    Column("width_px", INT, True, "of the picture"),
    Column("height_px", INT, True, "of the picture"),
    Column("orientation", INT, True, "EXIF orientation of a still, 1 to 8; width_px and height_px are upright"),
    Column("n_frames", INT, True, "of a video, according to its container"),
    Column("duration_s", FLOAT, True, "of a video, according to its container"),
    Column("recorded_at", TIME, True, "time in the header, for files whose time in the manifest is from a table"),
)
_SHORT_SIDE_PX = 64


@dataclass(slots=True)
class _FileFacts:
    """The facts about one file, with the fields of FACTS."""

    path: str
    status: Literal["ok", "partial", "unreadable", "empty", "missing"] = "ok"
    reason: str | None = None
    size_bytes: int | None = None
    digest: str | None = None
    phash: int | None = None
    dhash: int | None = None
    chroma: float | None = None
    width_px: int | None = None
    height_px: int | None = None
    orientation: int | None = None
    n_frames: int | None = None
    duration_s: float | None = None
    recorded_at: datetime | None = None


def read_file_facts(
    manifest: Manifest,
    *,
    hash_files: bool = True,
    perceptual: bool = True,
    probe: bool = True,
    on_progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Return one row per file of the manifest (a burst has several), with the columns FACTS. No bad file raises.

    hash_files: read files of equal size, to find copies. perceptual: decode stills, and the first frame of videos,
    at a small size, which also shows whether they can be decoded. probe: read headers. Without any of the three,
    only presence and size are checked. on_progress: called with the number of files read so far and of all files.
    """
    files = list_row_files(manifest).drop_duplicates("path")
    tasks = list(zip(files["path"], files["kind"], strict=True))
    rows: list[_FileFacts] = []
    in_table = set(manifest.table.loc[manifest.table["time_source"] == "table", "path"])
    times = CaptureTimeReader()

    def read(task: tuple[str, str]) -> _FileFacts:
        row = _read_facts(manifest.root, *task, perceptual=perceptual, probe=probe)
        if probe and row.path in in_table:
            row.recorded_at = times.read(str(find_file(manifest.root, row.path))).time
        return row

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for row in pool.map(read, tasks):
            rows.append(row)
            if on_progress is not None:
                on_progress(len(rows), len(tasks))
        # Each column has its dtype, because pandas would turn 64-bit hashes next to a missing one into floats.
        facts = pd.DataFrame({c.name: pd.Series([getattr(r, c.name) for r in rows], dtype=c.dtype) for c in FACTS})
        if hash_files:
            sizes = facts["size_bytes"].where(facts["size_bytes"] > 0)
            same_size = facts["path"][sizes.notna() & sizes.duplicated(keep=False)]
            digests = list(pool.map(lambda p: _digest(find_file(manifest.root, p)), same_size))
            facts["digest"] = pd.Series(digests, index=same_size.index, dtype=STRING).reindex(facts.index)
    return conform(facts, FACTS, where="file facts", unique=("path",))


def list_row_files(manifest: Manifest) -> pd.DataFrame:
    """Return one row per manifest row and file: `i_row` (position, from 0), `path`, `kind` (video or still)."""
    t = manifest.table
    paths = [
        json.loads(p) if isinstance(p, str) else [first] for p, first in zip(t["paths"], t["path"], strict=True)
    ]
    n = [len(p) for p in paths]
    flat = [p for ps in paths for p in ps]
    guess = np.repeat(np.where(t["kind"].isin(["video", "frame"]), "video", "still"), n)
    return pd.DataFrame(
        {
            "i_row": np.repeat(np.arange(len(t)), n),
            "path": flat,
            "kind": [kind_by_suffix(p) or g for p, g in zip(flat, guess, strict=True)],
        }
    )


def find_copies(manifest: Manifest, facts: pd.DataFrame, *, max_distance: int = MAX_DISTANCE) -> pd.Series[Any]:
    """Return the number of each row's group of copies (Int64), empty if its files have none.

    Copies are files of equal content, and pictures with nearly equal fingerprints. facts: from `read_file_facts`.
    max_distance: see `find_near_pairs`. The result is made for `split(keep_together=…)`.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    files = list_row_files(manifest)
    i_file = files["path"].map(pd.Series(facts.index, index=facts["path"]))
    n_rows, n = len(manifest), len(manifest) + len(facts)
    has_hash = np.flatnonzero(facts["phash"].notna())
    hashes = [facts[c].iloc[has_hash].to_numpy(np.uint64) for c in ("phash", "dhash")]
    near = has_hash[find_near_pairs(hashes[0], hashes[1], max_distance=max_distance)] + n_rows
    digest = facts["digest"].dropna()
    first_of = digest.map(digest.drop_duplicates().reset_index().set_index("digest")["index"])
    known = i_file.notna()
    i = np.concatenate([files["i_row"][known], near[:, 0], digest.index + n_rows])
    j = np.concatenate([i_file[known].astype("int64") + n_rows, near[:, 1], first_of.to_numpy(np.int64) + n_rows])
    graph = coo_array((np.ones(len(i), np.int8), (i, j)), shape=(n, n))
    group = pd.Series(connected_components(graph, directed=False)[1])
    n_files = group[n_rows:].value_counts()  # a group of copies has two files or more; rows alone do not count
    row_group = group[:n_rows]
    return row_group.where(row_group.map(n_files).fillna(0) > 1).astype("Int64").set_axis(manifest.table.index)


# --- one file ---


def _read_facts(root: Path, path: str, kind: str, *, perceptual: bool, probe: bool) -> _FileFacts:
    facts = _FileFacts(path)
    try:
        facts.size_bytes = find_file(root, path).stat().st_size
    except OSError as error:
        facts.status, facts.reason = "missing", error.strerror
        return facts
    if facts.size_bytes == 0:
        facts.status, facts.reason = "empty", "0 bytes"
        return facts
    clip = Clip("", (path,), "video" if kind == "video" else "still")
    try:
        if probe:
            _add_header(facts, clip, root)
        if perceptual:
            _add_fingerprint(facts, clip, root)
    except MediaError as error:
        facts.status, facts.reason = "unreadable", error.one_line
    return facts


def _add_header(facts: _FileFacts, clip: Clip, root: Path) -> None:
    from leopardnet.media.decode import probe, resolve_path
    from leopardnet.media.still import read_stored_size

    if clip.kind == "still":
        size, facts.orientation = read_stored_size(resolve_path(root, clip.path))
        facts.width_px, facts.height_px = size[::-1] if facts.orientation >= 5 else size
        return
    info = probe(clip, root)
    facts.width_px, facts.height_px = info.width_px, info.height_px
    facts.n_frames, facts.duration_s = info.n_frames, info.duration_s


def _add_fingerprint(facts: _FileFacts, clip: Clip, root: Path) -> None:
    from leopardnet.media.decode import decode

    frames = decode(clip, root, times_s=np.zeros(1), short_side_px=_SHORT_SIDE_PX)
    picture = fingerprint(frames.pixels[0])
    facts.phash, facts.dhash, facts.chroma = picture.phash, picture.dhash, picture.chroma
    if frames.warnings:
        facts.status, facts.reason = "partial", "; ".join(frames.warnings)


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        return None  # the file was there a moment ago; its status says what could be read
