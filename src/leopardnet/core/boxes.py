"""Boxes: conversions between the notations of formats, and the cell `boxes` of a manifest.

A manifest keeps `[x0, y0, x1, y1]` (left, top, right, bottom) in pixels or as fractions of the picture.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from leopardnet.core.errors import ManifestError

BoxUnit = Literal["px", "fraction"]
DECIMALS = 6  # a millionth of a picture; beyond that, sums of floats are noise
_encode = json.JSONEncoder(ensure_ascii=False).encode


def check_four_numbers(value: Any, *, where: str | Callable[[], str]) -> tuple[float, float, float, float]:
    """Return four finite numbers as floats. Raises ManifestError for anything else, such as NaN or infinity.

    >>> check_four_numbers([1, 2, 3, 4], where="row 1")
    (1.0, 2.0, 3.0, 4.0)
    """
    if not _are_finite(value) or len(value) != 4:
        raise ManifestError(
            "a box is not valid",
            where=where if isinstance(where, str) else where(),
            found=repr(value)[:120],
            expected="four finite numbers",
        )
    a, b, c, d = map(float, value)
    return a, b, c, d


def xywh_to_xyxy(box: Sequence[float]) -> list[float]:
    """Convert left, top, width, height to xyxy.

    >>> xywh_to_xyxy((10, 20, 5, 8))
    [10.0, 20.0, 15.0, 28.0]
    """
    x, y, w, h = box
    return round_box((x, y, x + w, y + h))


def xyxy_to_xywh(xyxy: Sequence[float]) -> list[float]:
    """Convert xyxy to left, top, width, height.

    >>> xyxy_to_xywh((10, 20, 15, 28))
    [10.0, 20.0, 5.0, 8.0]
    """
    x0, y0, x1, y1 = xyxy
    return round_box((x0, y0, x1 - x0, y1 - y0))


def center_to_xyxy(box: Sequence[float]) -> list[float]:
    """Convert centre x, centre y, width, height to xyxy.

    >>> center_to_xyxy((0.5, 0.5, 0.2, 0.4))
    [0.4, 0.3, 0.6, 0.7]
    """
    x, y, w, h = box
    return round_box((x - w / 2, y - h / 2, x + w / 2, y + h / 2))


def round_box(box: Sequence[float]) -> list[float]:
    """Return the numbers as floats with DECIMALS decimals, never -0.0."""
    return [round(float(v), DECIMALS) + 0.0 for v in box]


def convert_box(
    xyxy: Sequence[float], unit: str, wanted: BoxUnit, *, width_px: int | None, height_px: int | None, where: str
) -> list[float]:
    """Return the box in the wanted unit. Raises ManifestError if this needs a picture size that is not known.

    >>> convert_box([10, 20, 30, 40], "px", "fraction", width_px=100, height_px=200, where="row 1")
    [0.1, 0.1, 0.3, 0.2]
    """
    if unit == wanted:
        return [float(v) for v in xyxy]
    if not width_px or not height_px:
        raise ManifestError(
            "a box cannot be converted without the size of its picture",
            where=where,
            expected="width_px and height_px",
            todo=f"fill in both columns, or write a format that takes {unit}",
        )
    x, y = (1 / width_px, 1 / height_px) if wanted == "fraction" else (width_px, height_px)
    return [xyxy[0] * x, xyxy[1] * y, xyxy[2] * x, xyxy[3] * y]


def format_boxes(boxes: Sequence[Mapping[str, Any]]) -> str:
    """Return boxes as a cell of the column `boxes`.

    >>> format_boxes([{"xyxy": [0.0, 0.0, 1.0, 0.5], "label": "tiger"}])
    '[{"xyxy": [0.0, 0.0, 1.0, 0.5], "label": "tiger"}]'
    """
    return _encode(list(boxes))


def parse_boxes(cell: Any) -> list[dict[str, Any]]:
    """Return the boxes in a cell of the column `boxes`; none for an empty cell. Raises ManifestError for bad text.

    >>> parse_boxes('[{"xyxy": [0, 0, 1, 0.5]}]'), parse_boxes(None)
    ([{'xyxy': [0, 0, 1, 0.5]}], [])
    """
    if not isinstance(cell, str):
        return []
    try:
        boxes = json.loads(cell)
    except (ValueError, RecursionError):
        boxes = None
    if not isinstance(boxes, list) or not all(map(_is_box, boxes)):
        raise ManifestError(
            "boxes cannot be read",
            where="column boxes",
            found=cell[:120],
            expected='a list such as [{"xyxy": [0.1, 0.2, 0.5, 0.6], "score": 0.9}]',
        )
    return boxes


def _is_box(box: Any) -> bool:
    if not isinstance(box, dict) or not isinstance(box.get("label", ""), str):
        return False
    return _are_finite(box.get("xyxy")) and len(box["xyxy"]) == 4 and _are_finite([box.get("score", 0.0)])


def _are_finite(values: Any) -> bool:
    """Whether `values` is a list or tuple of finite ints and floats. A bool is not a number here."""
    if not isinstance(values, (list, tuple)) or set(map(type, values)) - {int, float}:
        return False
    return all(abs(v) <= sys.float_info.max for v in values)  # also right for an int too large for a float
