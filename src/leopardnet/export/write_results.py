"""From predictions to a file that another program opens: one door for all formats. Start reading here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import LabelSet
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.data.formats.camtrap_dp.places import StudyArea
from leopardnet.data.formats.spreadsheet import SHEET_FORMATS
from leopardnet.data.formats.written import WriteResult
from leopardnet.data.scan.deployments import read_deployments
from leopardnet.export.camtrap_events import GAP_MINUTES
from leopardnet.export.corrections import read_corrections
from leopardnet.export.outgoing import select_outgoing
from leopardnet.export.pseudonyms import Pseudonyms

Format = Literal["csv", "parquet", "jsonl", "xlsx", "megadetector", "camtrap-dp", "coco", "timelapse"]
Coordinates = Literal["rounded", "none", "exact"]
FORMATS: tuple[Format, ...] = get_args(Format)
BY_SUFFIX: Mapping[str, Format] = {f".{name}": name for name in SHEET_FORMATS}
DIGITS: Mapping[Coordinates, int] = {"rounded": 1, "none": 1, "exact": 6}


def write(
    predictions: Predictions,
    out: str | Path,
    *,
    format: Format | None = None,
    manifest: Manifest | None = None,
    labels: LabelSet | None = None,
    corrections: str | Path | pd.DataFrame | None = None,
    time_zone: str | None = None,
    deployments: str | Path | pd.DataFrame | None = None,
    study_area: StudyArea | None = None,
    coordinates: Coordinates = "rounded",
    include_people: bool = False,
    credit: bool = False,
    pseudonyms: str | Path | None = None,
    columns: Mapping[str, str] | None = None,
    bom: bool = False,
    gap_minutes: float | None = GAP_MINUTES,
    metadata: Mapping[str, Any] | None = None,
    created: datetime | None = None,
) -> WriteResult:
    """What was written to `out`, and how many clips were not, by reason. The file is whole or not there at all.

    format: one of FORMATS; the suffix of `out` tells csv, parquet, jsonl and xlsx. manifest: of the footage, for deployment,
    zone, bursts and human labels. labels: for scientific names, where the label set is not one that comes with the program.
    corrections: what people said, see `export.corrections`. time_zone: of times without one.

    Private unless asked otherwise: clips of people and vehicles stay out (`include_people`), coordinates of the
    `deployments` table are rounded to one decimal, left out ("none") or, explicitly, "exact"; names of people are left
    out (`credit`). study_area: latitude, longitude and radius in metres, for cameras whose place is not given.
    pseudonyms: a key file, made where there is none, by which folders, sites and deployments get other names.

    columns: for Timelapse, {data label: field}. bom: for Excel, in CSV. gap_minutes: of events in Camtrap DP; None for
    none. metadata: of a Camtrap DP description, such as title or contributors. created: with a zone; default now.

    >>> write(Predictions.read("results/"), "amur.xlsx")  # doctest: +SKIP
    WriteResult(amur.xlsx: 1200 rows; 3 left out: …)
    """
    kind, out = format_of(out, format), Path(out)
    names = Pseudonyms.open(Path(pseudonyms)) if pseudonyms is not None else None
    said = read_corrections(Path(corrections)) if isinstance(corrections, (str, Path)) else corrections
    parcel = select_outgoing(
        predictions,
        manifest=manifest,
        corrections=said,
        labels=labels,
        time_zone=time_zone,
        include_people=include_people,
        credit=credit,
        pseudonyms=names,
    )
    places = _places(deployments, coordinates, names)
    where: dict[str, Any] = {
        "deployments": places,
        "study_area": study_area,
        "coordinate_digits": DIGITS[coordinates],
    }
    created = created or datetime.now(UTC)
    written = _write(kind, parcel, out, where, columns, bom, gap_minutes, metadata, created)
    if names is not None:
        names.save()
    return written


def format_of(out: str | Path, format: str | None = None) -> Format:
    """The format: the one that is named, else the one that the suffix tells. Raises ConfigError for any other."""
    found = format or BY_SUFFIX.get(Path(out).suffix.lower())
    for known in FORMATS:
        if known == found:
            return known
    raise ConfigError(
        "this format is not known",
        where="format",
        found=found or Path(out).name,
        expected=", ".join(FORMATS),
        todo="name one with --format",
    )


def _write(
    kind: Format,
    parcel: Any,
    out: Path,
    where: Mapping[str, Any],
    columns: Mapping[str, str] | None,
    bom: bool,
    gap_minutes: float | None,
    metadata: Mapping[str, Any] | None,
    created: datetime,
) -> WriteResult:
    from leopardnet.export import camtrap_dp as camtrap
    from leopardnet.export import coco, megadetector
    from leopardnet.export import spreadsheets as sheets

    if kind == "megadetector":
        return megadetector.write(parcel, out, created=created)
    if kind == "camtrap-dp":
        return camtrap.write(parcel, out, created=created, gap_minutes=gap_minutes, metadata=metadata, **where)
    if kind == "coco":
        return coco.write(parcel, out)
    if kind == "timelapse":
        return sheets.write_for_timelapse(parcel, out, columns=columns)
    return sheets.write(parcel, out, format=kind, bom=bom, **where)


def _places(
    deployments: str | Path | pd.DataFrame | None, coordinates: Coordinates, names: Pseudonyms | None
) -> pd.DataFrame | None:
    """The deployments table, without coordinates where they must not be written, and under pseudonyms."""
    if coordinates not in DIGITS:
        raise ConfigError(
            "coordinates cannot be written so", where="coordinates", found=coordinates, expected=", ".join(DIGITS)
        )
    table = read_deployments(Path(deployments)) if isinstance(deployments, (str, Path)) else deployments
    if table is None:
        return None
    if coordinates == "none":
        table = table.assign(latitude=float("nan"), longitude=float("nan"))
    if names is not None:
        replaced = {c: table[c].map(names.name, na_action="ignore").astype("str") for c in ("deployment", "site")}
        table = table.assign(**replaced)
    return table
