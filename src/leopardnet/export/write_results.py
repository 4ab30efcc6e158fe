"""Writing of predictions in every format that other programs read. Start reading here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import LabelSet
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.data.formats.camtrap_dp.places import StudyArea
from leopardnet.data.formats.sheets.spreadsheet import SHEET_FORMATS
from leopardnet.data.formats.write_result import WriteResult
from leopardnet.data.scan.deployments import find_deployments
from leopardnet.export.corrections import Corrections, read_corrections
from leopardnet.export.format_names import FORMATS, Format
from leopardnet.export.outgoing import Outgoing, select_outgoing
from leopardnet.export.pseudonyms import Pseudonyms
from leopardnet.score.events import GAP_MINUTES

Coordinates = Literal["rounded", "none", "exact"]
BY_SUFFIX: Mapping[str, Format] = {f".{name}": name for name in SHEET_FORMATS}
DIGITS: Mapping[Coordinates, int] = {"rounded": 1, "none": 1, "exact": 6}


def write(
    predictions: Predictions,
    out: str | Path,
    *,
    format: Format | None = None,
    manifest: Manifest | None = None,
    labels: LabelSet | None = None,
    corrections: str | Path | Corrections | pd.DataFrame | None = None,
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
    """Write predictions to `out`, whole or not at all, and count the clips that are left out by reason.

    format: one of FORMATS; by default it follows from the suffix of `out` (csv, parquet, jsonl, xlsx). manifest: of
    the footage, for deployment, zone, bursts and human labels. labels: for scientific names, where the label set
    does not come with the program. corrections: labels that people gave, see `export.corrections`. time_zone: for
    times without a zone, where the deployments table has none.

    Private by default: clips of people and vehicles are left out (`include_people`), coordinates of the
    `deployments` table are rounded to one decimal ("none" leaves them out, "exact" keeps them), and names of people
    are left out (`credit`). study_area: latitude, longitude and radius in metres, for cameras without a place.
    pseudonyms: a key file, made where there is none, that renames folders, sites and deployments.

    columns: for Timelapse, {data label: field}. bom: a byte-order mark in CSV, for Excel. gap_minutes: between
    events in Camtrap DP; None for no events. metadata: keys of a Camtrap DP description, such as title or
    contributors. created: a time with a zone, by default now.

    Raises ConfigError for an unknown format, and ManifestError for tables that cannot be read or written.

    >>> write(Predictions.read("results/"), "amur.xlsx")  # doctest: +SKIP
    WriteResult(amur.xlsx: 1200 rows; 3 left out: …)
    """
    kind, out = find_format(out, format), Path(out)
    names = Pseudonyms.open(Path(pseudonyms)) if pseudonyms is not None else None
    corrected = read_corrections(Path(corrections)) if isinstance(corrections, (str, Path)) else corrections
    table, notes = find_deployments(deployments)
    outgoing = select_outgoing(
        predictions,
        manifest=manifest,
        corrections=corrected,
        labels=labels,
        time_zone=time_zone,
        deployments=table,
        include_people=include_people,
        credit=credit,
        pseudonyms=names,
    )
    places = _prepare_deployments(table, coordinates, names)
    where = {"deployments": places, "study_area": study_area, "coordinate_digits": DIGITS[coordinates]}
    created = created or datetime.now(UTC)
    written = _write(kind, outgoing, out, where, columns, bom, gap_minutes, metadata, created)
    if names is not None:
        names.save()
    return replace(written, notes=(*notes, *written.notes))


def find_format(out: str | Path, format: str | None = None) -> Format:
    """Return the named format, or else the one of the suffix. Raises ConfigError for any other."""
    found = format or BY_SUFFIX.get(Path(out).suffix.lower())
    if found in FORMATS:
        return found
    raise ConfigError(
        "this format is not known",
        where="format",
        found=found or Path(out).name,
        expected=", ".join(FORMATS),
        todo="name one with --format",
    )


def _write(
    kind: Format,
    outgoing: Outgoing,
    out: Path,
    where: Mapping[str, Any],
    columns: Mapping[str, str] | None,
    bom: bool,
    gap_minutes: float | None,
    metadata: Mapping[str, Any] | None,
    created: datetime,
) -> WriteResult:
    from leopardnet.export.formats import annotations, camtrap_dp, coco, megadetector, spreadsheets

    if kind == "megadetector":
        return megadetector.write(outgoing, out, created=created)
    if kind == "camtrap-dp":
        return camtrap_dp.write(outgoing, out, created=created, gap_minutes=gap_minutes, metadata=metadata, **where)
    if kind == "coco":
        return coco.write(outgoing, out)
    if kind == "yolo" or kind == "voc":
        return annotations.write(outgoing, out, format=kind)
    if kind == "timelapse":
        return spreadsheets.write_for_timelapse(outgoing, out, columns=columns)
    return spreadsheets.write(outgoing, out, format=kind, bom=bom, **where)


def _prepare_deployments(
    table: pd.DataFrame | None, coordinates: Coordinates, names: Pseudonyms | None
) -> pd.DataFrame | None:
    """Return the deployments table, without coordinates where they must not be written, and under pseudonyms."""
    if coordinates not in DIGITS:
        raise ConfigError(
            "there is no such way to write coordinates",
            where="coordinates",
            found=coordinates,
            expected=", ".join(DIGITS),
        )
    if table is None:
        return None
    if coordinates == "none":
        table = table.assign(latitude=float("nan"), longitude=float("nan"))
    if names is not None:
        replaced = {
            c: table[c].map(names.replace_name, na_action="ignore").astype("str") for c in ("deployment", "site")
        }
        table = table.assign(**replaced)
    return table
