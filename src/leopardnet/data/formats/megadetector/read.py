"""Detections: MegaDetector batch results (format 1.x) and the list form of Microsoft's tool, read and merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.boxes import check_four_numbers, format_boxes, parse_boxes, round_box, xywh_to_xyxy
from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.data.reading.label_map import LabelMap, OnUnknown, rows
from leopardnet.data.reading.safe_files import pause_gc, read_json
from leopardnet.data.reading.to_manifest import (
    ImportResult,
    LabelRules,
    RelativePaths,
    assemble,
    footage_kind,
    nfc,
    refuse_twice,
)

EXPECTED = "MegaDetector results: {info, detection_categories, images: […]}, or a list of {file, detections}"


def read_megadetector(
    source: Path,
    *,
    root: Path,
    label_map: LabelMap | None = None,
    on_unknown: OnUnknown = "refuse",
    site_from: str | None = None,
    min_score: float = 0.0,
    min_classification: float | None = None,
) -> ImportResult:
    """The manifest of a file of detections: one row for each video and still, failed ones too.

    The column boxes holds the detections as fractions (pixels in the list form), each with its category (animal,
    person, vehicle) as `label`, its `score`, of a video also `frame_number` and `time_s`, and `species` and
    `species_score` where it was classified. A file in which nothing was found holds `[]`, a failed one is empty.

    A detector does not know species, so rows have no label. With `min_classification`, classes of this probability
    or more become the names of the row, as machine labels. Boxes under `min_score` are left out and counted.
    """
    source = Path(source)
    with pause_gc():
        reader = _reader(read_json(source, expected=EXPECTED), source.name, min_score)
        read = [reader.file(i) for i in range(len(reader.images))]
    relative = RelativePaths(root)
    paths = [relative(f.path, where=f"{source.name}, {f.key}.file") for f in read]
    refuse_twice(list(map(nfc, paths)), lambda i: f"{source.name}, {read[i].key}", what="a file")
    names = [f.names(min_classification) for f in read]
    columns = {
        "path": paths,
        "kind": [footage_kind(p, where=f"{source.name}, {f.key}.file") for p, f in zip(paths, read, strict=True)],
        "boxes": [None if f.boxes is None else format_boxes(f.boxes) for f in read],
        "box_unit": [reader.unit if f.boxes else None for f in read],
        "label_source": ["machine" if n else None for n in names],
    }
    failures = [f for f in read if f.boxes is None]
    notes = (
        [
            f"{rows(len(failures))} that the detector could not read, the first: {failures[0].path} ({failures[0].failure})"
        ]
        if failures
        else []
    )
    notes += [f"boxes with a score under {min_score}, left out: {reader.n_low}"] * bool(reader.n_low)
    rules = LabelRules(label_map, on_unknown, site_from)
    return assemble(
        columns, names, root=root, rules=rules, source=f"megadetector {source.name}", where=source.name, notes=notes
    )


def merge_boxes(manifest: Manifest, detections: Manifest) -> ImportResult:
    """`manifest` with the boxes of `detections`, joined by file, and notes on what did not match.

    A labelled frame of a video gets the boxes of its own frame, or stays as it is where there are none. Rows that have boxes keep them; every row stays.
    Bursts get no boxes, because theirs belong to single stills.
    """
    found = detections.table.drop_duplicates("clip_id").set_index("clip_id")
    boxes, units = dict(found["boxes"].dropna()), dict(found["box_unit"].dropna())
    table = manifest.table
    merged_boxes, merged_units, n_new, n_kept = [], [], 0, 0
    own = table[["clip_id", "kind", "boxes", "box_unit", "frame_number", "time_s"]]
    for cid, kind, mine, unit, number, time_s in own.itertuples(index=False, name=None):
        cell = None if kind == "burst" else boxes.get(cid)
        if isinstance(mine, str) or cell is None:
            n_kept += isinstance(mine, str)
            merged_boxes.append(mine)
            merged_units.append(unit)
            continue
        if kind == "frame":
            own_frame = [b for b in parse_boxes(cell) if _same_frame(b, number, time_s)]
            cell = format_boxes(own_frame) if own_frame else None  # the detector may not have looked at this frame
        n_new += cell is not None
        merged_boxes.append(cell)
        merged_units.append(units.get(cid) if cell not in (None, "[]") else None)
    merged = table.assign(boxes=pd.array(merged_boxes, dtype="str"), box_unit=pd.array(merged_units, dtype="str"))
    n_unused = len(set(found.index) - set(table["clip_id"]))
    notes = [f"{n_new} of {rows(len(table))} took the detector's boxes"]
    notes += [f"{rows(n_kept)} kept the boxes they had"] * bool(n_kept)
    notes += [f"files of the detector that the manifest lacks: {n_unused}"] * bool(n_unused)
    return ImportResult(manifest.replace(merged), tuple(notes))


def _same_frame(box: Mapping[str, Any], number: Any, time_s: Any) -> bool:
    """True where the box was found in this frame: the same number, or the same time within 50 ms."""
    if pd.notna(number) and "frame_number" in box:
        return bool(box["frame_number"] == number)
    return bool(pd.notna(time_s) and abs(box.get("time_s", float("inf")) - time_s) <= 0.05)


# --- one file of results ---


@dataclass(frozen=True)
class _File:
    """The detections of one file; boxes are None where it failed."""

    key: str
    path: Any
    boxes: list[dict[str, Any]] | None
    failure: str = ""

    def names(self, min_classification: float | None) -> tuple[str, ...]:
        if min_classification is None:
            return ()
        sure = (b["species"] for b in self.boxes or () if b.get("species_score", -1) >= min_classification)
        return tuple(dict.fromkeys(sure))


def _reader(data: Any, where: str, min_score: float) -> _Batch | _List:
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
            "this is no file of detections",
            where=where,
            found=f"a {type(data).__name__} at the top"
            if not isinstance(data, dict)
            else "keys " + ", ".join(data),
            expected=EXPECTED,
        )
    return _Batch(data, where, min_score)


class _Batch:
    """MegaDetector batch results: a mapping, scores called `conf`, boxes as fractions x, y, width, height."""

    unit, score_key = "fraction", "conf"

    def __init__(self, data: Mapping[str, Any], where: str, min_score: float) -> None:
        self.where, self.min_score, self.n_low = where, min_score, 0
        self.images: list[Any] = data["images"]
        self.categories = self._categories(data, "detection_categories")
        self.classes = self._categories(data, "classification_categories", optional=True)

    def _categories(self, data: Mapping[str, Any], key: str, *, optional: bool = False) -> dict[str, str]:
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

    def file(self, i: int) -> _File:
        """The file at this position. Raises ManifestError with its key."""
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
            return _File(key, entry["file"], None, str(entry.get("failure") or "no detections given"))
        if not isinstance(detections, list):
            raise ManifestError(
                "the detections are no list", where=f"{self.where}, {key}", found=repr(detections)[:120]
            )
        boxes = [self._box(d, entry, f"{self.where}, {key}.detections[{j}]") for j, d in enumerate(detections)]
        kept = [b for b in boxes if b["score"] >= self.min_score]
        self.n_low += len(boxes) - len(kept)
        return _File(key, entry["file"], kept)

    def _key(self, i: int) -> str:
        return f"images[{i}]"

    def _box(self, d: Any, entry: Mapping[str, Any], where: str) -> dict[str, Any]:
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
            "xyxy": self._xyxy(d.get("bbox"), f"{where}.bbox"),
            "label": self._label(d, where),
            "score": float(score),
        }
        return box | self._frame(d, entry, where) | self._classified(d, where)

    def _xyxy(self, bbox: Any, where: str) -> list[float]:
        return xywh_to_xyxy(check_four_numbers(bbox, where=where))

    def _label(self, d: Mapping[str, Any], where: str) -> str:
        category = str(d.get("category"))
        if category not in self.categories:
            raise ManifestError(
                "a detection has a category that the file does not declare",
                where=f"{where}.category",
                found=repr(category),
                expected=", ".join(self.categories),
            )
        return self.categories[category]

    def _frame(self, d: Mapping[str, Any], entry: Mapping[str, Any], where: str) -> dict[str, Any]:
        number, rate = d.get("frame_number"), entry.get("frame_rate")
        if number is None:
            return {}
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise ManifestError(
                "a frame number cannot be used",
                where=f"{where}.frame_number",
                found=repr(number),
                expected="a whole number, 0 or more",
            )
        if isinstance(rate, (int, float)) and not isinstance(rate, bool) and 0 < rate < float("inf"):
            return {"frame_number": number, "time_s": round(number / rate, 6)}
        return {"frame_number": number}

    def _classified(self, d: Mapping[str, Any], where: str) -> dict[str, Any]:
        """The most probable class, whatever their order in the file."""
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


class _List(_Batch):
    """The list form of Microsoft's tool: scores called `confidence`, category names, boxes as corners in pixels."""

    unit, score_key = "px", "confidence"

    def __init__(self, data: list[Any], where: str, min_score: float) -> None:
        super().__init__({"images": data, "detection_categories": {}}, where, min_score)

    def _key(self, i: int) -> str:
        return f"[{i}]"

    def _xyxy(self, bbox: Any, where: str) -> list[float]:
        return round_box(check_four_numbers(bbox, where=where))

    def _label(self, d: Mapping[str, Any], where: str) -> str:
        name = d.get("category")
        if not isinstance(name, str) or not name.strip():
            raise ManifestError(
                "a detection has no category",
                where=f"{where}.category",
                found=repr(name),
                expected="such as animal",
            )
        return name.strip()
