"""Boxes in four columns of a table, one row for each box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leopardnet.core.boxes import format_boxes, round_box
from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.tables.column_reader import ColumnReader
from leopardnet.data.reading.tables.csv_cells import number

CORNERS = ("x0", "y0", "x1", "y1")


def read_boxes(
    reader: ColumnReader,
    keys: Sequence[tuple[Any, ...]],
    columns: Mapping[str, str],
    unit: str,
    names: Sequence[str | None],
) -> dict[str, list[str | None]]:
    """Return the columns boxes and box_unit: each row has all boxes of its file or frame.

    keys: the file or frame of each row; names: of the boxes, where no column holds their labels. A box without four
    numbers is left out, and so is one that is there already; both are problems.
    """
    corners = [reader.read(columns[c], number, expected="a number") for c in CORNERS]
    label = reader.read(columns["box_label"], str, expected="text") if "box_label" in columns else names
    score = reader.read(columns["box_score"], number, expected="a number") if "box_score" in columns else None
    boxes: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    first: dict[tuple[Any, ...], int] = {}
    for i, (key, box) in enumerate(zip(keys, zip(*corners, strict=True), strict=True)):
        j, where = first.setdefault(key, i), reader.cells.where(i)
        n_given = sum(v is not None for v in box)
        entry = _make_box(box, label[i], score[i] if score else None)
        if (j != i and n_given == 0) or entry in boxes.get(key, []):
            error = ManifestError(
                "a file occurs twice",
                where=f"{reader.cells.where(j)} and row {reader.cells.number(i)}",
                found="the same row again",
                expected="rows of one file that differ only in the box and its species",
            )
            reader.add(error, i, outcome="used once")
            continue
        if n_given in (1, 2, 3):
            error = ManifestError(
                "a box has empty corners", where=where, found=box, expected="four numbers or none"
            )
            reader.add(error, i, outcome="kept without the box")
        boxes.setdefault(key, []).extend([entry] if n_given == 4 else [])
    return {
        "boxes": [format_boxes(boxes[k]) if boxes[k] else None for k in keys],
        "box_unit": [unit if boxes[k] else None for k in keys],
    }


def _make_box(corners: Sequence[float | None], label: str | None, score: float | None) -> dict[str, Any]:
    box: dict[str, Any] = {"xyxy": round_box([c or 0.0 for c in corners])}
    if label:
        box["label"] = label
    if score is not None:
        box["score"] = score
    return box
