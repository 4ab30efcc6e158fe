"""Labels that are probably wrong: those that a table in the workspace names, the surest first."""

from __future__ import annotations

from pathlib import Path

from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import read_table
from leopardnet.review.clip_index import ClipIndex, list_rows
from leopardnet.review.queues.queue_rows import QueueRows


def list_label_errors(index: ClipIndex, file: Path) -> QueueRows:
    """Return the clips of the table in its order, each with its label and the likelier one where those are there.

    Raises ManifestError for a table without clip_id.
    """
    table = read_table(file)
    if "clip_id" not in table.columns:
        raise ManifestError(
            "this is no table of probable label errors",
            where=file.name,
            found="columns " + ", ".join(map(str, table.columns)),
            expected="clip_id",
        )
    table = table[table["clip_id"].isin(list(index.row_of))].drop_duplicates("clip_id")
    rows, hints = list_rows(index, table["clip_id"].tolist()), {}
    if {"label", "likelier"} <= set(table.columns):
        says = zip(rows.tolist(), table["label"], table["likelier"], strict=True)
        hints = {row: f"labelled {label}; by the other clips it is rather {other}" for row, label, other in says}
    return QueueRows(rows, hints=hints)
