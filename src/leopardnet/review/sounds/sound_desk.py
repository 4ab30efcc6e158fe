"""What a search found on the sound tracks, and what people say of it: for the page, its list and its labels."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from leopardnet.core.language import cut_probability
from leopardnet.core.people import names_people
from leopardnet.data.human_labels.sound_labels import (
    SOUND_LABELS,
    SoundEntry,
    SoundLabelFile,
    last_said,
    match_sounds,
    settle_sounds,
)
from leopardnet.review.clip_index import ClipIndex
from leopardnet.review.label_request import UndoRequest
from leopardnet.review.queues.queue_rows import QueueRows, Rows
from leopardnet.review.request_error import RequestError

VOICE = "voice"
WINDOW_S = 6.0  # of the clip, drawn around a sound
Sound = dict[str, Any]


SoundSecond = Annotated[float, Field(gt=-1e6, lt=1e6)]  # sound may begin before the picture


class SoundRequest(UndoRequest):
    """What a person says of a sound that a search found, by the seconds of the clip that the page was given."""

    clip_id: Annotated[str, Field(max_length=64)]
    start_s: SoundSecond
    end_s: SoundSecond
    label: Literal[SOUND_LABELS]  # type: ignore[valid-type]
    queue: Annotated[str, Field(max_length=40)]


class SoundDesk:
    """The sounds of a review. One object serves all threads.

    is_done: bool [N], clips all of whose sounds, voices aside, somebody named.
    """

    def __init__(self, sounds: pd.DataFrame, file: SoundLabelFile | None, index: ClipIndex) -> None:
        """sounds: the table of what a search found; file: None where nothing was said and none may be."""
        self._file, self._index, self._lock = file, index, threading.RLock()
        self.table = sounds[sounds["clip_id"].isin(index.row_of)].sort_values(
            ["clip_id", "start_s", "kind"], kind="stable", ignore_index=True
        )
        self._of_clip = {str(clip): list(at) for clip, at in self.table.groupby("clip_id").indices.items()}
        self.scores = self._best_scores()
        self.is_done = np.zeros(len(index), bool)
        self._entries = file.entries() if file is not None else pd.DataFrame()
        self._version = -1
        self.refresh()

    def _best_scores(self) -> Any:
        """Return the score of the best sound of each clip, voices aside, float64 [N]; nan without one."""
        scores = np.full(len(self._index), np.nan)
        table = self.table[self.table["kind"] != VOICE]
        best = table["p_alarm_call"].fillna(table["score"]).groupby(table["clip_id"]).max()
        scores[[self._index.row_of[c] for c in best.index]] = best.to_numpy(float)
        return scores

    def refresh(self) -> None:
        """Read what was added since, by whomever."""
        with self._lock:
            newest = self._file.newest() if self._file is not None else 0
            if newest == self._version:
                return
            self._version = newest
            if self._file is not None:
                self._entries = self._file.entries()
            if self._entries.empty:
                self._said = self._entries
                self._own, self._agreed = {}, pd.Series([None] * len(self.table), dtype=object)
            else:
                self._said = last_said(self._entries)
                self._agreed = match_sounds(self.table, settle_sounds(self._entries))
                self._own = {
                    str(by): match_sounds(self.table, rows.assign(is_disputed=False))
                    for by, rows in self._said.groupby("by")
                }
            named = [labels.notna() for labels in self._own.values()]
            self._is_named = np.logical_or.reduce(named) if named else np.zeros(len(self.table), bool)
            is_open = (self.table["kind"] != VOICE).to_numpy() & ~np.asarray(self._is_named)
            open_rows = [self._index.row_of[c] for c in self.table.loc[is_open, "clip_id"]]
            self.is_done = ~np.isnan(self.scores)
            self.is_done[open_rows] = False

    def show(self, row: int, by: str, *, is_alone: bool, is_private: bool) -> list[Sound]:
        """Return the sounds of a clip in the order of time, with what this person and all together say.

        is_alone: the words of others are hidden; is_private: there is no picture of the sound.
        """
        with self._lock:
            self.refresh()
            own = self._own.get(by)
            length_s = float(self._index.numbers("duration_s")[row])
            return [
                self._describe(i, length_s, is_private)
                | {
                    "label": None if own is None or own[i] is None else own[i],
                    "agreed": None if is_alone else self._agreed[i],
                }
                for i in self._of_clip.get(self._index.clip_ids[row], ())
            ]

    def _describe(self, i: int, length_s: float, is_private: bool) -> Sound:
        sound: Any = self.table.iloc[i].to_dict()
        start_s, end_s = float(sound["start_s"]), float(sound["end_s"])
        earliest_s = min(0.0, start_s)  # sound may begin before the picture
        from_s = max(earliest_s, (start_s + end_s - WINDOW_S) / 2)
        to_s = max(from_s + WINDOW_S, end_s)
        if np.isfinite(length_s) and end_s <= length_s < to_s:
            from_s, to_s = max(earliest_s, length_s - WINDOW_S), length_s
        window = (round(1000 * from_s), round(1000 * to_s))
        clip_id = str(sound["clip_id"])
        return {
            **{name: round(float(sound[name]), 3) for name in ("start_s", "end_s")},
            "kind": str(sound["kind"]),
            **{name: _number(sound[name]) for name in ("low_hz", "high_hz", "peak_hz")},
            **{
                name: None if pd.isna(p := sound[name]) else cut_probability(p)
                for name in ("score", "p_alarm_call")
            },
            "window_s": [t / 1000 for t in window],
            "url": None if is_private else f"/media/spectrogram/{clip_id}/{window[0]}/{window[1]}",
        }

    def count_open(self, row: int) -> int:
        """Return how many sounds of a clip, voices aside, nobody named yet."""
        with self._lock:
            at = self._of_clip.get(self._index.clip_ids[row], ())
            return sum(not self._is_named[i] and self.table["kind"][i] != VOICE for i in at)

    def shows_people(self, clip_id: str) -> bool:
        """Return whether somebody heard a person on the sound track of a clip."""
        with self._lock:
            said = self._said
            return not said.empty and any(map(names_people, said.loc[said["clip_id"] == clip_id, "label"]))

    def list_clips(self) -> QueueRows:
        """Return the clips with sounds, voices aside, the best score first."""
        rows = np.flatnonzero(~np.isnan(self.scores))
        return QueueRows(rows[np.argsort(-self.scores[rows].round(6), kind="stable")])

    def raise_calls(self, rows: Rows, *, min_score: float = 0.5) -> Rows:
        """Return the rows of a list with those first that have a call; otherwise in their order.

        A call is a sound of at least this score, unless people say that it is none, or one that they say is one.
        """
        with self._lock:
            score = self.table["p_alarm_call"].fillna(self.table["score"])
            is_call = (score >= min_score) & self._agreed.isna() & (self.table["kind"] != VOICE)
            is_call |= self._agreed.isin(["alarm call", "call"])
            called = {self._index.row_of[c] for c in self.table.loc[is_call, "clip_id"]}
        first = np.array([int(r) in called for r in rows], bool)
        return np.concatenate([rows[first], rows[~first]])

    def save(self, request: SoundRequest, by: str) -> dict[str, Any]:
        """Keep what a person says of a sound, on the disk before this returns; the same key adds nothing twice.

        Raises RequestError where the clip has no such sound, LabelFileError where it cannot be written.
        """
        row = self._index.find(request.clip_id)
        sounds = self.table.loc[self._of_clip.get(request.clip_id, [])]
        starts, ends = (sounds[c].round(3).tolist() for c in ("start_s", "end_s"))
        if (request.start_s, request.end_s) not in zip(starts, ends, strict=True):
            raise RequestError("the clip has no such sound", status=404, todo="load the page again")
        assert self._file is not None, "a review that may not write does not come here"
        with self._lock:
            entry = SoundEntry(
                key=request.key,
                by=by,
                clip_id=request.clip_id,
                start_s=request.start_s,
                end_s=request.end_s,
                label=request.label,
            )
            self._file.add(entry)
            self.refresh()
            return {"clip_id": request.clip_id, "label": request.label, "n_open": self.count_open(row)}

    def newest_of(self, by: str) -> datetime | None:
        """Return when a person last said something of a sound that still counts; None for never."""
        with self._lock:
            self.refresh()
            own = self._own_newest(by)
            return None if own is None else datetime.fromisoformat(own["at"])

    def _own_newest(self, by: str) -> Any:
        taken = self._entries.get("undoes", pd.Series(dtype="Int64"))
        if self._entries.empty:
            return None
        valid = self._entries[taken.isna() & ~self._entries["entry_id"].isin(taken.dropna())]
        valid = valid[valid["by"] == by]
        return None if valid.empty else valid.iloc[-1]

    def has_made(self, key: str) -> bool:
        """Return whether an entry of this key is one of sounds."""
        with self._lock:
            self.refresh()
            return not self._entries.empty and bool((self._entries["key"] == key).any())

    def undo(self, by: str, key: str) -> str:
        """Take the newest label back that a person gave to a sound, and return its clip; once for each key."""
        assert self._file is not None, "a review that may not write does not come here"
        with self._lock:
            if self.has_made(key):
                return str(self._entries.loc[self._entries["key"] == key, "clip_id"].iloc[0])
            newest = self._own_newest(by)
            self._file.undo(int(newest["entry_id"]), by=by, key=key)
            self.refresh()
            return str(newest["clip_id"])

    def close(self) -> None:
        """Close the file of labels."""
        if self._file is not None:
            self._file.close()


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 3)
