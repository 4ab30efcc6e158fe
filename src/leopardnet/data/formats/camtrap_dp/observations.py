"""The observations of a Camtrap DP package as classifications of its files, in order of precedence."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leopardnet.core.boxes import check_four_numbers, xywh_to_xyxy
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import ANIMAL, EMPTY
from leopardnet.data.formats.camtrap_dp.spec import BOX_COLUMNS
from leopardnet.data.reading.csv_cells import Cells, number, parse_column

LEVELS = ("media", "event")
METHODS = ("human", "", "machine")  # in order of precedence
# The name for each type of observation. An animal is named by its scientific name where it has one.
NAMES = {
    "animal": ANIMAL,
    "human": "human",
    "vehicle": "vehicle",
    "blank": EMPTY,
    "unknown": None,
    "unclassified": None,
}
TEXTS = (
    "mediaID", "eventID", "deploymentID", "observationLevel", "observationType", "scientificName",
    "classificationMethod",
)  # fmt: skip


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
    deployment: str
    site: str | None
    time: datetime
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
    """All files by id, by event, and by deployment and time. `sounds` are ids of sound recordings, left out."""

    def __init__(self, files: Sequence[MediaFile], sounds: set[str]) -> None:
        self.files, self.sounds = list(files), sounds
        self.by_id = {f.id: f for f in files}
        self.by_event: dict[str, list[MediaFile]] = defaultdict(list)
        self.by_deployment: dict[str, list[MediaFile]] = defaultdict(list)
        for f in sorted(files, key=lambda f: f.time):
            self.by_deployment[f.deployment].append(f)
        self.times = {d: [f.time for f in group] for d, group in self.by_deployment.items()}

    def find_between(self, deployment: str, start: datetime, end: datetime) -> list[MediaFile]:
        """Return the files of a deployment from `start` to `end`, both included."""
        times = self.times.get(deployment, [])
        return self.by_deployment[deployment][bisect_left(times, start) : bisect_right(times, end)] if times else []


@dataclass(frozen=True)
class _Observation:
    """One row of the observations table."""

    text: dict[str, str]
    start: datetime | None
    end: datetime | None
    box: dict[str, Any] | None

    @property
    def name(self) -> str | None:
        """The name of what it shows; None where that is unknown."""
        name = NAMES[self.text["observationType"]]
        return (self.text["scientificName"] or name) if name == ANIMAL else name


def read_observations(media: MediaIndex, cells: Cells, times: Callable[[Cells, str], list[Any]]) -> int:
    """Add all observations to the classifications of their files, and return how many of an event match no file.

    An observation of an event belongs to the files with its eventID, or else to the files of its deployment within
    its time. `times(cells, column)` reads a column of times. Raises ManifestError with the row at fault.
    """
    observations = _observations(cells, times)
    for i, o in enumerate(observations):
        _check_observation(cells, i, o, media)
        file = media.by_id.get(o.text["mediaID"])
        if file is not None and o.text["observationLevel"] == "media" and (event := o.text["eventID"]):
            file.event = file.event or event
            media.by_event[event].append(file)
    n_loose = 0
    for o in observations:
        files = _find_files(o, media)
        n_loose += not files and o.text["observationLevel"] == "event"
        for file in files:
            _classify(file, o)
    return n_loose


def _observations(cells: Cells, times: Callable[[Cells, str], list[Any]]) -> list[_Observation]:
    texts = {c: optional_column(cells, c) for c in TEXTS}
    start, end = times(cells, "eventStart"), times(cells, "eventEnd")
    boxes = _boxes(cells)
    return [
        _Observation({c: v[i] for c, v in texts.items()}, start[i], end[i], boxes[i]) for i in range(len(boxes))
    ]


def _boxes(cells: Cells) -> list[dict[str, Any] | None]:
    given = [_numbers(cells, c) for c in BOX_COLUMNS]
    scores = _numbers(cells, "classificationProbability")
    out: list[dict[str, Any] | None] = []
    for i, box in enumerate(zip(*given, strict=True)):
        if all(v is None for v in box):
            out.append(None)
            continue
        xyxy = xywh_to_xyxy(check_four_numbers(box, where=cells.where(i, "bboxX")))
        out.append({"xyxy": xyxy} | ({} if scores[i] is None else {"score": scores[i]}))
    return out


def _numbers(cells: Cells, column: str) -> list[float | None]:
    if column not in cells.header:
        return [None] * len(cells.rows)
    return parse_column(cells, column, number, expected="a number")


def _check_observation(cells: Cells, i: int, o: _Observation, media: MediaIndex) -> None:
    for column, known in (
        ("observationLevel", LEVELS),
        ("observationType", tuple(NAMES)),
        ("classificationMethod", METHODS),
    ):
        if o.text[column] not in known:
            raise ManifestError(
                "a value is not one of those that the format allows",
                where=cells.where(i, column),
                found=repr(o.text[column]),
                expected=", ".join(filter(None, known)),
            )
    media_id = o.text["mediaID"]
    if o.text["observationLevel"] == "media" and media_id not in media.by_id and media_id not in media.sounds:
        raise id_error(cells, i, "mediaID", media_id)
    if o.text["observationLevel"] == "event" and (o.start is None or o.end is None):
        raise ManifestError(
            "an event has no start or no end", where=cells.where(i), expected="eventStart and eventEnd"
        )


def _find_files(o: _Observation, media: MediaIndex) -> list[MediaFile]:
    if o.text["observationLevel"] == "media":
        file = media.by_id.get(o.text["mediaID"])
        return [file] if file else []
    if linked := media.by_event.get(o.text["eventID"]):
        return list(dict.fromkeys(linked))
    assert o.start is not None and o.end is not None
    return media.find_between(o.text["deploymentID"], o.start, o.end)


def _classify(file: MediaFile, o: _Observation) -> None:
    if o.text["observationType"] == "unclassified":  # nobody classified it
        return
    level = o.text["observationLevel"]
    if level == "event":
        file.event = file.event or o.text["eventID"] or None
    classification = file.get(o.text["classificationMethod"], level)
    if o.name:
        classification.names.append(o.name)
    if o.box and level == "media":
        offset_s = (o.start - file.time).total_seconds() if o.start and file.kind == "video" else None
        box = o.box | ({"label": o.name} if o.name else {}) | ({"time_s": offset_s} if offset_s is not None else {})
        classification.boxes.append(box)


def optional_column(cells: Cells, column: str) -> list[str]:
    """Return the cells of a column, all empty where the table lacks it."""
    return cells.column(column) if column in cells.header else [""] * len(cells.rows)


def id_error(cells: Cells, i: int, column: str, value: str) -> ManifestError:
    """Return the error for an id that the other table does not hold."""
    return ManifestError(
        "an id is not in the other table",
        where=cells.where(i, column),
        found=repr(value),
        expected="an id of the other table",
    )
