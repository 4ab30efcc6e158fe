"""What the files of a manifest are: there or not, readable or not, how large, how they look, and which are copies."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.columns import FLOAT, INT, STRING, Column
from leopardnet.core.errors import MediaError
from leopardnet.core.footage_suffixes import kind_by_suffix
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import conform
from leopardnet.core.types import Clip
from leopardnet.data.checks.fingerprints import MAX_DISTANCE, fingerprint, near_pairs

FACTS = (
    Column("path", STRING, False, "file, relative to the root"),
    Column("status", STRING, False, "ok, partial, unreadable, empty or missing"),
    Column("reason", STRING, True, "why the status is not ok"),
    Column("size_bytes", INT, True, "of the file"),
    Column("digest", STRING, True, "BLAKE2b of the content, of files that share their size with another"),
    Column("phash", "UInt64", True, "perceptual hash of the still, or of the first frame of the video"),
    Column("dhash", "UInt64", True, "a second one, of other features"),
    Column("chroma", FLOAT, True, "mean difference of the strongest and weakest of R, G, B; 0 to 255"),
    Column("width_px", INT, True, "of the picture"),
    Column("height_px", INT, True, "of the picture"),
    Column("n_frames", INT, True, "of a video, as its container says"),
    Column("duration_s", FLOAT, True, "of a video, as its container says"),
)
MONOCHROME_CHROMA = 8.0  # below: infrared, or a picture without colour
_SHORT_SIDE_PX = 64


def file_facts(
    manifest: Manifest,
    *,
    hash_files: bool = True,
    perceptual: bool = True,
    probe: bool = True,
    on_progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """One row per file of the manifest (a burst has several), with the columns of FACTS; nothing raises for a bad file.

    hash_files: read files of equal size to find copies. perceptual: decode stills and the first frame of videos at
    small size, which also shows whether they can be decoded. probe: read headers. Without any of the three only
    presence and size are looked at.
    """
    files = row_files(manifest).drop_duplicates("path")
    kinds = dict(zip(files["path"], files["kind"], strict=True))
    tasks = list(kinds.items())
    rows: list[dict[str, Any]] = []

    def look(task: tuple[str, str]) -> dict[str, Any]:
        return _facts(manifest.root, *task, perceptual=perceptual, probe=probe)

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for row in pool.map(look, tasks):
            rows.append(row)
            if on_progress is not None:
                on_progress(len(rows), len(tasks))
        # column by column: pandas would turn 64-bit hashes beside a missing one into floats
        facts = pd.DataFrame({c.name: pd.Series([r.get(c.name) for r in rows], dtype=c.dtype) for c in FACTS})
        if hash_files:
            sizes = facts["size_bytes"].where(facts["size_bytes"] > 0)
            twice = facts["path"][sizes.notna() & sizes.duplicated(keep=False)]
            digests = list(pool.map(lambda p: _digest(manifest.root / p), twice))
            facts["digest"] = pd.Series(digests, index=twice.index, dtype=STRING).reindex(facts.index)
    return conform(facts, FACTS, where="file facts", unique=("path",))


def row_files(manifest: Manifest) -> pd.DataFrame:
    """One row per manifest row and file: `i_row` (position, from 0), `path`, `kind` (video or still)."""
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


def copies(manifest: Manifest, facts: pd.DataFrame, *, max_distance: int = MAX_DISTANCE) -> pd.Series[Any]:
    """For each row the number of its group of copies (Int64), empty where its files have none.

    Copies are files of equal content and pictures with nearly equal fingerprints. Made for `split(keep_together=…)`.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    files = row_files(manifest)
    i_file = files["path"].map(pd.Series(facts.index, index=facts["path"]))
    n_rows, n = len(manifest), len(manifest) + len(facts)
    has_hash = np.flatnonzero(facts["phash"].notna())
    hashes = [facts[c].iloc[has_hash].to_numpy(np.uint64) for c in ("phash", "dhash")]
    near = has_hash[near_pairs(hashes[0], hashes[1], max_distance=max_distance)] + n_rows
    digest = facts["digest"].dropna()
    first_of = digest.map(digest.drop_duplicates().reset_index().set_index("digest")["index"])
    known = i_file.notna()
    i = np.concatenate([files["i_row"][known], near[:, 0], digest.index + n_rows])
    j = np.concatenate([i_file[known].astype("int64") + n_rows, near[:, 1], first_of.to_numpy(np.int64) + n_rows])
    graph = coo_array((np.ones(len(i), np.int8), (i, j)), shape=(n, n))
    group = pd.Series(connected_components(graph, directed=False)[1])
    n_files = group[n_rows:].value_counts()  # a group of copies has two files or more; rows alone do not count
    of_rows = group[:n_rows]
    return of_rows.where(of_rows.map(n_files).fillna(0) > 1).astype("Int64").set_axis(manifest.table.index)


# --- one file ---


def _facts(root: Path, path: str, kind: str, *, perceptual: bool, probe: bool) -> dict[str, Any]:
    facts: dict[str, Any] = {"path": path, "status": "ok", "reason": None}
    try:
        facts["size_bytes"] = (root / path).stat().st_size
    except OSError as error:
        return {**facts, "status": "missing", "reason": error.strerror}
    if facts["size_bytes"] == 0:
        return {**facts, "status": "empty", "reason": "0 bytes"}
    clip = Clip("", (path,), "video" if kind == "video" else "still")
    try:
        if probe:
            facts |= _probed(clip, root)
        if perceptual:
            facts |= _looked_at(clip, root)
    except MediaError as error:
        facts |= {"status": "unreadable", "reason": error.one_line}
    return facts


def _probed(clip: Clip, root: Path) -> dict[str, Any]:
    from leopardnet.media.decode import probe

    info = probe(clip, root)
    size = {"width_px": info.width_px, "height_px": info.height_px}
    return size if clip.kind == "still" else {**size, "n_frames": info.n_frames, "duration_s": info.duration_s}


def _looked_at(clip: Clip, root: Path) -> dict[str, Any]:
    from leopardnet.media.decode import decode

    frames = decode(clip, root, times_s=np.zeros(1), short_side_px=_SHORT_SIDE_PX)
    look = fingerprint(frames.pixels[0])
    facts: dict[str, Any] = {"phash": look.phash, "dhash": look.dhash, "chroma": look.chroma}
    if frames.warnings:
        facts |= {"status": "partial", "reason": "; ".join(frames.warnings)}
    return facts


def _digest(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError:
        return None  # it was there a moment ago; `status` tells what could be read
