"""Scan of a folder of footage into a manifest: one row per file, with its site and capture time."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Literal, get_args

import pandas as pd

from leopardnet.core.columns import STRING, TIME
from leopardnet.core.errors import ConfigError
from leopardnet.core.footage.footage_suffixes import kind_by_suffix
from leopardnet.core.footage.rendered import SOURCE as RENDERED
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id
from leopardnet.core.types import Clip
from leopardnet.data.reading.folder_pattern import FIELDS, FolderPattern
from leopardnet.data.reading.tables.clock_time import DateOrder
from leopardnet.data.scan.bursts import BURST_GAP_S, find_bursts
from leopardnet.data.scan.bursts import group_bursts as group_into_bursts
from leopardnet.data.scan.capture_time import CaptureTime, CaptureTimeReader
from leopardnet.data.scan.deployments import apply_deployments, find_deployments, is_outside_period
from leopardnet.data.scan.kept.known_times import KnownTimes
from leopardnet.data.scan.list_files import find_pairs, list_footage

if TYPE_CHECKING:
    from leopardnet.data.scan.banner.banner_time import BannerTimeReader

Progress = Callable[[int, int], None]
N_THREADS = 8
CHUNK = 256
PROBED_EVERY = 128  # chunks


@dataclass(frozen=True, slots=True)
class ScanReport:
    """A manifest, with the files and rows of the scan that need attention.

    `unmatched_paths`: paths that do not match the pattern; `empty_files`: paths of files with 0 bytes;
    `paired_videos`: paths of videos beside a picture of the same name; `other_files`, `n_system_files`, `n_links`:
    see FootageFiles;
    `unknown_deployments`: rows of each deployment that is not in the deployments table; `n_outside_period`: rows
    recorded before the start or after the end of their deployment; `unread_times`: the text that stands where the
    time should be, by path, for files without a time; `doubtful_banners`: why the time in a banner is not certain,
    by path; `outside_links`: see FootageFiles; `notes`: on how the deployments table was read.
    """

    manifest: Manifest
    n_files: int
    unmatched_paths: tuple[str, ...] = ()
    empty_files: tuple[str, ...] = ()
    paired_videos: tuple[str, ...] = ()
    other_files: dict[str, int] = field(default_factory=dict)
    n_system_files: int = 0
    n_links: int = 0
    unknown_deployments: dict[str, int] = field(default_factory=dict)
    n_outside_period: int = 0
    unread_times: dict[str, str] = field(default_factory=dict)
    doubtful_banners: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    outside_links: tuple[str, ...] = ()


def scan(
    root: Path | str,
    *,
    pattern: str | None = None,
    deployments: Path | str | pd.DataFrame | None = None,
    time_from: Sequence[str] = ("exif", "quicktime", "riff"),
    filename_time: str | None = None,
    date_order: DateOrder | None = None,
    container_time: Literal["camera", "utc"] = "camera",
    group_bursts: bool = False,
    burst_gap_s: float = BURST_GAP_S,
    known_times: Path | None = None,
    on_progress: Progress | None = None,
) -> Manifest:
    """Return the manifest of all footage under `root`: one row per file, in natural order, with its capture time.

    pattern: the folder names, such as `{site}/{deployment}/*` (see FolderPattern); a path that does not match keeps
    its row, without a site. deployments: the table of time zones and clock corrections of `read_deployments`, or
    its file. time_from, filename_time: the sources of capture times (see CaptureTimeReader). date_order: of day and
    month in banners; without it, the dates of each card decide. container_time: `camera` takes the time in an MP4
    header as the camera's wall clock, which is nearly always right, and `utc` as UTC, as the standard says.
    group_bursts: one row per burst instead of one per still. burst_gap_s: see find_bursts. known_times: a file that
    keeps what headers said, for files that have not changed by the next scan (see KnownTimes). on_progress: called
    with the number of files read so far and of all files; then again for the files whose banner is read.

    `path` is spelled as on disk, so that the file opens; `clip_id` does not depend on how a file system stores
    accents. Raises ManifestError for a folder that is missing, unreadable or without footage, a link out of it, and
    a name that no table can hold; ConfigError for wrong options; BackendError for banners without the extra
    `banner`. `scan_report` returns the same manifest with counts.

    >>> ln.scan("cards", pattern="{site}/{deployment}/*").write(Path("season.parquet"))  # doctest: +SKIP
    """
    return scan_report(
        root,
        pattern=pattern,
        deployments=deployments,
        time_from=time_from,
        filename_time=filename_time,
        date_order=date_order,
        container_time=container_time,
        group_bursts=group_bursts,
        burst_gap_s=burst_gap_s,
        known_times=known_times,
        on_progress=on_progress,
    ).manifest


def scan_report(
    root: Path | str,
    *,
    pattern: str | None = None,
    deployments: Path | str | pd.DataFrame | None = None,
    time_from: Sequence[str] = ("exif", "quicktime", "riff"),
    filename_time: str | None = None,
    date_order: DateOrder | None = None,
    container_time: Literal["camera", "utc"] = "camera",
    group_bursts: bool = False,
    burst_gap_s: float = BURST_GAP_S,
    skip_outside_links: bool = False,
    known_times: Path | None = None,
    on_progress: Progress | None = None,
) -> ScanReport:
    """Scan like `scan`, and also return counts of unmatched, ignored and unknown files and rows.

    skip_outside_links: leave links out of `root` out, and name them.
    """
    folder_pattern = FolderPattern.parse(pattern) if pattern is not None else None
    reader = CaptureTimeReader(tuple(time_from), filename_time)
    if container_time not in ("camera", "utc"):
        raise ConfigError("unknown container_time", found=container_time, expected="camera or utc")
    if date_order not in (None, *get_args(DateOrder)):
        raise ConfigError("unknown date_order", found=date_order, expected=" or ".join(get_args(DateOrder)))
    if date_order and "banner" not in reader.order:
        raise ConfigError(
            "the order of dates in banners is given, but no banner is read",
            todo="add banner to the sources of times (--time-from)",
        )
    if burst_gap_s < 0:
        raise ConfigError("burst_gap_s must not be negative", found=burst_gap_s)
    places, notes = find_deployments(deployments)
    banners = _open_banners(date_order) if "banner" in reader.order else None
    files = list_footage(Path(root), skip_outside_links=skip_outside_links)
    table, unmatched = _build_table(list(files.sizes), folder_pattern)
    with KnownTimes.open(known_times, files.stamps) as known:
        found, doubts = _find_times(table, Path(root), reader, banners, known, on_progress)
    table = _add_times(table, found, container_time)
    unknown: dict[str, int] = {}
    n_outside = 0
    if places is not None:
        table, unknown = (applied := apply_deployments(table, places)).table, applied.unknown
        n_outside = int(is_outside_period(table, places).sum())
    table["sequence_id"] = table["sequence_id"].fillna(find_bursts(table, burst_gap_s=burst_gap_s))
    if group_bursts:
        table = group_into_bursts(table)
    return ScanReport(
        Manifest.from_rows(table, Path(root), where="scan"),
        n_files=len(files.sizes),
        unmatched_paths=tuple(unmatched),
        empty_files=tuple(path for path, size in files.sizes.items() if size == 0),
        paired_videos=tuple(find_pairs([path for path, size in files.sizes.items() if size])),
        other_files=files.other_files,
        n_system_files=files.n_system_files,
        n_links=files.n_links,
        unknown_deployments=unknown,
        n_outside_period=n_outside,
        unread_times={path: t.unread for path, t in zip(files.sizes, found, strict=True) if t.unread},
        doubtful_banners=doubts,
        notes=notes,
        outside_links=files.outside_links,
    )


def scan_file(file: Path, kind: Literal["video", "still"]) -> Manifest:
    """Return the manifest of one footage file, with the row that a scan of its folder gives it."""
    table = _build_table([file.name], None)[0].assign(kind=kind)
    found, _ = _find_times(table, file.parent, CaptureTimeReader(), None, KnownTimes(None, {}), None)
    return Manifest.from_rows(_add_times(table, found, "camera"), file.parent, where="scan")


def _open_banners(date_order: DateOrder | None) -> BannerTimeReader:
    from leopardnet.data.scan.banner.banner_time import BannerTimeReader  # loads the decoders

    return BannerTimeReader(date_order)


def _build_table(paths: list[str], pattern: FolderPattern | None) -> tuple[pd.DataFrame, list[str]]:
    found = [pattern.match(p) for p in paths] if pattern else [{}] * len(paths)
    columns: dict[str, object] = {
        "clip_id": [clip_id(p) for p in paths],
        "kind": [kind_by_suffix(p) for p in paths],
        "path": paths,
        "paths": None,
    }
    for name in FIELDS:
        columns["sequence_id" if name == "sequence" else name] = [(f or {}).get(name) for f in found]
    table = pd.DataFrame(columns | {"species": columns["label"], "source": "scan"}, dtype=STRING)
    return table, [p for p, f in zip(paths, found, strict=True) if f is None]


def _find_times(
    table: pd.DataFrame,
    root: Path,
    reader: CaptureTimeReader,
    banners: BannerTimeReader | None,
    known: KnownTimes,
    on_progress: Progress | None,
) -> tuple[list[CaptureTime], dict[str, str]]:
    """Return the time of each row, and by path why the time in a banner is not certain."""
    before, after = reader.split_at_banner()
    paths = list(table["path"])
    with warnings.catch_warnings():
        # Pillow warns about broken EXIF. The time is then absent, and the scan counts that.
        warnings.filterwarnings("ignore", module="PIL")
        found = list(_read_times(paths, root, before, known, on_progress))
        doubts: dict[str, str] = {}
        if banners is not None:
            _ask_banners(found, table, root, banners, doubts, on_progress)
            missing = [i for i, time in enumerate(found) if _may_be_better(time)]
            later = _read_times([paths[i] for i in missing], root, after, known, None) if after.order else ()
            for i, time in zip(missing, later, strict=False):
                if time.time is not None and (found[i].time is None or time.source != "mtime"):
                    found[i] = time._replace(is_rendered=found[i].is_rendered)
    return found, doubts


def _may_be_better(time: CaptureTime) -> bool:
    return time.time is None or time.source == "exif_changed"


def _ask_banners(
    found: list[CaptureTime],
    table: pd.DataFrame,
    root: Path,
    banners: BannerTimeReader,
    doubts: dict[str, str],
    on_progress: Progress | None,
) -> None:
    """Replace missing times by those of banners, and fill `doubts`, in place."""
    rows = table[[_may_be_better(time) for time in found]]
    texts = rows[["site", "deployment"]].astype(object).where(rows.notna(), None)
    clips = [
        Clip(row["clip_id"], (row["path"],), row["kind"], site=site, deployment=deployment)
        for (_, row), site, deployment in zip(rows.iterrows(), texts["site"], texts["deployment"], strict=True)
    ]
    for i, clip, time in zip(rows.index, clips, banners.read(clips, root, on_progress=on_progress), strict=True):
        if isinstance(time, datetime):
            found[i] = CaptureTime(time, "banner", is_rendered=found[i].is_rendered)
        elif time:
            doubts[clip.path] = time


def _add_times(table: pd.DataFrame, found: Sequence[CaptureTime], container_time: str) -> pd.DataFrame:
    source_column = pd.Series([t.source for t in found], index=table.index, dtype=STRING)
    zone_column = pd.Series([t.time_zone for t in found], index=table.index, dtype=STRING)
    if container_time == "utc":
        zone_column = zone_column.mask(source_column.eq("quicktime") & zone_column.isna(), "+00:00")
    return table.assign(
        source=table["source"].mask(pd.Series([t.is_rendered for t in found], table.index, bool), RENDERED),
        captured_at=pd.Series([t.time for t in found], index=table.index, dtype=TIME),
        time_source=source_column,
        time_zone=zone_column,
    )


def _read_times(
    paths: list[str], root: Path, reader: CaptureTimeReader, known: KnownTimes, on_progress: Progress | None
) -> Iterator[CaptureTime]:
    """Yield times in the order of `paths`.

    Threads hide the latency of cards and network disks. Where files come at once, they only stand in each other's
    way and take twice as long, so one chunk of each `PROBED_EVERY` is read alone to tell.
    """
    chunks = [paths[i : i + CHUNK] for i in range(0, len(paths), CHUNK)]
    base = os.fspath(root)
    n_done = 0

    def read(chunk: list[str]) -> list[CaptureTime]:
        before = known.find(chunk, reader)
        now = {p: reader.read(os.path.join(base, p)) for p in chunk if p not in before}  # noqa: PTH118
        known.add(now, reader)
        return [before.get(p) or now[p] for p in chunk]

    for found in _map_where_it_waits(read, chunks):
        yield from found
        n_done += len(found)
        if on_progress is not None:
            on_progress(n_done, len(paths))


def _map_where_it_waits(
    read: Callable[[list[str]], list[CaptureTime]], chunks: Sequence[list[str]]
) -> Iterator[list[CaptureTime]]:
    """Yield `read` of each chunk, in their order: by threads where it waits for the disk, else one by one."""
    with ThreadPoolExecutor(N_THREADS) as pool:
        for i in range(0, len(chunks), PROBED_EVERY):
            begun, worked = perf_counter(), thread_time()
            first = read(chunks[i])
            is_waiting = perf_counter() - begun > 2 * (thread_time() - worked)
            yield first
            rest = chunks[i + 1 : i + PROBED_EVERY]
            yield from pool.map(read, rest) if is_waiting else map(read, rest)
