"""Findings about files: absent, broken, copied, and labels beyond the end of a video."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from leopardnet.core.manifest import Manifest
from leopardnet.data.checks.file_facts import row_files
from leopardnet.data.splits.groups import find_groups

Finding = dict[str, Any]
_ADVICE = {
    "missing": "check the path, or give the right folder with --root",
    "empty": "copy the file from the card again, or take the row out",
    "unreadable": "copy it again or repair it; it cannot be used as it is",
    "partial": "what could be read is used",
}
_TOLERANCE_S = 0.5


def finding(severity: str, rule: str, message: str, *, i_row: Any = None, path: str | None = None) -> Finding:
    """One row of the findings table; `i_row` counts from 0, the table from 1."""
    row = None if i_row is None or pd.isna(i_row) else int(i_row) + 1
    return {"severity": severity, "rule": rule, "row": row, "path": path, "message": message}


def file_findings(manifest: Manifest, facts: pd.DataFrame) -> Iterator[Finding]:
    """Files that are missing, empty, unreadable, or readable only in part: one finding per file."""
    bad = facts[facts["status"] != "ok"]
    first_row = row_files(manifest).drop_duplicates("path").set_index("path")["i_row"]
    for fact in bad.to_dict("records"):
        severity = "warning" if fact["status"] == "partial" else "error"
        reason = f"{fact['reason']}; " if isinstance(fact["reason"], str) else ""
        message = f"{fact['status']}: {reason}{_ADVICE[fact['status']]}"
        yield finding(severity, f"file_{fact['status']}", message, i_row=first_row[fact["path"]], path=fact["path"])


def frame_findings(manifest: Manifest, facts: pd.DataFrame) -> Iterator[Finding]:
    """Labelled frames beyond the end of their video, as far as its container tells its length."""
    frames = manifest.table[manifest.table["kind"] == "frame"]
    by_path = facts.set_index("path")
    duration_s = frames["path"].map(by_path["duration_s"]).astype("float64")
    n_frames = frames["path"].map(by_path["n_frames"]).astype("float64")
    late = (frames["time_s"] > duration_s + _TOLERANCE_S) & (duration_s > 0)
    beyond = (frames["frame_number"].astype("float64") >= n_frames) & (n_frames > 0)
    for i in frames.index[late | beyond]:
        at, end = f"{frames.at[i, 'time_s']:.1f} s", f"{duration_s[i]:.1f} s"
        if not late[i]:
            at, end = f"frame {frames.at[i, 'frame_number']}", f"{n_frames[i]:.0f} frames"
        yield finding(
            "error",
            "frame_beyond_end",
            f"the label stands at {at}, but the video has {end}; check the label's time",
            i_row=i,
            path=frames.at[i, "path"],
        )


def copy_findings(manifest: Manifest, facts: pd.DataFrame, group: pd.Series[Any]) -> Iterator[Finding]:
    """Equal files, and pictures that look alike although a split by site could part them.

    group: what `file_facts.copies` gives. Look-alikes of one site are what a fixed camera takes, and no finding.
    Once there is a split, `split_findings` says which of them it parts.
    """
    t = manifest.table
    digest = t["path"].map(facts.set_index("path")["digest"])
    yield from _equal_files(t, digest)
    side = pd.Series(find_groups(t, by="site"), index=t.index)
    is_split = t["split"].notna().any()
    for _, rows in t.assign(_side=side, _digest=digest).groupby(group):
        first = rows.iloc[0]
        others = rows[
            (rows["_side"] != first["_side"]) & (rows["_digest"].isna() | (rows["_digest"] != first["_digest"]))
        ]
        for i, row in others.drop_duplicates("_side").iterrows():
            two_sites = isinstance(first["site"], str) and isinstance(row["site"], str)
            if is_split and not two_sites:
                continue
            advice = (
                "is a site wrong?"
                if two_sites
                else "split with --keep-copies (keep_together) so that it stays with it"
            )
            yield finding(
                "warning", "near_duplicate", f"looks like {_named(first)}: {advice}", i_row=i, path=row["path"]
            )


def _equal_files(t: pd.DataFrame, digest: pd.Series[Any]) -> Iterator[Finding]:
    clips = t.assign(_digest=digest).dropna(subset="_digest").drop_duplicates("clip_id")
    for _, rows in clips[clips["_digest"].duplicated(keep=False)].groupby("_digest", sort=False):
        first = rows.iloc[0]
        for i, row in rows.iloc[1:].iterrows():
            labels = {x for x in (first["label"], row["label"]) if isinstance(x, str)}
            if len(labels) > 1:
                message = f"the same file as {_named(first)} under another label ({' and '.join(sorted(labels))}); correct one"
                yield finding("error", "copies_disagree", message, i_row=i, path=row["path"])
            else:
                message = f"the same file as {_named(first)}; take one out, or it counts twice"
                yield finding("warning", "copy", message, i_row=i, path=row["path"])


def _named(row: pd.Series[Any]) -> str:
    return f"{row['path']} (site {row['site']})" if isinstance(row["site"], str) else str(row["path"])
