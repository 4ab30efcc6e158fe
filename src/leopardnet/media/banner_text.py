"""Text at the upper and lower edge of a picture, where cameras burn in time and temperature, read with RapidOCR.

The weights are those of the package's wheel. Their paths are given to it, because it would download any other.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import BackendError
from leopardnet.core.install_advice import name_install

_TOP_SHARE, _BOTTOM_SHARE = 0.07, 0.11  # of the picture's height; logos make banners higher, but only at the bottom
_MARGIN_PX = 32  # text that touches the edge of the picture is found only with an even margin around it
_MAX_WIDTH_PX = 4096
UNREAD = "¿"
MIN_SCORE = 0.9


class TextRow(NamedTuple):
    """One line of text, its parts from left to right, with UNREAD for each part whose score is too low.

    `box`: left, top, right and bottom in the picture, px.
    """

    text: str
    box: tuple[int, int, int, int]

    @property
    def height_px(self) -> int:
        """The height of the line, a little more than that of its letters."""
        return self.box[3] - self.box[1]


class BannerReader:
    """A loaded text recogniser. Several threads may read with it at once.

    Raises BackendError where the extra `banner` is not installed, or its package holds other weights than expected.
    """

    def __init__(self) -> None:
        try:
            import onnxruntime  # noqa: F401  (rapidocr itself does not require it)
            import rapidocr
        except ImportError as error:
            raise BackendError(
                "reading times from banners is not installed",
                found=str(error),
                expected="rapidocr and onnxruntime",
                todo=f"{name_install('banner')}, or leave banner out of --time-from",
            ) from None
        folder = Path(rapidocr.__file__).parent / "models"
        self._recogniser: Any = rapidocr.RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_cls": False,  # of text that is upside down
                "Global.max_side_len": _MAX_WIDTH_PX,
                "Det.limit_type": "max",
                "Det.limit_side_len": 960,
                "Det.model_path": _find_weights(folder, "det"),
                "Rec.model_path": _find_weights(folder, "rec"),
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            }
        )

    def read(self, pixels: NDArray[np.uint8], *, min_score: float = MIN_SCORE) -> list[TextRow]:
        """Return the lines of text in a picture, uint8 [H, W, 3], from top to bottom."""
        colour = [float(np.median(channel)) for channel in cv2.split(pixels)[::-1]]
        m = _MARGIN_PX
        framed = cv2.copyMakeBorder(pixels[..., ::-1], m, m, m, m, cv2.BORDER_CONSTANT, value=colour)
        found = self._recogniser(framed)
        if not found.txts:
            return []
        height, width = pixels.shape[:2]
        parts = []
        for text, score, box in zip(found.txts, found.scores, found.boxes, strict=True):
            (left, top), (right, bottom) = box.min(0) - _MARGIN_PX, box.max(0) - _MARGIN_PX
            corners = (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
            x0, y0, x1, y1 = (round(float(c)) for c in corners)
            parts.append(TextRow(text if score >= min_score else UNREAD, (x0, y0, x1, y1)))
        return _join_rows(parts)


def cut_bands(pixels: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return the two bands of a picture in which a banner stands, upper and lower."""
    height = len(pixels)
    return [pixels[: max(round(_TOP_SHARE * height), 1)], pixels[-max(round(_BOTTOM_SHARE * height), 1) :]]


def _join_rows(parts: list[TextRow]) -> list[TextRow]:
    """Join parts whose middle is within the height of the row before."""
    rows: list[list[TextRow]] = []
    for part in sorted(parts, key=lambda p: p.box[1] + p.box[3]):
        middle = (part.box[1] + part.box[3]) / 2
        if rows and middle < rows[-1][-1].box[3]:
            rows[-1].append(part)
        else:
            rows.append([part])
    return [_join(sorted(row, key=lambda p: p.box[0])) for row in rows]


def _join(row: list[TextRow]) -> TextRow:
    lefts, tops, rights, bottoms = zip(*(part.box for part in row), strict=True)
    box = (min(lefts), min(tops), max(rights), max(bottoms))
    return TextRow(" ".join(part.text for part in row), box)


def _find_weights(folder: Path, task: str) -> str:
    found = sorted(folder.glob(f"*_{task}_*.onnx"))
    if len(found) != 1:
        raise BackendError(
            "the package rapidocr does not hold the weights that it is expected to hold",
            where=f"rapidocr/{folder.name}",
            found=", ".join(path.name for path in found) or "none",
            expected=f"one file *_{task}_*.onnx",
            todo="pip install --force-reinstall rapidocr; nothing is downloaded",
        )
    return os.fspath(found[0])
