"""Findings about labels: too few sites, contradictions, and boxes outside their picture."""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import pandas as pd

from leopardnet.core.boxes import place_boxes
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import EMPTY
from leopardnet.core.manifest import Manifest
from leopardnet.data.checks.finding import Finding

Size = tuple[int, int, int]  # width and height in px, upright, and the EXIF orientation
_SLACK = {"px": 1.0, "fraction": 0.005}


def check_labels(manifest: Manifest, *, min_sites: int) -> Iterator[Finding]:
    """Yield labels with few sites, rows without a site, and clips with contradicting labels."""
    t = manifest.table
    labelled = t[t["label"].notna()]
    if labelled.empty:
        yield Finding("info", "no_labels", "no row has a label: enough to predict, but not to train or evaluate")
    for label, rows in labelled.groupby("label"):
        n_sites, n_without = rows["site"].nunique(), int(rows["site"].isna().sum())
        if n_sites < min_sites:
            counts = f"{n_sites} known sites ({len(rows)} rows, {n_without} without a site)"
            message = f"'{label}' occurs at {counts}; fewer than {min_sites} say little about new sites"
            yield Finding("warning", "few_sites", message)
    if n_several := int(t["labels"].notna().sum()):
        message = (
            f"{n_several} rows show several species; only a model with labels.multi is trained and judged on them"
        )
        first = t[t["labels"].notna()].iloc[0]
        yield Finding("info", "several_species", message, int(str(first.name)), first["path"])
    n_without = int(t["site"].isna().sum())
    if n_without:
        first = t[t["site"].isna()].iloc[0]
        advice = "a split keeps only their deployments, sequences and copies together"
        message = f"{n_without} of {len(t)} rows have no site; {advice}"
        yield Finding("warning", "no_site", message, int(str(first.name)), first["path"])
    yield from _check_sequences(t)
    yield from _check_contradictions(labelled)


def _check_sequences(t: pd.DataFrame) -> Iterator[Finding]:
    n_sites = t.groupby("sequence_id")["site"].nunique()
    n_sites = n_sites[n_sites > 1]
    first = t[t["sequence_id"].isin(n_sites.index)].drop_duplicates("sequence_id")
    for i, path, sequence in zip(first.index, first["path"], first["sequence_id"], strict=True):
        message = (
            f"sequence {sequence} occurs at {n_sites[sequence]} sites, so a split keeps these sites together; "
            "give sequences names that are unique over all cameras"
        )
        yield Finding("warning", "sequence_at_several_sites", message, i, path)


def _check_contradictions(labelled: pd.DataFrame) -> Iterator[Finding]:
    n_labels = labelled.groupby("clip_id")["label"].nunique()
    for _, rows in labelled[labelled["clip_id"].isin(n_labels.index[n_labels > 1])].groupby("clip_id", sort=False):
        whole = rows[rows["kind"] != "frame"]["label"].unique()
        frames = set(rows[rows["kind"] == "frame"]["label"])
        i, path = rows.index[0], rows["path"].iloc[0]
        others = sorted(frames - {EMPTY, *whole})
        if len(whole) and others:
            message = f"the clip is labelled '{whole[0]}', but its frames '{', '.join(others)}'; correct one"
            yield Finding("error", "labels_disagree", message, i, path)
        elif len(others) > 1:
            message = f"the frames of the clip are labelled {', '.join(others)}, so the whole clip has no label"
            yield Finding("info", "several_species", message, i, path)
        same_moment = (
            rows[rows["kind"] == "frame"].groupby(["time_s", "frame_number"], dropna=False)["label"].nunique()
        )
        if (same_moment > 1).any():
            yield Finding("error", "labels_disagree", "a frame of the clip has two labels; correct one", i, path)


def check_boxes(manifest: Manifest, facts: pd.DataFrame) -> Iterator[Finding]:
    """Yield boxes that cannot be read, have no area, extend beyond the picture, or have no certain place in it."""
    t = manifest.table
    boxed = t[t["boxes"].notna()]
    known = facts.loc[facts["width_px"].notna(), ["path", "width_px", "height_px", "orientation"]].fillna(1)
    size = {
        path: (width, height, orientation) for path, width, height, orientation in known.itertuples(index=False)
    }
    n_unknown, unplaced = 0, []
    for i, row in zip(boxed.index, boxed.to_dict("records"), strict=True):
        try:
            boxes = [_parse_corners(box) for box in json.loads(row["boxes"])]
        except (ValueError, TypeError, KeyError, AttributeError):
            message = "the boxes are not a JSON list of {xyxy: [x1, y1, x2, y2]}"
            yield Finding("error", "box_unreadable", message, i, row["path"])
            continue
        limits = _picture_size(row, size)
        n_unknown += limits is None and bool(boxes)
        for box in boxes:
            if fault := _find_box_fault(box, limits, str(row["box_unit"])):
                yield Finding("error", "box_outside", fault, i, row["path"])
        if row["kind"] == "still" and boxes and (reason := _find_place_fault(row, boxes, size)):
            unplaced.append((i, row["path"], reason))
    if unplaced:
        i, path, reason = unplaced[0]
        message = f"boxes of {len(unplaced)} rows have no certain place, so they are not used; here: {reason}"
        yield Finding("warning", "box_place_unknown", message, i, path)
    if n_unknown:
        message = f"boxes of {n_unknown} rows were not checked: box_unit or the size of the picture is unknown"
        yield Finding("info", "box_not_checked", message)


def _parse_corners(box: Mapping[str, Any]) -> tuple[float, ...]:
    corners = tuple(float(x) for x in box["xyxy"])
    if len(corners) != 4 or not all(map(math.isfinite, corners)):
        raise ValueError("a box has four finite corners")
    return corners


def _picture_size(row: Mapping[Hashable, Any], size: Mapping[str, Size]) -> tuple[float, float] | None:
    if row["box_unit"] == "fraction":
        return 1.0, 1.0
    width, height = row["width_px"], row["height_px"]
    if (pd.isna(width) or pd.isna(height)) and row["path"] in size:
        width, height, _ = size[row["path"]]
    if row["box_unit"] != "px" or pd.isna(width) or pd.isna(height):
        return None
    return float(width), float(height)


def _find_place_fault(
    row: Mapping[Hashable, Any], boxes: list[tuple[float, ...]], size: Mapping[str, Size]
) -> str | None:
    """Return why the boxes of a still have no certain place on its upright picture, or None."""
    if row["path"] not in size:
        return None
    width, height, orientation = size[row["path"]]
    if orientation == 1 and row["box_unit"] != "fraction":
        return None  # a box beyond the picture has a finding of its own
    drawn_px = (
        None if pd.isna(row["width_px"]) or pd.isna(row["height_px"]) else (row["width_px"], row["height_px"])
    )
    stored_px = (height, width) if orientation >= 5 else (width, height)
    try:
        place_boxes(boxes, str(row["box_unit"]), drawn_px=drawn_px, stored_px=stored_px, orientation=orientation)
    except ManifestError as error:
        return error.one_line
    return None


def _find_box_fault(box: tuple[float, ...], limits: tuple[float, float] | None, unit: str) -> str | None:
    x1, y1, x2, y2 = box
    corners = ", ".join(f"{v:g}" for v in box)
    if x2 <= x1 or y2 <= y1:
        return f"box {corners} ({unit}) has no area; boxes are x1, y1, x2, y2"
    if limits is not None:
        slack = _SLACK[unit]
        if min(x1, y1) < -slack or x2 > limits[0] + slack or y2 > limits[1] + slack:
            size = f"{limits[0]:g} x {limits[1]:g}"
            return f"box {corners} ({unit}) extends beyond the picture of {size}; check box_unit"
    return None
