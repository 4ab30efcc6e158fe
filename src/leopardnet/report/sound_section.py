"""The sounds of a season as a list: confirmed alarm calls, and what the search found, the likeliest first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pandas as pd

from leopardnet.core.predictions import Predictions
from leopardnet.data.human_labels.sound_labels import ALARM_CALL, match_sounds, settle_sounds
from leopardnet.report.sound_pictures import VOICE, describe_sound, rate_sounds

MOST = 40


@dataclass(frozen=True, slots=True)
class SoundRow:
    """A sound on the page. what: it is, in the language of the page; said: by people, '' for nothing; by: whom."""

    path: str
    start_s: float
    end_s: float
    what: str
    said: str
    by: str


@dataclass(frozen=True, slots=True)
class SoundList:
    """Alarm calls that people confirmed, the likeliest of the other sounds, and how many others there are."""

    confirmed: tuple[SoundRow, ...]
    others: tuple[SoundRow, ...]
    n_others: int


def list_sounds(
    predictions: Predictions, entries: pd.DataFrame | None = None, *, hidden: Collection[str] = ()
) -> SoundList:
    """Return the sounds of clips that are not in `hidden`, without voices.

    entries: of `SoundLabelFile.entries`. A confirmed alarm call needs no sound in the table: people may have named
    one that the search had missed.
    """
    paths = predictions.table.set_index("clip_id")["path"].drop(list(hidden), errors="ignore")
    sounds = predictions.sounds
    sounds = sounds[(sounds["kind"] != VOICE) & sounds["clip_id"].isin(paths.index)]
    said = None if entries is None else settle_sounds(entries)
    labels = pd.Series("", index=sounds.index) if said is None else match_sounds(sounds, said).fillna("")
    confirmed = []
    if said is not None:
        calls = said[(said["label"] == ALARM_CALL) & said["clip_id"].isin(paths.index)]
        rows: list[dict[Any, Any]] = calls.assign(path=calls["clip_id"].map(paths)).to_dict("records")
        rows.sort(key=lambda r: (r["path"], r["start_s"]))
        confirmed = [SoundRow(r["path"], r["start_s"], r["end_s"], "", ALARM_CALL, r["by"]) for r in rows]
    open_ = sounds[labels != ALARM_CALL]
    first = open_.loc[rate_sounds(open_).sort_values(ascending=False, kind="stable").index].head(MOST)
    others = [
        SoundRow(paths[sound["clip_id"]], sound["start_s"], sound["end_s"], describe_sound(sound), str(label), "")
        for (_, sound), label in zip(first.iterrows(), labels.loc[first.index], strict=True)
    ]
    return SoundList(tuple(confirmed), tuple(others), len(open_))
