"""What a dossier says, as plain values taken from the tables; nothing here draws, writes or opens a file."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from leopardnet.core.labels import split_labels
from leopardnet.records.dossier.shown_places import Place, list_shown_places
from leopardnet.records.dossier.sound_facts import SoundFact, list_sounds
from leopardnet.records.dossier.sources import DossierSources, find_rows
from leopardnet.records.ranges.coarse_places import hide_paths, hide_places
from leopardnet.records.record_table import CONFIRMED, REFUTED, SUSPECTED

Refs = tuple[str, ...]
"""Rows of the page's table that a statement rests on: r1, r2, … for records, s1, … for sounds."""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """A record of the dossier: one clip. by: who confirmed or refuted it. seconds: of its strongest frames."""

    ref: str
    record_id: str
    clip_id: str
    path: str
    state: str
    by: tuple[str, ...]
    score: float
    seconds: tuple[float, ...]
    site: str
    station: str
    deployment: str
    owner: str
    captured_at: pd.Timestamp | None
    time_zone: str
    at_utc: pd.Timestamp | None
    time_source: str
    clock_correction_s: float
    clock_uncertainty_s: float
    place: Place | None
    is_hidden: bool
    in_training: str
    range_status: str
    distance_km: float
    distance_error_km: float
    barriers: tuple[str, ...]
    nearest_record_km: float
    nearest_record_id: str
    first_at_site: bool | None
    first_in_area: bool | None
    first_in_years: float
    rules: tuple[str, ...]

    @property
    def counts(self) -> bool:
        """Whether nobody refuted it."""
        return self.state != REFUTED


@dataclass(frozen=True)
class EncounterFact:
    """The encounter of the captures. min_animals: None where it cannot be told; refs: what proves it."""

    path_km: float
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
    """Two captures of opposite cameras: perhaps the two sides of one animal."""

    station: str
    apart_s: float
    is_sure: bool
    refs: Refs


@dataclass(frozen=True, kw_only=True)
class DossierFacts:
    """Everything that the page says. captures: in the order of time, those that people refuted included."""

    record_id: str
    label: str
    captures: tuple[Capture, ...]
    encounter: EncounterFact | None
    sounds: tuple[SoundFact, ...]
    n_voices: int
    hints: tuple[HintFact, ...]
    flanks: tuple[FlankFact, ...]
    other_places: tuple[tuple[str, Place], ...]
    earlier_places: tuple[tuple[str, Place], ...]

    @property
    def valid(self) -> tuple[Capture, ...]:
        """The captures that nobody refuted."""
        return tuple(c for c in self.captures if c.counts)

    def refs(self, state: str) -> Refs:
        """Return the captures in a state."""
        return tuple(c.ref for c in self.captures if c.state == state)

    @property
    def state(self) -> str:
        """The state of the whole: confirmed where one capture is, else suspected or refuted."""
        states = [c.state for c in self.captures]
        return next(state for state in (CONFIRMED, SUSPECTED, REFUTED) if state in states)


def gather_facts(
    record_id: str, sources: DossierSources, *, exact_places: bool = False, hidden: Collection[str] = ()
) -> DossierFacts:
    """Return what is known of the encounter of a record, or of the record alone where it is part of none.

    exact_places: whether places may be exact where their owner does not forbid it. hidden: clips that show people;
    they are counted, and their pictures and sounds are not shown. Raises ManifestError for an unknown record.
    """
    rows = find_rows(sources.records, record_id)
    own = rows[rows["record_id"] == record_id].iloc[0]
    rows = rows[rows["label"] == own["label"]]
    captures = _list_captures(rows, sources, exact_places, hidden)
    ref_of = {c.record_id: c.ref for c in captures}
    sounds, n_voices = list_sounds(rows, sources, hidden=hidden)
    return DossierFacts(
        record_id=record_id,
        label=str(own["label"]),
        captures=captures,
        encounter=_find_encounter(own, rows, sources, exact_places, ref_of),
        sounds=sounds,
        n_voices=n_voices,
        hints=_list_hints(own, sources, ref_of),
        flanks=_list_flanks(sources, ref_of),
        other_places=_list_other_places(rows, sources, exact_places),
        earlier_places=_list_earlier_places(rows, sources, exact_places),
    )


def _list_captures(
    rows: pd.DataFrame, sources: DossierSources, exact: bool, hidden: Collection[str]
) -> tuple[Capture, ...]:
    clips = sources.predictions.table.set_index("clip_id").reindex(rows["clip_id"])
    corrections = _list_corrections(sources.deployments)
    places = list_shown_places(rows, exact_places=exact)
    shown, captures = _records(hide_places(rows, exact_places=exact, among=sources.records)), []
    for i, (row, clip, place) in enumerate(zip(shown, _records(clips.reset_index()), places, strict=True), 1):
        key = (_text(row, "deployment"), _text(row, "site"))
        captures.append(
            Capture(
                ref=f"r{i}",
                **{name: _text(row, name) for name in _TEXTS},
                by=tuple(name for name in _text(row, "by").split(", ") if name),
                score=_number(row.get("score")),
                seconds=_parse_seconds(clip),
                captured_at=row.get("captured_at"),
                at_utc=row.get("at_utc"),
                clock_correction_s=corrections.get(key, corrections.get((key[0], ""), math.nan)),
                clock_uncertainty_s=_number(row.get("clock_uncertainty_s")),
                place=place,
                is_hidden=row["clip_id"] in hidden,
                in_training=_text(clip, "in_training"),
                distance_km=_number(row.get("distance_km")),
                distance_error_km=_number(row.get("distance_error_km")),
                barriers=split_labels(_text(row, "barriers")),
                nearest_record_km=_number(row.get("nearest_record_km")),
                first_at_site=row.get("first_at_site"),
                first_in_area=row.get("first_in_area"),
                first_in_years=_number(row.get("first_in_years")),
                rules=split_labels(_text(row, "rules")),
            )
        )
    return tuple(captures)


_TEXTS = (
    *("record_id", "clip_id", "path", "state", "site", "station", "deployment", "owner", "time_zone"),
    *("time_source", "range_status", "nearest_record_id"),
)


def _find_encounter(
    own: Any, rows: pd.DataFrame, sources: DossierSources, exact: bool, ref_of: dict[str, str]
) -> EncounterFact | None:
    if sources.encounters is None or pd.isna(own["encounter_id"]):
        return None
    table = sources.encounters[sources.encounters["encounter_id"] == own["encounter_id"]]
    for row in _records(hide_paths(table, rows, exact_places=exact)):
        proof = json.loads(_text(row, "min_animals_ids") or "[]")
        least = row.get("min_animals")
        return EncounterFact(
            path_km=_number(row.get("path_km")),
            min_animals=None if least is None else int(least),
            why=_text(row, "min_animals_why"),
            refs=tuple(ref_of[i] for i in proof if i in ref_of),
        )
    return None


def _list_hints(own: Any, sources: DossierSources, ref_of: dict[str, str]) -> tuple[HintFact, ...]:
    """Return the hints that rest on captures of the dossier."""
    if sources.hints is None:
        return ()
    found = []
    for row in _records(sources.hints[sources.hints["label"] == own["label"]]):
        refs = tuple(ref_of[i] for i in json.loads(_text(row, "record_ids") or "[]") if i in ref_of)
        if refs:
            found.append(
                HintFact(
                    station=_text(row, "station"),
                    state=_text(row, "state"),
                    start=row.get("start"),
                    end=row.get("end"),
                    n_captures=int(row["n_captures"]),
                    expected=_number(row.get("expected")),
                    p_value=_number(row.get("p_value")),
                    calls=_count(row, "n_alarm_calls"),
                    prey=_count(row, "n_prey"),
                    refs=refs,
                )
            )
    return tuple(found)


def _list_flanks(sources: DossierSources, ref_of: dict[str, str]) -> tuple[FlankFact, ...]:
    rows = [] if sources.flanks is None else _records(sources.flanks)
    pairs = ((row, (str(row["record_id_1"]), str(row["record_id_2"]))) for row in rows)
    return tuple(
        FlankFact(
            _text(row, "station"),
            _number(row.get("apart_s")),
            row.get("is_together") == "yes",
            (ref_of[a], ref_of[b]),
        )
        for row, (a, b) in pairs
        if a in ref_of and b in ref_of
    )


def _list_other_places(rows: pd.DataFrame, sources: DossierSources, exact: bool) -> tuple[tuple[str, Place], ...]:
    """Return the cameras that did not film the animal here, by their site."""
    if sources.deployments is None:
        return ()
    own = set(rows["site"].dropna())
    found: dict[str, Place] = {}
    places = list_shown_places(sources.deployments, exact_places=exact)
    for row, place in zip(_records(sources.deployments), places, strict=True):
        name = _text(row, "site") or _text(row, "deployment")
        if place is not None and name not in own:
            found.setdefault(name, place)
    return tuple(found.items())


def _list_earlier_places(rows: pd.DataFrame, sources: DossierSources, exact: bool) -> tuple[tuple[str, Place], ...]:
    """Return the places of the nearest earlier confirmed records."""
    own, records = set(rows["record_id"]), sources.records
    nearest = records[records["record_id"].isin(set(rows["nearest_record_id"].dropna()) - own)]
    places = zip(_records(nearest), list_shown_places(nearest, exact_places=exact), strict=True)
    return tuple({_text(row, "site"): place for row, place in places if place is not None}.items())


def _list_corrections(deployments: pd.DataFrame | None) -> dict[tuple[str, str], float]:
    rows = [] if deployments is None else _records(deployments)
    return {(_text(r, "deployment"), _text(r, "site")): _number(r.get("clock_correction_s")) for r in rows}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as mappings, None where a value is missing."""
    return [
        {str(k): None if not isinstance(v, list) and pd.isna(v) else v for k, v in row.items()}
        for row in table.to_dict("records")
    ]


def _text(row: Any, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _number(value: Any) -> float:
    return math.nan if value is None or pd.isna(value) else float(value)


def _count(row: Any, name: str) -> tuple[int, int] | None:
    sure, open_ = row.get(name), row.get(f"{name}_suspected")
    return None if sure is None else (int(sure), int(open_ or 0))


def _parse_seconds(clip: dict[str, Any]) -> tuple[float, ...]:
    """Return the seconds of the strongest frames, the strongest first."""
    cell = _text(clip, "evidence_times_s").strip("[]").replace(",", " ")
    times = tuple(float(word) for word in cell.split())
    best = _number(clip.get("best_time_s"))
    return tuple(dict.fromkeys(times if math.isnan(best) else (best, *times)))[:4]


def all_refs(captures: Iterable[Capture]) -> Refs:
    """Return the refs of captures, in their order."""
    return tuple(c.ref for c in captures)
