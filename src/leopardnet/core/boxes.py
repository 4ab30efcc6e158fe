"""Boxes: the ways in which formats write them, and the one in which a manifest keeps them.

A manifest keeps `[x0, y0, x1, y1]`, left, top, right, bottom, in pixels or as fractions of the picture.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from leopardnet.core.errors import ManifestError

BoxUnit = Literal["px", "fraction"]
DECIMALS = 6  # a millionth of a picture; sums of floats carry noise further right
_encode = json.JSONEncoder(ensure_ascii=False).encode


def check_four_numbers(value: Any, *, where: str | Callable[[], str]) -> tuple[float, float, float, float]:
    """Four finite numbers. Raises ManifestError for anything else: NaN and infinity lie in no picture.

    >>> check_four_numbers([1, 2, 3, 4], where="row 1")
    (1.0, 2.0, 3.0, 4.0)
    """
    ok = isinstance(value, (list, tuple)) and len(value) == 4 and not set(map(type, value)) - {int, float}
    if not ok or not all(map(math.isfinite, value)):
        place = where if isinstance(where, str) else where()
        raise ManifestError(
            "a box cannot be used", where=place, found=repr(value)[:120], expected="four finite numbers"
        )
    a, b, c, d = map(float, value)
    return a, b, c, d


def xywh_to_xyxy(box: Sequence[float]) -> list[float]:
    """xyxy from left, top, width, height.

    >>> xywh_to_xyxy((10, 20, 5, 8))
    [10.0, 20.0, 15.0, 28.0]
    """
    x, y, w, h = box
    return round_box((x, y, x + w, y + h))


def xyxy_to_xywh(xyxy: Sequence[float]) -> list[float]:
    """Left, top, width, height from xyxy.

    >>> xyxy_to_xywh((10, 20, 15, 28))
    [10.0, 20.0, 5.0, 8.0]
    """
    x0, y0, x1, y1 = xyxy
    return round_box((x0, y0, x1 - x0, y1 - y0))


def center_to_xyxy(box: Sequence[float]) -> list[float]:
    """xyxy from centre x, centre y, width, height.

    >>> center_to_xyxy((0.5, 0.5, 0.2, 0.4))
    [0.4, 0.3, 0.6, 0.7]
    """
    x, y, w, h = box
    return round_box((x - w / 2, y - h / 2, x + w / 2, y + h / 2))


def round_box(box: Sequence[float]) -> list[float]:
    """The numbers as floats with DECIMALS decimals, never -0.0."""
    return [round(float(v), DECIMALS) + 0.0 for v in box]


def convert_box(
    xyxy: Sequence[float], unit: str, wanted: BoxUnit, *, width_px: int | None, height_px: int | None, where: str
) -> list[float]:
    """The box in the wanted unit. Raises ManifestError where that needs a picture size that is not known.

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
            todo="fill in both columns, or write a format that takes " + unit,
        )
    x, y = (1 / width_px, 1 / height_px) if wanted == "fraction" else (width_px, height_px)
    return [xyxy[0] * x, xyxy[1] * y, xyxy[2] * x, xyxy[3] * y]


def format_boxes(boxes: Sequence[Mapping[str, Any]]) -> str:
    """The cell of the column `boxes`.

    >>> format_boxes([{"xyxy": [0.0, 0.0, 1.0, 0.5], "label": "tiger"}])
    '[{"xyxy": [0.0, 0.0, 1.0, 0.5], "label": "tiger"}]'
    """
    return _encode(list(boxes))


def parse_boxes(cell: Any) -> list[dict[str, Any]]:
    """The boxes in a cell of the column `boxes`; none for an empty cell. Raises ManifestError for a cell of another form.

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
    numbers = [box.get("xyxy"), [box.get("score", 0.0)]]
    return (
        all(
            isinstance(n, list) and not set(map(type, n)) - {int, float} and all(map(math.isfinite, n))
            for n in numbers
        )
        and len(box["xyxy"]) == 4
    )
