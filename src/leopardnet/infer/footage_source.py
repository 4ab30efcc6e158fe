"""What a person may name as footage: a manifest, a folder, one file."""

from __future__ import annotations

from pathlib import Path

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage_suffixes import kind_by_suffix
from leopardnet.core.manifest import Manifest


def open_source(source: Manifest | str | Path) -> Manifest:
    """A manifest, read from its file, scanned from a folder, or made of one footage file. Never without a clip."""
    manifest = source if isinstance(source, Manifest) else _manifest_at(Path(source))
    if not len(manifest):
        raise ManifestError("there is nothing to classify: the manifest has no rows", found=repr(manifest))
    return manifest


def _manifest_at(path: Path) -> Manifest:
    import pandas as pd

    from leopardnet.data.scan.scan import scan

    if path.is_dir():
        return scan(path)
    kind = kind_by_suffix(path.name)
    if kind and path.exists():
        real = path.resolve()  # a link that the user names is meant
        return Manifest.from_rows(pd.DataFrame({"path": [real.name], "kind": [kind]}), real.parent)
    if path.suffix.lower() in (".csv", ".parquet"):
        return Manifest.read(path)
    raise ManifestError(
        "there is no such footage",
        where=path,
        expected="a folder, a manifest (.parquet or .csv), a video or a picture",
        todo="check the path",
    )
