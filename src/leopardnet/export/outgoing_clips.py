"""One clip of a parcel at a time, with its frames and what people said, for the formats that write more than a row."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.boxes import parse_boxes
from leopardnet.core.errors import ManifestError
from leopardnet.core.people import person_kind
from leopardnet.core.predictions import Predictions
from leopardnet.export.outgoing import Outgoing

PAGE = 10_000
UNKNOWN_RATE = 1000.0  # frames a second of a video whose rate nobody knows: frame numbers then count milliseconds


@dataclass(frozen=True, slots=True)
class SharedFrame:
    """One judged frame: its second, its own probabilities by label, and its boxes (None where no detector looked).

    source: what found the boxes; `motion` knows that something moved, and not whether it is an animal.
    """

    time_s: float
    probs: Mapping[str, float]
    boxes: Sequence[Mapping[str, Any]] | None
    source: str | None = None

    @property
    def animals(self) -> list[Mapping[str, Any]]:
        """The boxes of animals, the best first: all that do not say that they hold something else."""
        return [b for b in self.boxes or () if box_category(b) == "animal"]


@dataclass(frozen=True, slots=True)
class SharedClip:
    """Everything about one clip.

    said: its row of predictions; known: its row of footage; files: its stills, or its one file; probs: by label, None
    where nothing could be seen; frames: in order of time; human: what a person said, or None.
    """

    said: Mapping[str, Any]
    known: Mapping[str, Any]
    files: Sequence[str]
    probs: Mapping[str, float] | None
    frames: Sequence[SharedFrame]
    human: Mapping[str, Any] | None

    @property
    def best(self) -> SharedFrame | None:
        """The frame that speaks most for the decision; None where no frame is known."""
        t = self.said["best_time_s"]
        return min(self.frames, key=lambda f: abs(f.time_s - t)) if self.frames and t is not None else None

    @property
    def carrying_s(self) -> list[float]:
        """The seconds that carry the decision, strongest first."""
        cell = self.said["evidence_times_s"]
        try:
            times = json.loads(cell) if cell else []
            if not isinstance(times, list):
                raise TypeError(times)
            return [t for t in map(float, times) if math.isfinite(t)]
        except (ValueError, TypeError, RecursionError, OverflowError):
            raise ManifestError(
                "times cannot be read",
                where=f"evidence_times_s of {self.said['path']}",
                found=cell[:120],
                expected="a list such as [1.5, 3.25]",
            ) from None

    @property
    def rate(self) -> float:
        """Frames a second; UNKNOWN_RATE where nobody knows."""
        fps = self.said["fps"]
        return float(fps) if fps and 0 < fps < 1e6 else UNKNOWN_RATE

    def frame_number(self, time_s: float) -> int:
        """The number of the frame at this second, in decode order from 0."""
        return max(round(time_s * self.rate), 0)


def clips_of(parcel: Outgoing) -> Iterator[SharedClip]:
    """The clips of a parcel in their order, some thousand in memory at a time."""
    labels, evidence = parcel.predictions.labels, _Evidence(parcel.predictions)
    human = {r["clip_id"]: r for r in plain_rows(parcel.human)}
    for start in range(0, len(parcel.table), PAGE):
        page = slice(start, start + PAGE)
        pairs = zip(plain_rows(parcel.table[page]), plain_rows(parcel.footage.table[page]), strict=True)
        for said, known in pairs:
            probs = {n: said[f"p_{n}"] for n in labels}
            yield SharedClip(
                said,
                known,
                json.loads(known["paths"]) if known["paths"] else [known["path"]],
                None if None in probs.values() else probs,
                evidence.of(said["clip_id"]),
                human.get(said["clip_id"]),
            )


def plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values, None where empty."""
    rows: Any = table.astype(object).where(table.notna(), None).to_dict("records")
    return list(rows)


def presence(probs: Mapping[str, float], empty: str | None) -> dict[str, float]:
    """How probable it is that a clip shows an animal, a person or a vehicle: the sums over their labels.

    >>> presence({"tiger": 0.5, "deer": 0.25, "person": 0.125, "empty": 0.125}, "empty")
    {'animal': 0.75, 'person': 0.125, 'vehicle': 0.0}
    """
    sums = {"animal": 0.0, "person": 0.0, "vehicle": 0.0}
    for name, p in probs.items():
        if name != empty:
            sums[category(name)] += p
    return {k: min(p, 1.0) for k, p in sums.items()}


def box_category(box: Mapping[str, Any]) -> str:
    """'animal', 'person' or 'vehicle': what a box holds; a detector's box without a label holds an animal.

    >>> box_category({"xyxy": [0, 0, 1, 1]}), box_category({"xyxy": [0, 0, 1, 1], "label": "person"})
    ('animal', 'person')
    """
    return category(box.get("label", "animal"))


def category(label: str) -> str:
    """'animal', 'person' or 'vehicle': what other tools call a label that is not the empty one."""
    kind = person_kind(label)
    return "animal" if kind is None else "person" if kind == "human" else "vehicle"


class _Evidence:
    """The judged frames of every clip, found without going through the table for each."""

    def __init__(self, predictions: Predictions) -> None:
        table, self.labels = predictions.evidence.sort_values("time_s", kind="stable"), predictions.labels
        self.rows_of = table.groupby("clip_id", sort=False).indices
        self.times_s = table["time_s"].tolist()
        self.probs = table[[f"p_{n}" for n in self.labels]].to_numpy(np.float64)  # [frames, C]
        self.boxes, self.sources = (table[c].to_numpy(object) for c in ("boxes", "box_source"))

    def of(self, clip_id: str) -> list[SharedFrame]:
        """The frames of a clip, in order of time."""
        return [
            SharedFrame(
                self.times_s[i],
                dict(zip(self.labels, self.probs[i].tolist(), strict=True)),
                parse_boxes(self.boxes[i]) if isinstance(self.boxes[i], str) else None,
                self.sources[i] if isinstance(self.sources[i], str) else None,
            )
            for i in self.rows_of.get(clip_id, ())
        ]
