"""Rows of a manifest as observations of Camtrap DP: names, boxes as fractions, and times."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypedDict

from leopardnet.core.boxes import convert_box, parse_boxes, xyxy_to_xywh
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import ANIMAL, EMPTY
from leopardnet.data.reading.to_manifest import names_of

# Names that are not species. Every other name is that of an animal.
TYPES = {
    EMPTY: "blank",
    "blank": "blank",
    "human": "human",
    "person": "human",
    "vehicle": "vehicle",
    "unknown": "unknown",
}


class Observation(TypedDict, total=False):
    """The cells of one row of the observations table. Boxes are fractions of the picture."""

    observationID: str
    deploymentID: str
    mediaID: str
    eventID: str | None
    eventStart: datetime
    eventEnd: datetime
    observationLevel: str
    observationType: str
    scientificName: str | None
    behavior: str
    bboxX: float
    bboxY: float
    bboxWidth: float
    bboxHeight: float
    classificationMethod: str | None
    classifiedBy: str | None
    classificationTimestamp: datetime | None
    classificationProbability: float
    observationTags: str | None
    observationComments: str | None


@dataclass
class Observations:
    """Makes observations from rows, and counts what the format cannot hold.

    `scientific_names` maps labels to scientific names; without it, labels are written unchanged. A label that the
    mapping lacks becomes an animal without a name, with its label in the tags.
    """

    scientific_names: Mapping[str, str] | None = None
    names: dict[str, str | None] = field(
        default_factory=dict
    )  # scientific names, each with its label if that differs
    lost: Counter[str] = field(default_factory=Counter)

    def make(self, row: Mapping[str, Any], time: datetime) -> list[Observation]:
        """Return the observations of a row: one for each box, and one for each name without a box.

        `time` is that of the file. An observation of a frame, or of a box with `time_s`, is that many seconds
        later, cut to whole seconds.
        """
        names = names_of(row)
        boxed = list(self._read_boxes(row, names))
        with_box = {name for name, _, _ in boxed}
        found = [*boxed, *((n, Observation(), row["time_s"] or 0.0) for n in names if n not in with_box)]
        found = found or [(None, Observation(), row["time_s"] or 0.0)]
        return [self._make_one(row, name, cells, time + timedelta(seconds=int(s))) for name, cells, s in found]

    def make_unclassified(self, time: datetime) -> Observation:
        """Return the observation of a file that nobody classified by itself."""
        return {
            "eventStart": time,
            "eventEnd": time,
            "observationLevel": "media",
            "observationType": "unclassified",
        }

    def make_for_stills(
        self, row: Mapping[str, Any], paths: Sequence[str], time: datetime
    ) -> list[list[Observation]] | None:
        """Return the observations of each still of a burst; None where the label is that of the whole burst."""
        return None

    def make_events(self) -> Iterator[tuple[str, Observation]]:
        """Yield observations of events beyond those of rows, each with the clip_id of a clip of its deployment."""
        yield from ()

    def _make_one(self, row: Mapping[str, Any], name: str | None, cells: Observation, at: datetime) -> Observation:
        source = row["label_source"]
        made: Observation = {
            **cells,
            "eventStart": at,
            "eventEnd": at,
            "observationLevel": "media",
            "classificationMethod": source,
        }
        if name is None:
            made["observationType"] = "unknown" if source or cells else "unclassified"
            return made
        made["observationType"] = TYPES.get(name, "animal")
        if name not in TYPES and name != ANIMAL:
            made.update(self._name(name, made.get("observationTags")))
        return made

    def _name(self, label: str, tags: str | None) -> Observation:
        if self.scientific_names is None:
            self.names.setdefault(label, None)
            return {"scientificName": label}
        if scientific_name := self.scientific_names.get(label):
            self.names.setdefault(scientific_name, label)
            return {"scientificName": scientific_name}
        return {"observationTags": " | ".join(filter(None, [f"label:{label}", tags]))}

    # --- boxes ---

    def _read_boxes(
        self, row: Mapping[str, Any], names: tuple[str, ...]
    ) -> Iterator[tuple[str | None, Observation, float]]:
        """Yield name, cells and second of each box that can be written."""
        boxes = parse_boxes(row["boxes"])
        animals = [n for n in names if n not in TYPES]
        if boxes and names and all(TYPES.get(n) == "blank" for n in names):
            self.lost["boxes on rows that are labelled empty, not written"] += len(boxes)
            return
        for box in boxes:
            name = box.get("label") or (names[0] if len(names) == 1 else None)
            if name == ANIMAL and len(animals) == 1:
                name = animals[0]  # the detector cannot name the species, but the row does
            if TYPES.get(name or "") == "blank":
                self.lost["boxes labelled empty, not written"] += 1
            elif cells := self._convert(row, box):
                s = row["time_s"] if row["kind"] == "frame" else box.get("time_s")
                yield name, {**cells, **self._score(row, box)}, s or 0.0

    def _convert(self, row: Mapping[str, Any], box: Mapping[str, Any]) -> Observation | None:
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
        return {"bboxX": x, "bboxY": y, "bboxWidth": w, "bboxHeight": h}

    def _score(self, row: Mapping[str, Any], box: Mapping[str, Any]) -> Observation:
        """Return the score as the probability of a machine's label, or as a tag beside a person's label."""
        score = box.get("score")
        if score is None:
            return {}
        if row["label_source"] == "human" or not 0 <= score <= 1:
            return {"observationTags": f"box_score:{score}"}
        return {"classificationProbability": score}
