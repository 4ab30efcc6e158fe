"""The readers of files of detections: one entry of such a file after the other, with the place of every fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leopardnet.core.boxes import check_four_numbers, round_box, xywh_to_xyxy
from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.tables.clock_time import parse_clock

EXPECTED = "MegaDetector results: {info, detection_categories, images: […]}, or a list of {file, detections}"


@dataclass(frozen=True, slots=True)
class Entry:
    """The detections in one file.

    key: its place in the source; path: as in a manifest, or as written where it is none; boxes: None where the
    detector failed; size_px: width and height of the picture that the boxes were drawn on; fps: of a video;
    frame_numbers: the frames of a video that the detector looked at, where the source says which; captured_at: by
    the camera's clock, if the source has read it.
    """

    key: str
    path: str
    boxes: list[dict[str, Any]] | None
    failure: str = ""
    size_px: tuple[int, int] | None = None
    fps: float | None = None
    frame_numbers: tuple[int, ...] | None = None
    captured_at: datetime | None = None

    def names(self, min_classification: float | None) -> tuple[str, ...]:
        """Return the classes of at least this probability, each once."""
        if min_classification is None:
            return ()
        sure = (b["species"] for b in self.boxes or () if b.get("species_score", -1) >= min_classification)
        return tuple(dict.fromkeys(sure))


def choose_reader(data: Any, where: str, min_score: float, problems: Problems) -> BatchReader:
    """Return the reader of a file with this content. Raises ManifestError for a file of another kind."""
    if isinstance(data, list):
        return ListReader(data, where, min_score, problems)
    if isinstance(data, dict) and isinstance(data.get("predictions"), list):
        raise ManifestError(
            "these are SpeciesNet predictions",
            where=where,
            found="a list `predictions`",
            expected=EXPECTED,
            todo="give them to `leopardnet start --results`, or convert them with SpeciesNet's own tool to "
            "MegaDetector results",
        )
    if not isinstance(data, dict) or not isinstance(data.get("images"), list):
        raise ManifestError(
            "this is not a file of detections",
            where=where,
            found=f"a {type(data).__name__} at the top"
            if not isinstance(data, dict)
            else "keys " + ", ".join(data),
            expected=EXPECTED,
        )
    return BatchReader(data, where, min_score, problems)


class BatchReader:
    """MegaDetector batch results: scores called `conf`, boxes as fractions x, y, width, height."""

    unit, score_key = "fraction", "conf"

    def __init__(self, data: Mapping[str, Any], where: str, min_score: float, problems: Problems) -> None:
        self.where, self.min_score, self.n_low, self.problems = where, min_score, 0, problems
        self.images: list[Any] = data["images"]
        self.categories = self._read_categories(data, "detection_categories")
        self.classes = self._read_categories(data, "classification_categories", optional=True)

    def _read_categories(self, data: Mapping[str, Any], key: str, *, optional: bool = False) -> dict[str, str]:
        value = data.get(key)
        if value is None and optional:
            return {}
        if not isinstance(value, dict) or not all(isinstance(v, str) and v.strip() for v in value.values()):
            raise ManifestError(
                "the categories are missing or broken",
                where=f"{self.where}, {key}",
                found=repr(value)[:120],
                expected='such as {"1": "animal"}',
            )
        return {str(k): v.strip() for k, v in value.items()}

    def read_entry(self, i: int) -> Entry | None:
        """Read the entry at this position; None for one that names no file."""
        key, entry = self._key(i), self.images[i]
        file = entry.get("file") if isinstance(entry, dict) else None
        if not isinstance(file, str) or not file.strip():
            what, expected = "an entry names no file", "file and detections"
            self._add(
                ManifestError(what, where=f"{self.where}, {key}", found=repr(entry)[:120], expected=expected), key
            )
            return None
        detections = entry.get("detections")
        if entry.get("failure") or detections is None:
            return Entry(key, entry["file"], None, str(entry.get("failure") or "no detections given"))
        boxes, is_whole = self._read_boxes(detections, entry, key)
        kept = [b for b in boxes if b["score"] >= self.min_score]
        self.n_low += len(boxes) - len(kept)
        if not kept and not is_whole:
            return Entry(key, entry["file"], None, "its detections cannot be read")
        fps, size_px, numbers = _read_fps(entry), _read_size(entry), _read_numbers(entry.get("frames_processed"))
        time = parse_clock(str(entry.get("datetime") or ""))
        captured_at = time.replace(tzinfo=None) if time else None
        return Entry(key, entry["file"], kept, "", size_px, fps, numbers, captured_at)

    def _add(self, error: ManifestError, key: str) -> None:
        self.problems.add(error, self.where, key, outcome="left out")

    def _read_boxes(self, found: Any, entry: Mapping[str, Any], key: str) -> tuple[list[dict[str, Any]], bool]:
        """Return the boxes that can be read, and whether these are all."""
        where, boxes = f"{self.where}, {key}", list[dict[str, Any]]()
        if not isinstance(found, list):
            self._add(ManifestError("the detections are not a list", where=where, found=repr(found)[:120]), key)
            return [], False
        for j, d in enumerate(found):
            try:
                boxes.append(self._read_box(d, entry, f"{where}.detections[{j}]"))
            except ManifestError as error:
                self._add(error, f"{key}.detections[{j}]")
        return boxes, len(boxes) == len(found)

    def _key(self, i: int) -> str:
        return f"images[{i}]"

    def _read_box(self, d: Any, entry: Mapping[str, Any], where: str) -> dict[str, Any]:
        if not isinstance(d, dict):
            raise ManifestError(
                "a detection is broken", where=where, found=repr(d)[:120], expected="category, conf, bbox"
            )
        score = d.get(self.score_key)
        if isinstance(score, bool) or not isinstance(score, (int, float)) or not 0 <= score <= 1:
            raise ManifestError(
                "a detection has no usable score",
                where=f"{where}.{self.score_key}",
                found=repr(score),
                expected="a number between 0 and 1",
            )
        box = {
            "xyxy": self._read_xyxy(d.get("bbox"), f"{where}.bbox"),
            "label": self._read_label(d, where),
            "score": float(score),
        }
        return box | self._read_frame(d, entry, where) | self._read_class(d, where)

    def _read_xyxy(self, bbox: Any, where: str) -> list[float]:
        return xywh_to_xyxy(check_four_numbers(bbox, where=where))

    def _read_label(self, d: Mapping[str, Any], where: str) -> str:
        category = str(d.get("category"))
        if category not in self.categories:
            raise ManifestError(
                "a detection has a category that the file does not declare",
                where=f"{where}.category",
                found=repr(category),
                expected=", ".join(self.categories),
            )
        return self.categories[category]

    def _read_frame(self, d: Mapping[str, Any], entry: Mapping[str, Any], where: str) -> dict[str, Any]:
        number, fps = d.get("frame_number"), _read_fps(entry)
        if number is None:
            return {}
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise ManifestError(
                "a frame number cannot be used",
                where=f"{where}.frame_number",
                found=repr(number),
                expected="a whole number, 0 or more",
            )
        return (
            {"frame_number": number} if fps is None else {"frame_number": number, "time_s": round(number / fps, 6)}
        )

    def _read_class(self, d: Mapping[str, Any], where: str) -> dict[str, Any]:
        """Read the most probable class, in whatever order the file has them."""
        pairs = d.get("classifications")
        if not pairs:
            return {}
        try:
            top = max(((float(p), str(c)) for c, p in pairs), key=lambda pair: pair[0])
        except (TypeError, ValueError):
            raise ManifestError(
                "the classifications cannot be read",
                where=f"{where}.classifications",
                found=repr(pairs)[:120],
                expected="a list of [category, probability]",
            ) from None
        if top[1] not in self.classes:
            raise ManifestError(
                "a classification has a category that the file does not declare",
                where=f"{where}.classifications",
                found=repr(top[1]),
            )
        return {"species": self.classes[top[1]], "species_score": top[0]}


def _read_fps(entry: Mapping[str, Any]) -> float | None:
    fps: Any = entry.get("frame_rate")
    is_number = isinstance(fps, (int, float)) and not isinstance(fps, bool)
    return float(fps) if is_number and 0 < fps < float("inf") else None


def _read_size(entry: Mapping[str, Any]) -> tuple[int, int] | None:
    size: tuple[Any, Any] = entry.get("width"), entry.get("height")
    if not all(isinstance(n, (int, float)) and not isinstance(n, bool) and 1 <= n < 10**6 for n in size):
        return None
    return int(size[0]), int(size[1])


def _read_numbers(value: Any) -> tuple[int, ...] | None:
    """Return the frames that were processed; None where the source does not say, or says it in another way."""
    is_list = isinstance(value, list) and all(isinstance(n, int) and not isinstance(n, bool) for n in value)
    return tuple(value) if is_list else None


class ListReader(BatchReader):
    """The list form of Microsoft's tool: scores called `confidence`, boxes as corners in pixels."""

    unit, score_key = "px", "confidence"

    def __init__(self, data: list[Any], where: str, min_score: float, problems: Problems) -> None:
        super().__init__({"images": data, "detection_categories": {}}, where, min_score, problems)

    def _key(self, i: int) -> str:
        return f"[{i}]"

    def _read_xyxy(self, bbox: Any, where: str) -> list[float]:
        return round_box(check_four_numbers(bbox, where=where))

    def _read_label(self, d: Mapping[str, Any], where: str) -> str:
        name = d.get("category")
        if not isinstance(name, str) or not name.strip():
            raise ManifestError(
                "a detection has no category",
                where=f"{where}.category",
                found=repr(name),
                expected="such as animal",
            )
        return name.strip()
