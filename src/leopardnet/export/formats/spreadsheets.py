"""Outgoing clips as a flat table: the predictions, and what else is known of each clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.camtrap_dp.places import Places, StudyArea
from leopardnet.data.formats.sheets.spreadsheet import SheetFormat, write_sheet
from leopardnet.data.formats.sheets.timelapse import write_timelapse
from leopardnet.data.formats.write_result import WriteResult
from leopardnet.export.outgoing import Outgoing
from leopardnet.export.outgoing_clips import read_clips, to_records

PLACE = ("latitude", "longitude", "coordinate_uncertainty_m")
TIMELAPSE_COLUMNS = {"Species": "decision"}


def write(
    outgoing: Outgoing,
    out: Path,
    *,
    format: SheetFormat,
    deployments: pd.DataFrame | None,
    study_area: StudyArea | None,
    coordinate_digits: int,
    bom: bool,
) -> WriteResult:
    """Write one row per clip. JSON lines also hold the classified frames of each clip."""
    table = flatten(outgoing, deployments=deployments, study_area=study_area, coordinate_digits=coordinate_digits)
    if format == "jsonl":
        frames = [
            [{"time_s": f.time_s, **{f"p_{n}": p for n, p in f.probs.items()}, "boxes": f.boxes} for f in c.frames]
            for c in read_clips(outgoing)
        ]
        table = table.assign(frames=pd.Series(frames, dtype=object, index=table.index))
    notes = write_sheet(table, Path(out), format=format, bom=bom)
    return WriteResult(
        Path(out), len(table), sum(outgoing.reasons.values()), outgoing.reasons, (*outgoing.notes, *notes)
    )


def flatten(
    outgoing: Outgoing,
    *,
    deployments: pd.DataFrame | None = None,
    study_area: StudyArea | None = None,
    coordinate_digits: int = 1,
) -> pd.DataFrame:
    """Return the predictions with deployment, zone, human labels and rounded places, where these are known."""
    table, known = outgoing.table, outgoing.footage.table
    more = {c: known[c] for c in ("deployment", "time_zone") if known[c].notna().any()}
    table = table.assign(site=known["site"], captured_at=known["captured_at"], **more)
    if len(outgoing.human_labels):
        human = outgoing.human_labels.set_index("clip_id")
        given = {f"human_{c}": table["clip_id"].map(human[c]) for c in ("label", "comment")}
        table = table.assign(**{c: v.astype("str") for c, v in given.items() if v.notna().any()})
    if deployments is None and study_area is None:
        return table
    names: dict[str, set[str | None]] = {}
    places = Places(deployments, names, study_area=study_area, coordinate_digits=coordinate_digits)
    found = [places.find(row, "+00:00") for row in to_records(known)]
    cells = [(None, None, None) if d is None else (d.latitude, d.longitude, d.uncertainty_m) for d in found]
    place = pd.DataFrame(cells, columns=list(PLACE), index=table.index)
    return table.assign(
        latitude=place["latitude"].astype("float64"),
        longitude=place["longitude"].astype("float64"),
        coordinate_uncertainty_m=place["coordinate_uncertainty_m"].astype("Int64"),
    )


def write_for_timelapse(outgoing: Outgoing, out: Path, *, columns: Mapping[str, str] | None) -> WriteResult:
    """Write one row per file for Timelapse, a burst as its stills. columns: {data label: field}.

    Raises ManifestError for a field that the predictions lack.
    """
    wanted = dict(columns or TIMELAPSE_COLUMNS)
    table = flatten(outgoing)
    _check_fields(wanted, list(map(str, table.columns)))
    rows = (
        {**row, "path": path}
        for row, clip in zip(to_records(table), read_clips(outgoing), strict=True)
        for path in clip.files
    )
    written = write_timelapse(rows, out, columns=wanted)
    reasons = {**outgoing.reasons, **written.reasons}
    return WriteResult(
        written.path, written.n_rows, sum(reasons.values()), reasons, (*outgoing.notes, *written.notes)
    )


def _check_fields(wanted: Mapping[str, str], known: Sequence[str]) -> None:
    wrong = next((f for f in wanted.values() if f not in known), None)
    if wrong is not None:
        raise ManifestError(
            "the predictions have no such column", where="columns", found=wrong, expected=", ".join(known)
        )
