"""Boxes from the results file of an earlier MegaDetector run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.boxes import parse_boxes
from leopardnet.core.labels import ANIMAL
from leopardnet.core.tables import clip_id
from leopardnet.core.ties import order_descending
from leopardnet.core.types import Boxes, Clip, Frames
from leopardnet.data.formats.megadetector.read import read_megadetector

SAME_FRAME_S = 0.05  # a box belongs to the frames within this time of it


class ResultsFile:
    """The boxes of a results file, looked up by path."""

    uses_small_frames = True

    def __init__(self, boxes: Mapping[str, tuple[str | None, str | None]], name: str) -> None:
        self._boxes, self.source = boxes, name

    @classmethod
    def read(cls, path: Path, root: Path) -> ResultsFile:
        """Read a results file; its paths are relative to `root` or lie in it. Raises ManifestError if broken."""
        table = read_megadetector(path, root=root).manifest.table
        cells = zip(
            table["boxes"].astype(object).where(table["boxes"].notna(), None),
            table["box_unit"].astype(object).where(table["box_unit"].notna(), None),
            strict=True,
        )
        return cls(dict(zip(table["clip_id"], cells, strict=True)), path.name)

    def suggest_times(self, clip: Clip) -> NDArray[np.float64]:
        """Return the times of a video with boxes of animals, best first; for a burst, of its stills with boxes."""
        if clip.kind == "burst":
            scores = [self._best_score(path) for path in clip.paths]
            return np.asarray([i for i in order_descending(scores) if scores[i] > 0], np.float64)
        best: dict[float, float] = {}
        for box in self._read_boxes(clip.path) or ():
            if box["label"] == ANIMAL and "time_s" in box:
                best[box["time_s"]] = max(box["score"], best.get(box["time_s"], 0.0))
        return np.array(sorted(best, key=lambda t: (-best[t], t)), np.float64)

    def find(self, clip: Clip, frames: Frames, targets: Frames) -> list[Boxes | None]:
        """Return the boxes of each frame of `targets`; None for files without results."""
        size = (targets.pixels.shape[2], targets.pixels.shape[1])
        return [self._frame_boxes(clip, float(t), size) for t in targets.times_s]

    def _read_boxes(self, path: str) -> list[dict[str, Any]] | None:
        cell, unit = self._boxes.get(clip_id(path), (None, None))
        if cell is None:
            return None
        return [box | {"unit": unit} for box in parse_boxes(cell)]

    def _best_score(self, path: str) -> float:
        return max((b["score"] for b in self._read_boxes(path) or () if b["label"] == ANIMAL), default=0.0)

    def _frame_boxes(self, clip: Clip, time_s: float, size: tuple[int, int]) -> Boxes | None:
        is_still = clip.kind != "video"
        found = self._read_boxes(clip.paths[min(int(time_s), len(clip.paths) - 1)] if is_still else clip.path)
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
