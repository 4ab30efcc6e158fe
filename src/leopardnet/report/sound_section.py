"""The sounds of a season as a list: confirmed alarm calls, and what the search found, the likeliest first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.data.human_labels.sound_labels import ALARM_CALL, match_sounds, settle_sounds
from leopardnet.media.decode import resolve_path
from leopardnet.pages.shown_stretch import ShownStretch
from leopardnet.report.sound_pictures import VOICE, describe_sound, draw_sound, rate_sounds

MOST = 40
MAX_SHOWN = 8


@dataclass(frozen=True, slots=True)
class SoundRow:
    """A sound on the page. what: it is, in the language of the page; said: by people, '' for nothing; by: whom.

    stretch: its picture, where it has one.
    """

    clip_id: str
    path: str
    start_s: float
    end_s: float
    what: str
    said: str
    by: str
    stretch: ShownStretch | None = None


@dataclass(frozen=True, slots=True)
class SoundList:
    """Alarm calls that people confirmed, the likeliest of the other sounds, and how many others there are."""

    confirmed: tuple[SoundRow, ...]
    others: tuple[SoundRow, ...]
    n_others: int

    @property
    def shown(self) -> list[SoundRow]:
        """The sounds that have a picture."""
        return [row for row in (*self.confirmed, *self.others) if row.stretch]


def list_sounds(
    predictions: Predictions,
    entries: pd.DataFrame | None = None,
    *,
    manifest: Manifest | None = None,
    hidden: Collection[str] = (),
    audible: Collection[str] = (),
) -> SoundList:
    """Return the sounds of clips that are not in `hidden`, without voices.

    entries: of `SoundLabelFile.entries`. manifest: adds pictures of the first eight sounds that can be read; clips
    in `audible` can be played. A confirmed alarm call needs no sound in the table: people may have named
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
        said_rows: list[dict[Any, Any]] = calls.assign(path=calls["clip_id"].map(paths)).to_dict("records")
        said_rows.sort(key=lambda r: (r["path"], r["start_s"]))
        confirmed = [
            SoundRow(r["clip_id"], r["path"], r["start_s"], r["end_s"], "", ALARM_CALL, r["by"]) for r in said_rows
        ]
    open_ = sounds[labels != ALARM_CALL]
    first = open_.loc[rate_sounds(open_).sort_values(ascending=False, kind="stable").index].head(MOST)
    others = [
        SoundRow(s["clip_id"], paths[s["clip_id"]], s["start_s"], s["end_s"], describe_sound(s), str(label), "")
        for (_, s), label in zip(first.iterrows(), labels.loc[first.index], strict=True)
    ]
    rows, n = [*confirmed, *others], len(confirmed)
    rows = rows if manifest is None else _draw_first(rows, manifest, audible)
    return SoundList(tuple(rows[:n]), tuple(rows[n:]), len(open_))


def _draw_first(rows: list[SoundRow], manifest: Manifest, audible: Collection[str]) -> list[SoundRow]:
    """Return the rows, the first eight of which can be read with their picture."""
    drawn: list[SoundRow] = []
    for row in rows:
        if sum(r.stretch is not None for r in drawn) < MAX_SHOWN:
            path = resolve_path(manifest.root, row.path)
            stretch = draw_sound(path, row.start_s, row.end_s, may_be_heard=row.clip_id in audible)
            row = replace(row, stretch=stretch)
        drawn.append(row)
    return drawn
