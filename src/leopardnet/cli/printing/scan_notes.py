"""The counts and notes that the verb `scan` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from leopardnet.core.footage.footage_suffixes import PACKED_SUFFIXES

if TYPE_CHECKING:
    import pandas as pd

    from leopardnet.data.scan.scan import ScanReport


def scan_counts(report: ScanReport) -> dict[str, Any]:
    """Return how many files, rows and sites a scan found, and where their times come from."""
    t = report.manifest.table
    kinds, times = t["kind"].value_counts(), t["captured_at"].dropna()
    counts: dict[str, Any] = {"files": report.n_files, "rows": len(t)}
    counts |= {f"{kind}s": int(kinds[kind]) for kind in ("video", "still", "burst") if kind in kinds}
    counts |= {f"{c}s": _count_names(t, c) for c in ("site", "deployment", "label") if t[c].notna().any()}
    counts |= {f"time from {k}": int(v) for k, v in t["time_source"].value_counts().items()}
    counts["without a time"] = len(t) - len(times)
    if len(times):
        counts |= {"first": f"{times.min():%Y-%m-%d %H:%M}", "last": f"{times.max():%Y-%m-%d %H:%M}"}
    return counts


def _count_names(t: pd.DataFrame, column: str) -> int:
    # Deployments of two sites may have the same name.
    named = t[t[column].notna()]
    return len(named[["site", column]].drop_duplicates()) if column == "deployment" else named[column].nunique()


def scan_notes(report: ScanReport, pattern: str | None) -> list[str]:
    """Return what the user should know or do after a scan, one sentence each."""
    notes, t = list(report.notes), report.manifest.table
    if pattern is None:
        notes.append(
            'no site is known; give --pattern "{site}/{deployment}/*" if folders are named after sites, '
            "or a split cannot separate cameras"
        )
    if report.unmatched_paths:
        notes.append(
            f"paths that do not match {pattern}, so that they have no site ({len(report.unmatched_paths)}): "
            f"{_few(report.unmatched_paths)}"
        )
    if report.unknown_deployments:
        named = [f"{name} (rows: {n})" for name, n in report.unknown_deployments.items()]
        notes.append(
            "deployments that are not in the deployments table, so that their clocks are not corrected "
            f"({len(named)}): {_few(named)}"
        )
    if report.n_outside_period:
        notes.append(
            f"rows recorded outside the period of their deployment: {report.n_outside_period}; "
            "`leopardnet check --deployments` lists them"
        )
    if report.unread_times:
        path, text = next(iter(report.unread_times.items()))
        notes.append(
            "files without a capture time, because the text in its place is no time "
            f"({len(report.unread_times)}): {text[:40]!r} in {path}"
        )
    if report.doubtful_banners:
        doubts = [f"{why} ({path})" for path, why in report.doubtful_banners.items()]
        notes.append(
            f"banners that were not taken, because their time is not certain ({len(doubts)}): {_few(doubts)}"
        )
    n_changed = int(t["time_source"].eq("exif_changed").sum())
    if n_changed:
        notes.append(
            f"pictures without a recording time: {n_changed}; their EXIF tag DateTime was used, which programs "
            "that change a picture set too"
        )
    if t["captured_at"].notna().any() and t["time_zone"].isna().all():
        notes.append(
            "times are the cameras' local time in an unknown zone; give a deployments table (--deployments) with "
            "time_zone"
        )
    return notes + footage_notes(report)


def footage_notes(report: ScanReport) -> list[str]:
    """Return what a scan found to be no clip, or a doubtful one, one sentence each."""
    notes = []
    if report.empty_files:
        notes.append(f"empty files, of 0 bytes ({len(report.empty_files)}): {_few(report.empty_files)}")
    if report.paired_videos:
        notes.append(
            f"videos beside a picture of the same name, as in a Live Photo ({len(report.paired_videos)}); each "
            f"pair counts as two clips of one moment: {_few(report.paired_videos)}"
        )
    packed = {suffix: n for suffix, n in report.other_files.items() if suffix in PACKED_SUFFIXES}
    other = {suffix: n for suffix, n in report.other_files.items() if suffix not in packed}
    if packed:
        notes.append(
            "left out, but perhaps with footage in it (unpack archives, mount card images, give files that chkdsk "
            f"recovered their suffix, and scan again): {_few_counts(packed)}"
        )
    if other:
        notes.append(f"left out, because it is not footage: {_few_counts(other)}")
    if report.n_system_files:
        notes.append(f"hidden or system files and folders, left out: {report.n_system_files}")
    if report.n_links:
        notes.append(f"links to footage that is listed under its own name, left out: {report.n_links}")
    if report.outside_links:
        n = len(report.outside_links)
        notes.append(f"links that lead out of the folder, left out ({n}): {_few(report.outside_links)}")
    return notes


def _few_counts(counts: Mapping[str, int]) -> str:
    return _few([f"{suffix} {n}" for suffix, n in counts.items()], n=8)


def _few(names: Iterable[str], n: int = 3) -> str:
    names = list(names)
    return ", ".join(names[:n]) + (f" … and {len(names) - n} more" if len(names) > n else "")
