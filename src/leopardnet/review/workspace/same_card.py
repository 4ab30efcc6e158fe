"""Whether a folder of footage is the one that a workspace is of: cameras count from IMAG0001 on every card."""

from __future__ import annotations

import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.other_footage import SAME_S, refuse_other_footage
from leopardnet.core.language import translate
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import write_table
from leopardnet.data.reading.tables.saved_manifest import read_manifest
from leopardnet.review.workspace.workspace import Workspace

MANIFEST = "manifest.parquet"
N_SIZES = 200  # clips whose files are remembered by their size, for cameras that write no time
OTHER_SHARE = 0.5  # of those that differ: a file that was still being copied does not make another card


def refuse_other_card(rows: Manifest, workspace: Workspace) -> None:
    """Raise ManifestError where the workspace is of other footage than the scanned `rows`.

    That is so where no clip is in both, where kind or time of a clip differ, and where half the files whose time
    does not tell have another size. Sites are not compared: here they are only names of folders.
    """
    file = workspace.folder / MANIFEST
    if not file.is_file():
        return
    old = read_manifest(file, root=rows.root).table
    ours, theirs = (t.drop_duplicates("clip_id").set_index("clip_id") for t in (rows.table, old))
    both = ours.join(theirs[["captured_at"]].add_suffix("_other"), how="inner")
    if both.empty:
        words = translate("{n} clips, none of which is among its {n_known}", n=len(ours), n_known=len(theirs))
        raise _other_card_error(workspace, words)
    try:
        refuse_other_footage(
            rows.table.drop(columns="site"), old.drop(columns="site"), names=("this folder", "that of before")
        )
    except ManifestError as error:
        raise _other_card_error(workspace, f"{error.parts['where']}: {error.parts['found']}") from None
    apart_s = (both["captured_at"] - both["captured_at_other"]).dt.total_seconds().abs()
    kept, found = pd.Series(workspace.read("sizes") or {}, dtype="float64"), _read_sizes(rows)
    untold = both.index[~(apart_s < SAME_S)].intersection(kept.index).intersection(found.index)
    is_other = kept[untold] != found[untold]
    if is_other.any() and is_other.mean() >= OTHER_SHARE:
        counts = {"n_other": is_other.sum(), "n_sizes": len(untold)}
        raise _other_card_error(workspace, translate("{n_other} of {n_sizes} files have another size", **counts))


def keep_manifest(rows: Manifest, workspace: Workspace) -> None:
    """Write the manifest of scanned footage into its workspace, and remember sizes of files."""
    file = workspace.folder / MANIFEST
    try:
        rows.write(file)
    except ManifestError:  # on another drive there is no relative path to the footage: it has to be given again
        write_table(rows.table, file)
    workspace.keep("sizes", _read_sizes(rows).to_dict())


def _read_sizes(rows: Manifest) -> pd.Series[float]:
    """Return the bytes of the first clips' files, by clip_id; one that is gone has none."""
    first = rows.table.drop_duplicates("clip_id").head(N_SIZES)
    files = {clip_id: rows.root / path for clip_id, path in zip(first["clip_id"], first["path"], strict=True)}
    return pd.Series({k: f.stat().st_size for k, f in files.items() if f.is_file()}, dtype="float64")


def _other_card_error(workspace: Workspace, found: str) -> ManifestError:
    return ManifestError(
        "this folder for what is found belongs to other footage",
        where=workspace.folder.name,
        found=found,
        expected="the footage that it was begun with, or more of it",
        todo="choose another folder with --out; if it is the same footage, and its files were changed since, "
        "remove manifest.parquet there: labels stay. Nothing was changed",
    )
