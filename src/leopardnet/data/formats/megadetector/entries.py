"""The entries of a file of detections: MegaDetector batch results (format 1.x), or the list of Microsoft's tool."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from leopardnet.core.boxes import check_four_numbers, round_box, xywh_to_xyxy
from leopardnet.core.errors import ManifestError
from leopardnet.core.footage_suffixes import kind_by_suffix
from leopardnet.data.reading.safe_files import pause_gc, read_json
from leopardnet.data.reading.tables.clock_time import parse_clock
from leopardnet.data.reading.to_manifest import RelativePaths, nfc, refuse_twice

EXPECTED = "MegaDetector results: {info, detection_categories, images: […]}, or a list of {file, detections}"
_VIDEO_FRAME = re.compile(r"(.+\.\w{2,4})[/\\]frame_?(\d{1,9})\.(?:jpe?g|png)", re.IGNORECASE)


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


@dataclass(frozen=True)
class Entries:
    """All entries of a source, the unit of their boxes, and how many boxes were left out for their score."""

    entries: list[Entry]
    unit: str
    n_low: int


def read_entries(source: Path, *, root: Path, min_score: float = 0.0, keep_outside: bool = False) -> Entries:
    """Read a file of detections: one entry for each video and still. Boxes below `min_score` are counted only.

    Pictures such as `a.mp4/frame000010.jpg` are frames of a video and become one entry for it, unless there is a
    folder of that name. keep_outside: a path that does not lie in the root is kept as it is written, with forward
    slashes. Raises ManifestError with the entry that cannot be read.
    """
    source = Path(source)
    with pause_gc():
        reader = _choose_reader(read_json(source, expected=EXPECTED), source.name, min_score)
        read = _join_frames([reader.read_entry(i) for i in range(len(reader.images))], Path(root), source.name)
    relative = RelativePaths(root)
    for i, entry in enumerate(read):
        path = _relative_path(entry, relative, source.name, keep_outside=keep_outside)
        if path != entry.path:
            read[i] = replace(entry, path=path)
    refuse_twice([nfc(e.path) for e in read], lambda i: f"{source.name}, {read[i].key}", what="a file")
    return Entries(read, reader.unit, reader.n_low)


def _relative_path(entry: Entry, relative: RelativePaths, where: str, *, keep_outside: bool) -> str:
    try:
        return relative(entry.path, where=f"{where}, {entry.key}.file")
    except ManifestError:
        if not keep_outside:
            raise
        return entry.path.replace("\\", "/")


def _join_frames(entries: list[Entry], root: Path, where: str) -> list[Entry]:
    """Return the entries with the frames of a video joined to one for the video, at the place of the first."""
    is_video: dict[str, bool] = {}
    frames: dict[str, list[tuple[int, Entry]]] = {}
    joined: list[Entry | str] = []
    for entry in entries:
        match = _VIDEO_FRAME.fullmatch(entry.path) if "rame" in entry.path[-20:].lower() else None
        video = match[1].replace("\\", "/") if match else ""
        if match and video not in is_video:
            is_video[video] = kind_by_suffix(video) == "video" and not (root / video).is_dir()
        if match is None or not is_video[video]:
            joined.append(entry)
            continue
        if video not in frames:
            joined.append(video)
        frames.setdefault(video, []).append((int(match[2]), entry))
    return [_join(e, frames[e], where) if isinstance(e, str) else e for e in joined]


def _join(video: str, frames: list[tuple[int, Entry]], where: str) -> Entry:
    numbers = [number for number, _ in frames]
    refuse_twice(numbers, lambda i: f"{where}, {frames[i][1].key}", what=f"a frame of {video}")
    first = frames[0][1]
    read = [(number, entry.boxes) for number, entry in frames if entry.boxes is not None]
    if not read:
        return replace(first, path=video)
    boxes = [box | {"frame_number": number} for number, found in read for box in found]
    looked_at = tuple(sorted(number for number, _ in read))
    return replace(first, path=video, boxes=boxes, failure="", frame_numbers=looked_at)


def _choose_reader(data: Any, where: str, min_score: float) -> _Batch | _List:
    if isinstance(data, list):
        return _List(data, where, min_score)
    if isinstance(data, dict) and isinstance(data.get("predictions"), list):
        raise ManifestError(
            "these are SpeciesNet predictions",
            where=where,
            found="a list `predictions`",
            expected=EXPECTED,
            todo="convert them with SpeciesNet's own tool to MegaDetector results",
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
    return _Batch(data, where, min_score)


class _Batch:
    """MegaDetector batch results: scores called `conf`, boxes as fractions x, y, width, height."""

    unit, score_key = "fraction", "conf"

    def __init__(self, data: Mapping[str, Any], where: str, min_score: float) -> None:
        self.where, self.min_score, self.n_low = where, min_score, 0
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

    def read_entry(self, i: int) -> Entry:
        """Read the entry at this position. Raises ManifestError with its key."""
        key, entry = self._key(i), self.images[i]
        if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
            raise ManifestError(
                "an entry names no file",
                where=f"{self.where}, {key}",
                found=repr(entry)[:120],
                expected="file and detections",
            )
        detections = entry.get("detections")
        if entry.get("failure") or detections is None:
            return Entry(key, entry["file"], None, str(entry.get("failure") or "no detections given"))
        if not isinstance(detections, list):
            raise ManifestError(
                "the detections are not a list", where=f"{self.where}, {key}", found=repr(detections)[:120]
            )
        boxes = [self._read_box(d, entry, f"{self.where}, {key}.detections[{j}]") for j, d in enumerate(detections)]
        kept = [b for b in boxes if b["score"] >= self.min_score]
        self.n_low += len(boxes) - len(kept)
        fps, size_px, numbers = _read_fps(entry), _read_size(entry), _read_numbers(entry.get("frames_processed"))
        time = parse_clock(str(entry.get("datetime") or ""))
        captured_at = time.replace(tzinfo=None) if time else None
        return Entry(key, entry["file"], kept, "", size_px, fps, numbers, captured_at)

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


class _List(_Batch):
    """The list form of Microsoft's tool: scores called `confidence`, boxes as corners in pixels."""

    unit, score_key = "px", "confidence"

    def __init__(self, data: list[Any], where: str, min_score: float) -> None:
        super().__init__({"images": data, "detection_categories": {}}, where, min_score)

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
