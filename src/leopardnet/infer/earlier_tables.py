"""The tables that a folder of results already holds, before `predict` writes them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.id_sets import is_among

TABLE = "predictions.parquet"


def note_replaced_rows(out: str | Path | None, footage: pd.DataFrame, on_note: Callable[[str], None]) -> None:
    """Tell which rows of the tables in `out` are not of this footage, and will not be in those of this run.

    out: None where no table is written; footage: a table of the manifest. Raises ManifestError where all rows are
    of other clips, as of another card: a table of one card must not silently take the place of another's.
    """
    if out is None:
        return
    try:
        known = pd.read_parquet(Path(out) / TABLE, columns=["clip_id", "path"])  # of what may be a million rows
    except (OSError, ValueError, KeyError):  # there is none, or it is worth nothing and is written anew
        return
    if not len(known) or not len(footage):
        return
    is_other = ~is_among(known["clip_id"], footage["clip_id"])
    first = known["path"].iloc[int(is_other.to_numpy().argmax())]
    if is_other.all():
        raise ManifestError(
            "this folder holds the results of other footage",
            where=Path(out).name,
            found=f"{len(known)} clips, such as {first}, and none of this footage",
            expected="a folder of its own for each card",
            todo="choose another folder for --out; if both cards belong together, scan the folder above them",
        )
    if n := int(is_other.sum()):
        on_note(
            f"clips of earlier results that are not in this footage: {n}, such as {first}; the tables leave them "
            "out, and the journal keeps them"
        )
