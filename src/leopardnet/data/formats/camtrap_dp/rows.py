"""What the rows of a manifest say, as observations of Camtrap DP: names, boxes as fractions, and times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from leopardnet.core.boxes import convert_box, parse_boxes, xyxy_to_xywh
from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.to_manifest import names_of

# Names that are no species; every other name is that of an animal.
TYPES = {
    "empty": "blank",
    "blank": "blank",
    "human": "human",
    "person": "human",
    "vehicle": "vehicle",
    "unknown": "unknown",
}
BOX_COLUMNS = ("bboxX", "bboxY", "bboxWidth", "bboxHeight")


@dataclass
class Observations:
    """Turns rows into observations, and counts what of a row the format cannot hold.

    `scientific_names` gives the name of each label; without it, labels are written as they stand. A label that the
    mapping lacks becomes an animal without a name, and stands in the tags.
    """

    scientific_names: Mapping[str, str] | None = None
    names: dict[str, str | None] = field(default_factory=dict)  # as written, each with its label where they differ
    lost: Counter[str] = field(default_factory=Counter)

    def of(self, row: Mapping[str, Any], time: datetime) -> list[dict[str, Any]]:
        """The observations of one row: one for each box, and one for each name that has no box.

        `time` is that of the file; the observation of a frame, or of a box with `time_s`, lies so much later.
        """
        names = names_of(row)
        boxed = list(self._boxed(row, names))
        # seconds are all that the format knows: a moment within a clip is cut to the second it lies in
        seen = {name for name, _, _ in boxed}
        bare: list[tuple[str | None, dict[str, Any], float]] = [
            (n, {}, row["time_s"] or 0.0) for n in names if n not in seen
        ]
        said: list[tuple[str | None, dict[str, Any], float]] = [*boxed, *bare] or [(None, {}, row["time_s"] or 0.0)]
        return [self._one(row, name, cells, time + timedelta(seconds=int(s))) for name, cells, s in said]

    def unnamed(self, time: datetime) -> dict[str, Any]:
        """The observation of a file that nobody looked at by itself."""
        return {
            "eventStart": time,
            "eventEnd": time,
            "observationLevel": "media",
            "observationType": "unclassified",
        }

    def of_stills(
        self, row: Mapping[str, Any], paths: Sequence[str], time: datetime
    ) -> list[list[dict[str, Any]]] | None:
        """The observations of each still of a burst; None where a label speaks of the burst as a whole."""
        return None

    def events(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Observations of events beside those of rows, each with the clip_id of a clip of its deployment."""
        yield from ()

    def _one(
        self, row: Mapping[str, Any], name: str | None, cells: Mapping[str, Any], at: datetime
    ) -> dict[str, Any]:
        source = row["label_source"]
        said = {
            **cells,
            "eventStart": at,
            "eventEnd": at,
            "observationLevel": "media",
            "classificationMethod": source,
        }
        if name is None:
            looked_at = source or cells
            return {**said, "observationType": "unknown" if looked_at else "unclassified"}
        kind = TYPES.get(name, "animal")
        said["observationType"] = kind
        if kind == "animal" and name != "animal":
            said |= self._named(name, said.get("observationTags"))
        return said

    def _named(self, name: str, tags: str | None) -> dict[str, Any]:
        if self.scientific_names is None:
            self.names.setdefault(name, None)
            return {"scientificName": name}
        written = self.scientific_names.get(name)
        if written:
            self.names.setdefault(written, name)
            return {"scientificName": written}
        return {"observationTags": " | ".join(filter(None, [f"label:{name}", tags]))}

    # --- boxes ---

    def _boxed(
        self, row: Mapping[str, Any], names: tuple[str, ...]
    ) -> Iterator[tuple[str | None, dict[str, Any], float]]:
        """Name, cells and second of each box that can be written."""
        boxes = parse_boxes(row["boxes"])
        animals = [n for n in names if n not in TYPES]
        if boxes and names and not animals and all(TYPES[n] == "blank" for n in names):
            self.lost["boxes on rows that are labelled empty, not written"] += len(boxes)
            return
        for box in boxes:
            name = box.get("label") or (names[0] if len(names) == 1 else None)
            if name == "animal" and len(animals) == 1:
                name = animals[0]  # a detector knows only that it is an animal; the row knows which
            corners = self._corners(row, box) if TYPES.get(name or "") != "blank" else None
            if corners is not None:
                s = row["time_s"] if row["kind"] == "frame" else box.get("time_s")
                yield name, dict(zip(BOX_COLUMNS, corners, strict=True)) | self._score(row, box), s or 0.0
            elif TYPES.get(name or "") == "blank":
                self.lost["boxes around nothing, not written"] += 1

    def _corners(self, row: Mapping[str, Any], box: Mapping[str, Any]) -> list[float] | None:
        try:
            xyxy = convert_box(
                box["xyxy"],
                row["box_unit"] or "fraction",
                "fraction",
                width_px=row["width_px"],
                height_px=row["height_px"],
                where=row["path"],
            )
        except ManifestError:
            self.lost["boxes in pixels without the size of their picture, not written"] += 1
            return None
        inside = [min(max(v, 0.0), 1.0) for v in xyxy]
        x, y, w, h = xyxy_to_xywh(inside)
        if w <= 0 or h <= 0:
            self.lost["boxes without an area inside the picture, not written"] += 1
            return None
        if max(abs(a - b) for a, b in zip(inside, xyxy, strict=True)) > 1e-6:
            self.lost["boxes cut at the edge of the picture"] += 1
        return [x, y, w, h]

    def _score(self, row: Mapping[str, Any], box: Mapping[str, Any]) -> dict[str, Any]:
        """A machine's score is the probability of its word; beside a person's word it is a tag of the box."""
        score = box.get("score")
        if score is None:
            return {}
        if row["label_source"] == "human" or not 0 <= score <= 1:
            return {"observationTags": f"box_score:{score}"}
        return {"classificationProbability": score}
