"""Findings about leaks: clips, sequences, sites and copies that are in two parts of a split."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from leopardnet.core.columns import SPLITS
from leopardnet.core.manifest import Manifest
from leopardnet.data.checks.finding import Finding, Severity
from leopardnet.data.splits.groups import find_groups


def check_split(manifest: Manifest, facts: pd.DataFrame, group: pd.Series[Any]) -> Iterator[Finding]:
    """Yield rows that belong together but are in different parts; nothing if the manifest has no split.

    group: from `find_copies`. A site in two parts is an error, unless all such sites are cut in order of time, as
    `split(by="time")` does. Equal files in two parts are an error. Similar pictures of one site are no finding,
    because a fixed camera takes many of them.
    """
    t = manifest.table
    if t["split"].isna().all():
        return
    for i in t.index[t["split"].isna()]:
        yield Finding(
            "error", "no_split", "the row has no split, but others do; split again", i, str(t.at[i, "path"])
        )
    t = t[t["split"].notna()]
    yield from _check_parts(
        t, t["clip_id"], "clip_cut", "error", lambda _, parts: f"the clip is in {parts}; split again"
    )
    yield from _check_parts(
        t,
        t["sequence_id"],
        "sequence_cut",
        "error",
        lambda key, parts: f"sequence {key} is in {parts}; split again",
    )
    severity: Severity = "error"
    advice = "metrics would be too good, so split by site"
    if _is_cut_by_time(t):
        severity, advice = "info", "in order of time, so metrics hold for known cameras only"
    yield from _check_parts(
        t, t["site"], "site_cut", severity, lambda key, parts: f"site {key} is in {parts}; {advice}"
    )
    digest = t["path"].map(facts.set_index("path")["digest"])
    again = "split again with --keep-copies (keep_together)"
    yield from _check_parts(
        t, digest, "copies_cut", "error", lambda _, parts: f"copies of this file are in {parts}; {again}"
    )
    site_group = pd.Series(find_groups(t, by="site"), index=t.index)
    alike = group.reindex(t.index).where(digest.isna())
    n_groups = site_group.groupby(alike).nunique()
    alike = alike.where(alike.isin(n_groups.index[n_groups > 1]))
    yield from _check_parts(
        t,
        alike,
        "look_alikes_cut",
        "warning",
        lambda _, parts: f"pictures that look like this one are in {parts}; {again}",
    )


def _check_parts(
    t: pd.DataFrame, keys: pd.Series[Any], rule: str, severity: Severity, write: Callable[[object, str], str]
) -> Iterator[Finding]:
    """Yield a finding at the first row of each key that is in more than one part. write: from both to a message."""
    n_parts = t["split"].groupby(keys).nunique()
    cut = t[keys.isin(n_parts.index[n_parts > 1])]
    for key, rows in cut.groupby(keys[cut.index], sort=False):
        counts = rows["split"].value_counts()
        parts = " and ".join(f"{part} ({n})" for part, n in sorted(counts.items(), key=lambda x: str(x[0])))
        yield Finding(severity, rule, write(key, parts), rows.index[0], rows["path"].iloc[0])


def _is_cut_by_time(t: pd.DataFrame) -> bool:
    """Return whether each site in several parts has its train rows first, then val, then test."""
    n_parts = t.groupby("site")["split"].nunique()
    several = t[t["site"].isin(n_parts.index[n_parts > 1])]
    timed = several.dropna(subset="captured_at")
    if timed.empty or not timed["split"].isin(SPLITS).all() or set(timed["site"]) != set(several["site"]):
        return False
    order = timed.assign(_part=timed["split"].map(SPLITS.index)).sort_values(["site", "captured_at", "_part"])
    return bool((order.groupby("site")["_part"].diff().fillna(0) >= 0).all())
