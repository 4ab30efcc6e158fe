"""Outgoing clips one at a time, with their frames and human labels."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.boxes import format_boxes, parse_boxes
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import ANIMAL, split_labels
from leopardnet.core.people import person_kind
from leopardnet.core.predictions import Predictions
from leopardnet.data.human_labels.drawn_boxes import name_drawn_boxes
from leopardnet.export.outgoing import Outgoing

PAGE = 10_000
UNNAMED_ALERTS = "clips with a suspected target that the format cannot hold, written by their decision: {}"
UNKNOWN_RATE = 1000.0  # frames per second of a video whose rate is unknown: frame numbers then count milliseconds


@dataclass(frozen=True, slots=True)
class OutgoingFrame:
    """A classified frame: its second, its probabilities by label, and its boxes (None where no detector ran).

    source: what found the boxes; `motion` finds that something moved, and not whether it is an animal.
    """

    time_s: float
    probs: Mapping[str, float]
    boxes: Sequence[Mapping[str, Any]] | None
    source: str | None = None

    @property
    def animal_boxes(self) -> list[Mapping[str, Any]]:
        """The boxes of animals, best first: every box except those labelled as a person or a vehicle."""
        return [b for b in self.boxes or () if box_category(b) == "animal"]


@dataclass(frozen=True, slots=True)
class OutgoingClip:
    """Everything that is known about one clip.

    prediction: its row of predictions; footage: its row of the manifest; files: its stills, or its one file; probs:
    by label, None for an unreadable clip; frames: in order of time; human_label: its row of CORRECTIONS, or None.
    """

    prediction: Mapping[str, Any]
    footage: Mapping[str, Any]
    files: Sequence[str]
    probs: Mapping[str, float] | None
    frames: Sequence[OutgoingFrame]
    human_label: Mapping[str, Any] | None

    @property
    def is_multi(self) -> bool:
        """Whether the labels of the model are independent."""
        return "labels" in self.prediction

    @property
    def names(self) -> tuple[str, ...]:
        """What is exported as a row each: all labels that are named in a clip, or else its decision."""
        return split_labels(self.prediction.get("labels")) or (self.prediction["decision"],)

    @property
    def alerts(self) -> tuple[str, ...]:
        """The targets that a person should check the clip for, the likeliest first."""
        return split_labels(self.prediction.get("alerts") or self.prediction["alert"])

    @property
    def unnamed_alerts(self) -> tuple[str, ...]:
        """The alerts that are not among `names`."""
        return tuple(x for x in self.alerts if x not in self.names)

    def score(self, name: str) -> float | None:
        """Return the probability of one of `names`."""
        if name == self.prediction["decision"] or self.probs is None:
            found: float | None = self.prediction["score"]
            return found
        return self.probs[name]

    @property
    def drawn(self) -> Mapping[float, Sequence[Mapping[str, Any]]]:
        """The boxes that people drew, each with its label, by the second (in a burst, the number) of the frame."""
        human = self.human_label
        return name_drawn_boxes(human["boxes"], human["label"]) if human else {}

    def find_drawn(self, name: str, *, i_still: int | None = None) -> tuple[float, Mapping[str, Any]] | None:
        """Return the first box around a label that people gave, with its second. i_still: on this still alone."""
        frames = [(t, boxes) for t, boxes in self.drawn.items() if i_still in (None, int(t))]
        return next(((t, box) for t, boxes in frames for box in boxes if box["label"] == name), None)

    @property
    def best_frame(self) -> OutgoingFrame | None:
        """The frame with the strongest evidence for the decision; None where no frame is known."""
        t = self.prediction["best_time_s"]
        return min(self.frames, key=lambda f: abs(f.time_s - t)) if self.frames and t is not None else None

    @property
    def evidence_times_s(self) -> list[float]:
        """The seconds on which the decision rests, strongest first. Raises ManifestError for a broken cell."""
        cell = self.prediction["evidence_times_s"]
        try:
            times = json.loads(cell) if cell else []
            if not isinstance(times, list):
                raise TypeError(times)
            return [t for t in map(float, times) if math.isfinite(t)]
        except (ValueError, TypeError, RecursionError, OverflowError):
            raise ManifestError(
                "times cannot be read",
                where=f"evidence_times_s of {self.prediction['path']}",
                found=cell[:120],
                expected="a list such as [1.5, 3.25]",
            ) from None

    @property
    def rate(self) -> float:
        """Frames per second; UNKNOWN_RATE where the rate is unknown."""
        fps = self.prediction["fps"]
        return float(fps) if fps and 0 < fps < 1e6 else UNKNOWN_RATE

    def frame_number(self, time_s: float) -> int:
        """Return the number of the frame at this second, in decode order from 0."""
        return max(round(time_s * self.rate), 0)


def read_clips(outgoing: Outgoing) -> Iterator[OutgoingClip]:
    """Yield the outgoing clips in their order, with at most PAGE of them in memory."""
    labels, evidence = outgoing.predictions.labels, _Evidence(outgoing.predictions)
    human_labels = {r["clip_id"]: r for r in to_records(outgoing.human_labels)}
    for start in range(0, len(outgoing.table), PAGE):
        page = slice(start, start + PAGE)
        pairs = zip(to_records(outgoing.table[page]), to_records(outgoing.footage.table[page]), strict=True)
        for prediction, footage in pairs:
            probs = {n: prediction[f"p_{n}"] for n in labels}
            yield OutgoingClip(
                prediction,
                footage,
                json.loads(footage["paths"]) if footage["paths"] else [footage["path"]],
                None if None in probs.values() else probs,
                evidence.find_frames(prediction["clip_id"]),
                human_labels.get(prediction["clip_id"]),
            )


def to_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as dicts of plain values, None where a cell is missing."""
    rows: Any = table.astype(object).where(table.notna(), None).to_dict("records")
    return list(rows)


def sum_by_category(probs: Mapping[str, float], empty: str | None, *, multi: bool = False) -> dict[str, float]:
    """Return the probabilities that a clip shows an animal, a person or a vehicle: the sums over their labels.

    multi: labels are independent, so it is the largest of theirs, and for an animal, where no label is of anything
    else, at least that of not being empty.

    >>> sum_by_category({"tiger": 0.5, "deer": 0.25, "person": 0.125, "empty": 0.125}, "empty")
    {'animal': 0.75, 'person': 0.125, 'vehicle': 0.0}
    """
    sums = {"animal": 0.0, "person": 0.0, "vehicle": 0.0}
    for name, p in probs.items():
        if name != empty:
            category = label_category(name)
            sums[category] = max(sums[category], p) if multi else sums[category] + p
    if multi and empty is not None and all(label_category(x) == "animal" for x in probs if x != empty):
        sums["animal"] = max(sums["animal"], 1 - probs[empty])
    return {k: min(p, 1.0) for k, p in sums.items()}


def box_category(box: Mapping[str, Any]) -> str:
    """Return 'animal', 'person' or 'vehicle' for a box. A box without a label holds an animal.

    >>> box_category({"xyxy": [0, 0, 1, 1]}), box_category({"xyxy": [0, 0, 1, 1], "label": "person"})
    ('animal', 'person')
    """
    return label_category(box.get("label", ANIMAL))


def label_category(label: str) -> str:
    """Return 'animal', 'person' or 'vehicle', the category in other tools, for any label but the empty one."""
    kind = person_kind(label)
    return "animal" if kind is None else "person" if kind == "human" else "vehicle"


def name_boxes(boxes: Sequence[Mapping[str, Any]], label: str) -> dict[str, str]:
    """Return the manifest cells of a frame's boxes. A box without a label of its own gets `label`.

    >>> name_boxes([{"xyxy": [0, 0, 1, 1], "score": 0.9}], "tiger")
    {'boxes': '[{"xyxy": [0, 0, 1, 1], "label": "tiger"}]', 'box_unit': 'fraction'}
    """
    named = [{"xyxy": b["xyxy"], "label": b.get("label", label)} for b in boxes]
    return {"boxes": format_boxes(named), "box_unit": "fraction"}


class _Evidence:
    """The classified frames, grouped by clip once: a search of the whole table for each clip is slow."""

    def __init__(self, predictions: Predictions) -> None:
        table, self.labels = predictions.evidence.sort_values("time_s", kind="stable"), predictions.labels
        self.rows_of = table.groupby("clip_id", sort=False).indices
        self.times_s = table["time_s"].tolist()
        self.probs = table[[f"p_{n}" for n in self.labels]].to_numpy(np.float64)  # [frames, C]
        self.boxes, self.sources = (table[c].to_numpy(object) for c in ("boxes", "box_source"))

    def find_frames(self, clip_id: str) -> list[OutgoingFrame]:
        """Return the frames of a clip, in order of time."""
        return [
            OutgoingFrame(
                self.times_s[i],
                dict(zip(self.labels, self.probs[i].tolist(), strict=True)),
                parse_boxes(self.boxes[i]) if isinstance(self.boxes[i], str) else None,
                self.sources[i] if isinstance(self.sources[i], str) else None,
            )
            for i in self.rows_of.get(clip_id, ())
        ]
