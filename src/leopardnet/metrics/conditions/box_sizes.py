"""The size of the animal in the picture, from the boxes of a detector."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.boxes import parse_boxes
from leopardnet.core.labels import ANIMAL
from leopardnet.core.settings.detection import DetectorConfig
from leopardnet.metrics.guarantees.archive import find_archived
from leopardnet.metrics.labelled_clips import LabelledClips

MIN_SCORE: float = DetectorConfig.model_fields["min_score"].default  # of a box that is cropped for the model
NO_BOX = "no box"
BANDS = ("under 1 %", "1 to 5 %", "5 to 20 %", "20 % or more")  # of the area of the picture
SIZES = pd.CategoricalDtype([NO_BOX, *BANDS], ordered=True)
_LIMITS = (0.01, 0.05, 0.2)


def find_box_sizes(frames: pd.DataFrame) -> pd.Series[Any]:
    """Return, by clip_id, the share of the picture that the clip's best box covers: one of `BANDS`, or 'no box'.

    frames: rows of an evidence table, or any with `clip_id` and perhaps `boxes`. The best box is that of an animal
    with the highest score in any frame, at least `MIN_SCORE`. It is not that of the frame behind the decision: a
    clip called empty is decided by its emptiest frame, so all lost animals would be 'no box'. A clip has no entry
    where no detector was run.
    """
    best: dict[str, tuple[float, str]] = {}
    if "boxes" not in frames.columns:
        return pd.Series(dtype=SIZES)
    checked = frames[frames["boxes"].notna()]
    for clip_id, cell in zip(checked["clip_id"], checked["boxes"], strict=True):
        best[clip_id] = max(best.get(clip_id, (0.0, NO_BOX)), _find_best(cell), key=lambda found: found[0])
    return pd.Series({clip_id: band for clip_id, (_, band) in best.items()}, dtype=SIZES)


def _find_best(cell: str) -> tuple[float, str]:
    """Return the highest score of an animal in a cell of boxes, and its band of size; 0 and 'no box' if none."""
    animals = [
        b for b in parse_boxes(cell) if b.get("label", ANIMAL) == ANIMAL and b.get("score", 1.0) >= MIN_SCORE
    ]
    if not animals:
        return 0.0, NO_BOX
    box = max(animals, key=lambda b: float(b.get("score", 1.0)))
    x0, y0, x1, y1 = box["xyxy"]
    return float(box.get("score", 1.0)), BANDS[bisect.bisect_right(_LIMITS, (x1 - x0) * (y1 - y0))]


def count_by_size(clips: LabelledClips, sizes: pd.Series[Any]) -> pd.DataFrame:
    """Return for each size the clips that show an animal, how many of them are named right, and how many are
    archived, called empty without an alert.

    sizes: by clip_id, of `find_box_sizes`; clips without one are left out. A size without a clip has no row.
    """
    is_right = clips.decisions == clips.truth if clips.named is None else clips.matches(clips.named)
    table = pd.DataFrame(
        {
            "size": pd.Series(clips.clip_ids).map(sizes).astype(SIZES),
            "n_clips": 1,
            "n_right": is_right.astype(np.int64),
            "n_archived": find_archived(clips).astype(np.int64),
        }
    )
    return table[clips.is_known & clips.shows(ANIMAL)].groupby("size", observed=True).sum()


def list_size_rows(counts: pd.DataFrame) -> list[Mapping[str, Any]]:
    """Return the rows of `count_by_size` for people."""
    return [
        {
            "box of the picture": size,
            "clips of animals": int(row["n_clips"]),
            "named right": int(row["n_right"]),
            "lost": int(row["n_archived"]),
        }
        for size, row in counts.to_dict("index").items()
    ]
