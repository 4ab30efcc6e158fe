"""Boxes of a manifest row with a label each, for formats that hold no labels without boxes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leopardnet.core.boxes import BoxUnit, convert_box, parse_boxes
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import EMPTY
from leopardnet.data.reading.to_manifest import names_of


def label_boxes(row: Mapping[str, Any], unit: BoxUnit, *, format_name: str) -> list[tuple[str, list[float]]] | None:
    """Return label and xyxy of each box; none for a row labelled empty, and None for a row without label and box.

    A box without a label gets that of its row. Raises ManifestError for a label without a box, a box without a
    label, and a box that cannot be converted to `unit`.
    """
    names, boxes = names_of(row), parse_boxes(row["boxes"])
    size = {"width_px": row["width_px"], "height_px": row["height_px"]}
    only = names[0] if len(names) == 1 else ""
    labels = [b.get("label") or only for b in boxes]
    lacking = [n for n in names if n != EMPTY and n not in labels]
    if lacking or "" in labels:
        raise ManifestError(
            f"{format_name} cannot hold this row",
            where=row["path"],
            found=f"{lacking[0]} without a box" if lacking else "a box without a label",
            expected="a box for every label, or the label empty",
            todo="write COCO or CSV, which hold labels without boxes",
        )
    if not boxes and not names:
        return None
    xyxys = [convert_box(b["xyxy"], row["box_unit"], unit, **size, where=row["path"]) for b in boxes]
    return list(zip(labels, xyxys, strict=True))
