"""The sounds that a dossier tells of: candidates for alarm calls in and around its clips, and what people said."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pandas as pd

from leopardnet.core.labels import UNKNOWN
from leopardnet.data.human_labels.sound_labels import match_sounds, settle_sounds
from leopardnet.records.dossier.sources import VOICE, DossierSources
from leopardnet.records.record_table import CONFIRMED, SUSPECTED

AROUND = pd.Timedelta(hours=24)  # sounds at the same sites, so long before the first clip and after the last


@dataclass(frozen=True, kw_only=True)
class SoundFact:
    """A sound of a clip. state: suspected, or confirmed where a person gave it `label`."""

    ref: str
    clip_id: str
    path: str
    site: str
    captured_at: pd.Timestamp | None
    start_s: float
    end_s: float
    low_hz: float
    high_hz: float
    peak_hz: float
    score: float
    p_alarm_call: float
    kind: str
    source: str
    state: str
    label: str
    by: tuple[str, ...]
    is_hidden: bool


def list_sounds(
    rows: pd.DataFrame, sources: DossierSources, *, hidden: Collection[str] = ()
) -> tuple[tuple[SoundFact, ...], int]:
    """Return the sounds in the clips of these records and around them, in order of time, and the number of voices.

    Around: in clips of the same sites, up to 24 hours before the first record and after the last. Human voices are
    only counted.
    """
    if sources.sounds is None:
        return (), 0
    clips = sources.predictions.table[["clip_id", "path", "site", "captured_at"]]
    near = clips["clip_id"].isin(rows["clip_id"])
    if rows["captured_at"].notna().any():
        first, last = rows["captured_at"].min() - AROUND, rows["captured_at"].max() + AROUND
        at_site = clips["site"].isin(set(rows["site"].dropna()))
        near |= at_site & clips["captured_at"].between(first, last)
    heard = sources.sounds.merge(clips[near], on="clip_id").sort_values(
        ["captured_at", "path", "start_s"], kind="stable", na_position="last"
    )
    is_voice = heard["kind"] == VOICE
    calls = heard[~is_voice].reset_index(drop=True).assign(label=None, by="")
    if sources.sound_labels is not None:
        said = settle_sounds(sources.sound_labels)
        named = said[~said["label"].isin(["", UNKNOWN])]
        calls = calls.assign(
            label=match_sounds(calls, named), by=match_sounds(calls, named.assign(label=named["by"]))
        )
    facts = tuple(_make_fact(f"s{i}", row, hidden) for i, row in enumerate(calls.to_dict("records"), 1))
    return facts, int(is_voice.sum())


def _make_fact(ref: str, row: dict[Any, Any], hidden: Collection[str]) -> SoundFact:
    texts = _read_texts(row)
    return SoundFact(
        ref=ref,
        **texts,
        **_read_numbers(row),
        captured_at=None if pd.isna(row["captured_at"]) else row["captured_at"],
        state=CONFIRMED if texts["label"] else SUSPECTED,
        by=tuple(str(row["by"]).split(", ")) if texts["label"] else (),
        is_hidden=row["clip_id"] in hidden,
    )


def _read_texts(row: dict[Any, Any]) -> Any:
    return {name: "" if pd.isna(row.get(name)) else str(row[name]) for name in _TEXTS}


def _read_numbers(row: dict[Any, Any]) -> Any:
    return {name: math.nan if pd.isna(row.get(name)) else float(row[name]) for name in _NUMBERS}


_TEXTS = ("clip_id", "path", "site", "kind", "source", "label")
_NUMBERS = ("start_s", "end_s", "low_hz", "high_hz", "peak_hz", "score", "p_alarm_call")
