"""Reading of Camtrap DP 1.0 packages, in a folder or a zip: media, deployments and observations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.boxes import format_boxes
from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import parse_time_zone
from leopardnet.data.formats.camtrap_dp.observations import (
    MediaFile,
    MediaIndex,
    id_error,
    optional_column,
    read_observations,
)
from leopardnet.data.formats.camtrap_dp.spec import MAIN, TABLES
from leopardnet.data.reading.csv_cells import Cells, local_time, offset_text, parse_column, read_cells
from leopardnet.data.reading.label_map import LabelMap, OnUnknown, rows
from leopardnet.data.reading.safe_files import Package, gunzip, open_package, parse_json
from leopardnet.data.reading.to_manifest import (
    ImportResult,
    LabelRules,
    RelativePaths,
    assemble,
    footage_kind,
    nfc,
    refuse_twice,
)


def read_camtrap_dp(
    source: Path,
    *,
    root: Path,
    label_map: LabelMap | None = None,
    on_unknown: OnUnknown = "refuse",
    site_from: str | None = None,
    time_zone: str | None = None,
) -> ImportResult:
    """Read the manifest of a Camtrap DP package: one row for each video and picture in its media table.

    Human observations take precedence over machine ones, and among each, observations of the file over those of its
    event. `blank` becomes the name empty; people and vehicles become human and vehicle; unknown and unclassified
    files have no label. The site is locationID, or else locationName; the sequence is eventID.

    Times are kept as the package writes them, with their offset as `time_zone`. A given `time_zone` converts them
    to the local time of that zone, and is the zone of times without one.

    Raises ManifestError with the row for ids that occur twice or are not in the other table, for times without a
    zone, and for unsafe paths and archives.
    """
    with open_package(Path(source), main=MAIN) as package:
        tables = _read_tables(package)
        name = package.name
    clock = _Clock(time_zone)
    places = _read_sites(tables["deployments"])
    media, notes = _read_media(tables["media"], places, root, clock)
    n_loose = read_observations(media, tables["observations"], clock.read_column)
    if n_loose:
        notes.append(f"observations of events that match no file: {n_loose}")
    chosen = [f.classification for f in media.files]
    n_event = sum(c.level == "event" for c in chosen)
    if n_event:
        notes.append(f"{rows(n_event)} with the label of a whole event, single files of which may be empty")
    rules = LabelRules(label_map, on_unknown, site_from)
    return assemble(
        _columns(media.files, time_zone),
        [f.names for f in media.files],
        root=root,
        rules=rules,
        source=f"camtrap-dp {name}",
        where=name,
        notes=notes,
    )


# --- tables ---


def _read_tables(package: Package) -> dict[str, Cells]:
    where = f"{package.name}, {MAIN}"
    data = parse_json(package.read(MAIN), name=where, expected="a Camtrap DP description")
    resources = data.get("resources") if isinstance(data, dict) else None
    if not isinstance(resources, list) or not all(isinstance(r, dict) for r in resources):
        raise ManifestError("the package describes no tables", where=where, expected="a list `resources`")
    by_name = {str(r.get("name")): r for r in resources}
    missing = [t for t in TABLES if t not in by_name]
    if missing:
        raise ManifestError(
            "the package lacks a table",
            where=where,
            found="resources " + ", ".join(by_name),
            expected=", ".join(TABLES),
            todo="this may be another kind of data package",
        )
    return {
        t: _read_table(package, t, by_name[t].get("path"), str(by_name[t].get("encoding") or "utf-8"))
        for t in TABLES
    }


def _read_table(package: Package, table: str, path: Any, encoding: str) -> Cells:
    paths = path if isinstance(path, list) else [path]
    if len(paths) != 1 or not isinstance(paths[0], str):
        raise ManifestError(
            "a table must be one file of the package",
            where=f"{package.name}, {table}",
            found=repr(path)[:120],
            expected="a path",
        )
    member = paths[0].removeprefix("./")
    where = f"{package.name}, {member}"
    if re.search(r"^/|^[A-Za-z]:|\\|(^|/)\.\.(/|$)|://", member):
        raise ManifestError("a table lies outside the package", where=where, expected="a path inside the package")
    if not package.has(member):
        raise ManifestError("a table of the package is missing", where=where, expected=f"the {table} as CSV")
    data = package.read(member)
    if member.endswith(".gz"):
        data = gunzip(data, where=where)
    if data.startswith(b"PAR1"):
        raise ManifestError("a table is in Parquet", where=where, expected="CSV", todo="export the package as CSV")
    encoding = "utf-8-sig" if encoding.lower().replace("-", "") == "utf8" else encoding
    return read_cells(data, name=where, encoding=encoding, separator=",")


def _read_ids(cells: Cells, column: str) -> list[str]:
    ids = cells.column(column)
    for i, x in enumerate(ids):
        if not x:
            raise ManifestError("an id is empty", where=cells.where(i, column))
    refuse_twice(ids, lambda i: cells.where(i, column), what="an id")
    return ids


def _read_sites(cells: Cells) -> dict[str, str | None]:
    sites = zip(optional_column(cells, "locationID"), optional_column(cells, "locationName"), strict=True)
    return {d: (i or n or None) for d, (i, n) in zip(_read_ids(cells, "deploymentID"), sites, strict=True)}


class _Clock:
    """Reads times with a zone, as the manifest writes them."""

    def __init__(self, time_zone: str | None) -> None:
        self.name, self.zone = time_zone, parse_time_zone(time_zone) if time_zone else None

    def read(self, text: str) -> datetime:
        """Read a time. Raises ValueError where it has no zone and none was given."""
        time = local_time(text)
        if time.tzinfo is None:
            if self.zone is None:
                raise ValueError(text)
            return time.replace(tzinfo=self.zone)
        return time.astimezone(self.zone) if self.zone else time

    def read_column(self, cells: Cells, column: str) -> list[Any]:
        """Read a column of times. Raises ManifestError with the row at fault."""
        return parse_column(
            cells,
            column,
            self.read,
            expected="a time with its zone, such as 2021-12-30T22:34:56+10:00; or give --time-zone",
        )


# --- media ---


def _read_media(
    cells: Cells, places: dict[str, str | None], root: Path, clock: _Clock
) -> tuple[MediaIndex, list[str]]:
    """Return the files of the media table, and a note on sound recordings, which are left out."""
    relative = RelativePaths(root)
    times, types = clock.read_column(cells, "timestamp"), optional_column(cells, "fileMediatype")
    deployments, paths = cells.column("deploymentID"), cells.column("filePath")
    files: list[MediaFile] = []
    sounds: set[str] = set()
    for i, media_id in enumerate(_read_ids(cells, "mediaID")):
        if deployments[i] not in places:
            raise id_error(cells, i, "deploymentID", deployments[i])
        if times[i] is None:
            raise ManifestError(
                "a file has no time", where=cells.where(i, "timestamp"), expected="a time with its zone"
            )
        if types[i].startswith("audio/"):
            sounds.add(media_id)
            continue
        path = relative(paths[i], where=cells.where(i, "filePath"))
        kind = footage_kind(path, where=cells.where(i, "filePath"))
        files.append(MediaFile(media_id, path, deployments[i], places[deployments[i]], times[i], kind))
    refuse_twice([nfc(f.path) for f in files], lambda i: f"{cells.name}, mediaID {files[i].id}", what="a file")
    return MediaIndex(files, sounds), [f"sound recordings left out: {len(sounds)}"] * bool(sounds)


def _columns(files: Sequence[MediaFile], time_zone: str | None) -> dict[str, Any]:
    chosen = [f.classification for f in files]
    naive = pd.to_datetime(pd.Series([f.time.replace(tzinfo=None) for f in files], dtype=object))
    return {
        "path": [f.path for f in files],
        "kind": [f.kind for f in files],
        "site": [f.site for f in files],
        "deployment": [f.deployment for f in files],
        "sequence_id": [f.event for f in files],
        "captured_at": naive,
        "time_zone": [time_zone or offset_text(f.time) for f in files],
        "time_source": ["table"] * len(files),
        "label_source": [c.method or None for c in chosen],
        "boxes": [format_boxes(c.boxes) if c.boxes else None for c in chosen],
        "box_unit": ["fraction" if c.boxes else None for c in chosen],
    }
