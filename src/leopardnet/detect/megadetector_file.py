"""Boxes that a MegaDetector run has found before: from its results file, stills and videos."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.boxes import parse_boxes
from leopardnet.core.labels import ANIMAL
from leopardnet.core.tables import clip_id
from leopardnet.core.types import Boxes, Clip, Frames
from leopardnet.data.formats.megadetector.read import read_megadetector

SAME_FRAME_S = 0.05  # a box belongs to a frame that is no further from its own moment than this


class ResultsFile:
    """The boxes of a results file, looked up by path."""

    uses_small_frames = True

    def __init__(self, boxes: Mapping[str, tuple[str | None, str | None]], name: str) -> None:
        self._boxes, self.source = boxes, name

    @classmethod
    def read(cls, path: Path, root: Path) -> ResultsFile:
        """The file at `path`, whose own paths are relative to `root` or lie in it. Raises ManifestError where it is broken."""
        table = read_megadetector(path, root=root).manifest.table
        cells = zip(
            table["boxes"].astype(object).where(table["boxes"].notna(), None),
            table["box_unit"].astype(object).where(table["box_unit"].notna(), None),
            strict=True,
        )
        return cls(dict(zip(table["clip_id"], cells, strict=True)), path.name)

    def suggest_times(self, clip: Clip) -> NDArray[np.float64]:
        """The moments of a video with the best boxes of animals, the best first; of a burst, its stills with boxes."""
        if clip.kind == "burst":
            scores = [self._best(path) for path in clip.paths]
            order = [i for i in np.argsort(-np.array(scores), kind="stable") if scores[i] > 0]
            return np.asarray(order, np.float64)
        best: dict[float, float] = {}
        for box in self._of(clip.path) or ():
            if box["label"] == ANIMAL and "time_s" in box:
                best[box["time_s"]] = max(box["score"], best.get(box["time_s"], 0.0))
        return np.array(sorted(best, key=lambda t: (-best[t], t)), np.float64)

    def find(self, clip: Clip, frames: Frames, close: Frames) -> list[Boxes | None]:
        """The boxes of each of the frames `close`; None for files that the results do not know or could not read."""
        size = (close.pixels.shape[2], close.pixels.shape[1])
        return [self._at(clip, float(t), size) for t in close.times_s]

    def _of(self, path: str) -> list[dict[str, Any]] | None:
        cell, unit = self._boxes.get(clip_id(path), (None, None))
        if cell is None:
            return None
        return [box | {"unit": unit} for box in parse_boxes(cell)]

    def _best(self, path: str) -> float:
        return max((b["score"] for b in self._of(path) or () if b["label"] == ANIMAL), default=0.0)

    def _at(self, clip: Clip, time_s: float, size: tuple[int, int]) -> Boxes | None:
        is_still = clip.kind != "video"
        found = self._of(clip.paths[min(int(time_s), len(clip.paths) - 1)] if is_still else clip.path)
        if found is None:
            return None
        if not is_still:
            found = [b for b in found if "time_s" not in b or abs(b["time_s"] - time_s) <= SAME_FRAME_S]
        found.sort(key=lambda b: -b["score"])
        width, height = size
        scale = [1.0 if b["unit"] == "px" else float(n) for b in found for n in (width, height, width, height)]
        xyxy = np.array([b["xyxy"] for b in found], np.float64).reshape(-1, 4) * np.reshape(scale, (-1, 4))
        xyxy = np.clip(xyxy, 0, [width, height, width, height])
        scores = np.array([b["score"] for b in found], np.float32)
        labels = tuple(b["label"] for b in found)
        return Boxes(xyxy.astype(np.float32), scores, labels, time_s, size, self.source)
