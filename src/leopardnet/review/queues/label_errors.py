"""Labels that are probably wrong: those that a table in the workspace names, the surest first."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import read_table
from leopardnet.review.clip_index import ClipIndex, list_rows
from leopardnet.review.queues.queue_rows import QueueRows

FILE = "label_errors.parquet"


def list_label_errors(index: ClipIndex, file: Path) -> QueueRows:
    """Return the clips of the table in its order. Raises ManifestError for a table without clip_id."""
    table = read_table(file)
    if "clip_id" not in table.columns:
        raise ManifestError(
            "this is no table of probable label errors",
            where=file.name,
            found="columns " + ", ".join(map(str, table.columns)),
            expected="clip_id",
        )
    rows = list_rows(index, table["clip_id"].drop_duplicates().tolist())
    return QueueRows(np.asarray(rows, np.int64))
