"""What the captures of a dossier make up together: their encounter, repeated captures, pairs of flanks."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pandas as pd

from leopardnet.records.dossier.cells import list_rows, read_counts, read_number, read_text
from leopardnet.records.dossier.sources import DossierSources
from leopardnet.records.ranges.coarse_places import hide_paths
from leopardnet.records.record_table import CONFIRMED, SUSPECTED

Refs = tuple[str, ...]
"""Rows of the page that a statement rests on: r1, … for records, s1, … for sounds, e1, … for earlier records."""


@dataclass(frozen=True)
class EncounterFact:
    """The encounter of the captures. confirmed_path_km: over its confirmed records alone.

    min_animals: None where it cannot be told; refs: what proves it.
    """

    path_km: float
    confirmed_path_km: float
    min_animals: int | None
    why: str
    refs: Refs


@dataclass(frozen=True)
class HintFact:
    """Repeated captures at a station. calls, prey: how many are confirmed, and suspected; None: nobody searched."""

    station: str
    state: str
    start: pd.Timestamp | None
    end: pd.Timestamp | None
    n_captures: int
    expected: float
    p_value: float
    calls: tuple[int, int] | None
    prey: tuple[int, int] | None
    refs: Refs


@dataclass(frozen=True)
class FlankFact:
    """Two captures of opposite cameras: perhaps two sides of one animal. state: confirmed where both are."""

    station: str
    state: str
    apart_s: float
    is_sure: bool
    refs: Refs


def find_encounter(
    own: Any, rows: pd.DataFrame, sources: DossierSources, exact: bool, ref_of: dict[str, str]
) -> EncounterFact | None:
    """Return the encounter of a record. own: its row; rows: of the dossier; ref_of: their refs by record_id."""
    table = sources.encounters
    if table is None or pd.isna(own["encounter_id"]):
        return None
    table = table[table["encounter_id"] == own["encounter_id"]]
    for row in list_rows(hide_paths(table, rows, exact_places=exact)):
        proof = json.loads(read_text(row, "min_animals_ids") or "[]")
        least = row.get("min_animals")
        return EncounterFact(
            path_km=read_number(row.get("path_km")),
            confirmed_path_km=read_number(row.get("confirmed_path_km")),
            min_animals=None if least is None else int(least),
            why=read_text(row, "min_animals_why"),
            refs=tuple(ref_of[i] for i in proof if i in ref_of),
        )
    return None


def list_hints(own: Any, sources: DossierSources, ref_of: dict[str, str]) -> tuple[HintFact, ...]:
    """Return the hints that rest on captures of the dossier."""
    if sources.hints is None:
        return ()
    found = []
    for row in list_rows(sources.hints[sources.hints["label"] == own["label"]]):
        refs = tuple(ref_of[i] for i in json.loads(read_text(row, "record_ids") or "[]") if i in ref_of)
        if refs:
            found.append(
                HintFact(
                    station=read_text(row, "station"),
                    state=read_text(row, "state"),
                    start=row.get("start"),
                    end=row.get("end"),
                    n_captures=int(row["n_captures"]),
                    expected=read_number(row.get("expected")),
                    p_value=read_number(row.get("p_value")),
                    calls=read_counts(row, "n_alarm_calls"),
                    prey=read_counts(row, "n_prey"),
                    refs=refs,
                )
            )
    return tuple(found)


def list_flanks(
    sources: DossierSources, ref_of: dict[str, str], confirmed: Collection[str]
) -> tuple[FlankFact, ...]:
    """Return the pairs of flanks among the captures. confirmed: refs."""
    rows = [] if sources.flanks is None else list_rows(sources.flanks)
    pairs = ((row, (str(row["record_id_1"]), str(row["record_id_2"]))) for row in rows)
    return tuple(
        FlankFact(
            read_text(row, "station"),
            CONFIRMED if {ref_of[a], ref_of[b]} <= set(confirmed) else SUSPECTED,
            read_number(row.get("apart_s")),
            row.get("is_together") == "yes",
            (ref_of[a], ref_of[b]),
        )
        for row, (a, b) in pairs
        if a in ref_of and b in ref_of
    )
