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


def turn_box(xyxy: Sequence[float], orientation: int) -> list[float]:
    """Turn a box, in fractions of the picture as stored, as its EXIF orientation (1 to 8) turns the picture.

    >>> turn_box([0.1, 0.2, 0.3, 0.6], 6), turn_box([0.1, 0.2, 0.3, 0.6], 3)
    ([0.4, 0.1, 0.8, 0.3], [0.7, 0.4, 0.9, 0.8])
    """
    x0, y0, x1, y1 = xyxy
    if orientation >= 5:  # first about the diagonal, then as 1 to 4
        x0, y0, x1, y1 = y0, x0, y1, x1
    if orientation in (2, 3, 6, 7):
        x0, x1 = 1 - x1, 1 - x0
    if orientation in (3, 4, 7, 8):
        y0, y1 = 1 - y1, 1 - y0
    return round_box((x0, y0, x1, y1))


def place_boxes(
    boxes: Sequence[Sequence[float]],
    unit: str,
    *,
    drawn_px: tuple[int, int] | None,
    stored_px: tuple[int, int],
    orientation: int,
) -> list[list[float]]:
    """Return boxes as fractions of the upright picture, whether they were drawn on it or on the picture as stored.

    drawn_px: width and height of the picture that they were drawn on, if known; stored_px: of the picture in the
    file; orientation: 1 to 8, of its EXIF. Raises ManifestError where their place is not certain: the picture is
    turned and the sizes do not tell on which of the two the boxes were drawn, or the boxes do not fit the picture.

    >>> place_boxes([[0, 0, 0.5, 0.25]], "fraction", drawn_px=(400, 300), stored_px=(400, 300), orientation=6)
    [[0.75, 0.0, 1.0, 0.5]]
    """
    upright_px = stored_px[::-1] if orientation >= 5 else stored_px
    pictures = [(False, stored_px), (True, upright_px)] if orientation != 1 else [(True, stored_px)]
    if unit == "px":
        pictures = [(up, size) for up, size in pictures if _lie_within(boxes, drawn_px or size)]
        if not pictures:
            raise ManifestError(
                "its boxes extend beyond the picture",
                found=_size_text(drawn_px or stored_px),
                expected="boxes within it",
            )
    if drawn_px is not None:
        alike = [p for p in pictures if p[1] == drawn_px] or [p for p in pictures if _same_shape(p[1], drawn_px)]
        if not alike:
            raise ManifestError(
                "its boxes were drawn on a picture of another shape",
                found=_size_text(drawn_px),
                expected=_size_text(upright_px),
            )
        pictures = alike
    if len(pictures) > 1:
        raise ManifestError(
            "its EXIF turns the picture, and the boxes may have been drawn before or after that",
            found=f"orientation {orientation}",
        )
    is_upright, size = pictures[0]
    width, height = drawn_px or size
    scale = (width, height, width, height) if unit == "px" else (1, 1, 1, 1)
    fractions = [[v / s for v, s in zip(xyxy, scale, strict=True)] for xyxy in boxes]
    return fractions if is_upright else [turn_box(xyxy, orientation) for xyxy in fractions]


def _lie_within(boxes: Sequence[Sequence[float]], size: tuple[int, int]) -> bool:
    slack = 1 + 0.005 * max(size)  # detectors round, and predict a little beyond the edge
    return all(x1 <= size[0] + slack and y1 <= size[1] + slack for _, _, x1, y1 in boxes)


def _same_shape(a: tuple[int, int], b: tuple[int, int]) -> bool:
    """Whether the sizes are those of one picture, scaled."""
    return abs(a[0] * b[1] - a[1] * b[0]) <= 0.01 * max(a[0] * b[1], a[1] * b[0])


def _size_text(size: tuple[int, int]) -> str:
    return f"a picture of {size[0]} x {size[1]} px"


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
