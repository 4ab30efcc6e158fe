"""What the schemas of Camtrap DP do not catch: faults between tables, claims without ground, and what gives away too much.

Every rule is a function that yields its faults; RULES names them all. A package may pass the official schemas with any of
these faults.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.camtrap_dp.spec import COLUMNS, MAIN, MISSING, TABLES
from leopardnet.data.reading.csv_cells import Cells, read_cells
from leopardnet.data.reading.safe_files import open_package, parse_json

Row = Mapping[str, str]
TIME = "%Y-%m-%dT%H:%M:%S%z"
BBOX = ("bboxX", "bboxY", "bboxWidth", "bboxHeight")
KEYS = {"deployments": "deploymentID", "media": "mediaID", "observations": "observationID"}
NOTHING_SEEN = ("blank", "unclassified")
_LEADS_OUT = re.compile(r"^[/\\~.]|^[A-Za-z]:|\\|(^|/)\.\.(/|$)|^[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: the rule, the table and its row (counted from 1 below the header; 0 for the package), and what is wrong."""

    rule: str
    table: str
    row: int
    message: str


class Tables:
    """A package as texts: the rows of each table, and the description."""

    def __init__(self, cells: Mapping[str, Cells], description: Mapping[str, Any]) -> None:
        self.description = description
        self.headers = {t: c.header for t, c in cells.items()}
        self.rows: dict[str, list[Row]] = {
            t: [{**dict.fromkeys(COLUMNS[t], ""), **_plain(c.header, r)} for r in c.rows] for t, c in cells.items()
        }
        self.by_id = {t: {r[KEYS[t]]: r for r in self.rows[t]} for t in TABLES}

    def observations(self) -> Iterator[tuple[int, Row]]:
        """The observations with their rows."""
        return enumerate(self.rows["observations"], start=1)


def lint_camtrap_dp(source: Path) -> list[Fault]:
    """The faults of a package in a folder or a zip, by rule; none for a good one. Raises ManifestError where it cannot be read."""
    with open_package(Path(source), main=MAIN) as package:
        where = f"{package.name}, {MAIN}"
        description = parse_json(package.read(MAIN), name=where, expected="a Camtrap DP description")
        if not isinstance(description, dict):
            raise ManifestError("the description is no object", where=where, found=type(description).__name__)
        missing = [t for t in TABLES if not package.has(f"{t}.csv")]
        if missing:
            raise ManifestError(
                "the package lacks a table",
                where=package.name,
                found=f"no {missing[0]}.csv",
                expected=", ".join(f"{t}.csv" for t in TABLES),
            )
        cells = {
            t: read_cells(package.read(f"{t}.csv"), name=f"{t}.csv", encoding="utf-8-sig", separator=",")
            for t in TABLES
        }
    tables = Tables(cells, description)
    return [Fault(name, *found) for name, rule in RULES.items() for found in rule(tables)]


def _plain(header: tuple[str, ...], row: list[str]) -> dict[str, str]:
    return {c: "" if v in MISSING else v for c, v in zip(header, row, strict=True)}


@lru_cache(maxsize=65_536)
def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, TIME)
    except ValueError:
        return None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


# --- rules: each yields (table, row, message) ---

Found = Iterator[tuple[str, int, str]]


def _columns(t: Tables) -> Found:
    for table in TABLES:
        if t.headers[table] != COLUMNS[table]:
            yield table, 0, "the columns are not those of the format, all of them and in its order"


def _ids(t: Tables) -> Found:
    for table in TABLES:
        seen: set[str] = set()
        for i, row in enumerate(t.rows[table], start=1):
            key = row[KEYS[table]]
            if not key or key in seen:
                yield table, i, f"{KEYS[table]} is empty or stands twice"
            seen.add(key)


def _references(t: Tables) -> Found:
    for i, row in enumerate(t.rows["media"], start=1):
        if row["deploymentID"] not in t.by_id["deployments"]:
            yield "media", i, "its deployment is not in the package"
    for i, row in t.observations():
        if row["deploymentID"] not in t.by_id["deployments"] or (
            row["mediaID"] and row["mediaID"] not in t.by_id["media"]
        ):
            yield "observations", i, "its deployment or its media file is not in the package"


def _times(t: Tables) -> Found:
    wanted = {
        "deployments": ("deploymentStart", "deploymentEnd"),
        "media": ("timestamp",),
        "observations": ("eventStart", "eventEnd"),
    }
    for table, columns in wanted.items():
        for i, row in enumerate(t.rows[table], start=1):
            for column in columns:
                if _time(row[column]) is None:
                    yield table, i, f"{column} is not a time with its zone in whole seconds"


def _order(t: Tables) -> Found:
    for table, (first, last) in (
        ("deployments", ("deploymentStart", "deploymentEnd")),
        ("observations", ("eventStart", "eventEnd")),
    ):
        for i, row in enumerate(t.rows[table], start=1):
            start, end = _time(row[first]), _time(row[last])
            if start and end and end < start:
                yield table, i, f"{last} lies before {first}"


def _inside_deployment(t: Tables) -> Found:
    for i, row in t.observations():
        deployment = t.by_id["deployments"].get(row["deploymentID"])
        moments = [_time(row[c]) for c in ("eventStart", "eventEnd")]
        period = (
            [_time(deployment[c]) for c in ("deploymentStart", "deploymentEnd")] if deployment else [None, None]
        )
        start, end = period
        if start and end and any(m and not start <= m <= end for m in moments):
            yield "observations", i, "it lies outside the period of its deployment"


def _before_its_file(t: Tables) -> Found:
    for i, row in t.observations():
        file = t.by_id["media"].get(row["mediaID"])
        begins, seen = _time(file["timestamp"]) if file else None, _time(row["eventStart"])
        if begins and seen and seen < begins:
            yield "observations", i, "it begins before its file does"


def _other_deployment(t: Tables) -> Found:
    for i, row in t.observations():
        file = t.by_id["media"].get(row["mediaID"])
        if file and file["deploymentID"] != row["deploymentID"]:
            yield "observations", i, "its file belongs to another deployment"


def _file_of_level(t: Tables) -> Found:
    for i, row in t.observations():
        if (row["observationLevel"] == "media") != bool(row["mediaID"]):
            yield "observations", i, "an observation of a file names it, one of an event names none"


def _level_declared(t: Tables) -> Found:
    project = t.description.get("project")
    declared = project.get("observationLevel") if isinstance(project, dict) else None
    used = {r["observationLevel"] for r in t.rows["observations"]}
    for level in sorted(x for x in used if x not in (declared if isinstance(declared, list) else ())):
        yield MAIN, 0, f"project.observationLevel does not say that there are observations of level {level}"


def _animal_named(t: Tables) -> Found:
    for i, row in t.observations():
        if row["observationType"] == "animal" and not row["scientificName"]:
            yield "observations", i, "an animal has no scientificName; Animalia says as much as is known"


def _name_listed(t: Tables) -> Found:
    taxa = t.description.get("taxonomic")
    listed = [x.get("scientificName") for x in taxa if isinstance(x, dict)] if isinstance(taxa, list) else []
    for i, row in t.observations():
        if row["scientificName"] and row["scientificName"] not in listed:
            yield "observations", i, "its scientificName is not among the taxa of the description"


def _nothing_is_nothing(t: Tables) -> Found:
    for i, row in t.observations():
        if row["observationType"] in NOTHING_SEEN and any(row[c] for c in ("scientificName", "count", *BBOX)):
            yield "observations", i, "where nothing was seen there is no name, no count and no box"


def _whole_box(t: Tables) -> Found:
    for i, row in t.observations():
        given = [row[c] for c in BBOX]
        x, y, w, h = map(_number, given)
        if any(given) and not (x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= 1 + 1e-6 and y + h <= 1 + 1e-6):
            yield "observations", i, "a box is not whole, or leads out of the picture"


def _probability(t: Tables) -> Found:
    for i, row in t.observations():
        p = row["classificationProbability"]
        if p and not 0 <= _number(p) <= 1:
            yield "observations", i, "a probability does not lie between 0 and 1"
        if p and not row["classificationMethod"]:
            yield "observations", i, "nobody knows whose probability this is"


def _machine_named(t: Tables) -> Found:
    for i, row in t.observations():
        if row["classificationMethod"] == "machine" and not row["classifiedBy"]:
            yield "observations", i, "classifiedBy does not name the model"


def _path_inside(t: Tables) -> Found:
    for i, row in enumerate(t.rows["media"], start=1):
        if _LEADS_OUT.search(row["filePath"]) or _LEADS_OUT.search(row["fileName"]):
            yield "media", i, "a path is not relative with forward slashes: it may name a drive, a person or a host"


def _private(t: Tables) -> Found:
    for i, row in enumerate(t.rows["media"], start=1):
        if row["filePublic"].lower() not in ("false", "0"):
            yield "media", i, "the file is marked as public"


def _as_exact_as_said(t: Tables) -> Found:
    precision = t.description.get("coordinatePrecision")
    for i, row in enumerate(t.rows["deployments"], start=1):
        if not row["coordinateUncertainty"] or not isinstance(precision, (int, float)):
            yield "deployments", i, "how exact the place is stands neither in the row nor in the description"
            continue
        digits = max(len(row[c].partition(".")[2].rstrip("0")) for c in ("latitude", "longitude"))
        if 10.0**-digits < precision * 0.999:
            yield "deployments", i, "the coordinates are more exact than coordinatePrecision says"


def _period_covers(t: Tables) -> Found:
    temporal = t.description.get("temporal")
    start, end = (str((temporal if isinstance(temporal, dict) else {}).get(k, "")) for k in ("start", "end"))
    for i, row in enumerate(t.rows["deployments"], start=1):
        if row["deploymentStart"][:10] < start or row["deploymentEnd"][:10] > end:
            yield "deployments", i, "temporal does not cover its period"


RULES: dict[str, Callable[[Tables], Found]] = {
    "columns": _columns,
    "ids": _ids,
    "references": _references,
    "times": _times,
    "order": _order,
    "inside-deployment": _inside_deployment,
    "before-its-file": _before_its_file,
    "other-deployment": _other_deployment,
    "file-of-level": _file_of_level,
    "level-declared": _level_declared,
    "animal-named": _animal_named,
    "name-listed": _name_listed,
    "nothing-is-nothing": _nothing_is_nothing,
    "whole-box": _whole_box,
    "probability": _probability,
    "machine-named": _machine_named,
    "path-inside": _path_inside,
    "private": _private,
    "as-exact-as-said": _as_exact_as_said,
    "period-covers": _period_covers,
}
