"""Findings about labels: too few sites, contradictions, and boxes that do not fit their picture."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from leopardnet.core.manifest import Manifest
from leopardnet.data.checks.file_findings import Finding, finding

_SLACK = {"px": 1.0, "fraction": 0.005}


def label_findings(manifest: Manifest, *, min_sites: int) -> Iterator[Finding]:
    """Labels with few sites, rows without a site, and clips whose labels contradict each other."""
    t = manifest.table
    labelled = t[t["label"].notna()]
    if labelled.empty:
        yield finding("info", "no_labels", "no row has a label: enough to classify, not to train or evaluate")
    for label, rows in labelled.groupby("label"):
        n_sites, n_without = rows["site"].nunique(), int(rows["site"].isna().sum())
        if n_sites < min_sites:
            message = f"'{label}' stands at {n_sites} known sites ({len(rows)} rows, {n_without} without a site); fewer than {min_sites} say little about a new place"
            yield finding("warning", "few_sites", message)
    n_without = int(t["site"].isna().sum())
    if n_without:
        yield finding(
            "warning",
            "no_site",
            f"{n_without} of {len(t)} rows have no site; a split can only keep their deployments, sequences and copies together",
            i_row=t.index[t["site"].isna()][0],
            path=t["path"][t["site"].isna()].iloc[0],
        )
    yield from _several_sites(t)
    yield from _contradictions(labelled)


def _several_sites(t: pd.DataFrame) -> Iterator[Finding]:
    n_sites = t.groupby("sequence_id")["site"].nunique()
    n_sites = n_sites[n_sites > 1]
    first = t[t["sequence_id"].isin(n_sites.index)].drop_duplicates("sequence_id")
    for i, path, sequence in zip(first.index, first["path"], first["sequence_id"], strict=True):
        message = f"sequence {sequence} stands at {n_sites[sequence]} sites, so a split keeps these sites together; give sequences names that are unique over all cameras"
        yield finding("warning", "sequence_at_several_sites", message, i_row=i, path=path)


def _contradictions(labelled: pd.DataFrame) -> Iterator[Finding]:
    n_labels = labelled.groupby("clip_id")["label"].nunique()
    for _, rows in labelled[labelled["clip_id"].isin(n_labels.index[n_labels > 1])].groupby("clip_id", sort=False):
        whole = rows[rows["kind"] != "frame"]["label"].unique()
        frames = set(rows[rows["kind"] == "frame"]["label"])
        at = {"i_row": rows.index[0], "path": rows["path"].iloc[0]}
        strange = sorted(frames - {"empty", *whole})
        if len(whole) and strange:
            message = f"the clip is labelled '{whole[0]}', but frames of it '{', '.join(strange)}'; correct one"
            yield finding("error", "labels_disagree", message, **at)
        elif len(strange) > 1:
            message = f"frames of the clip show {', '.join(strange)}; as a whole it has no label"
            yield finding("info", "several_species", message, **at)
        same_moment = (
            rows[rows["kind"] == "frame"].groupby(["time_s", "frame_number"], dropna=False)["label"].nunique()
        )
        if (same_moment > 1).any():
            yield finding("error", "labels_disagree", "one frame of the clip has two labels; correct one", **at)


def box_findings(manifest: Manifest, facts: pd.DataFrame) -> Iterator[Finding]:
    """Boxes that cannot be read, have no area, or reach out of the picture."""
    t = manifest.table
    boxed = t[t["boxes"].notna()]
    size = facts.set_index("path")[["width_px", "height_px"]]
    n_unknown = 0
    for i, row in zip(boxed.index, boxed.to_dict("records"), strict=True):
        try:
            boxes = [_corners(box) for box in json.loads(row["boxes"])]
        except (ValueError, TypeError, KeyError, AttributeError):
            yield finding(
                "error",
                "box_unreadable",
                "the boxes are not a JSON list of {xyxy: [x1, y1, x2, y2]}",
                i_row=i,
                path=row["path"],
            )
            continue
        limits = _limits(row, size)
        n_unknown += limits is None and bool(boxes)
        for box in boxes:
            if message := _box_fault(box, limits, str(row["box_unit"])):
                yield finding("error", "box_outside", message, i_row=i, path=row["path"])
    if n_unknown:
        yield finding(
            "info",
            "box_not_checked",
            f"boxes of {n_unknown} rows were not checked: box_unit or the size of the picture is not known",
        )


def _corners(box: dict[str, Any]) -> tuple[float, ...]:
    corners = tuple(float(x) for x in box["xyxy"])
    if len(corners) != 4 or not all(map(math.isfinite, corners)):
        raise ValueError("a box has four finite corners")
    return corners


def _limits(row: dict[str, Any], size: pd.DataFrame) -> tuple[float, float] | None:
    if row["box_unit"] == "fraction":
        return 1.0, 1.0
    width, height = row["width_px"], row["height_px"]
    if (pd.isna(width) or pd.isna(height)) and row["path"] in size.index:
        width, height = size.loc[row["path"]]
    if row["box_unit"] != "px" or pd.isna(width) or pd.isna(height):
        return None
    return float(width), float(height)


def _box_fault(box: tuple[float, ...], limits: tuple[float, float] | None, unit: str) -> str | None:
    x1, y1, x2, y2 = box
    shown = f"box {', '.join(f'{v:g}' for v in box)} ({unit})"
    if x2 <= x1 or y2 <= y1:
        return f"{shown} has no area; boxes are x1, y1, x2, y2"
    if limits is not None:
        slack = _SLACK[unit]
        if min(x1, y1) < -slack or x2 > limits[0] + slack or y2 > limits[1] + slack:
            return f"{shown} reaches out of the picture of {limits[0]:g} x {limits[1]:g}; check box_unit"
    return None
