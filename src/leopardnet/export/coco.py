"""A parcel as COCO Camera Traps JSON: one picture or video each, its decision as category, boxes where there are any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.boxes import format_boxes
from leopardnet.core.manifest import Manifest
from leopardnet.data.formats.coco import write_coco
from leopardnet.data.formats.written import WriteResult
from leopardnet.export.outgoing import Outgoing
from leopardnet.export.outgoing_clips import SharedClip, clips_of
from leopardnet.score.decide import UNREADABLE, UNSURE

COLUMNS = (
    "path",
    "kind",
    "paths",
    "time_s",
    "frame_number",
    "site",
    "deployment",
    "sequence_id",
    "captured_at",
    "label",
    "boxes",
    "box_unit",
    "width_px",
    "height_px",
)
TEXTS = ("path", "paths", "site", "deployment", "sequence_id", "label", "boxes", "box_unit")


def write(parcel: Outgoing, out: Path) -> WriteResult:
    """What was written. `unsure` is a category of its own; a clip that could not be read is `corrupt` and has none.

    Boxes of a video stand at its frames, beside the video itself, and are named like the clip.
    """
    rows, scores, corrupt = list[Mapping[str, Any]](), dict[str, float](), set[str]()
    for clip in clips_of(parcel):
        rows += list(_rows(clip, parcel.labels.empty))
        if clip.probs is None:
            corrupt.update(clip.files)
        elif clip.said["decision"] != UNSURE:
            scores.update(dict.fromkeys(clip.files, clip.said["score"]))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table = table.astype(dict.fromkeys(TEXTS, "str"))
    table["captured_at"] = pd.to_datetime(table["captured_at"])
    manifest = Manifest.from_rows(table, parcel.footage.root)
    write_coco(manifest, out, description="machine labels by leopardnet", corrupt=corrupt, scores=scores)
    note = f"corrections of people, for which the format has no place, not written: {len(parcel.human)}"
    n_out = sum(parcel.reasons.values())
    return WriteResult(
        Path(out), len(parcel.table), n_out, parcel.reasons, (*parcel.notes, *[note] * bool(len(parcel.human)))
    )


def _rows(clip: SharedClip, empty: str | None) -> Iterator[Mapping[str, Any]]:
    said, decision = clip.said, clip.said["decision"]
    label = None if decision == UNREADABLE else "empty" if decision == empty else decision
    size = {"width_px": said["width_px"] or None, "height_px": said["height_px"] or None}
    row = {c: clip.known.get(c) for c in COLUMNS} | size | {"label": label}
    boxed = [f for f in clip.frames if f.boxes] if label not in (None, "empty") else []
    if said["kind"] == "still" and boxed:
        yield row | _boxes(boxed[0].boxes, label)
        return
    yield row
    for frame in boxed if said["kind"] == "video" else ():
        at = {"kind": "frame", "time_s": frame.time_s, "frame_number": clip.frame_number(frame.time_s)}
        yield row | at | _boxes(frame.boxes, label)


def _boxes(boxes: Any, label: str | None) -> dict[str, Any]:
    """The boxes, each called what it says it holds, else what the clip is called."""
    named = [{"xyxy": b["xyxy"], "label": b.get("label", label)} for b in boxes]
    return {"boxes": format_boxes(named), "box_unit": "fraction"}
