"""Outgoing stills as YOLO or Pascal VOC annotations: one file of boxes for each picture."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import EMPTY, UNKNOWN, UNREADABLE, UNSURE
from leopardnet.core.manifest import Manifest
from leopardnet.data.formats.voc import write_voc
from leopardnet.data.formats.write_result import WriteResult
from leopardnet.data.formats.yolo import write_yolo
from leopardnet.data.reading.label_map import JOINER
from leopardnet.export.outgoing import Outgoing
from leopardnet.export.outgoing_clips import UNNAMED_ALERTS, OutgoingClip, name_boxes, read_clips

AnnotationFormat = Literal["yolo", "voc"]
COLUMNS = ("path", "kind", "label", "boxes", "box_unit", "width_px", "height_px")
VIDEO = "videos, whose frames are not files"
NO_LABEL = "clips that are unsure or unreadable"
SEVERAL = "clips of several species, because no box says which one it shows"
NO_BOX = "clips with a label but no box"
NO_SIZE = "clips whose width and height in pixels are unknown"


def write(outgoing: Outgoing, out: Path, *, format: AnnotationFormat) -> WriteResult:
    """Write one annotation file for each still to the folder `out`; clips that the format cannot hold are counted.

    A clip is labelled by a person, or else by its decision. An empty clip gets an empty annotation. A box without a
    label of its own gets the label of its clip. The folder may be that of the pictures. Raises ConfigError where it
    holds annotations already: those of an earlier export, perhaps of people, would look like part of this one.
    """
    out, suffix = Path(out), ".txt" if format == "yolo" else ".xml"
    if out.is_file() or next(out.rglob("*" + suffix), None):
        what = "there are annotations at this place already" if out.is_dir() else "there is a file at this place"
        raise ConfigError(
            what, where=out.name, expected=f"a folder without {suffix} files", todo="choose another folder"
        )
    rows, reasons, n_rows, n_alerts = list[dict[str, Any]](), Counter(outgoing.reasons), 0, 0
    for clip in read_clips(outgoing):
        found = _annotate(clip, outgoing.labels.empty, needs_size=format == "voc")
        if isinstance(found, str):
            reasons[found] += 1
        else:
            rows += found
            n_rows += 1
            n_alerts += bool(clip.unnamed_alerts)
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype(
        dict.fromkeys(("path", "label", "boxes", "box_unit"), "str")
    )
    out.mkdir(parents=True, exist_ok=True)
    write_format = write_yolo if format == "yolo" else write_voc
    write_format(Manifest.from_rows(table, outgoing.footage.root), out)
    notes = (*outgoing.notes, *[UNNAMED_ALERTS.format(n_alerts)] * bool(n_alerts))
    return WriteResult(out, n_rows, sum(reasons.values()), dict(reasons), notes)


def _annotate(clip: OutgoingClip, empty: str | None, *, needs_size: bool) -> list[dict[str, Any]] | str:
    """Return a manifest row for each still with boxes, or the reason why the clip is left out."""
    prediction = clip.prediction
    label = clip.human_label["label"] if clip.human_label else JOINER.join(clip.names)
    if prediction["kind"] == "video":
        return VIDEO
    if label in (UNSURE, UNREADABLE, UNKNOWN):
        return NO_LABEL
    if JOINER in label:
        return SEVERAL
    row = {"kind": "still", "width_px": prediction["width_px"], "height_px": prediction["height_px"]}
    if label in (empty, EMPTY, "blank"):
        return [row | {"path": path, "label": EMPTY} for path in clip.files]
    # the time of a burst's frame is the number of its still
    boxed: dict[int, Any] = {int(f.time_s): f.boxes for f in clip.frames if f.boxes}
    boxed |= {
        int(time_s): boxes for time_s, boxes in clip.drawn.items()
    }  # what people drew stands above a detector
    rows = [row | {"path": p} | name_boxes(boxed[i], label) for i, p in enumerate(clip.files) if i in boxed]
    if not rows:
        return NO_BOX
    return NO_SIZE if needs_size and not (row["width_px"] and row["height_px"]) else rows
