"""Everything about a manifest that would spoil a model or its figures, as one table of findings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.columns import FINDINGS
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import conform
from leopardnet.data.checks.clock_findings import clock_findings
from leopardnet.data.checks.file_facts import MONOCHROME_CHROMA, copies, file_facts
from leopardnet.data.checks.file_findings import copy_findings, file_findings, frame_findings
from leopardnet.data.checks.fingerprints import MAX_DISTANCE
from leopardnet.data.checks.label_findings import box_findings, label_findings
from leopardnet.data.checks.split_findings import split_findings
from leopardnet.data.scan.deployments import read_deployments

SEVERITIES = ("error", "warning", "info")


def check(
    manifest: Manifest,
    *,
    hash_files: bool = True,
    perceptual: bool = True,
    probe: bool = True,
    min_sites: int = 3,
    max_distance: int = MAX_DISTANCE,
    deployments: Path | str | None = None,
    now: datetime | None = None,
    facts: pd.DataFrame | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """What is wrong with a manifest: the columns of core.tables.FINDINGS, errors first, then by rule and row.

    error: a row cannot be used, or the figures would be false. warning: a person should look. info: worth knowing.
    hash_files, perceptual, probe: how closely files are looked at (see file_facts); `facts` gives what an earlier
    call of file_facts found, and then no file is read. min_sites: fewer sites per label are a warning. max_distance:
    how many bits of two perceptual hashes may differ (0 to 3). deployments: a table; times outside the period of
    their deployment are reported. now: naive, for clocks that run ahead; the present by default.
    """
    if facts is None:
        facts = file_facts(
            manifest, hash_files=hash_files, perceptual=perceptual, probe=probe, on_progress=on_progress
        )
    group = copies(manifest, facts, max_distance=max_distance)
    places = read_deployments(Path(deployments)) if deployments is not None else None
    found = [
        *file_findings(manifest, facts),
        *frame_findings(manifest, facts),
        *copy_findings(manifest, facts, group),
        *split_findings(manifest, facts, group),
        *label_findings(manifest, min_sites=min_sites),
        *box_findings(manifest, facts),
        *clock_findings(manifest, now=now or datetime.now(), deployments=places),
    ]
    rows = pd.DataFrame(found, columns=[c.name for c in FINDINGS])
    rows["row"] = rows["row"].astype("Int64")
    order = rows.assign(_rank=rows["severity"].map(SEVERITIES.index)).sort_values(
        ["_rank", "rule", "row", "path"], kind="stable", na_position="first"
    )
    return conform(order.drop(columns="_rank"), FINDINGS, where="findings")


def summary(findings: pd.DataFrame) -> pd.DataFrame:
    """How often each rule spoke: columns severity, rule, count, and the first message as an example."""
    by_rule = findings.groupby(["severity", "rule"], sort=False)["message"]
    return by_rule.agg(count="size", example="first").reset_index()


def coverage(manifest: Manifest, *, facts: pd.DataFrame | None = None, per_site: bool = False) -> pd.DataFrame:
    """How well each label is covered: n_rows, n_clips, n_sites, n_colour, n_monochrome, n_not_seen per label.

    per_site: one line per label and site. Colour is judged by the pixels that `facts` hold: a picture without colour
    was nearly always taken in infrared, at night. Without facts, and for files that gave no picture, it is not known.
    """
    t = manifest.table
    chroma = pd.Series(float("nan"), index=t.index)
    if facts is not None:
        chroma = t["path"].map(facts.set_index("path")["chroma"]).astype("float64")
    seen = t.assign(
        label=t["label"].fillna("(no label)"),
        site=t["site"].fillna("(no site)") if per_site else t["site"],
        n_colour=chroma >= MONOCHROME_CHROMA,
        n_monochrome=chroma < MONOCHROME_CHROMA,
        n_not_seen=chroma.isna(),
    )
    keys = ["label", "site"] if per_site else ["label"]
    columns: dict[str, Any] = {"n_rows": ("clip_id", "size"), "n_clips": ("clip_id", "nunique")}
    if not per_site:
        columns["n_sites"] = ("site", "nunique")
    columns |= {c: (c, "sum") for c in ("n_colour", "n_monochrome", "n_not_seen")}
    return seen.groupby(keys, sort=True).agg(**columns).reset_index()
