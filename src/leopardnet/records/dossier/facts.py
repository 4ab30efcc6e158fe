"""What a dossier says, as plain values taken from the tables; nothing here draws, writes or opens a file."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from leopardnet.core.columns import join_alerts
from leopardnet.core.footage.light import find_clip_lights
from leopardnet.core.labels import split_labels
from leopardnet.records.dossier.cells import list_rows, read_number, read_text
from leopardnet.records.dossier.linked_facts import (
    EncounterFact,
    FlankFact,
    HintFact,
    Refs,
    find_encounter,
    list_flanks,
    list_hints,
)
from leopardnet.records.dossier.season_facts import (
    EarlierRecord,
    list_earlier,
    list_other_places,
    list_troubles,
    sum_effort,
)
from leopardnet.records.dossier.shown_places import Place, list_shown_places
from leopardnet.records.dossier.sound_facts import SoundFact, list_sounds
from leopardnet.records.dossier.sources import DossierSources, find_rows
from leopardnet.records.dossier.sun_facts import SunFact, find_sun
from leopardnet.records.ranges.coarse_places import hide_places
from leopardnet.records.record_table import CONFIRMED, REFUTED, SUSPECTED


@dataclass(frozen=True, kw_only=True)
class Capture:
    """A record of the dossier: one clip. by: who confirmed or refuted it. seconds: of its strongest frames.

    sun: what its light and its clock say together. decision: of the model, is_alert: whether it raised one for the
    animal. likeliest: the label of the highest probability, and that. has_answers: whether anybody looked at the
    clip, whatever was said.
    """

    ref: str
    record_id: str
    clip_id: str
    path: str
    state: str
    by: tuple[str, ...]
    score: float
    decision: str
    is_alert: bool
    likeliest: str
    likeliest_score: float
    has_answers: bool
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
    sun: SunFact
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


@dataclass(frozen=True, kw_only=True)
class DossierFacts:
    """Everything that the page says. captures: in the order of time, those that people refuted included.

    effort: camera-days of the season before the first capture, and the cameras of which they are known.
    """

    record_id: str
    label: str
    captures: tuple[Capture, ...]
    encounter: EncounterFact | None
    sounds: tuple[SoundFact, ...]
    n_voices: int
    hints: tuple[HintFact, ...]
    flanks: tuple[FlankFact, ...]
    other_places: tuple[tuple[str, Place], ...]
    earlier: tuple[EarlierRecord, ...]
    effort: tuple[float, int] | None
    troubles: tuple[str, ...]
    alert_score: float | None
    area_km: float | None

    @property
    def valid(self) -> tuple[Capture, ...]:
        """The captures that nobody refuted."""
        return tuple(c for c in self.captures if c.counts)

    def pick(self, state: str) -> tuple[Capture, ...]:
        """Return the captures in a state."""
        return tuple(c for c in self.captures if c.state == state)

    @property
    def shown_first(self) -> tuple[Capture, ...]:
        """The captures that the headline tells of: the confirmed ones; where there are none, those not refuted."""
        return self.pick(CONFIRMED) or self.valid

    def refs(self, state: str) -> Refs:
        """Return the captures in a state."""
        return all_refs(self.pick(state))

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
        encounter=find_encounter(own, rows, sources, exact_places, ref_of),
        sounds=sounds,
        n_voices=n_voices,
        hints=list_hints(own, sources, ref_of),
        flanks=list_flanks(sources, ref_of, [c.ref for c in captures if c.state == CONFIRMED]),
        other_places=list_other_places(rows, sources, exact_places),
        earlier=list_earlier(rows, sources, exact_places),
        effort=sum_effort(rows, sources),
        troubles=list_troubles(sources),
        alert_score=sources.alert_score,
        area_km=sources.area_km,
    )


def _list_captures(
    rows: pd.DataFrame, sources: DossierSources, exact: bool, hidden: Collection[str]
) -> tuple[Capture, ...]:
    table = sources.predictions.table
    clips = table.assign(alerts=join_alerts(table)).set_index("clip_id").reindex(rows["clip_id"])
    answered = set() if sources.labels is None else set(sources.labels["clip_id"])
    corrections = _list_corrections(sources.deployments)
    places = list_shown_places(rows, exact_places=exact)
    lights = find_clip_lights(sources.predictions.read_frames(list(rows["clip_id"])))
    shown, captures = list_rows(hide_places(rows, exact_places=exact, among=sources.records)), []
    for i, (row, clip, place) in enumerate(zip(shown, list_rows(clips.reset_index()), places, strict=True), 1):
        key = (read_text(row, "deployment"), read_text(row, "site"))
        captures.append(
            Capture(
                ref=f"r{i}",
                **_read_texts(row),
                by=tuple(name for name in read_text(row, "by").split(", ") if name),
                score=read_number(row.get("score")),
                decision=read_text(clip, "decision"),
                is_alert=read_text(row, "label") in split_labels(read_text(clip, "alerts")),
                has_answers=row["clip_id"] in answered,
                **_find_likeliest(clip, sources.predictions.labels),
                seconds=_parse_seconds(clip),
                captured_at=row.get("captured_at"),
                at_utc=row.get("at_utc"),
                clock_correction_s=corrections.get(key, corrections.get((key[0], ""), math.nan)),
                clock_uncertainty_s=read_number(row.get("clock_uncertainty_s")),
                place=place,
                sun=find_sun(
                    place, row.get("captured_at"), read_text(row, "time_zone"), lights.get(row["clip_id"]) or ""
                ),
                is_hidden=row["clip_id"] in hidden,
                in_training=read_text(clip, "in_training"),
                distance_km=read_number(row.get("distance_km")),
                distance_error_km=read_number(row.get("distance_error_km")),
                barriers=split_labels(read_text(row, "barriers")),
                nearest_record_km=read_number(row.get("nearest_record_km")),
                first_at_site=row.get("first_at_site"),
                first_in_area=row.get("first_in_area"),
                first_in_years=read_number(row.get("first_in_years")),
                rules=split_labels(read_text(row, "rules")),
            )
        )
    return tuple(captures)


_TEXTS = (
    *("record_id", "clip_id", "path", "state", "site", "station", "deployment", "owner", "time_zone"),
    *("time_source", "range_status", "nearest_record_id"),
)


def _list_corrections(deployments: pd.DataFrame | None) -> dict[tuple[str, str], float]:
    rows = [] if deployments is None else list_rows(deployments)
    return {
        (read_text(r, "deployment"), read_text(r, "site")): read_number(r.get("clock_correction_s")) for r in rows
    }


def _read_texts(row: dict[str, Any]) -> Any:
    return {name: read_text(row, name) for name in _TEXTS}


def _find_likeliest(clip: dict[str, Any], labels: Sequence[str]) -> Any:
    scores = {name: read_number(clip.get(f"p_{name}")) for name in labels}
    known = {name: p for name, p in scores.items() if not math.isnan(p)}
    best = max(known, key=lambda name: known[name], default="")
    return {"likeliest": best, "likeliest_score": known.get(best, math.nan)}


def _parse_seconds(clip: dict[str, Any]) -> tuple[float, ...]:
    """Return the seconds of the strongest frames, the strongest first."""
    cell = read_text(clip, "evidence_times_s").strip("[]").replace(",", " ")
    times = tuple(float(word) for word in cell.split())
    best = read_number(clip.get("best_time_s"))
    found = times if math.isnan(best) else (best, *times)
    once = {round(t, 1): t for t in reversed(found)}  # a page shows tenths
    return tuple(once[t] for t in dict.fromkeys(round(t, 1) for t in found))[:4]


def all_refs(captures: Iterable[Capture]) -> Refs:
    """Return the refs of captures, in their order."""
    return tuple(c.ref for c in captures)
