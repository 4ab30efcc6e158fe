"""Which boxes of a frame are kept in journals and tables, and how."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from leopardnet.core.labels import ANIMAL
from leopardnet.core.types import Boxes

MIN_BOX_SCORE, MAX_BOXES = 0.05, 5
LEFT_OUT = "boxes of the detector left out"  # what the reason of such a clip says


class StoredBox(TypedDict):
    """A box as journals and the evidence table keep it: in fractions of the upright frame."""

    xyxy: list[float]
    score: float
    label: NotRequired[str]  # absent for an animal


def keep_boxes(boxes: Boxes) -> list[StoredBox]:
    """Return the best boxes of a frame, at most MAX_BOXES, with a score of MIN_BOX_SCORE or more.

    >>> keep_boxes(Boxes.none(0.0, (100, 60), "motion"))
    []
    """
    found = zip(boxes.fractions.tolist(), boxes.scores.tolist(), boxes.labels, strict=True)
    best = [(xyxy, round(score, 4), label) for xyxy, score, label in found if score >= MIN_BOX_SCORE][:MAX_BOXES]
    return [
        {"xyxy": xyxy, "score": score} if label == ANIMAL else {"xyxy": xyxy, "score": score, "label": label}
        for xyxy, score, label in best
    ]
