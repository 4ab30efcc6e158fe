"""The media table of a Camtrap DP package: its files with place and time, found by id, event or time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.footage_suffixes import kind_by_suffix
from leopardnet.core.labels import EMPTY
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.tables.csv_cells import Cells
from leopardnet.data.reading.to_manifest import RelativePaths, footage_kind, nfc

LEVELS = ("media", "event")
METHODS = ("human", "", "machine")  # in order of precedence
ReadTimes = Callable[[Cells, str, Problems], list[Any]]


@dataclass
class Classification:
    """The names and boxes that one method gave to a file, at one level."""

    method: str = ""
    level: str = "media"
    names: list[str] = field(default_factory=list)
    boxes: list[dict[str, Any]] = field(default_factory=list)


@dataclass(eq=False)
class MediaFile:
    """One row of the media table with its classifications, by positions in METHODS and LEVELS."""

    id: str
    path: str
    deployment: str | None
    site: str | None
    time: datetime | None
    kind: str
    event: str | None = None
    classifications: dict[tuple[int, int], Classification] = field(default_factory=dict)

    def get(self, method: str, level: str) -> Classification:
        """Return the classification by this method at this level; a new one is empty."""
        key = METHODS.index(method), LEVELS.index(level)
        return self.classifications.setdefault(key, Classification(method, level))

    @property
    def classification(self) -> Classification:
        """The one that takes precedence: people before machines, then the file before its event."""
        return self.classifications[min(self.classifications)] if self.classifications else Classification()

    @property
    def names(self) -> tuple[str, ...]:
        """The names in it, each once. A video with an animal in some seconds is not empty."""
        names = tuple(dict.fromkeys(self.classification.names))
        return tuple(n for n in names if n != EMPTY) or names if self.kind == "video" else names


class MediaIndex:
    """All files by id, by event, and by deployment and time. `left_out` are ids of media that are no footage."""

    def __init__(self, files: Sequence[MediaFile], by_id: Mapping[str, MediaFile], left_out: set[str]) -> None:
        self.files, self.by_id, self.left_out = list(files), by_id, left_out
        self.by_event: dict[str, list[MediaFile]] = defaultdict(list)
        # Times with and without a zone cannot be compared, so they are kept apart.
        self.groups: dict[tuple[str, bool], list[tuple[datetime, MediaFile]]] = defaultdict(list)
        for f in files:
            if f.time is not None and f.deployment:
                self.groups[f.deployment, f.time.tzinfo is None].append((f.time, f))
        for group in self.groups.values():
            group.sort(key=lambda pair: pair[0])
        self.times = {key: [t for t, _ in group] for key, group in self.groups.items()}

    def find_between(self, deployment: str, start: datetime, end: datetime) -> list[MediaFile]:
        """Return the files of a deployment from `start` to `end`, both included."""
        key = deployment, start.tzinfo is None
        if key not in self.times or (start.tzinfo is None) != (end.tzinfo is None):
            return []
        times = self.times[key]
        return [f for _, f in self.groups[key][bisect_left(times, start) : bisect_right(times, end)]]


def read_media(
    cells: Cells, places: Mapping[str, str | None], root: Path, read_times: ReadTimes, problems: Problems
) -> tuple[MediaIndex, list[str]]:
    """Return the files of the media table, and a note on sound recordings, which are left out.

    Where `filePath` is a folder, the name of the file is in `fileName`. A file keeps its row without a site, a time
    or observations where these are unknown. Raises ManifestError for a path that cannot be used, and where no
    medium is footage.
    """
    times, stamps = read_times(cells, "timestamp", problems), cells.column("timestamp")
    ids, types = cells.column("mediaID"), optional_column(cells, "fileMediatype")
    deployments, paths = cells.column("deploymentID"), _read_paths(cells, root)
    reader = _Reader(cells, problems)
    for i, (media_id, deployment, path, time) in enumerate(zip(ids, deployments, paths, times, strict=True)):
        if types[i].startswith("audio/"):
            reader.sounds.add(media_id)
            continue
        kind = kind_by_suffix(path)
        if kind is None:
            reader.leave_out(i, media_id, path)
            continue
        if deployment not in places:
            outcome = "kept without a site"
            reader.add(
                i, "the deployments table does not have this deployment", "deploymentID", deployment, outcome
            )
        if not stamps[i]:
            reader.add_missing_time(i)
        site = places.get(deployment)
        reader.keep(i, MediaFile(media_id, path, deployment or None, site, time, kind))
    if not reader.files and reader.first is not None:
        raise reader.first
    left_out = reader.sounds | reader.others
    notes = [f"sound recordings left out: {len(reader.sounds)}"] * bool(reader.sounds)
    return MediaIndex(reader.files, reader.find_ids(), left_out), notes


def _read_paths(cells: Cells, root: Path) -> list[str]:
    types = optional_column(cells, "fileMediatype")
    given = zip(cells.column("filePath"), optional_column(cells, "fileName"), strict=True)
    paths = [_join_name(path, name) for path, name in given]
    relative = RelativePaths(root)
    where = [i for i, t in enumerate(types) if not t.startswith("audio/") and paths[i]]
    found = relative.all([paths[i] for i in where], lambda k: cells.where(where[k], "filePath"))
    for i, path in zip(where, found, strict=True):
        paths[i] = path
    return paths


def _join_name(path: str, name: str) -> str:
    """Return the path of a file; Agouti writes its folder as `filePath`.

    >>> _join_name("dep1/", "1.JPG"), _join_name("dep1/1.JPG", "1.JPG"), _join_name("dep1", "")
    ('dep1/1.JPG', 'dep1/1.JPG', 'dep1')
    """
    if kind_by_suffix(path.replace("\\", "/")) or not kind_by_suffix(name):
        return path
    return f"{path.rstrip('/' + chr(92))}/{name}" if path else name


class _Reader:
    """Collects files, and what is wrong with their ids and paths."""

    def __init__(self, cells: Cells, problems: Problems) -> None:
        self.cells, self.problems = cells, problems
        self.files: list[MediaFile] = []
        self.by_path: dict[str, tuple[int, MediaFile]] = {}
        self.by_id: dict[str, tuple[int, MediaFile | None]] = {}  # None: several files have this id
        self.sounds: set[str] = set()
        self.others: set[str] = set()
        self.first: ManifestError | None = None

    def add(
        self, i: int, what: str, column: str, found: str | None, outcome: str, *, other: int | None = None
    ) -> None:
        """Add a problem of the row at position `i`, and of the earlier row `other`."""
        first = f"{self.cells.where(other, column)} and " if other is not None else ""
        error = ManifestError(
            what, where=first + self.cells.where(i, column), found=repr(found) if found is not None else None
        )
        self.problems.add(error, self.cells.name, self.cells.number(i), outcome=outcome)

    def add_missing_time(self, i: int) -> None:
        """Add the problem of a row without a time."""
        error = ManifestError(
            "a file has no time",
            where=self.cells.where(i, "timestamp"),
            expected="a time with its zone",
            todo="`leopardnet scan` reads times from the files themselves",
        )
        self.problems.add(error, self.cells.name, self.cells.number(i), outcome="kept without a time")

    def leave_out(self, i: int, media_id: str, path: str) -> None:
        """Leave out a medium that is neither picture nor video by its suffix."""
        try:
            footage_kind(path, where=self.cells.where(i, "filePath"))
        except ManifestError as error:
            self.first = self.first or error
            self.problems.add(error, self.cells.name, self.cells.number(i), outcome="left out")
        self.others.add(media_id)

    def keep(self, i: int, file: MediaFile) -> None:
        """Keep a file, unless an earlier row is the same file; ids that are no longer clear name no file."""
        j, same = self.by_path.setdefault(nfc(file.path), (i, file))
        if same is not file:
            self.add(i, "a file stands twice", "filePath", file.path, "read as one row", other=j)
        else:
            self.files.append(file)
        if not file.id:
            self.add(i, "an id is empty", "mediaID", None, "kept without observations")
            return
        k, known = self.by_id.setdefault(file.id, (i, same))
        if known is not same:
            self.add(i, "an id stands twice", "mediaID", file.id, "both kept without observations", other=k)
            self.by_id[file.id] = k, None

    def find_ids(self) -> dict[str, MediaFile]:
        """Return the file of each id that names one file."""
        return {media_id: file for media_id, (_, file) in self.by_id.items() if file is not None}


def optional_column(cells: Cells, column: str) -> list[str]:
    """Return the cells of a column, all empty where the table lacks it."""
    return cells.column(column) if column in cells.header else [""] * len(cells.rows)
