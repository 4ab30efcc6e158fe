"""The cameras with which something seems wrong: for each finding one clip, with what was found."""

from __future__ import annotations

import numpy as np
import pandas as pd

from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import read_table
from leopardnet.data.checks.health.classified_cameras import find_camera_faults
from leopardnet.review.clip_index import ClipIndex
from leopardnet.review.queues.queue_rows import QueueRows
from leopardnet.review.review_source import ReviewSource

CAMERAS = "cameras"
_OF_FRAMES = ("clip_id", "colour", "contrast")


def list_faulty_cameras(index: ClipIndex, source: ReviewSource) -> QueueRows:
    """Return a clip of each camera that seems faulty, in the order of their names, with the findings as its hint.

    They are those of the report without a table of deployments. Clips without a result of a model give none.
    """
    if source.predictions is None:
        return QueueRows(np.zeros(0, np.int64))
    frames = pd.DataFrame({name: pd.Series(dtype=object) for name in _OF_FRAMES})
    if source.evidence is not None:
        frames = read_table(source.evidence).reindex(columns=list(_OF_FRAMES))
    known = Predictions(source.predictions.table, frames)
    faults = find_camera_faults(known, manifest=source.manifest)
    row_of = dict(zip(index.texts("path"), range(len(index)), strict=True))
    hints: dict[int, str] = {}
    for fault in faults:
        row = row_of.get(fault.path)
        if row is not None:
            hints[row] = "; ".join(filter(None, (hints.get(row), fault.message)))
    return QueueRows(np.array(list(hints), np.int64), hints=hints)
