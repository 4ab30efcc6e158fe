"""Cells of observations of Camtrap DP: the box, the tags, the period, and which labels an event keeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from leopardnet.core.boxes import xyxy_to_xywh
from leopardnet.data.formats.camtrap_dp.rows import Observation

ANY_ANIMAL = "Animalia"  # the scientific name of an animal of unknown species
FIRST = ("animal", "human", "vehicle", "unknown", "blank")  # the type of an event whose clips differ
ByLabel = Mapping[tuple[str, str], list[Observation]]  # by observationType and scientificName


def write_box(box: Mapping[str, Any]) -> Observation:
    """Return the cells of a box, cut at the edges of the frame; none where nothing is left of it."""
    x, y, w, h = xyxy_to_xywh([min(max(float(v), 0.0), 1.0) for v in box["xyxy"]])
    return {"bboxX": x, "bboxY": y, "bboxWidth": w, "bboxHeight": h} if w > 0 and h > 0 else {}


def join_tags(*tags: str | None) -> str:
    """Return tags as the format joins them; those that are empty are left out."""
    return " | ".join(t for t in tags if t)


def make_period(time: datetime, start_s: float, end_s: float) -> Observation:
    """Return start and end in whole seconds, which are all that the format holds. Both are rounded down."""
    return {"eventStart": time + timedelta(seconds=int(start_s)), "eventEnd": time + timedelta(seconds=int(end_s))}


def select_labels(by_label: ByLabel) -> ByLabel:
    """Return the labels of an event: every species, person and vehicle; else an animal; else unknown; else blank.

    An animal without a species adds nothing to one that has it.
    """
    named = {
        k: v
        for k, v in by_label.items()
        if k[0] in ("human", "vehicle") or (k[0] == "animal" and k[1] != ANY_ANIMAL)
    }
    first = next((kind for kind in FIRST if any(k[0] == kind for k in by_label)), None)
    return named or {k: v for k, v in by_label.items() if k[0] == first}
