"""The observations of a Camtrap DP package as classifications of its files, in order of precedence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from leopardnet.core.boxes import check_four_numbers, xywh_to_xyxy
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import ANIMAL, EMPTY
from leopardnet.data.formats.camtrap_dp.media_table import (
    LEVELS,
    METHODS,
    MediaFile,
    MediaIndex,
    ReadTimes,
    optional_column,
)
from leopardnet.data.formats.camtrap_dp.spec import BOX_COLUMNS
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.tables.csv_cells import Cells, number, parse_column

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


# Columns with a choice of values, what replaces another value (None: the observation is left out), and the outcome.
_CHOICES = (
    ("observationLevel", LEVELS, None, "the observation is left out"),
    ("observationType", tuple(NAMES), "unknown", "read as unknown"),
    ("classificationMethod", METHODS, "", "kept without its method"),
)


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


def read_observations(media: MediaIndex, cells: Cells, read_times: ReadTimes, problems: Problems) -> int:
    """Add all observations to the classifications of their files, and return how many of an event match no file.

    An observation of an event belongs to the files with its eventID, or else to the files of its deployment within
    its time. `read_times` reads a column of times. What cannot be used goes to `problems`.
    """
    usable: list[tuple[int, _Observation]] = []
    for i, o in enumerate(_observations(cells, read_times, problems)):
        if not _check_observation(cells, i, o, media, problems):
            continue
        usable.append((i, o))
        file = media.by_id.get(o.text["mediaID"])
        if file is not None and o.text["observationLevel"] == "media" and (event := o.text["eventID"]):
            file.event = file.event or event
            media.by_event[event].append(file)
    n_loose = 0
    for i, o in usable:
        files = _find_files(o, media)
        if files is None:
            error = ManifestError(
                "an event has no start or no end", where=cells.where(i), expected="eventStart and eventEnd"
            )
            problems.add(error, cells.name, cells.number(i), outcome="left out")
            continue
        n_loose += not files and o.text["observationLevel"] == "event"
        for file in files:
            _classify(file, o)
    return n_loose


def _observations(cells: Cells, read_times: ReadTimes, problems: Problems) -> list[_Observation]:
    texts = {c: optional_column(cells, c) for c in TEXTS}
    start, end = (read_times(cells, c, problems) for c in ("eventStart", "eventEnd"))
    boxes = _boxes(cells, problems)
    return [
        _Observation({c: v[i] for c, v in texts.items()}, start[i], end[i], boxes[i]) for i in range(len(boxes))
    ]


def _boxes(cells: Cells, problems: Problems) -> list[dict[str, Any] | None]:
    broken: set[int] = set()
    given = [_numbers(cells, c, problems, broken) for c in BOX_COLUMNS]
    scores = _numbers(cells, "classificationProbability", problems, set())
    out: list[dict[str, Any] | None] = []
    for i, box in enumerate(zip(*given, strict=True)):
        if i in broken or all(v is None for v in box):
            out.append(None)
            continue
        try:
            xyxy = xywh_to_xyxy(check_four_numbers(box, where=cells.where(i, "bboxX")))
        except ManifestError as error:
            problems.add(error, cells.name, cells.number(i), outcome="kept without the box")
            out.append(None)
            continue
        out.append({"xyxy": xyxy} | ({} if scores[i] is None else {"score": scores[i]}))
    return out


def _numbers(cells: Cells, column: str, problems: Problems, broken: set[int]) -> list[float | None]:
    if column not in cells.header:
        return [None] * len(cells.rows)

    def note_fault(i: int, fault: ManifestError) -> None:
        problems.add(
            fault,
            cells.name,
            cells.number(i),
            outcome=f"kept without its {'box' if column in BOX_COLUMNS else column}",
        )
        broken.add(i)

    return parse_column(cells, column, number, expected="a number", on_fault=note_fault)


def _check_observation(cells: Cells, i: int, o: _Observation, media: MediaIndex, problems: Problems) -> bool:
    """Return whether an observation can be used; a method or type that the format does not know is taken away."""
    for column, known, instead, outcome in _CHOICES:
        if o.text[column] not in known:
            error = ManifestError(
                "a value is not one of those that the format allows",
                where=cells.where(i, column),
                found=repr(o.text[column]),
                expected=", ".join(filter(None, known)),
            )
            problems.add(error, cells.name, cells.number(i), outcome=outcome)
            if instead is None:
                return False
            o.text[column] = instead
    media_id = o.text["mediaID"]
    if o.text["observationLevel"] == "media" and media_id not in media.by_id and media_id not in media.left_out:
        error = ManifestError(
            "the media table does not have this medium, or has it several times",
            where=cells.where(i, "mediaID"),
            found=repr(media_id),
            expected="an id of the media table",
        )
        problems.add(error, cells.name, cells.number(i), outcome="the observation is left out")
        return False
    return True


def _find_files(o: _Observation, media: MediaIndex) -> list[MediaFile] | None:
    """Return the files that an observation is about; None for an event that neither an id nor a time describes."""
    if o.text["observationLevel"] == "media":
        file = media.by_id.get(o.text["mediaID"])
        return [file] if file else []
    if o.text["eventID"] and (linked := media.by_event.get(o.text["eventID"])):
        return list(dict.fromkeys(linked))
    if o.start is None or o.end is None:
        return None
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
        offset_s = _seconds_between(file.time, o.start) if file.kind == "video" else None
        box = o.box | ({"label": o.name} if o.name else {}) | ({"time_s": offset_s} if offset_s is not None else {})
        classification.boxes.append(box)


def _seconds_between(start: datetime | None, time: datetime | None) -> float | None:
    """Return the seconds from `start` to `time`; None where one is unknown, or only one of them has a zone."""
    if start is None or time is None or (start.tzinfo is None) != (time.tzinfo is None):
        return None
    return (time - start).total_seconds()
