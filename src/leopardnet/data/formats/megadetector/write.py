"""Writing of MegaDetector batch results, format 1.6, which Timelapse, AddaxAI and MegaDetector's own tools read.

The file is written picture by picture, with `info` and the categories first, so that readers can stream it too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leopardnet.core.footage.footage_suffixes import kind_by_suffix
from leopardnet.core.tables import atomic_path

FORMAT_VERSION = "1.6"
# Tools depend on these names. The id "0" is reserved for "empty" and never used.
DETECTION_CATEGORIES = {"1": "animal", "2": "person", "3": "vehicle"}
DECIMALS = 5
WHOLE_FRAME = (0.0, 0.0, 1.0, 1.0)
UNREADABLE = {"frame_rate": -1.0, "frames_processed": []}  # required for a video that could not be read


@dataclass(frozen=True, slots=True)
class Detection:
    """An object in a frame.

    category: a name of DETECTION_CATEGORIES; xywh: left, top, width, height as fractions; classes: probabilities by
    name, in any order; frame_number: in a video, in decode order from 0.
    """

    category: str
    conf: float
    xywh: Sequence[float] = WHOLE_FRAME
    classes: Mapping[str, float] | None = None
    frame_number: int | None = None


@dataclass(frozen=True, slots=True)
class FileResult:
    """The detections in one file, or why it has none (`failure`). Only videos have frame_rate and frames."""

    path: str
    detections: Sequence[Detection] = ()
    failure: str | None = None
    frame_rate: float | None = None
    frames: Sequence[int] = ()


def write_megadetector(
    files: Iterable[FileResult], out: Path, *, classes: Sequence[str] = (), info: Mapping[str, Any] | None = None
) -> int:
    """Write results to `out`, whole or not at all, and return their number. `read_megadetector` reads them back.

    classes: names that detections may have; none may be a detection category, which Timelapse takes for an error.
    info: more keys for the head of the file.
    """
    assert not set(classes) & set(DETECTION_CATEGORIES.values()), "a class is named like a detection category"
    ids = {name: str(i) for i, name in enumerate(classes)}
    head = {
        "info": {**(info or {}), "format_version": FORMAT_VERSION},
        "detection_categories": DETECTION_CATEGORIES,
        "classification_categories": {i: name for name, i in ids.items()},
    }
    n = 0
    with atomic_path(Path(out)) as part, part.open("w", encoding="utf-8", newline="") as file:
        file.write(json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "images": [')
        for n, result in enumerate(files, start=1):
            file.write(",\n  " if n > 1 else "\n  ")
            file.write(json.dumps(_image(result, ids), ensure_ascii=False, allow_nan=False))
        file.write("\n ]\n}\n")
    return n


def _image(result: FileResult, ids: Mapping[str, str]) -> dict[str, Any]:
    is_video = kind_by_suffix(result.path) == "video"
    if result.failure is not None:
        failed = {"file": result.path, "failure": result.failure, "detections": None}
        return failed | (UNREADABLE if is_video else {})
    detections = sorted(result.detections, key=lambda d: -d.conf)
    image: dict[str, Any] = {"file": result.path, "detections": [_detection(d, ids) for d in detections]}
    if is_video:
        assert result.frame_rate and result.frame_rate > 0, "a video has a frame rate"
        image |= {"frame_rate": float(result.frame_rate), "frames_processed": sorted(set(result.frames))}
    return image


def _detection(d: Detection, ids: Mapping[str, str]) -> dict[str, Any]:
    category = next(i for i, name in DETECTION_CATEGORIES.items() if name == d.category)
    # Always floats, because MegaDetector's own validator refuses 1 for 1.0.
    found: dict[str, Any] = {"category": category, "conf": _round(d.conf), "bbox": _bbox(d.xywh)}
    if d.classes:
        ranked = sorted(((_round(p), ids[name]) for name, p in d.classes.items()), key=lambda pair: -pair[0])
        found["classifications"] = [[i, p] for p, i in ranked]
    if d.frame_number is not None:
        found["frame_number"] = int(d.frame_number)
    return found


def _round(p: float) -> float:
    return round(min(max(float(p), 0.0), 1.0), DECIMALS) + 0.0


def _bbox(xywh: Sequence[float]) -> list[float]:
    """Cut the box at the edges of the picture, so that rounding does not move it out again."""
    x, y, w, h = xywh
    x0, y0, x1, y1 = (_round(v) for v in (x, y, x + w, y + h))
    return [x0, y0, round(x1 - x0, DECIMALS), round(y1 - y0, DECIMALS)]
