"""Boxes that people drew on the review page as cells of a manifest: on stills, or as labelled frames of videos."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.boxes import format_boxes, parse_boxes
from leopardnet.core.labels import EMPTY, JOINER, UNKNOWN, split_labels

SAME_FRAME_S = 1e-3


def name_drawn_boxes(cell: Any, labels: str) -> dict[float, list[dict[str, Any]]]:
    """Return the boxes of a clip by the second of their frame, each with its label.

    cell: of the column `boxes` of `labels_by_clip`; labels: what people say of the clip, joined. A box without a
    label has that of the clip. Boxes of which nobody can tell what they show are left out: those of another label,
    and in a clip of several labels those without one.

    >>> name_drawn_boxes('[{"xyxy": [0, 0, 0.5, 1], "time_s": 1.5}]', "tiger")
    {1.5: [{'xyxy': [0, 0, 0.5, 1], 'label': 'tiger'}]}
    """
    names = [x for x in split_labels(labels) if x not in (EMPTY, UNKNOWN)]
    found = defaultdict(list)
    for box in parse_boxes(cell):
        label = box.get("label", names[0] if len(names) == 1 else None)
        if label in names:
            found[float(box.get("time_s", 0.0))].append({"xyxy": box["xyxy"], "label": label})
    return dict(sorted(found.items()))


def add_drawn_boxes(table: pd.DataFrame, said: pd.DataFrame) -> pd.DataFrame:
    """Return rows of a manifest with the boxes that people drew: a still has them, a video gets labelled frames.

    table: rows with the labels of people; said: as `labels_by_clip` gives it. A labelled frame of the same time is
    replaced. Boxes on stills of a burst have no place in a manifest, and stay in the file of labels.
    """
    drawn = {
        clip_id: boxes
        for clip_id, cell, labels in said[["clip_id", "boxes", "labels"]].itertuples(index=False)
        if (boxes := name_drawn_boxes(cell, labels))
    }
    is_frame, is_drawn = table["kind"].eq("frame"), table["clip_id"].isin(drawn)
    clips = table[~is_frame & is_drawn].drop_duplicates("clip_id")
    stills = clips[clips["kind"] == "still"]
    cells = {i: format_boxes(next(iter(drawn[c].values()))) for i, c in stills["clip_id"].items()}
    has_cell = table.index.isin(list(cells)) & ~is_frame
    written = table["boxes"].mask(has_cell, pd.Series(cells, index=table.index, dtype=object))
    table = table.assign(boxes=written, box_unit=table["box_unit"].mask(has_cell, "fraction"))
    videos = clips[clips["kind"] == "video"]
    frames = [
        table.loc[[i]].assign(**_describe_frame(time_s, boxes))
        for i, clip_id in videos["clip_id"].items()
        for time_s, boxes in drawn[clip_id].items()
    ]
    times = {c: np.array(list(drawn[c])) for c in videos["clip_id"]}
    is_replaced = np.zeros(len(table), bool)
    for k in np.flatnonzero(is_frame & table["clip_id"].isin(times)):
        apart_s = np.abs(times[table["clip_id"].iloc[k]] - table["time_s"].iloc[k])
        is_replaced[k] = bool((apart_s <= SAME_FRAME_S).any())
    return pd.concat([table[~is_replaced], *frames]).sort_index(kind="stable") if frames else table


def _describe_frame(time_s: float, boxes: list[dict[str, Any]]) -> dict[str, Any]:
    names = sorted({box["label"] for box in boxes})
    return {
        "kind": "frame",
        "time_s": time_s,
        "label": names[0] if len(names) == 1 else None,
        "labels": JOINER.join(names) if len(names) > 1 else None,
        "boxes": format_boxes(boxes),
        "box_unit": "fraction",
    }
