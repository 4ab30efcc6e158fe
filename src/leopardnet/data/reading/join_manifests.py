"""Several manifests as one, such as those of two owners or of two public sets."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leopardnet.core.columns import MANIFEST
from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import KEY, Manifest

PLACES = ("site", "deployment", "sequence_id")  # whose names two owners may both have given
SHOWN = 3


@dataclass(frozen=True, eq=False)
class JoinedManifests:
    """One manifest of several; n_repeated: rows that stood in more than one of them, and are in it once.

    shared: by column (site, deployment, sequence_id) the names that occur in more than one of them.
    """

    manifest: Manifest
    n_repeated: int
    shared: Mapping[str, tuple[str, ...]]


def join_manifests(manifests: Mapping[str, Manifest], *, keep_apart: bool = False) -> JoinedManifests:
    """Return the rows of all manifests under the folder that their roots share; clip ids follow their new paths.

    manifests: by name. keep_apart: a site, deployment or sequence whose name occurs in several of them is not the
    same there, so the name of its manifest is put before it. A row that several manifests hold is kept once. Raises
    ManifestError where they contradict each other about one file, or where their roots share no folder.

    >>> rows = pd.DataFrame({"path": ["1.jpg"], "kind": ["still"], "site": ["ridge"]})
    >>> both = {name: Manifest.from_rows(rows, Path(name)) for name in ("north", "south")}
    >>> joined = join_manifests(both)
    >>> joined.manifest.table["path"].tolist(), joined.shared["site"]
    (['north/1.jpg', 'south/1.jpg'], ('ridge',))
    >>> join_manifests(both, keep_apart=True).manifest.table["site"].tolist()
    ['north: ridge', 'south: ridge']
    """
    root = _find_common_root(manifests)
    shared = {column: _find_shared(manifests, column) for column in PLACES}
    parts = []
    for name, manifest in manifests.items():
        table = manifest.table.drop(columns="clip_id")
        below = manifest.root.resolve().relative_to(root).as_posix()
        prefix = "" if below == "." else below + "/"
        table["path"] = prefix + table["path"]
        table["paths"] = [_move_all(cell, prefix) for cell in table["paths"]]
        if keep_apart:
            for column in PLACES:
                is_shared = table[column].isin(shared[column])
                table[column] = table[column].mask(is_shared, f"{name}: " + table[column])
        parts.append(table)
    rows = pd.concat(parts, ignore_index=True)
    once = rows.drop_duplicates(ignore_index=True)
    _refuse_contradictions(once)
    return JoinedManifests(Manifest.from_rows(once, root), len(rows) - len(once), shared)


def _find_common_root(manifests: Mapping[str, Manifest]) -> Path:
    try:
        return Path(os.path.commonpath([manifest.root.resolve() for manifest in manifests.values()]))
    except ValueError:  # on Windows, folders on two drives share none
        raise ManifestError(
            "the footage of these manifests is on different drives",
            where=", ".join(manifests),
            expected="one folder above all of them",
            todo="copy the footage to one drive, or classify the manifests one by one",
        ) from None


def _find_shared(manifests: Mapping[str, Manifest], column: str) -> tuple[str, ...]:
    names = pd.concat([pd.Series(m.table[column].dropna().unique(), dtype="str") for m in manifests.values()])
    return tuple(sorted(names[names.duplicated()].unique()))


def _move_all(cell: object, prefix: str) -> str | None:
    """Return the paths of a burst, JSON, below the new root."""
    if not isinstance(cell, str):
        return None
    return json.dumps([prefix + path for path in json.loads(cell)], ensure_ascii=False)


def _refuse_contradictions(rows: pd.DataFrame) -> None:
    """Raise ManifestError where two rows describe the same file or frame and are not equal."""
    key = [column for column in ("path", *KEY[1:]) if column in rows]
    both = rows[rows.duplicated(key, keep=False)]
    if both.empty:
        return
    names = [c.name for c in MANIFEST if c.name in rows and c.name not in key]
    paths = both["path"].unique().tolist()
    first = both[both["path"] == paths[0]]
    differ = [c for c in names if first[c].nunique(dropna=False) > 1]
    shown, files = ", ".join(paths[:SHOWN]), f"{len(paths)} file{'s' * (len(paths) != 1)}"
    raise ManifestError(
        "the manifests contradict each other",
        found=f"{files} with different rows: {shown} (column {', '.join(differ)})",
        expected="equal rows for a file that several manifests hold",
        todo="leave these rows out of one of them",
    )
