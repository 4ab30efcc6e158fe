"""Reading of Camtrap DP 1.0 packages, in a folder or a zip: media, deployments and observations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.boxes import format_boxes
from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import parse_time_zone
from leopardnet.data.formats.camtrap_dp.media_table import MediaFile, optional_column, read_media
from leopardnet.data.formats.camtrap_dp.observations import read_observations
from leopardnet.data.formats.camtrap_dp.package_tables import read_tables
from leopardnet.data.formats.camtrap_dp.spec import MAIN
from leopardnet.data.reading.label_map import LabelMap, OnUnknown
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.safe_files import open_package
from leopardnet.data.reading.tables.csv_cells import Cells, local_time, offset_text, parse_column
from leopardnet.data.reading.to_manifest import ImportResult, LabelRules, assemble


def read_camtrap_dp(
    source: Path,
    *,
    root: Path,
    label_map: LabelMap | None = None,
    on_unknown: OnUnknown = "refuse",
    site_from: str | None = None,
    time_zone: str | None = None,
    strict: bool = False,
) -> ImportResult:
    """Read the manifest of a Camtrap DP package: one row for each video and picture in its media table.

    Human observations take precedence over machine ones, and among each, observations of the file over those of its
    event. `blank` becomes the name empty; people and vehicles become human and vehicle; unknown and unclassified
    files have no label. The site is locationID, or else locationName; the sequence is eventID.

    Times are kept as the package writes them, with their offset as `time_zone`. A given `time_zone` converts them
    to the local time of that zone, and is the zone of times without one.

    A row with a fault, such as an id that is not in the other table or an unreadable time, is kept without what is
    wrong and counted; with `strict` it is refused. Raises ManifestError for unsafe paths and archives, and for
    another version of the format.

    >>> ln.read_camtrap_dp(Path("package.zip"), root=Path("footage")).manifest  # doctest: +SKIP
    """
    problems = Problems(strict=strict)
    with open_package(Path(source), main=MAIN) as package:
        tables, notes = read_tables(package, problems)
        name = package.name
    clock = _Clock(time_zone)
    places = _read_sites(tables["deployments"], problems)
    media, media_notes = read_media(tables["media"], places, root, clock.read_column, problems)
    notes += media_notes
    n_loose = read_observations(media, tables["observations"], clock.read_column, problems)
    if n_loose:
        notes.append(f"observations of events that match no file: {n_loose}")
    chosen = [f.classification for f in media.files]
    n_event = sum(c.level == "event" for c in chosen)
    if n_event:
        notes.append(f"rows with the label of a whole event, single files of which may be empty: {n_event}")
    rules = LabelRules(label_map, on_unknown, site_from)
    return assemble(
        _columns(media.files, time_zone),
        [f.names for f in media.files],
        root=root,
        rules=rules,
        source=f"camtrap-dp {name}",
        where=name,
        notes=notes,
        problems=problems,
    )


def _read_sites(cells: Cells, problems: Problems) -> dict[str, str | None]:
    """Return the site of each deployment; None for one that stands twice with different sites."""
    sites: dict[str, str | None] = {}
    first: dict[str, int] = {}
    given = zip(optional_column(cells, "locationID"), optional_column(cells, "locationName"), strict=True)
    for i, (deployment, (id_, name)) in enumerate(zip(cells.column("deploymentID"), given, strict=True)):
        site = id_ or name or None
        if not deployment:
            error = ManifestError("an id is empty", where=cells.where(i, "deploymentID"))
            problems.add(error, cells.name, cells.number(i), outcome="left out")
            continue
        if (j := first.setdefault(deployment, i)) != i:
            where = f"{cells.where(j, 'deploymentID')} and row {cells.number(i)}"
            error = ManifestError("an id stands twice", where=where, found=repr(deployment))
            problems.add(
                error, cells.name, cells.number(i), outcome="its site is used where both rows name the same one"
            )
            site = site if site == sites[deployment] else None
        sites[deployment] = site
    return sites


class _Clock:
    """Reads times with a zone, as the manifest writes them."""

    def __init__(self, time_zone: str | None) -> None:
        self.name, self.zone = time_zone, parse_time_zone(time_zone) if time_zone else None

    def read(self, text: str) -> datetime:
        """Read a time; it has no zone if neither the text nor the clock has one. Raises ValueError."""
        time = local_time(text)
        if self.zone is None:
            return time
        return time.replace(tzinfo=self.zone) if time.tzinfo is None else time.astimezone(self.zone)

    def read_column(self, cells: Cells, column: str, problems: Problems) -> list[Any]:
        """Read a column of times, None where there is none. Faults and missing zones are counted."""
        expected = "a time with its zone, such as 2021-12-30T22:34:56+10:00"
        times = parse_column(
            cells,
            column,
            self.read,
            expected=expected,
            on_fault=lambda i, fault: problems.add(
                fault, cells.name, cells.number(i), outcome="kept without this time"
            ),
        )
        for i, time in enumerate(times):
            if time is not None and time.tzinfo is None:
                text = time.isoformat()
                error = ManifestError(
                    "a time has no zone",
                    where=cells.where(i, column),
                    found=repr(text),
                    expected=expected,
                    todo="give the zone of such times as --time-zone",
                )
                problems.add(error, cells.name, cells.number(i), outcome="kept without a zone")
        return times


def _columns(files: Sequence[MediaFile], time_zone: str | None) -> dict[str, Any]:
    chosen = [f.classification for f in files]
    naive = pd.to_datetime(pd.Series([f.time and f.time.replace(tzinfo=None) for f in files], dtype=object))
    return {
        "path": [f.path for f in files],
        "kind": [f.kind for f in files],
        "site": [f.site for f in files],
        "deployment": [f.deployment for f in files],
        "sequence_id": [f.event for f in files],
        "captured_at": naive,
        "time_zone": [(time_zone or offset_text(f.time)) if f.time else None for f in files],
        "time_source": ["table" if f.time else None for f in files],
        "label_source": [c.method or None for c in chosen],
        "boxes": [format_boxes(c.boxes) if c.boxes else None for c in chosen],
        "box_unit": ["fraction" if c.boxes else None for c in chosen],
    }
