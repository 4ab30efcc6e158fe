"""What the observations of a Camtrap DP package say about its files, and which of them is believed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from leopardnet.core.boxes import check_four_numbers, xywh_to_xyxy
from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.csv_cells import Cells, number, parse_column

LEVELS = ("media", "event")
METHODS = ("human", "", "machine")  # in the order in which they are believed
# What an observation shows, by its type; an animal goes by its scientific name where it has one.
NAMES = {
    "animal": "animal",
    "human": "human",
    "vehicle": "vehicle",
    "blank": "empty",
    "unknown": None,
    "unclassified": None,
}
BBOX = ("bboxX", "bboxY", "bboxWidth", "bboxHeight")
TEXTS = (
    "mediaID",
    "eventID",
    "deploymentID",
    "observationLevel",
    "observationType",
    "scientificName",
    "classificationMethod",
)


@dataclass
class HumanLabel:
    """What one method said at one level about a file."""

    method: str = ""
    level: str = "media"
    names: list[str] = field(default_factory=list)
    boxes: list[dict[str, Any]] = field(default_factory=list)


@dataclass(eq=False)
class MediaFile:
    """One row of the media table, and everything that was said about it."""

    id: str
    path: str
    deployment: str
    site: str | None
    time: datetime
    kind: str
    event: str | None = None
    said: dict[tuple[int, int], HumanLabel] = field(default_factory=dict)

    def hear(self, method: str, level: str) -> HumanLabel:
        """What this method has said so far at this level, to be added to."""
        return self.said.setdefault((METHODS.index(method), LEVELS.index(level)), HumanLabel(method, level))

    @property
    def chosen(self) -> HumanLabel:
        """What is believed: people before machines, then words on the file before words on its event."""
        return self.said[min(self.said)] if self.said else HumanLabel()

    @property
    def names(self) -> tuple[str, ...]:
        """What is believed to be in it, each name once. Seconds of a video that show nothing do not make it empty."""
        names = tuple(dict.fromkeys(self.chosen.names))
        return tuple(n for n in names if n != "empty") or names if self.kind == "video" else names


class MediaIndex:
    """All files, found by id, by event, and by deployment and time. `sounds` are ids of recordings left out."""

    def __init__(self, files: Sequence[MediaFile], sounds: set[str]) -> None:
        self.files, self.sounds = list(files), sounds
        self.by_id = {f.id: f for f in files}
        self.by_event: dict[str, list[MediaFile]] = defaultdict(list)
        self.by_deployment: dict[str, list[MediaFile]] = defaultdict(list)
        for f in sorted(files, key=lambda f: f.time):
            self.by_deployment[f.deployment].append(f)
        self.times = {d: [f.time for f in group] for d, group in self.by_deployment.items()}

    def within(self, deployment: str, start: datetime, end: datetime) -> list[MediaFile]:
        """The files of a deployment from `start` to `end`, both included."""
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
        """What it shows; None where nobody could say."""
        name = NAMES[self.text["observationType"]]
        return (self.text["scientificName"] or name) if name == "animal" else name


def read_observations(media: MediaIndex, cells: Cells, times: Callable[[Cells, str], list[Any]]) -> int:
    """The number of event observations that match no file, after adding all others to what is said of each file.

    An observation of an event speaks about the files that share its eventID, else about the files of its deployment
    within its time. `times(cells, column)` reads a column of times. Raises ManifestError with the row at fault.
    """
    observations = _observations(cells, times)
    for i, o in enumerate(observations):
        _check(cells, i, o, media)
        file = media.by_id.get(o.text["mediaID"])
        if file is not None and o.text["observationLevel"] == "media" and (event := o.text["eventID"]):
            file.event = file.event or event
            media.by_event[event].append(file)
    n_loose = 0
    for o in observations:
        files = _files_of(o, media)
        n_loose += not files and o.text["observationLevel"] == "event"
        for file in files:
            _tell(file, o)
    return n_loose


def _observations(cells: Cells, times: Callable[[Cells, str], list[Any]]) -> list[_Observation]:
    texts = {c: optional_column(cells, c) for c in TEXTS}
    start, end = times(cells, "eventStart"), times(cells, "eventEnd")
    boxes = _boxes(cells)
    return [
        _Observation({c: v[i] for c, v in texts.items()}, start[i], end[i], boxes[i]) for i in range(len(boxes))
    ]


def _boxes(cells: Cells) -> list[dict[str, Any] | None]:
    given = [_numbers(cells, c) for c in BBOX]
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


def _check(cells: Cells, i: int, o: _Observation, media: MediaIndex) -> None:
    for column, known in (
        ("observationLevel", LEVELS),
        ("observationType", tuple(NAMES)),
        ("classificationMethod", METHODS),
    ):
        if o.text[column] not in known:
            raise ManifestError(
                "a value is not in the list of the format",
                where=cells.where(i, column),
                found=repr(o.text[column]),
                expected=", ".join(filter(None, known)),
            )
    media_id = o.text["mediaID"]
    if o.text["observationLevel"] == "media" and media_id not in media.by_id and media_id not in media.sounds:
        raise leads_nowhere(cells, i, "mediaID", media_id)
    if o.text["observationLevel"] == "event" and (o.start is None or o.end is None):
        raise ManifestError(
            "an event has no start or no end", where=cells.where(i), expected="eventStart and eventEnd"
        )


def _files_of(o: _Observation, media: MediaIndex) -> list[MediaFile]:
    if o.text["observationLevel"] == "media":
        file = media.by_id.get(o.text["mediaID"])
        return [file] if file else []
    if linked := media.by_event.get(o.text["eventID"]):
        return list(dict.fromkeys(linked))
    assert o.start is not None and o.end is not None
    return media.within(o.text["deploymentID"], o.start, o.end)


def _tell(file: MediaFile, o: _Observation) -> None:
    if o.text["observationType"] == "unclassified":  # nobody looked
        return
    level = o.text["observationLevel"]
    if level == "event":
        file.event = file.event or o.text["eventID"] or None
    said = file.hear(o.text["classificationMethod"], level)
    if o.name:
        said.names.append(o.name)
    if o.box and level == "media":
        offset_s = (o.start - file.time).total_seconds() if o.start and file.kind == "video" else None
        box = o.box | ({"label": o.name} if o.name else {}) | ({"time_s": offset_s} if offset_s is not None else {})
        said.boxes.append(box)


def optional_column(cells: Cells, column: str) -> list[str]:
    """The cells of a column, all empty where the table lacks it."""
    return cells.column(column) if column in cells.header else [""] * len(cells.rows)


def leads_nowhere(cells: Cells, i: int, column: str, value: str) -> ManifestError:
    """The error for an id that the other table does not hold."""
    return ManifestError(
        "an id leads nowhere", where=cells.where(i, column), found=repr(value), expected="an id of the other table"
    )
