"""What labelled frames look like, as an evidence table says it: figures by light and by size rest on it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.boxes import format_boxes
from leopardnet.core.columns import LOOKS
from leopardnet.core.types import Boxes
from leopardnet.media.preprocess import measure_pictures

NOT_SEEN = {"colour": np.nan, "boxes": None}  # of frames that are decoded later
_I_COLOUR = [column.name for column in LOOKS].index("colour")


def note_colour(table: pd.DataFrame, x: NDArray[np.uint8]) -> pd.DataFrame:
    """Return the rows with the column `colour` of their pictures, uint8 [N, 3, S, S], and no boxes."""
    return table.assign(**NOT_SEEN).assign(colour=measure_pictures(x)[:, _I_COLOUR].astype(np.float64))


def note_boxes(table: pd.DataFrame, found: Sequence[Boxes | None]) -> pd.DataFrame:
    """Return the rows with the boxes that a detector found in each frame; None for one that was not searched."""
    cells = [None if boxes is None else _format_boxes(boxes) for boxes in found]
    return table.assign(boxes=pd.Series(cells, table.index, dtype=object))


def _format_boxes(boxes: Boxes) -> str:
    rows = zip(boxes.fractions.round(4).tolist(), boxes.scores.tolist(), boxes.labels, strict=True)
    return format_boxes([{"xyxy": xyxy, "score": round(score, 3), "label": label} for xyxy, score, label in rows])
