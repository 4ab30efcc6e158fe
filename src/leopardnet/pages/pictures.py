"""The picture of a clip in a report, and the boxes that a detector found in the frame that it shows."""

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

SAME_FRAME_S = 1e-3  # times of one frame differ by less, whichever file they were written to and read from
WIDE_ASPECT = 16 / 9
Box = tuple[float, float, float, float, float | None]
"""Left, top, right and bottom as fractions of the upright frame, and the score of the detector."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a data URI, its aspect (width by height), and the boxes on it, the best first."""

    uri: str
    aspect: float
    boxes: tuple[Box, ...] = ()


def embed_picture(jpeg: bytes, boxes: tuple[Box, ...] = ()) -> Picture:
    """Return a JPEG as the page holds it. Bytes that are no picture take the place of a wide one."""
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            aspect = image.width / image.height
    except Exception:  # a broken header can make Pillow raise anything, and the page must not fail for it
        aspect = WIDE_ASPECT
    return Picture("data:image/jpeg;base64," + base64.b64encode(jpeg).decode(), aspect, boxes)


def parse_boxes(cell: str, *, where: str) -> tuple[Box, ...]:
    """Return the boxes in a cell of an evidence table, the best first, cut at the edges of the frame.

    Boxes without an area inside the frame are dropped. Raises ManifestError where the cell is no list of boxes.

    >>> parse_boxes('[{"xyxy": [0.1, 0.2, 1.02, 0.5], "score": 0.9}]', where="row 1")
    ((0.1, 0.2, 1.0, 0.5, 0.9),)
    """
    try:
        entries = [(check_four_numbers(e["xyxy"], where=where), e.get("score")) for e in json.loads(cell)]
        found = [(xyxy, None if score is None else float(score)) for xyxy, score in entries]
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


def parse_frame_boxes(evidence: pd.DataFrame) -> pd.Series[Any]:
    """Return the boxes of every frame that a detector was run on, by the index of `evidence`; () for no finding."""
    searched = evidence[evidence["boxes"].notna()]
    return pd.Series(
        [
            parse_boxes(cell, where=f"evidence of clip {clip_id}, frame {i_frame}, column boxes")
            for cell, clip_id, i_frame in zip(
                searched["boxes"], searched["clip_id"], searched["i_frame"], strict=True
            )
        ],
        index=searched.index,
        dtype=object,
    )


def best_frame_boxes(
    predictions: pd.DataFrame, evidence: pd.DataFrame, boxes: pd.Series[Any]
) -> Mapping[str, tuple[Box, ...]]:
    """Return by `clip_id` the boxes of the frame at `best_time_s`, which is the frame in the picture.

    boxes: as `parse_frame_boxes` returns them. A clip whose best frame no detector was run on is not in the result.
    """
    frames = evidence.loc[boxes.index, ["clip_id", "time_s"]]
    best_s = frames["clip_id"].map(predictions.set_index("clip_id")["best_time_s"]).astype(float)
    is_best = (frames["time_s"] - best_s).abs() <= SAME_FRAME_S
    return dict(zip(frames.loc[is_best, "clip_id"], boxes[is_best], strict=True))
