"""From a folder of footage to a manifest: which files, whose site, and when."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import pandas as pd

from leopardnet.core.columns import STRING, TIME
from leopardnet.core.errors import ConfigError
from leopardnet.core.footage_suffixes import kind_by_suffix
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id
from leopardnet.data.scan.bursts import BURST_GAP_S, burst_ids
from leopardnet.data.scan.bursts import group_bursts as group_into_bursts
from leopardnet.data.scan.capture_time import ClockReader
from leopardnet.data.scan.deployments import apply_deployments, outside_period, read_deployments
from leopardnet.data.scan.folder_pattern import FolderPattern
from leopardnet.data.scan.list_files import FootageFiles, list_footage

Progress = Callable[[int, int], None]
N_THREADS = 8
CHUNK = 256


@dataclass(frozen=True, slots=True)
class ScanReport:
    """A manifest and what a person should know about how it came about.

    `unmatched`: paths that are not built like the pattern; `empty_files`: paths of zero bytes; `left_out`: counts of
    what is no footage, by suffix; `unknown_deployments`: rows per deployment that the deployments table lacks;
    `n_outside_period`: rows recorded before the start or after the end of their deployment.
    """

    manifest: Manifest
    n_files: int
    unmatched: tuple[str, ...] = ()
    empty_files: tuple[str, ...] = ()
    left_out: dict[str, int] = field(default_factory=dict)
    n_system: int = 0
    n_links: int = 0
    unknown_deployments: dict[str, int] = field(default_factory=dict)
    n_outside_period: int = 0


def scan(
    root: Path | str,
    *,
    pattern: str | None = None,
    deployments: Path | str | None = None,
    time_from: Sequence[str] = ("exif", "quicktime", "riff"),
    filename_time: str | None = None,
    container_time: Literal["camera", "utc"] = "camera",
    group_bursts: bool = False,
    burst_gap_s: float = BURST_GAP_S,
    on_progress: Progress | None = None,
) -> Manifest:
    """The manifest of all footage under `root`: one row per file, in natural order, with its capture time.

    pattern: how folders are named, such as `{site}/{deployment}/*` (see FolderPattern); a path that is built
    otherwise keeps its row, without a site. deployments: a table with zones and clock corrections (see
    read_deployments). time_from, filename_time: which times are believed (see ClockReader). container_time: `camera`
    takes the time in an MP4 header as the camera's wall clock, which it nearly always is, `utc` as what the standard
    asks for. group_bursts: one row per burst instead of one per still.

    `path` is spelled as on the disk, so that the file opens; `clip_id` does not depend on how a file system stores
    accents. Raises ManifestError for a folder that is missing, unreadable or without footage, for a link that leaves
    it and for a name that no table can hold. `scan_report` gives the same with its side notes.
    """
    return scan_report(
        root,
        pattern=pattern,
        deployments=deployments,
        time_from=time_from,
        filename_time=filename_time,
        container_time=container_time,
        group_bursts=group_bursts,
        burst_gap_s=burst_gap_s,
        on_progress=on_progress,
    ).manifest


def scan_report(
    root: Path | str,
    *,
    pattern: str | None = None,
    deployments: Path | str | None = None,
    time_from: Sequence[str] = ("exif", "quicktime", "riff"),
    filename_time: str | None = None,
    container_time: Literal["camera", "utc"] = "camera",
    group_bursts: bool = False,
    burst_gap_s: float = BURST_GAP_S,
    on_progress: Progress | None = None,
) -> ScanReport:
    """What `scan` gives, with counts of what did not match, was left out, or is not known."""
    folder_pattern = FolderPattern.parse(pattern) if pattern is not None else None
    reader = ClockReader(tuple(time_from), filename_time)
    if container_time not in ("camera", "utc"):
        raise ConfigError("container_time is not known", found=container_time, expected="camera or utc")
    if burst_gap_s < 0:
        raise ConfigError("burst_gap_s must not be negative", found=burst_gap_s)
    places = read_deployments(Path(deployments)) if deployments is not None else None
    files = list_footage(Path(root))
    table, unmatched = _folder_columns(list(files.sizes), folder_pattern)
    table = _with_times(table, Path(root), reader, container_time, on_progress)
    unknown: dict[str, int] = {}
    n_outside = 0
    if places is not None:
        table, unknown = (applied := apply_deployments(table, places)).table, applied.unknown
        n_outside = int(outside_period(table, places).sum())
    table["sequence_id"] = table["sequence_id"].fillna(burst_ids(table, burst_gap_s=burst_gap_s))
    if group_bursts:
        table = group_into_bursts(table)
    return _report(Manifest.from_rows(table, Path(root), where="scan"), files, unmatched, unknown, n_outside)


def _report(
    manifest: Manifest, files: FootageFiles, unmatched: list[str], unknown: dict[str, int], n_outside: int
) -> ScanReport:
    empty = tuple(path for path, size in files.sizes.items() if size == 0)
    return ScanReport(
        manifest,
        len(files.sizes),
        tuple(unmatched),
        empty,
        files.other,
        files.n_system,
        files.n_links,
        unknown,
        n_outside,
    )


def _folder_columns(paths: list[str], pattern: FolderPattern | None) -> tuple[pd.DataFrame, list[str]]:
    found = [pattern.match(p) for p in paths] if pattern else [{}] * len(paths)
    columns: dict[str, object] = {
        "clip_id": [clip_id(p) for p in paths],
        "kind": [kind_by_suffix(p) for p in paths],
        "path": paths,
        "paths": None,
    }
    for name, column in {
        "site": "site",
        "deployment": "deployment",
        "sequence": "sequence_id",
        "label": "label",
    }.items():
        columns[column] = [(f or {}).get(name) for f in found]
    table = pd.DataFrame(columns)
    text = {c: STRING for c in table.columns}
    table = table.assign(species=table["label"], source="scan").astype(
        {**text, "species": STRING, "source": STRING}
    )
    return table, [p for p, f in zip(paths, found, strict=True) if f is None]


def _with_times(
    table: pd.DataFrame, root: Path, reader: ClockReader, container_time: str, on_progress: Progress | None
) -> pd.DataFrame:
    times: list[datetime | None] = []
    sources: list[str | None] = []
    with warnings.catch_warnings():
        # Pillow warns of broken EXIF; the time is then absent, and that is counted
        warnings.filterwarnings("ignore", module="PIL")
        for time, source in _read_times(list(table["path"]), root, reader, on_progress):
            times.append(time)
            sources.append(source)
    source_column = pd.Series(sources, index=table.index, dtype=STRING)
    is_utc = source_column.eq("quicktime") & (container_time == "utc")
    return table.assign(
        captured_at=pd.Series(times, index=table.index, dtype=TIME),
        time_source=source_column,
        time_zone=pd.Series("+00:00", index=table.index, dtype=STRING).where(is_utc),
    )


def _read_times(
    paths: list[str], root: Path, reader: ClockReader, on_progress: Progress | None
) -> Iterator[tuple[datetime | None, str | None]]:
    """Times in the order of `paths`. Threads hide the latency of cards and network disks."""
    chunks = [paths[i : i + CHUNK] for i in range(0, len(paths), CHUNK)]
    base = os.fspath(root)
    n_done = 0
    with ThreadPoolExecutor(N_THREADS) as pool:
        read = lambda chunk: [reader.read(os.path.join(base, p)) for p in chunk]  # noqa: E731, PTH118
        for found in pool.map(read, chunks):
            yield from found
            n_done += len(found)
            if on_progress is not None:
                on_progress(n_done, len(paths))
