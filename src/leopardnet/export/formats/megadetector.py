"""Outgoing clips as MegaDetector batch results, which Timelapse and AddaxAI show.

The first detection of a file is the prediction for the clip: `conf` is the calibrated probability that something is
there, and its classes are the species, given that. Other frames on which the decision rests follow with their own
classes, never with more confidence than the clip, so that a single frame cannot lift the clip over a threshold.
Detector boxes are written with the detector's score; elsewhere the box is the whole frame. Where clip and detector
disagree about the best frame, the higher confidence counts, so that whatever either of them found is shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from leopardnet.core.boxes import xyxy_to_xywh
from leopardnet.core.columns import has_several_labels
from leopardnet.data.formats.megadetector.write import (
    DETECTION_CATEGORIES,
    WHOLE_FRAME,
    Detection,
    FileResult,
    write_megadetector,
)
from leopardnet.data.formats.write_result import WriteResult
from leopardnet.export.outgoing import Outgoing
from leopardnet.export.outgoing_clips import (
    OutgoingClip,
    OutgoingFrame,
    box_category,
    label_category,
    read_clips,
    sum_by_category,
)

MOTION = "motion"  # source of boxes whose score says how much moved, not how likely an animal is
FLOOR = 0.01  # a file of an empty clip holds no detection below it
DEFAULT_THRESHOLD = 0.2  # the default of the tools where a file states none
NOT_CLASSIFIED = "this still of a burst was not classified"


def write(outgoing: Outgoing, out: Path, *, created: datetime) -> WriteResult:
    """Write every clip, the unreadable ones as failures."""
    empty = outgoing.labels.empty
    classes = [n for n in outgoing.predictions.labels if n != empty and n not in DETECTION_CATEGORIES.values()]
    classes = [n for n in classes if label_category(n) == "animal"]
    threshold = display_threshold(outgoing)
    program, models = f"leopardnet {version('leopardnet')}", ", ".join(sorted(set(outgoing.table["bundle_id"])))
    info = {
        "detector": program,
        "classifier": f"{program} / model {models}",
        "classification_completion_time": created.isoformat(timespec="seconds"),
        "detector_metadata": {
            "typical_detection_threshold": threshold,
            "conservative_detection_threshold": min(threshold, 0.05),
        },
    }
    write_megadetector(
        (f for clip in read_clips(outgoing) for f in _file_results(clip, empty)), out, classes=classes, info=info
    )
    is_video = (outgoing.table["kind"] == "video") & (outgoing.table["status"] != "unreadable")
    n_bare = int((is_video & ~(outgoing.table["fps"] > 0)).sum())
    note = f"videos of unknown frame rate, with frame numbers that count milliseconds: {n_bare}"
    n_out = sum(outgoing.reasons.values())
    return WriteResult(
        Path(out), len(outgoing.table), n_out, outgoing.reasons, (*outgoing.notes, *[note] * bool(n_bare))
    )


def display_threshold(outgoing: Outgoing) -> float:
    """Return a threshold at which tools show every clip not decided empty, suspected targets included."""
    t = outgoing.table
    seen = t[(t["status"] != "unreadable") & (t["decision"] != outgoing.labels.empty)]
    seen = seen.dropna(subset=[f"p_{n}" for n in outgoing.predictions.labels])
    columns = {n: seen[f"p_{n}"].to_numpy() for n in outgoing.predictions.labels}
    multi = has_several_labels(t)
    tops = [
        max(sum_by_category({n: v[i] for n, v in columns.items()}, outgoing.labels.empty, multi=multi).values())
        for i in range(len(seen))
    ]
    return min(max(math.floor(min(tops) * 1000) / 1000, FLOOR), 0.5) if tops else DEFAULT_THRESHOLD


def _file_results(clip: OutgoingClip, empty: str | None) -> Iterator[FileResult]:
    """Yield the result of each file of a clip."""
    if clip.probs is None:
        for path in clip.files:
            yield FileResult(path, failure=str(clip.prediction["reason"] or "the file could not be read"))
        return
    if clip.prediction["kind"] != "burst":
        rate = clip.rate if clip.prediction["kind"] == "video" else None
        numbers = [clip.frame_number(f.time_s) for f in clip.frames] if rate else []
        yield FileResult(clip.files[0], _detections(clip, empty), frame_rate=rate, frames=numbers)
        return
    best = clip.best_frame
    by_still = {int(f.time_s): f for f in clip.frames}
    for i, path in enumerate(clip.files):
        frame = by_still.get(i)
        if frame is None and len(clip.files) > 1:
            yield FileResult(path, failure=NOT_CLASSIFIED)
        elif frame is best or frame is None:
            yield FileResult(path, list(_clip_detections(clip, empty)))
        else:
            yield FileResult(path, list(_frame_detections(clip, frame, empty)))


def _detections(clip: OutgoingClip, empty: str | None) -> list[Detection]:
    """Return the prediction for the clip, then the frames on which it rests and those with boxes."""
    best, times_s = clip.best_frame, {round(t, 3) for t in clip.evidence_times_s}
    found = list(_clip_detections(clip, empty))
    for frame in clip.frames:
        if frame is not best and (frame.boxes or round(frame.time_s, 3) in times_s):
            found += _frame_detections(clip, frame, empty)
    return found


def _clip_detections(clip: OutgoingClip, empty: str | None) -> Iterator[Detection]:
    """Yield a detection for each category that is probable enough, and then the other boxes of the same frame."""
    assert clip.probs is not None
    best, first = clip.best_frame, None
    if best and best.animal_boxes:
        first = best.animal_boxes[0]
    at_s = best.time_s if best else clip.prediction["best_time_s"] or 0.0
    number = clip.frame_number(at_s) if clip.prediction["kind"] == "video" else None
    present = sum_by_category(clip.probs, empty, multi=clip.is_multi)
    likeliest = max(present, key=lambda k: present[k])
    for name, p in present.items():
        box = first if name == "animal" else None
        conf = max(p, _score(box)) if box and best and best.source != MOTION else p
        if conf >= FLOOR or (name == likeliest and clip.prediction["decision"] != empty):
            place = _xywh(box) if box else WHOLE_FRAME
            yield Detection(name, conf, place, _classes(clip.probs, name, empty, clip.is_multi), number)
    if best:
        yield from _box_detections(clip, best, [b for b in best.boxes or () if b is not first], empty, number)


def _frame_detections(clip: OutgoingClip, frame: OutgoingFrame, empty: str | None) -> Iterator[Detection]:
    assert clip.probs is not None
    number = clip.frame_number(frame.time_s) if clip.prediction["kind"] == "video" else None
    if frame.boxes:
        yield from _box_detections(clip, frame, frame.boxes, empty, number)
        return
    of_clip = sum_by_category(clip.probs, empty, multi=clip.is_multi)
    for name, p in sum_by_category(frame.probs, empty, multi=clip.is_multi).items():
        if (conf := min(p, of_clip[name])) >= FLOOR:
            yield Detection(
                name, conf, classes=_classes(frame.probs, name, empty, clip.is_multi), frame_number=number
            )


def _box_detections(
    clip: OutgoingClip,
    frame: OutgoingFrame,
    boxes: Sequence[Mapping[str, Any]],
    empty: str | None,
    number: int | None,
) -> Iterator[Detection]:
    """Yield a detection for each box, with its score; a box of mere motion never exceeds the clip."""
    assert clip.probs is not None
    highest = sum_by_category(clip.probs, empty, multi=clip.is_multi) if frame.source == MOTION else {}
    for box in boxes:
        name = box_category(box)
        conf = min(_score(box), highest.get(name, 1.0))
        yield Detection(name, conf, _xywh(box), _classes(frame.probs, name, empty, clip.is_multi), number)


def _score(box: Mapping[str, Any]) -> float:
    return float(box.get("score", 1.0))


def _xywh(box: Mapping[str, Any]) -> Sequence[float]:
    return xyxy_to_xywh(box["xyxy"])


def _classes(probs: Mapping[str, float], name: str, empty: str | None, multi: bool) -> dict[str, float] | None:
    """Return the probability of each species, given that there is an animal. None for other categories.

    Those of independent labels (multi) do not add up to 1.
    """
    if name != "animal":
        return None
    wanted = {n: p for n, p in probs.items() if n != empty and label_category(n) == "animal"}
    total = sum_by_category(probs, empty, multi=True)["animal"] if multi else sum(wanted.values())
    named = {n: p / total for n, p in wanted.items() if n not in DETECTION_CATEGORIES.values()} if total > 0 else {}
    return named or None
