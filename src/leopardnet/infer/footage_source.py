"""The footage that a person may name: a manifest, a folder, or one file."""

from __future__ import annotations

from pathlib import Path

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage_suffixes import PACKED_SUFFIXES, kind_by_suffix
from leopardnet.core.manifest import Manifest


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


def _open_path(path: Path, pattern: str | None) -> Manifest:
    from leopardnet.data.scan.scan import scan, scan_file

    if path.is_dir():
        return scan(path, pattern=pattern)
    kind = kind_by_suffix(path.name)
    if kind and path.exists():
        return scan_file(path.resolve(), kind)  # a link that the user names is followed
    if path.suffix.lower() in (".csv", ".parquet"):
        return Manifest.read(path)
    raise ManifestError(
        "there is no such footage",
        where=path,
        expected="a folder, a manifest (.parquet or .csv), a video or a picture",
        todo="unpack it first" if path.suffix.lower() in PACKED_SUFFIXES else "check the path",
    )
