"""Outgoing clips as a flat table: the predictions, and what else is known of each clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from leopardnet.core.columns import has_several_labels
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import split_labels
from leopardnet.data.formats.camtrap_dp.places import Places, StudyArea
from leopardnet.data.formats.sheets.spreadsheet import SheetFormat, write_sheet
from leopardnet.data.formats.sheets.timelapse import write_timelapse
from leopardnet.data.formats.sheets.workbook import find_link_root
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
    """Write one row per clip, or for each of several species. JSON lines also hold the frames of each clip."""
    table = flatten(outgoing, deployments=deployments, study_area=study_area, coordinate_digits=coordinate_digits)
    if format == "jsonl":
        frames = [
            [{"time_s": f.time_s, **{f"p_{n}": p for n, p in f.probs.items()}, "boxes": f.boxes} for f in c.frames]
            for c in read_clips(outgoing)
        ]
        by_clip = dict(zip(outgoing.table["clip_id"], frames, strict=True))
        table = table.assign(frames=table["clip_id"].map(by_clip).astype(object))
    link_to = None if outgoing.root is None else find_link_root(outgoing.root, Path(out))
    notes = write_sheet(table, Path(out), format=format, bom=bom, link_to=link_to)
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
    """Return the predictions with deployment, zone, human labels and rounded places, where these are known.

    A clip of several species, from a model with independent labels, has a row for each, with its probability as
    score.
    """
    table, known = outgoing.table, outgoing.footage.table
    more = {c: known[c] for c in ("deployment", "time_zone") if known[c].notna().any()}
    table = table.assign(site=known["site"], captured_at=known["captured_at"], **more)
    if len(outgoing.human_labels):
        human = outgoing.human_labels.set_index("clip_id")
        given = {f"human_{c}": table["clip_id"].map(human[c]) for c in ("label", "comment")}
        table = table.assign(**{c: v.astype("str") for c, v in given.items() if v.notna().any()})
    if deployments is None and study_area is None:
        return _divide_species(table)
    names: dict[str, set[str | None]] = {}
    places = Places(deployments, names, study_area=study_area, coordinate_digits=coordinate_digits)
    found = [places.find(row, "+00:00") for row in to_records(known)]
    cells = [(None, None, None) if d is None else (d.latitude, d.longitude, d.uncertainty_m) for d in found]
    place = pd.DataFrame(cells, columns=list(PLACE), index=table.index)
    table = table.assign(
        latitude=place["latitude"].astype("float64"),
        longitude=place["longitude"].astype("float64"),
        coordinate_uncertainty_m=place["coordinate_uncertainty_m"].astype("Int64"),
    )
    return _divide_species(table)


def _divide_species(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each label that is named in a clip, as its `decision`; other rows stay as they are."""
    if not has_several_labels(table):
        return table
    cells = table["labels"].fillna(table["decision"]).map(split_labels)
    rows = table.assign(_named=cells, _first=table["decision"]).explode("_named", ignore_index=True)
    is_other = rows["_named"] != rows["_first"]
    other = [row[f"p_{row['_named']}"] for row in rows[is_other].to_dict("records")]
    rows["decision"] = rows["_named"].astype("str")
    rows.loc[is_other, "score"] = other
    return rows.drop(columns=["_named", "_first"])


def write_for_timelapse(outgoing: Outgoing, out: Path, *, columns: Mapping[str, str] | None) -> WriteResult:
    """Write one row per file for Timelapse, or for each of several species, a burst as its stills.

    columns: {data label: field}.

    Raises ManifestError for a field that the predictions lack.
    """
    wanted = dict(columns or TIMELAPSE_COLUMNS)
    table = flatten(outgoing)
    _check_fields(wanted, list(map(str, table.columns)))
    files = {clip.prediction["clip_id"]: clip.files for clip in read_clips(outgoing)}
    rows = ({**row, "path": path} for row in to_records(table) for path in files[row["clip_id"]])
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
