"""A parcel as MegaDetector batch results: what Timelapse and AddaxAI show, with the answer of the clip and its frames.

The first detection of a file carries the answer of the clip: as `conf` the calibrated probability that something is there,
as classes the species, given that. Other frames that carry the decision follow with their own classes, never with more
confidence than the clip: one frame that the others outweighed must not lift a clip over a threshold. Boxes of a detector
stand where there are any, with the detector's score; everywhere else the box is the whole frame. Where clip and detector
differ about the frame that says most, the surer one counts: what either has seen is shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from leopardnet.core.boxes import xyxy_to_xywh
from leopardnet.data.formats.megadetector.write import (
    DETECTION_CATEGORIES,
    WHOLE_FRAME,
    Detection,
    FileResult,
    write_megadetector,
)
from leopardnet.data.formats.written import WriteResult
from leopardnet.export.outgoing import Outgoing
from leopardnet.export.outgoing_clips import (
    UNKNOWN_RATE,
    SharedClip,
    SharedFrame,
    box_category,
    category,
    clips_of,
    presence,
)

MOTION = "motion"  # the source of boxes whose score says how much moved, not how likely it is an animal
FLOOR = 0.01  # under it, and where the clip is called empty, a file holds no detection
DEFAULT_THRESHOLD = 0.2  # what tools take where a file states none
NOT_LOOKED_AT = "this still of a burst was not judged"


def write(parcel: Outgoing, out: Path, *, created: datetime) -> WriteResult:
    """What was written. Every clip is in the file, those that could not be read as failures."""
    empty = parcel.labels.empty
    classes = [n for n in parcel.predictions.labels if n != empty and n not in DETECTION_CATEGORIES.values()]
    classes = [n for n in classes if category(n) == "animal"]
    threshold = shown_from(parcel)
    info = {
        "detector": f"leopardnet {version('leopardnet')}",
        "classifier": f"leopardnet {version('leopardnet')} / model {', '.join(sorted(set(parcel.table['bundle_id'])))}",
        "classification_completion_time": created.isoformat(timespec="seconds"),
        "detector_metadata": {
            "typical_detection_threshold": threshold,
            "conservative_detection_threshold": min(threshold, 0.05),
        },
    }
    write_megadetector(
        (f for clip in clips_of(parcel) for f in files(clip, empty)), out, classes=classes, info=info
    )
    is_video = (parcel.table["kind"] == "video") & (parcel.table["status"] != "unreadable")
    n_bare = int((is_video & ~(parcel.table["fps"] > 0)).sum())
    note = f"videos whose frame rate is not known, with frame numbers that count milliseconds ({UNKNOWN_RATE:.0f} a second): {n_bare}"
    n_out = sum(parcel.reasons.values())
    return WriteResult(Path(out), len(parcel.table), n_out, parcel.reasons, (*parcel.notes, *[note] * bool(n_bare)))


def shown_from(parcel: Outgoing) -> float:
    """A threshold at which tools still show every clip that is not called empty: a suspected leopard among them."""
    t = parcel.table
    seen = t[(t["status"] != "unreadable") & (t["decision"] != parcel.labels.empty)]
    seen = seen.dropna(subset=[f"p_{n}" for n in parcel.predictions.labels])
    columns = {n: seen[f"p_{n}"].to_numpy() for n in parcel.predictions.labels}
    tops = [
        max(presence({n: v[i] for n, v in columns.items()}, parcel.labels.empty).values()) for i in range(len(seen))
    ]
    return min(max(math.floor(min(tops) * 1000) / 1000, FLOOR), 0.5) if tops else DEFAULT_THRESHOLD


def files(clip: SharedClip, empty: str | None) -> Iterator[FileResult]:
    """The results of each file of a clip."""
    if clip.probs is None:
        for path in clip.files:
            yield FileResult(path, failure=str(clip.said["reason"] or "the file could not be read"))
        return
    if clip.said["kind"] != "burst":
        rate = clip.rate if clip.said["kind"] == "video" else None
        numbers = [clip.frame_number(f.time_s) for f in clip.frames] if rate else []
        yield FileResult(clip.files[0], detections(clip, empty), frame_rate=rate, frames=numbers)
        return
    best = clip.best
    by_still = {int(f.time_s): f for f in clip.frames}
    for i, path in enumerate(clip.files):
        frame = by_still.get(i)
        if frame is None and len(clip.files) > 1:
            yield FileResult(path, failure=NOT_LOOKED_AT)
        elif frame is best or frame is None:
            yield FileResult(path, list(_of_clip(clip, empty)))
        else:
            yield FileResult(path, list(_of_frame(clip, frame, empty)))


def detections(clip: SharedClip, empty: str | None) -> list[Detection]:
    """The clip's own answer, then the frames that carry it and those with boxes."""
    best, carrying = clip.best, {round(t, 3) for t in clip.carrying_s}
    found = list(_of_clip(clip, empty))
    for frame in clip.frames:
        if frame is not best and (frame.boxes or round(frame.time_s, 3) in carrying):
            found += _of_frame(clip, frame, empty)
    return found


def _of_clip(clip: SharedClip, empty: str | None) -> Iterator[Detection]:
    """One detection for each of animal, person and vehicle that is likely enough, and more boxes of the same frame."""
    assert clip.probs is not None
    best, first = clip.best, None
    if best and best.animals:
        first = best.animals[0]
    at_s = best.time_s if best else clip.said["best_time_s"] or 0.0
    number = clip.frame_number(at_s) if clip.said["kind"] == "video" else None
    present = presence(clip.probs, empty)
    likeliest = max(present, key=lambda k: present[k])
    for name, p in present.items():
        box = first if name == "animal" else None
        conf = max(p, _score(box)) if box and best and best.source != MOTION else p
        if conf >= FLOOR or (name == likeliest and clip.said["decision"] != empty):
            place = _xywh(box) if box else WHOLE_FRAME
            yield Detection(name, conf, place, _classes(clip.probs, name, empty), number)
    if best:
        yield from _boxed(clip, best, [b for b in best.boxes or () if b is not first], empty, number)


def _of_frame(clip: SharedClip, frame: SharedFrame, empty: str | None) -> Iterator[Detection]:
    assert clip.probs is not None
    number = clip.frame_number(frame.time_s) if clip.said["kind"] == "video" else None
    if frame.boxes:
        yield from _boxed(clip, frame, frame.boxes, empty, number)
        return
    of_clip = presence(clip.probs, empty)
    for name, p in presence(frame.probs, empty).items():
        if (conf := min(p, of_clip[name])) >= FLOOR:
            yield Detection(name, conf, classes=_classes(frame.probs, name, empty), frame_number=number)


def _boxed(
    clip: SharedClip, frame: SharedFrame, boxes: Sequence[Mapping[str, Any]], empty: str | None, number: int | None
) -> Iterator[Detection]:
    """One detection for each box, with the detector's score; what only moved is never surer than the clip."""
    assert clip.probs is not None
    most = presence(clip.probs, empty) if frame.source == MOTION else {}
    for box in boxes:
        name = box_category(box)
        conf = min(_score(box), most.get(name, 1.0))
        yield Detection(name, conf, _xywh(box), _classes(frame.probs, name, empty), number)


def _score(box: Mapping[str, Any]) -> float:
    return float(box.get("score", 1.0))


def _xywh(box: Mapping[str, Any]) -> Sequence[float]:
    return xyxy_to_xywh(box["xyxy"])


def _classes(probs: Mapping[str, float], name: str, empty: str | None) -> dict[str, float] | None:
    """The probability of each species, given that there is an animal."""
    if name != "animal":
        return None
    wanted = {n: p for n, p in probs.items() if n != empty and category(n) == "animal"}
    total = sum(wanted.values())
    named = {n: p / total for n, p in wanted.items() if n not in DETECTION_CATEGORIES.values()} if total > 0 else {}
    return named or None
