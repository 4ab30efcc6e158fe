"""The sounds that a dossier tells of: candidates for alarm calls in and around its clips, and what people said."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pandas as pd

from leopardnet.records.dossier.sources import VOICE, DossierSources, standing_sound_labels
from leopardnet.records.record_table import CONFIRMED, SUSPECTED

AROUND = pd.Timedelta(hours=24)  # sounds at the same sites, so long before the first clip and after the last
SAME_S = 0.05  # two times of one sound differ by less


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
    said = None if sources.sound_labels is None else standing_sound_labels(sources.sound_labels)
    facts = [_make_fact(f"s{i}", row, said, hidden) for i, row in enumerate(heard[~is_voice].to_dict("records"), 1)]
    return tuple(facts), int(is_voice.sum())


def _make_fact(ref: str, row: dict[Any, Any], said: pd.DataFrame | None, hidden: Collection[str]) -> SoundFact:
    label, by = _find_label(row, said)
    return SoundFact(
        ref=ref,
        **_read_texts(row),
        **_read_numbers(row),
        captured_at=None if pd.isna(row["captured_at"]) else row["captured_at"],
        state=CONFIRMED if label else SUSPECTED,
        label=label,
        by=by,
        is_hidden=row["clip_id"] in hidden,
    )


def _read_texts(row: dict[Any, Any]) -> Any:
    return {name: "" if pd.isna(row.get(name)) else str(row[name]) for name in _TEXTS}


def _read_numbers(row: dict[Any, Any]) -> Any:
    return {name: math.nan if pd.isna(row.get(name)) else float(row[name]) for name in _NUMBERS}


_TEXTS = ("clip_id", "path", "site", "kind", "source")
_NUMBERS = ("start_s", "end_s", "low_hz", "high_hz", "peak_hz", "score")


def _find_label(row: dict[Any, Any], said: pd.DataFrame | None) -> tuple[str, tuple[str, ...]]:
    """Return the label that people agree on for a sound, and who gave it; '' where nobody did or they disagree."""
    if said is None:
        return "", ()
    same = said[
        (said["clip_id"] == row["clip_id"])
        & (said["start_s"] < row["end_s"] + SAME_S)
        & (said["end_s"] > row["start_s"] - SAME_S)
    ]
    labels = set(same["label"].dropna()) - {"unknown"}
    if len(labels) != 1:
        return "", ()
    return str(labels.pop()), tuple(sorted(set(same["by"])))
