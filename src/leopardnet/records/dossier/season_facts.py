"""The season around the captures of a dossier: other cameras, earlier records, effort, cameras in trouble."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from leopardnet.records.dossier.cells import list_rows, read_number, read_text
from leopardnet.records.dossier.shown_places import Place, list_shown_places
from leopardnet.records.dossier.sources import DossierSources
from leopardnet.records.effort import find_active_periods

TROUBLES = (
    "stopped_early",
    "silence",
    "set_up_date",
    "no_night",
    "dark_nights",
    "moved_camera",
    "clock_against_sun",
)


@dataclass(frozen=True, slots=True)
class EarlierRecord:
    """The nearest earlier confirmed record of some captures."""

    ref: str
    record_id: str
    path: str
    site: str
    captured_at: pd.Timestamp | None
    by: str
    place: Place | None


def list_other_places(rows: pd.DataFrame, sources: DossierSources, exact: bool) -> tuple[tuple[str, Place], ...]:
    """Return the cameras that did not film the animal here, by their site."""
    if sources.deployments is None:
        return ()
    own = set(rows["site"].dropna())
    found: dict[str, Place] = {}
    places = list_shown_places(sources.deployments, exact_places=exact)
    for row, place in zip(list_rows(sources.deployments), places, strict=True):
        name = read_text(row, "site") or read_text(row, "deployment")
        if place is not None and name not in own:
            found.setdefault(name, place)
    return tuple(found.items())


def list_earlier(rows: pd.DataFrame, sources: DossierSources, exact: bool) -> tuple[EarlierRecord, ...]:
    """Return the nearest earlier confirmed records, in the order of time; those outside the table have no file."""
    own = set(rows["record_id"])
    ids = [i for i in dict.fromkeys(rows["nearest_record_id"].dropna()) if i not in own]
    known = sources.records[sources.records["record_id"].isin(ids)].sort_values("captured_at", kind="stable")
    places = list_shown_places(known, exact_places=exact)
    found: list[tuple[dict[str, Any], Place | None]] = list(zip(list_rows(known), places, strict=True))
    found += [({"record_id": i}, None) for i in ids if i not in set(known["record_id"])]
    return tuple(
        EarlierRecord(
            f"e{n}",
            read_text(row, "record_id"),
            read_text(row, "path"),
            read_text(row, "site"),
            row.get("captured_at"),
            read_text(row, "by"),
            place,
        )
        for n, (row, place) in enumerate(found, 1)
    )


def sum_effort(rows: pd.DataFrame, sources: DossierSources) -> tuple[float, int] | None:
    """Return the camera-days of the season before the first of these records, and the cameras that have some.

    None where the period of no camera is known, or the time of no record.
    """
    first = rows["captured_at"].min()
    if sources.deployments is None or pd.isna(first):
        return None
    periods = find_active_periods(sources.deployments, sources.manifest.table)
    before = periods[periods["start"] < first]
    days = (before["end"].clip(upper=first) - before["start"]).dt.total_seconds().sum() / 86_400
    return (read_number(days), int(before["deployment"].nunique())) if len(before) else None


def list_troubles(sources: DossierSources) -> tuple[str, ...]:
    """Return what the checks of camera health found in the season, in English, each once."""
    if sources.findings is None:
        return ()
    mine = sources.findings[sources.findings["rule"].isin(TROUBLES)]
    return tuple(dict.fromkeys(mine["message"].astype(str)))
