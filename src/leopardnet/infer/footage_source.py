"""The footage that a person may name: a manifest, a folder, or one file."""

from __future__ import annotations

from pathlib import Path
from zlib import crc32

from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.footage.footage_suffixes import PACKED_SUFFIXES, kind_by_suffix
from leopardnet.core.manifest import Manifest
from leopardnet.data.reading.tables.saved_manifest import TABLE_SUFFIXES, read_manifest


def open_source(source: Manifest | str | Path, *, pattern: str | None = None) -> Manifest:
    """Return a manifest as it is, read from its file, scanned from a folder, or made of one footage file.

    pattern: the names of sites and deployments in a folder's paths, see `scan`. Raises ManifestError where there is
    no such footage, and where there is no clip in it.

    >>> ln.open_source("cards", pattern="{site}/*")  # doctest: +SKIP
    """
    manifest = source if isinstance(source, Manifest) else _open_path(Path(source), pattern)
    if not len(manifest):
        raise ManifestError("there is nothing to classify: the manifest has no rows", found=repr(manifest))
    return manifest


def take_part(manifest: Manifest, part: str) -> Manifest:
    """Return the rows of the clips in one of N equal parts, such as "2/8": the second of eight.

    Clips are dealt out by their id, so a part is the same wherever and in whatever order the manifest is read.
    Raises ConfigError for another text, and ManifestError where the part has no clip.

    >>> ln.predict(take_part(manifest, "2/8"), "runs/amur/bundle", out="results/2")  # doctest: +SKIP
    """
    numbers = part.split("/")
    k, n = (int(x) if x.isdecimal() and x.isascii() else 0 for x in (numbers[0], numbers[-1]))
    if len(numbers) != 2 or not 1 <= k <= n:
        raise ConfigError("this names no part of the clips", where="--part", found=part, expected="K/N, as 2/8")
    ids = manifest.table["clip_id"]
    turn = {clip_id: crc32(clip_id.encode()) % n for clip_id in ids.unique()}
    rows = manifest.replace(manifest.table[ids.map(turn) == k - 1].reset_index(drop=True))
    if not len(rows):
        raise ManifestError("this part has no clip", where=f"--part {part}", todo="choose fewer parts")
    return rows


def _open_path(path: Path, pattern: str | None) -> Manifest:
    from leopardnet.data.scan.scan import scan, scan_file

    if path.is_dir():
        return scan(path, pattern=pattern)
    kind = kind_by_suffix(path.name)
    if kind and path.exists():
        return scan_file(path.resolve(), kind)  # a link that the user names is followed
    if path.suffix.lower() in TABLE_SUFFIXES:
        return read_manifest(path)
    raise ManifestError(
        "there is no such footage",
        where=path,
        expected="a folder, a manifest (.parquet, .csv or .xlsx), a video or a picture",
        todo="unpack it first" if path.suffix.lower() in PACKED_SUFFIXES else "check the path",
    )
