"""Outgoing clips as COCO Camera Traps JSON: an image for each file, its decision as category, and its boxes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.labels import EMPTY, JOINER, UNREADABLE, UNSURE
from leopardnet.core.manifest import Manifest
from leopardnet.data.formats.coco import write_coco
from leopardnet.data.formats.write_result import WriteResult
from leopardnet.export.outgoing import Outgoing
from leopardnet.export.outgoing_clips import UNNAMED_ALERTS, OutgoingClip, name_boxes, read_clips

COLUMNS = (
    "path", "kind", "paths", "time_s", "frame_number", "site", "deployment", "sequence_id", "captured_at",
    "label", "species", "boxes", "box_unit", "width_px", "height_px",
)  # fmt: skip
TEXTS = ("path", "paths", "site", "deployment", "sequence_id", "label", "species", "boxes", "box_unit")


def write(outgoing: Outgoing, out: Path) -> WriteResult:
    """Write one entry for each picture and video, and one for each frame of a video that has boxes.

    `unsure` is a category of its own. An unreadable clip is marked `corrupt` and has no category. A box without a
    label of its own gets the label of its clip. A clip of several species has an annotation for each, without
    boxes, because no box says which one it shows; `score` is then that of the least likely.
    """
    rows, scores, corrupt, n_alerts = list[Mapping[str, Any]](), dict[str, float](), set[str](), 0
    for clip in read_clips(outgoing):
        rows += list(_rows(clip, outgoing.labels.empty))
        n_alerts += bool(clip.unnamed_alerts)
        if clip.probs is None:
            corrupt.update(clip.files)
        elif clip.prediction["decision"] != UNSURE:
            scores.update(dict.fromkeys(clip.files, min(filter(None, map(clip.score, clip.names)), default=0.0)))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table = table.astype(dict.fromkeys(TEXTS, "str"))
    table["captured_at"] = pd.to_datetime(table["captured_at"])
    manifest = Manifest.from_rows(table, outgoing.footage.root)
    write_coco(manifest, out, description="machine labels by leopardnet", corrupt=corrupt, scores=scores)
    n_human, n_out = len(outgoing.human_labels), sum(outgoing.reasons.values())
    notes = [f"labels given by people, which the format cannot hold, not written: {n_human}"] * bool(n_human)
    notes += [UNNAMED_ALERTS.format(n_alerts)] * bool(n_alerts)
    return WriteResult(Path(out), len(outgoing.table), n_out, outgoing.reasons, (*outgoing.notes, *notes))


def _rows(clip: OutgoingClip, empty: str | None) -> Iterator[Mapping[str, Any]]:
    prediction, decision = clip.prediction, clip.prediction["decision"]
    label = None if decision == UNREADABLE else EMPTY if decision == empty else decision
    size = {"width_px": prediction["width_px"] or None, "height_px": prediction["height_px"] or None}
    row = {c: clip.footage.get(c) for c in COLUMNS} | size | {"label": label, "species": None}
    if len(clip.names) > 1:
        yield row | {"label": None, "species": JOINER.join(clip.names)}
        return
    boxed = [f for f in clip.frames if f.boxes] if label not in (None, EMPTY) else []
    if prediction["kind"] == "still" and boxed:
        yield row | name_boxes(boxed[0].boxes or (), decision)
        return
    yield row
    for frame in boxed if prediction["kind"] == "video" else ():
        at = {"kind": "frame", "time_s": frame.time_s, "frame_number": clip.frame_number(frame.time_s)}
        yield row | at | name_boxes(frame.boxes or (), decision)
