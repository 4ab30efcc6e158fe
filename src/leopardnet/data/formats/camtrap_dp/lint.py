"""Checks that the schemas of Camtrap DP lack: contradictions between tables, unfounded values, and privacy.

Every rule is a function that yields its faults; RULES names them all. A package with any of these faults may still
pass the official schemas.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from leopardnet.core.columns import FIRST_ROW
from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.camtrap_dp.spec import BOX_COLUMNS, COLUMNS, MAIN, MISSING, TABLES
from leopardnet.data.reading.safe_files import open_package, parse_json
from leopardnet.data.reading.tables.csv_cells import Cells, read_cells

Row = Mapping[str, str]
TIME = "%Y-%m-%dT%H:%M:%S%z"
KEYS = {"deployments": "deploymentID", "media": "mediaID", "observations": "observationID"}
NOTHING_SEEN = ("blank", "unclassified")
_OUTSIDE = re.compile(r"^[/\\~.]|^[A-Za-z]:|\\|(^|/)\.\.(/|$)|^[a-z][a-z0-9+.-]*://", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault: rule, table, row (the header is 1; 0 for the whole table), and what is wrong."""

    rule: str
    table: str
    row: int
    message: str


class Tables:
    """A package as text: the rows of each table, and the description."""

    def __init__(self, cells: Mapping[str, Cells], description: Mapping[str, Any]) -> None:
        self.description = description
        self.headers = {t: c.header for t, c in cells.items()}
        self.rows: dict[str, list[Row]] = {
            t: [{**dict.fromkeys(COLUMNS[t], ""), **_clean_row(c.header, r)} for r in c.rows]
            for t, c in cells.items()
        }
        self.by_id = {t: {r[KEYS[t]]: r for r in self.rows[t]} for t in TABLES}

    def number_rows(self, table: str) -> Iterator[tuple[int, Row]]:
        """Return the rows of a table with their numbers; the header is row 1."""
        return enumerate(self.rows[table], start=FIRST_ROW)


def lint_camtrap_dp(source: Path) -> list[Fault]:
    """Return the faults of a package (folder or zip), by rule. Raises ManifestError if it cannot be read.

    >>> [fault.rule for fault in ln.lint_camtrap_dp(Path("package.zip"))]  # doctest: +SKIP
    []
    """
    with open_package(Path(source), main=MAIN) as package:
        where = f"{package.name}, {MAIN}"
        description = parse_json(package.read(MAIN), name=where, expected="a Camtrap DP description")
        if not isinstance(description, dict):
            raise ManifestError("the description is not an object", where=where, found=type(description).__name__)
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


def _clean_row(header: tuple[str, ...], row: list[str]) -> dict[str, str]:
    return {c: "" if v in MISSING else v for c, v in zip(header, row, strict=True)}


@lru_cache(maxsize=65_536)
def _parse_time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, TIME)
    except ValueError:
        return None


def _parse_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


# --- rules: each yields (table, row, message) ---

Found = Iterator[tuple[str, int, str]]


def _check_columns(t: Tables) -> Found:
    for table in TABLES:
        if t.headers[table] != COLUMNS[table]:
            yield table, 0, "the columns are not all columns of the format, in its order"


def _check_ids(t: Tables) -> Found:
    for table in TABLES:
        seen: set[str] = set()
        for i, row in t.number_rows(table):
            key = row[KEYS[table]]
            if not key or key in seen:
                yield table, i, f"{KEYS[table]} is empty or occurs twice"
            seen.add(key)


def _check_references(t: Tables) -> Found:
    for i, row in t.number_rows("media"):
        if row["deploymentID"] not in t.by_id["deployments"]:
            yield "media", i, "its deployment is not in the package"
    for i, row in t.number_rows("observations"):
        if row["deploymentID"] not in t.by_id["deployments"] or (
            row["mediaID"] and row["mediaID"] not in t.by_id["media"]
        ):
            yield "observations", i, "its deployment or its media file is not in the package"


def _check_times(t: Tables) -> Found:
    wanted = {
        "deployments": ("deploymentStart", "deploymentEnd"),
        "media": ("timestamp",),
        "observations": ("eventStart", "eventEnd"),
    }
    for table, columns in wanted.items():
        for i, row in t.number_rows(table):
            for column in columns:
                if _parse_time(row[column]) is None:
                    yield table, i, f"{column} is not a time in whole seconds with its zone"


def _check_order(t: Tables) -> Found:
    for table, (first, last) in (
        ("deployments", ("deploymentStart", "deploymentEnd")),
        ("observations", ("eventStart", "eventEnd")),
    ):
        for i, row in t.number_rows(table):
            start, end = _parse_time(row[first]), _parse_time(row[last])
            if start and end and end < start:
                yield table, i, f"{last} is before {first}"


def _check_period(t: Tables) -> Found:
    for i, row in t.number_rows("observations"):
        deployment = t.by_id["deployments"].get(row["deploymentID"])
        moments = [_parse_time(row[c]) for c in ("eventStart", "eventEnd")]
        period = (
            [_parse_time(deployment[c]) for c in ("deploymentStart", "deploymentEnd")]
            if deployment
            else [None, None]
        )
        start, end = period
        if start and end and any(m and not start <= m <= end for m in moments):
            yield "observations", i, "it is outside the period of its deployment"


def _check_start(t: Tables) -> Found:
    for i, row in t.number_rows("observations"):
        file = t.by_id["media"].get(row["mediaID"])
        begins, seen = _parse_time(file["timestamp"]) if file else None, _parse_time(row["eventStart"])
        if begins and seen and seen < begins:
            yield "observations", i, "it begins before its file does"


def _check_deployment(t: Tables) -> Found:
    for i, row in t.number_rows("observations"):
        file = t.by_id["media"].get(row["mediaID"])
        if file and file["deploymentID"] != row["deploymentID"]:
            yield "observations", i, "its file belongs to another deployment"


def _check_level(t: Tables) -> Found:
    for i, row in t.number_rows("observations"):
        if (row["observationLevel"] == "media") != bool(row["mediaID"]):
            yield (
                "observations",
                i,
                "an observation of a file must name it, and one of an event must not name a file",
            )


def _check_levels(t: Tables) -> Found:
    project = t.description.get("project")
    declared = project.get("observationLevel") if isinstance(project, dict) else None
    used = {r["observationLevel"] for r in t.rows["observations"]}
    for level in sorted(x for x in used if x not in (declared if isinstance(declared, list) else ())):
        yield MAIN, 0, f"project.observationLevel lacks the level {level}, which observations have"


def _check_animals(t: Tables) -> Found:
    for i, row in t.number_rows("observations"):
        if row["observationType"] == "animal" and not row["scientificName"]:
            yield "observations", i, "an animal has no scientificName; use Animalia where the species is unknown"


def _check_taxa(t: Tables) -> Found:
    taxa = t.description.get("taxonomic")
    listed = [x.get("scientificName") for x in taxa if isinstance(x, dict)] if isinstance(taxa, list) else []
    for i, row in t.number_rows("observations"):
        if row["scientificName"] and row["scientificName"] not in listed:
            yield "observations", i, "its scientificName is not among the taxa of the description"


def _check_blanks(t: Tables) -> Found:
    for i, row in t.number_rows("observations"):
        if row["observationType"] in NOTHING_SEEN and any(
            row[c] for c in ("scientificName", "count", *BOX_COLUMNS)
        ):
            yield "observations", i, "a blank or unclassified observation has a name, a count or a box"


def _check_boxes(t: Tables) -> Found:
    for i, row in t.number_rows("observations"):
        given = [row[c] for c in BOX_COLUMNS]
        x, y, w, h = map(_parse_number, given)
        if any(given) and not (x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= 1 + 1e-6 and y + h <= 1 + 1e-6):
            yield "observations", i, "a box is incomplete, or leads out of the picture"


def _check_probabilities(t: Tables) -> Found:
    for i, row in t.number_rows("observations"):
        p = row["classificationProbability"]
        if p and not 0 <= _parse_number(p) <= 1:
            yield "observations", i, "a probability is not between 0 and 1"
        if p and not row["classificationMethod"]:
            yield "observations", i, "a probability has no classificationMethod"


def _check_models(t: Tables) -> Found:
    for i, row in t.number_rows("observations"):
        if row["classificationMethod"] == "machine" and not row["classifiedBy"]:
            yield "observations", i, "classifiedBy does not name the model"


def _check_paths(t: Tables) -> Found:
    for i, row in t.number_rows("media"):
        if _OUTSIDE.search(row["filePath"]) or _OUTSIDE.search(row["fileName"]):
            yield (
                "media",
                i,
                "a path is not relative with forward slashes, so it may name a drive, a person or a host",
            )


def _check_privacy(t: Tables) -> Found:
    for i, row in t.number_rows("media"):
        if row["filePublic"].lower() not in ("false", "0"):
            yield "media", i, "the file is marked as public"


def _check_precision(t: Tables) -> Found:
    precision = t.description.get("coordinatePrecision")
    for i, row in t.number_rows("deployments"):
        if not row["coordinateUncertainty"] or not isinstance(precision, (int, float)):
            yield "deployments", i, "neither the row nor the description states how exact the place is"
            continue
        digits = max(len(row[c].partition(".")[2].rstrip("0")) for c in ("latitude", "longitude"))
        if 10.0**-digits < precision * 0.999:
            yield "deployments", i, "the coordinates are more exact than coordinatePrecision states"


def _check_temporal(t: Tables) -> Found:
    temporal = t.description.get("temporal")
    start, end = (str((temporal if isinstance(temporal, dict) else {}).get(k, "")) for k in ("start", "end"))
    for i, row in t.number_rows("deployments"):
        if row["deploymentStart"][:10] < start or row["deploymentEnd"][:10] > end:
            yield "deployments", i, "temporal in the description does not cover its period"


RULES: dict[str, Callable[[Tables], Found]] = {
    "columns": _check_columns,
    "ids": _check_ids,
    "references": _check_references,
    "times": _check_times,
    "order": _check_order,
    "inside-deployment": _check_period,
    "before-its-file": _check_start,
    "other-deployment": _check_deployment,
    "file-of-level": _check_level,
    "level-declared": _check_levels,
    "animal-named": _check_animals,
    "name-listed": _check_taxa,
    "nothing-is-nothing": _check_blanks,
    "whole-box": _check_boxes,
    "probability": _check_probabilities,
    "machine-named": _check_models,
    "path-inside": _check_paths,
    "private": _check_privacy,
    "as-exact-as-said": _check_precision,
    "period-covers": _check_temporal,
}
