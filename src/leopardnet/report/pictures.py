"""The picture of a clip in a page, and the boxes that a detector drew on that very frame."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from PIL import Image

from leopardnet.core.boxes import check_four_numbers
from leopardnet.core.errors import ManifestError

SAME_FRAME_S = 1e-3  # times of one frame differ by no more, whichever file they were written to and read from
WIDE = 16 / 9
Box = tuple[float, float, float, float, float | None]
"""Left, top, right, bottom in fractions of the upright frame, and the detector's score."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a data URI, its width by its height, and the boxes on it, the best first."""

    uri: str
    aspect: float
    boxes: tuple[Box, ...] = ()


def picture(jpeg: bytes, boxes: tuple[Box, ...] = ()) -> Picture:
    """The JPEG as it stands in the page. What is no picture takes the place of a wide one."""
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            aspect = image.width / image.height
    except Exception:  # Pillow raises whatever a broken header leads it to; the page goes on without it
        aspect = WIDE
    return Picture("data:image/jpeg;base64," + base64.b64encode(jpeg).decode(), aspect, boxes)


def boxes_of_frame(cell: Any, *, where: str) -> tuple[Box, ...]:
    """The boxes in a cell of the column `boxes` of an evidence table, the best first, cut at the edges of the frame.

    Raises ManifestError where the cell is no list of boxes.

    >>> boxes_of_frame('[{"xyxy": [0.1, 0.2, 1.02, 0.5], "score": 0.9}]', where="row 1")
    ((0.1, 0.2, 1.0, 0.5, 0.9),)
    """
    try:
        entries = json.loads(cell)
        found = [
            (check_four_numbers(e["xyxy"], where=where), None if e.get("score") is None else float(e["score"]))
            for e in entries
        ]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ManifestError(
            "the boxes of a frame cannot be read",
            where=where,
            found=repr(cell)[:120],
            expected='a JSON list such as [{"xyxy": [0.1, 0.2, 0.5, 0.6], "score": 0.9}]',
            todo="run `leopardnet predict` again, or leave evidence.parquet out",
        ) from None
    inside = (((min(max(v, 0.0), 1.0) for v in xyxy), score) for xyxy, score in found)
    boxes: list[Box] = [(x0, y0, x1, y1, score) for (x0, y0, x1, y1), score in inside if x1 > x0 and y1 > y0]
    return tuple(sorted(boxes, key=lambda box: -(box[4] or 0.0)))


def boxes_by_frame(evidence: pd.DataFrame) -> pd.Series[Any]:
    """The boxes of every frame that a detector looked at, by the index of `evidence`; () where it found nothing."""
    looked = evidence[evidence["boxes"].notna()]
    return pd.Series(
        [
            boxes_of_frame(cell, where=f"evidence of clip {clip_id}, frame {i_frame}, column boxes")
            for cell, clip_id, i_frame in zip(looked["boxes"], looked["clip_id"], looked["i_frame"], strict=True)
        ],
        index=looked.index,
        dtype=object,
    )


def boxes_of_best(
    predictions: pd.DataFrame, evidence: pd.DataFrame, boxes: pd.Series[Any]
) -> Mapping[str, tuple[Box, ...]]:
    """By `clip_id`, the boxes on the frame at `best_time_s`, which is the one in the picture.

    boxes: as `boxes_by_frame` gives them. A clip at whose best frame no detector looked is not in the result.
    """
    frames = evidence.loc[boxes.index, ["clip_id", "time_s"]]
    best_s = frames["clip_id"].map(predictions.set_index("clip_id")["best_time_s"]).astype(float)
    is_best = (frames["time_s"] - best_s).abs() <= SAME_FRAME_S
    return dict(zip(frames.loc[is_best, "clip_id"], boxes[is_best], strict=True))
