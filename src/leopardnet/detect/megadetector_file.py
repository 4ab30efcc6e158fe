"""Boxes from the results file of an earlier MegaDetector run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.boxes import format_boxes, parse_boxes
from leopardnet.core.columns import TIME
from leopardnet.core.errors import ManifestError, MediaError
from leopardnet.core.labels import ANIMAL
from leopardnet.core.people import MIN_BOX_SCORE, person_kind
from leopardnet.core.types import Boxes, Clip, Frames, MediaInfo
from leopardnet.data.formats.megadetector.detections import Entry
from leopardnet.data.formats.megadetector.entries import read_entries
from leopardnet.data.formats.megadetector.match_paths import ListedPaths
from leopardnet.detect.kept_boxes import LEFT_OUT
from leopardnet.media.decode import probe
from leopardnet.media.upright_boxes import place_on_file
from leopardnet.score.ties import order_descending

SAME_FRAME_S = 0.05  # a box belongs to the frames within this time of it


@dataclass(frozen=True)
class _Listed:
    """An entry as it is kept: its boxes as text, which takes a tenth of the memory."""

    boxes: str | None
    size_px: tuple[int, int] | None
    fps: float | None
    frame_numbers: tuple[int, ...] | None


@dataclass(frozen=True)
class _Placed:
    """The boxes of one file, in fractions of the upright picture; None if not looked at, or without a place.

    searched_s: times of the frames of a video that the detector looked at, where they are known, float64 [K];
    without_place: the boxes that were left out.
    """

    boxes: list[dict[str, Any]] | None = None
    searched_s: NDArray[np.float64] | None = None
    warning: str = ""
    without_place: tuple[dict[str, Any], ...] = ()


class ResultsFile:
    """The boxes of a results file, looked up by path.

    facts: of each entry, in their order, what the file states of it: captured_at, width_px, height_px.
    """

    uses_small_frames = True
    version = 2  # raised where the same file gives other boxes

    def __init__(self, entries: Sequence[Entry], unit: str, name: str, root: Path, twins: frozenset[str]) -> None:
        self.source, self.root, self.unit = name, root, unit
        self.paths = [e.path for e in entries]
        sizes = [e.size_px or (None, None) for e in entries]
        self.facts = pd.DataFrame(sizes, columns=["width_px", "height_px"]).astype("Int64")
        self.facts["captured_at"] = pd.Series([e.captured_at for e in entries], dtype=TIME)
        self._known = ListedPaths(self.paths, twins)
        self._entries = [
            _Listed(None if e.boxes is None else format_boxes(e.boxes), e.size_px, e.fps, e.frame_numbers)
            for e in entries
        ]
        self._last: tuple[Clip | None, list[_Placed]] = (None, [])

    @classmethod
    def read(cls, path: Path, root: Path, *, twins: frozenset[str] = frozenset()) -> ResultsFile:
        """Read a results file; its paths are relative to `root` or lie in it. Raises ManifestError if broken.

        twins: see `ListedPaths`.
        """
        found = read_entries(path, root=root, keep_outside=True)
        return cls(found.entries, found.unit, path.name, root, twins)

    def suggest_times(self, clip: Clip) -> NDArray[np.float64]:
        """Return the times of a video with boxes of animals, best first; for a burst, of its stills with boxes."""
        placed = self._place(clip)
        if clip.kind == "burst":
            scores = [max((b["score"] for b in p.boxes or () if b["label"] == ANIMAL), default=0.0) for p in placed]
            return np.asarray([i for i in order_descending(scores) if scores[i] > 0], np.float64)
        best: dict[float, float] = {}
        for box in placed[0].boxes or ():
            if box["label"] == ANIMAL and "time_s" in box:
                best[box["time_s"]] = max(box["score"], best.get(box["time_s"], 0.0))
        return np.array(sorted(best, key=lambda t: (-best[t], t)), np.float64)

    def find(self, clip: Clip, frames: Frames, targets: Frames) -> list[Boxes | None]:
        """Return the boxes of each frame of `targets`; None for files and frames without results.

        A person or vehicle that is on none of them, or has no certain place, gets a box around the whole of the
        nearest frame, because the clip must count as one with people.
        """
        size = (targets.pixels.shape[2], targets.pixels.shape[1])
        placed = self._place(clip)
        found = [self._frame_boxes(clip, placed, float(t), size) for t in targets.times_s]
        for time_s, box in _list_lost_people(clip, placed, targets.times_s):
            i = 0 if time_s is None else int(np.abs(targets.times_s - time_s).argmin())
            whole = self._make_boxes([box | {"xyxy": [0.0, 0.0, 1.0, 1.0]}], float(targets.times_s[i]), size)
            found[i] = whole if (boxes := found[i]) is None else boxes.merge(whole)
        return found

    def list_warnings(self, clip: Clip) -> tuple[str, ...]:
        """Return why boxes of the clip were left out, each reason once."""
        return tuple(dict.fromkeys(p.warning for p in self._place(clip) if p.warning))

    def _frame_boxes(
        self, clip: Clip, placed: Sequence[_Placed], time_s: float, size: tuple[int, int]
    ) -> Boxes | None:
        file = placed[0] if clip.kind == "video" else placed[min(int(time_s), len(placed) - 1)]
        found = file.boxes
        if found is None:
            return None
        if clip.kind == "video":
            found = [b for b in found if abs(b["time_s"] - time_s) <= SAME_FRAME_S]
            if not found and not _was_searched(file, time_s):
                return None
        return self._make_boxes(found, time_s, size)

    def _make_boxes(self, found: list[dict[str, Any]], time_s: float, size: tuple[int, int]) -> Boxes:
        found = sorted(found, key=lambda b: -b["score"])
        xyxy = np.array([b["xyxy"] for b in found], np.float64).reshape(-1, 4).clip(0.0, 1.0) * (size * 2)
        scores = np.array([b["score"] for b in found], np.float32)
        labels = tuple(b["label"] for b in found)
        return Boxes(xyxy.astype(np.float32), scores, labels, time_s, size, self.source)

    def _place(self, clip: Clip) -> list[_Placed]:
        """Return the boxes of each file of a clip. The last clip is remembered: it is asked for again."""
        last, placed = self._last
        if last is not clip:
            placed = [self._place_file(clip, path) for path in clip.paths]
            self._last = (clip, placed)
        return placed

    def _place_file(self, clip: Clip, path: str) -> _Placed:
        i = self._known.find(path)
        if i is None or self._entries[i].boxes is None:
            return _Placed()
        entry = self._entries[i]
        boxes = parse_boxes(entry.boxes)
        try:
            if clip.kind == "video":
                return self._place_in_video(clip, entry, boxes)
            return _Placed(self._place_on_file(boxes, entry, clip, path))
        except MediaError:
            return _Placed()  # step 1 or 3 has the same error
        except ManifestError as error:
            return _Placed(warning=f"{LEFT_OUT}: {error.one_line}", without_place=tuple(boxes))

    def _place_in_video(self, clip: Clip, entry: _Listed, boxes: list[dict[str, Any]]) -> _Placed:
        """Return the boxes with their times, by the rate in the source, or else by that of the video itself."""
        is_timed = entry.fps is not None or not (boxes or entry.frame_numbers)
        info = None if is_timed else probe(clip, self.root)  # opened only where the source has no rate
        fps = entry.fps or _read_rate(info)
        timed = [b if "time_s" in b else b | _time(b, fps) for b in boxes]
        kept = self._place_on_file([b for b in timed if "time_s" in b], entry, clip, clip.path)
        searched = None
        if entry.frame_numbers is not None:
            searched = np.array(entry.frame_numbers, np.float64) / fps if fps else np.zeros(0)
        if len(kept) == len(boxes):
            return _Placed(kept, searched)
        why = "the video has no frame rate" if all("frame_number" in b for b in boxes) else "no frame is given"
        warning = f"{LEFT_OUT}: {len(boxes) - len(kept)} without a time in the video, because {why}"
        lost = tuple(b for b in timed if "time_s" not in b)  # they may lie in any frame
        return _Placed(kept or None, np.zeros(0), warning, lost)

    def _place_on_file(
        self, boxes: list[dict[str, Any]], entry: _Listed, clip: Clip, path: str
    ) -> list[dict[str, Any]]:
        xyxys = [b["xyxy"] for b in boxes]
        placed = place_on_file(xyxys, self.unit, clip=clip, root=self.root, path=path, drawn_px=entry.size_px)
        return [b | {"xyxy": xyxy} for b, xyxy in zip(boxes, placed, strict=True)]


def _list_lost_people(
    clip: Clip, placed: Sequence[_Placed], times_s: NDArray[np.float64]
) -> Iterator[tuple[float | None, dict[str, Any]]]:
    """Yield the boxes of people and vehicles on none of these frames of a clip, with their times, if known."""
    for i, file in enumerate(placed):
        for box in (*(file.boxes or ()), *file.without_place):
            if not person_kind(box["label"]) or box["score"] < MIN_BOX_SCORE:
                continue
            time_s = box.get("time_s") if clip.kind == "video" else float(i)
            is_there = time_s is not None and bool((np.abs(times_s - time_s) <= SAME_FRAME_S).any())
            if not is_there or box in file.without_place:
                yield time_s, box


def _was_searched(file: _Placed, time_s: float) -> bool:
    """Return whether the detector looked at this moment; if it found nothing in the video, at all of it."""
    if file.searched_s is None:
        return not file.boxes
    return bool((np.abs(file.searched_s - time_s) <= SAME_FRAME_S).any())


def _time(box: dict[str, Any], fps: float | None) -> dict[str, float]:
    """Return the time of a box in a video; nothing where it names no frame, or the video has no rate."""
    return {"time_s": round(box["frame_number"] / fps, 6)} if fps and "frame_number" in box else {}


def _read_rate(info: MediaInfo | None) -> float | None:
    return info.fps if info is not None and 0 < info.fps < float("inf") else None
