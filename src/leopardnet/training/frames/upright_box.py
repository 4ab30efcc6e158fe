"""The box of a labelled frame: joined from the boxes of its row, and placed on the upright picture."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.errors import ManifestError, MediaError
from leopardnet.core.types import Clip
from leopardnet.media.upright_boxes import place_on_file


def join_boxes(rows: pd.DataFrame) -> list[str | None]:
    """Return for each row the smallest box around its boxes, as JSON: xyxy, unit, and drawn_px, the size if known.

    None for a row without boxes.
    """
    none = rows["boxes"].isna().to_numpy()
    joined: list[str | None] = [None] * len(rows)
    columns = rows[["boxes", "box_unit", "width_px", "height_px"]]
    for i in np.flatnonzero(~none):
        text, unit, width, height = columns.iloc[i]
        boxes = [b["xyxy"] for b in json.loads(text) if isinstance(b, dict) and len(b.get("xyxy", ())) == 4]
        if boxes:
            xyxy: NDArray[np.float64] = np.asarray(boxes, np.float64)
            around = [*xyxy[:, :2].min(axis=0).tolist(), *xyxy[:, 2:].max(axis=0).tolist()]
            drawn_px = (
                None if pd.isna(width) or pd.isna(height) or not (width and height) else [int(width), int(height)]
            )
            joined[i] = json.dumps(
                {"xyxy": around, "unit": "fraction" if unit == "fraction" else "px", "drawn_px": drawn_px}
            )
    return joined


def turn_upright(text: str, clip: Clip, root: Path) -> list[float] | None:
    """Return a box of `join_boxes` in shares of the upright frame of its clip.

    None where its place is not certain (see `place_boxes`), and for a box without an area.
    """
    box = json.loads(text)
    drawn_px = tuple(box["drawn_px"]) if box["drawn_px"] else None
    try:
        (placed,) = place_on_file([box["xyxy"]], box["unit"], clip=clip, root=root, drawn_px=drawn_px)
    except (ManifestError, MediaError):
        return None  # `check` counts these rows
    x0, y0, x1, y1 = (min(1.0, max(0.0, round(v, 5))) for v in placed)
    return [x0, y0, x1, y1] if x1 > x0 and y1 > y0 else None
