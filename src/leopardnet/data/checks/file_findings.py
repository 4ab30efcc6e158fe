"""Findings about files: missing, broken, copied, and labels beyond the end of a video."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.other_footage import refuse_other_footage
from leopardnet.core.manifest import Manifest
from leopardnet.data.checks.file_facts import list_row_files
from leopardnet.data.checks.finding import Finding
from leopardnet.data.splits.groups import find_groups

_FAULTS = {
    "missing": "the file is missing; check the path, or give the right folder with --root",
    "empty": "the file is empty, of 0 bytes; copy it from the card again, or remove the row",
}
_ADVICE = {
    "unreadable": "copy the file again or repair it; it cannot be used now",
    "partial": "only the readable part is used",
}
_TOLERANCE_S = 0.5
OF_FILES = ("path", "captured_at", "width_px", "height_px")  # facts of a manifest that a file has as well


def check_files(manifest: Manifest, facts: pd.DataFrame) -> Iterator[Finding]:
    """Yield files that are missing, empty, unreadable or only partly readable, one finding per file."""
    bad = facts[facts["status"] != "ok"]
    first_row = list_row_files(manifest).drop_duplicates("path").set_index("path")["i_row"]
    for path, status, reason in zip(bad["path"], bad["status"], bad["reason"], strict=True):
        known = f"{reason}; " if isinstance(reason, str) else ""
        message = _FAULTS.get(status) or f"{known}{_ADVICE[status]}"
        yield Finding(
            "warning" if status == "partial" else "error", f"file_{status}", message, int(first_row[path]), path
        )


def check_frames(manifest: Manifest, facts: pd.DataFrame) -> Iterator[Finding]:
    """Yield labelled frames beyond the end of their video, if its container gives the length."""
    frames = manifest.table[manifest.table["kind"] == "frame"]
    by_path = facts.set_index("path")
    duration_s = frames["path"].map(by_path["duration_s"]).astype("float64")
    n_frames = frames["path"].map(by_path["n_frames"]).astype("float64")
    late = (frames["time_s"] > duration_s + _TOLERANCE_S) & (duration_s > 0)
    beyond = (frames["frame_number"].astype("float64") >= n_frames) & (n_frames > 0)
    for i in frames.index[late | beyond]:
        row = frames.loc[i]
        at, end = f"{row['time_s']:.1f} s", f"{duration_s[i]:.1f} s"
        if not late[i]:
            at, end = f"frame {row['frame_number']}", f"{n_frames[i]:.0f} frames"
        message = f"the label is at {at}, but the video has {end}; check the time of the label"
        yield Finding("error", "frame_beyond_end", message, i, row["path"])


def check_sizes(manifest: Manifest, facts: pd.DataFrame, group: pd.Series[Any]) -> Iterator[Finding]:
    """Yield clips that look like another one with the same name or time, in another size: thumbnails and previews.

    group: from `find_copies`. Cellular cameras keep a small picture beside the one that they send, and gallery
    programs make more.
    """
    clips = manifest.table.assign(_group=group).dropna(subset="_group").drop_duplicates("clip_id")
    by_path = facts.set_index("path")
    for side in ("width", "height"):
        clips[f"_{side}"] = clips["path"].map(by_path[f"{side}_px"]).astype("float64")
    clips["_px"] = clips["_width"] * clips["_height"]
    clips["_name"] = [path.rpartition("/")[2].rpartition(".")[0].lower() for path in clips["path"]]
    clips = clips.sort_values("_px", ascending=False, kind="stable")
    largest = pd.Series(dtype="str")
    for key in ("_name", "captured_at"):
        same = clips.groupby(["_group", "kind", key])
        is_smaller = clips["_px"] < same["_px"].transform("first")
        largest = largest.combine_first(same["path"].transform("first")[is_smaller])
    rows: dict[Any, dict[Any, Any]] = clips.to_dict("index")
    by_name = {row["path"]: row for row in rows.values()}
    for i, path in largest.items():
        row, other = rows[i], by_name[path]
        size, larger = (f"{r['_width']:.0f} x {r['_height']:.0f}" for r in (row, other))
        message = f"{size} beside {larger}: a smaller copy of {_describe(other)}; remove one, or it counts twice"
        yield Finding("warning", "two_sizes", message, int(str(i)), row["path"])


def check_footage(manifest: Manifest, facts: pd.DataFrame) -> Iterator[Finding]:
    """Yield a finding if the table of labels does not fit the files: perhaps those of another card."""
    table = manifest.table.loc[manifest.table["kind"] != "burst", ["clip_id", *OF_FILES]]
    files = table[["clip_id", "path"]].merge(
        facts[["path", "recorded_at", "width_px", "height_px"]].rename(columns={"recorded_at": "captured_at"}),
        on="path",
    )
    try:
        refuse_other_footage(table, files, names=("the manifest", "the files"))
    except ManifestError as error:
        where = str(error.parts["where"])
        message = f"{error.parts['found']}: do the labels belong to this footage?"
        yield Finding("warning", "other_footage", message, int(table.index[table["path"] == where][0]), where)


def check_copies(manifest: Manifest, facts: pd.DataFrame, group: pd.Series[Any]) -> Iterator[Finding]:
    """Yield equal files, and similar pictures that a split by site could separate.

    group: from `find_copies`. Similar pictures of one site are normal for a fixed camera, and no finding. If the
    manifest has a split, `check_split` reports the pictures that it separates.
    """
    t = manifest.table
    digest = t["path"].map(facts.set_index("path")["digest"])
    yield from _check_equal_files(t, digest)
    site_group = pd.Series(find_groups(t, by="site"), index=t.index)
    has_split = t["split"].notna().any()
    for _, rows in t.assign(_group=site_group, _digest=digest).groupby(group):
        first = rows.iloc[0]
        is_equal = rows["_digest"].notna() & (rows["_digest"] == first["_digest"])
        others = rows[(rows["_group"] != first["_group"]) & ~is_equal]
        for i, row in others.drop_duplicates("_group").iterrows():
            two_sites = isinstance(first["site"], str) and isinstance(row["site"], str)
            if has_split and not two_sites:
                continue
            advice = (
                "is a site wrong?"
                if two_sites
                else "split with --keep-copies (keep_together) to keep both together"
            )
            message = f"looks like {_describe(first)}: {advice}"
            yield Finding("warning", "near_duplicate", message, int(str(i)), row["path"])


def _check_equal_files(t: pd.DataFrame, digest: pd.Series[Any]) -> Iterator[Finding]:
    clips = t.assign(_digest=digest).dropna(subset="_digest").drop_duplicates("clip_id")
    for _, rows in clips[clips["_digest"].duplicated(keep=False)].groupby("_digest", sort=False):
        first = rows.iloc[0]
        for i, row in rows.iloc[1:].iterrows():
            labels = {x for x in (first["label"], row["label"]) if isinstance(x, str)}
            if len(labels) > 1:
                both = " and ".join(sorted(labels))
                message = f"same file as {_describe(first)} with another label ({both}); correct one"
                yield Finding("error", "copies_disagree", message, int(str(i)), row["path"])
            else:
                message = f"same file as {_describe(first)}; remove one, or it counts twice"
                yield Finding("warning", "copy", message, int(str(i)), row["path"])


def _describe(row: Mapping[Any, Any] | pd.Series[Any]) -> str:
    if not isinstance(row["site"], str):
        return str(row["path"])
    at = f"site {row['site']}"  # a text of its own, so that it is translated beside any path
    return f"{row['path']} ({at})"
