"""Checks of a manifest for everything that would spoil a model or its metrics, as one table of findings."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from leopardnet.core.columns import FINDINGS, FIRST_ROW
from leopardnet.core.footage.light import COLOUR, INFRARED, name_light
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import conform
from leopardnet.data.checks.clock_findings import check_clocks
from leopardnet.data.checks.file_facts import find_copies, read_file_facts
from leopardnet.data.checks.file_findings import check_copies, check_files, check_footage, check_frames, check_sizes
from leopardnet.data.checks.finding import Severity
from leopardnet.data.checks.fingerprints import MAX_DISTANCE
from leopardnet.data.checks.health.check_health import check_health, list_camera_clips
from leopardnet.data.checks.label_findings import check_boxes, check_labels
from leopardnet.data.checks.split_findings import check_split
from leopardnet.data.scan.deployments import find_deployments

SEVERITIES: tuple[Severity, ...] = get_args(Severity)


def check(
    manifest: Manifest,
    *,
    hash_files: bool = True,
    perceptual: bool = True,
    probe: bool = True,
    min_sites: int = 3,
    max_distance: int = MAX_DISTANCE,
    deployments: Path | str | pd.DataFrame | None = None,
    now: datetime | None = None,
    facts: pd.DataFrame | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Check a manifest and return the findings: columns FINDINGS, errors first, then by rule and row.

    error: a row cannot be used, or metrics would be wrong; warning: a person should check; info: worth knowing.
    hash_files finds copies by content, perceptual near-copies by their look, probe broken files; facts: what an
    earlier call of `read_file_facts` found, so that no file is read. min_sites: a label with fewer sites is a
    warning. max_distance: the number of bits in which perceptual hashes of near-duplicates may differ (0 to 3).
    deployments: the table of `read_deployments`, or its file; times outside the period of their deployment are
    findings. now: a naive time; later capture times are findings; the present by default.

    >>> ln.check(manifest)[["severity", "rule", "path", "message"]]  # doctest: +SKIP
    """
    if facts is None:
        facts = read_file_facts(
            manifest, hash_files=hash_files, perceptual=perceptual, probe=probe, on_progress=on_progress
        )
    group = find_copies(manifest, facts, max_distance=max_distance)
    places, _ = find_deployments(deployments)
    now = now or datetime.now()
    found = [
        *check_files(manifest, facts),
        *check_frames(manifest, facts),
        *check_copies(manifest, facts, group),
        *check_sizes(manifest, facts, group),
        *check_footage(manifest, facts),
        *check_split(manifest, facts, group),
        *check_labels(manifest, min_sites=min_sites),
        *check_boxes(manifest, facts),
        *check_clocks(manifest, now=now, deployments=places),
        *check_health(list_camera_clips(manifest, facts, places), now=now),
    ]
    values = [
        (f.severity, f.rule, None if f.i_row is None else f.i_row + FIRST_ROW, f.path, f.message) for f in found
    ]
    rows = pd.DataFrame(values, columns=[c.name for c in FINDINGS]).astype({"row": "Int64"})
    order = rows.assign(_rank=rows["severity"].map(SEVERITIES.index)).sort_values(
        ["_rank", "rule", "row", "path"], kind="stable", na_position="first"
    )
    return conform(order.drop(columns="_rank"), FINDINGS, where="findings")


def count_by_rule(findings: pd.DataFrame) -> pd.DataFrame:
    """Count the findings of each rule: columns severity, rule, count, and the first message as an example."""
    by_rule = findings.groupby(["severity", "rule"], sort=False)["message"]
    return by_rule.agg(count="size", example="first").reset_index()


def count_coverage(
    manifest: Manifest, *, facts: pd.DataFrame | None = None, per_site: bool = False
) -> pd.DataFrame:
    """Count n_rows, n_clips, n_sites, n_colour, n_monochrome and n_not_seen of each label.

    per_site: one line per label and site, without n_sites. Colour comes from the chroma in `facts`: a picture
    without colour was nearly always taken in infrared, at night. Without facts, and for files without a picture,
    rows count as n_not_seen.

    >>> ln.count_coverage(manifest, per_site=True)  # doctest: +SKIP
    """
    t = manifest.table
    chroma = pd.Series(float("nan"), index=t.index)
    if facts is not None:
        chroma = t["path"].map(facts.set_index("path")["chroma"]).astype("float64")
    light = name_light(chroma)
    seen = t.assign(
        label=t["label"].fillna("(no label)"),
        site=t["site"].fillna("(no site)") if per_site else t["site"],
        n_colour=light == COLOUR,
        n_monochrome=light == INFRARED,
        n_not_seen=chroma.isna(),
    )
    keys = ["label", "site"] if per_site else ["label"]
    columns: dict[str, Any] = {"n_rows": ("clip_id", "size"), "n_clips": ("clip_id", "nunique")}
    if not per_site:
        columns["n_sites"] = ("site", "nunique")
    columns |= {c: (c, "sum") for c in ("n_colour", "n_monochrome", "n_not_seen")}
    counts: pd.DataFrame = seen.groupby(keys, sort=True).agg(**columns).reset_index()
    return counts
