"""Findings about leaks: clips, sequences, sites and copies that stand on two sides of a split."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import SPLITS
from leopardnet.data.checks.file_findings import Finding, finding
from leopardnet.data.splits.groups import find_groups


def split_findings(manifest: Manifest, facts: pd.DataFrame, group: pd.Series[Any]) -> Iterator[Finding]:
    """What a split parts although it belongs together. Nothing where the manifest has no split.

    group: what `file_facts.copies` gives. Sites on two sides are an error, unless all of them are cut in order of
    time, as `split(by="time")` does. Equal files on two sides are an error; look-alikes of one site are not counted,
    because a fixed camera takes little else.
    """
    t = manifest.table
    if t["split"].isna().all():
        return
    for i in t.index[t["split"].isna()]:
        yield finding(
            "error",
            "no_split",
            "the row has no split though others have one; split again",
            i_row=i,
            path=t.at[i, "path"],
        )
    t = t[t["split"].notna()]
    yield from _parted(t, t["clip_id"], "clip_cut", "error", "the clip stands in {parts}; split again")
    yield from _parted(
        t, t["sequence_id"], "sequence_cut", "error", "sequence {key} stands in {parts}; split again"
    )
    by_time = _cut_by_time(t)
    severity, advice = (
        ("info", "in order of time, so figures hold for known cameras only")
        if by_time
        else ("error", "figures would be too good; split by site")
    )
    yield from _parted(t, t["site"], "site_cut", severity, "site {key} stands in {parts}; " + advice)
    digest = t["path"].map(facts.set_index("path")["digest"])
    advice = "stand in {parts}; split again with --keep-copies (keep_together)"
    yield from _parted(t, digest, "copies_cut", "error", "copies of this file " + advice)
    side = pd.Series(find_groups(t, by="site"), index=t.index)
    alike = group.reindex(t.index).where(digest.isna())
    n_sides = side.groupby(alike).nunique()
    alike = alike.where(alike.isin(n_sides.index[n_sides > 1]))
    yield from _parted(t, alike, "look_alikes_cut", "warning", "pictures that look like this one " + advice)


def _parted(t: pd.DataFrame, keys: pd.Series[Any], rule: str, severity: str, message: str) -> Iterator[Finding]:
    """One finding, at its first row, for each key that has more than one split."""
    n_parts = t["split"].groupby(keys).nunique()
    cut = t[keys.isin(n_parts.index[n_parts > 1])]
    for key, rows in cut.groupby(keys[cut.index], sort=False):
        counts = rows["split"].value_counts()
        parts = " and ".join(f"{part} ({n})" for part, n in sorted(counts.items(), key=lambda x: str(x[0])))
        yield finding(
            severity, rule, message.format(key=key, parts=parts), i_row=rows.index[0], path=rows["path"].iloc[0]
        )


def _cut_by_time(t: pd.DataFrame) -> bool:
    """Whether each site that stands on two sides has its train rows first, then val, then test."""
    n_parts = t.groupby("site")["split"].nunique()
    several = t[t["site"].isin(n_parts.index[n_parts > 1])]
    timed = several.dropna(subset="captured_at")
    if timed.empty or not timed["split"].isin(SPLITS).all() or set(timed["site"]) != set(several["site"]):
        return False
    order = timed.assign(_part=timed["split"].map(SPLITS.index)).sort_values(["site", "captured_at", "_part"])
    return bool((order.groupby("site")["_part"].diff().fillna(0) >= 0).all())
