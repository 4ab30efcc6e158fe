"""What people said about sounds: a second table of `labels.sqlite`, and what it says today.

The table is made when somebody first says something of a sound, so that files of before can be used, and is only
ever added to, as that of the clips. A sound is a stretch of a clip, in seconds of the clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.errors import LabelFileError
from leopardnet.core.labels import UNKNOWN
from leopardnet.data.human_labels.label_file import LabelDatabase
from leopardnet.data.human_labels.label_file_errors import explain_errors
from leopardnet.data.human_labels.label_views import join_names

ALARM_CALL, PERSON = "alarm call", "person"
SOUND_LABELS = (ALARM_CALL, "call", "bird", PERSON, "other", UNKNOWN)
"""What the review page offers; labels that were read from other programs may be others."""
MAX_CHARACTERS = 60
SAME_OVERLAP = 0.5
TODAY_COLUMNS = ("clip_id", "start_s", "end_s", "label", "is_disputed", "n_people", "by", "at")
_FIELDS = ("key", "at", "by", "clip_id", "start_s", "end_s", "label", "undoes")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS sound_entries (
  entry_id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  at TEXT NOT NULL,
  by TEXT NOT NULL,
  clip_id TEXT NOT NULL,
  start_s REAL NOT NULL,
  end_s REAL NOT NULL CHECK (end_s > start_s),
  label TEXT,
  undoes INTEGER
);
CREATE TRIGGER IF NOT EXISTS sound_entries_stay BEFORE UPDATE ON sound_entries
BEGIN SELECT raise(ABORT, 'entries are never changed'); END;
CREATE TRIGGER IF NOT EXISTS sound_entries_remain BEFORE DELETE ON sound_entries
BEGIN SELECT raise(ABORT, 'entries are never removed'); END;
"""


@dataclass(frozen=True, kw_only=True)
class SoundEntry:
    """One thing that a person said about a sound.

    key: chosen by whoever asks for the entry; a second entry of the same key is not added. start_s, end_s: of the
    sound in the clip, kept to a thousandth. at: ISO time with its zone, by default now.
    Raises LabelFileError for a stretch without length and for a label that is none.
    """

    key: str
    by: str
    clip_id: str
    start_s: float
    end_s: float
    label: str
    at: str = ""

    def __post_init__(self) -> None:
        span, label = (self.start_s, self.end_s), self.label
        if not (np.isfinite(span).all() and round(span[0], 3) < round(span[1], 3)):
            raise LabelFileError("a sound has a length", found=f"{span[0]:g} to {span[1]:g} s")
        if not label or label != label.strip() or len(label) > MAX_CHARACTERS or not label.isprintable():
            raise LabelFileError(
                "this is no label of a sound", found=repr(label)[:80], expected=f"up to {MAX_CHARACTERS} letters"
            )


class SoundLabelFile(LabelDatabase):
    """What people said about sounds."""

    def add(self, *entries: SoundEntry) -> list[int]:
        """Write entries as one transaction, and return their numbers; entries of a known key keep the old one.

        Raises LabelFileError where the file cannot be written. Then none of them was added.
        """
        now = _now()
        rows = [
            (e.key, e.at or now, e.by, e.clip_id, round(e.start_s, 3), round(e.end_s, 3), e.label, None)
            for e in entries
        ]
        return self._insert("sound_entries", _FIELDS, rows, schema=_SCHEMA)

    def undo(self, entry_id: int, *, by: str, key: str) -> int:
        """Take an entry back by one more entry, and return the number of this.

        Raises LabelFileError where there is no such entry, where it is of another person, or was taken back.
        """
        table = self.entries()
        found = table[(table["entry_id"] == entry_id) & table["undoes"].isna()]
        taken = table.loc[table["undoes"] == entry_id, "key"]
        if found.empty or found["by"].iloc[0] != by or not taken.isin([key]).all():
            raise LabelFileError(
                "this label of a sound cannot be taken back",
                where=f"{self.path.name}, sound {entry_id}",
                found="no such label"
                if found.empty
                else "the label of another person"
                if found["by"].iloc[0] != by
                else "it was taken back already",
                expected="a label that you gave",
            )
        old = found.iloc[0]
        row = (key, _now(), by, old["clip_id"], float(old["start_s"]), float(old["end_s"]), None, int(entry_id))
        return self._insert("sound_entries", _FIELDS, [row], schema=_SCHEMA)[0]

    def entries(self) -> pd.DataFrame:
        """Return all entries in the order in which they were made: entry_id, key, at, by, clip_id, start_s, end_s,
        label (empty in an entry that takes another one back) and undoes.
        """
        columns = ("entry_id", *_FIELDS)
        rows: list[Any] = []
        with explain_errors(self.path.name, is_reading=True):
            if self._has_table():
                query = f"SELECT {', '.join(columns)} FROM sound_entries ORDER BY entry_id"
                rows = self._db.execute(query).fetchall()
        table = pd.DataFrame(rows, columns=list(columns))
        return table.astype({"entry_id": "int64", "start_s": "float64", "end_s": "float64", "undoes": "Int64"})

    def newest(self) -> int:
        """Return the number of the newest entry, 0 for none: a cheap way to see what others added."""
        with explain_errors(self.path.name, is_reading=True):
            query = "SELECT coalesce(max(entry_id), 0) FROM sound_entries"
            return int(self._db.execute(query).fetchone()[0]) if self._has_table() else 0

    def _has_table(self) -> bool:
        query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'sound_entries'"
        return bool(self._db.execute(query).fetchone()[0])


def read_sound_labels(path: Path) -> pd.DataFrame:
    """Return what people say of each sound today: a row for each, with the columns TODAY_COLUMNS.

    Raises LabelFileError for a file that is none of labels, or is damaged.

    >>> ln.read_sound_labels(Path("results/labels.sqlite"))  # doctest: +SKIP
    """
    with SoundLabelFile(path, read_only=True) as file:
        return settle_sounds(file.entries())


def last_said(entries: pd.DataFrame) -> pd.DataFrame:
    """Return what each person says of each sound today: the newest entries that were not taken back."""
    valid = entries[~entries["entry_id"].isin(entries["undoes"].dropna()) & entries["undoes"].isna()]
    return valid.drop_duplicates(["clip_id", "start_s", "end_s", "by"], keep="last")


def settle_sounds(entries: pd.DataFrame) -> pd.DataFrame:
    """Return what people say of each sound together: a row for each, with the columns TODAY_COLUMNS.

    entries: as `SoundLabelFile.entries` returns them. The label that most people give stands. Whoever says
    `unknown` has no vote where others name something. Where two labels have the same number of votes, the sound
    `is_disputed` and its `label` is ''. `by`: who gave the label that stands; `at`: when the last of them did.

    >>> columns = ["entry_id", "key", "at", "by", "clip_id", "start_s", "end_s", "label", "undoes"]
    >>> rows = [[1, "k", "t1", "AB", "a", 2.0, 2.4, "alarm call", None], [2, "l", "t2", "CD", "a", 2.0, 2.4,
    ...         "unknown", None]]
    >>> settle_sounds(pd.DataFrame(rows, columns=columns))[["label", "n_people", "by"]].values.tolist()
    [['alarm call', 2, 'AB']]
    """
    rows = []
    for (clip_id, start_s, end_s), said in last_said(entries).groupby(["clip_id", "start_s", "end_s"]):
        voters = said[said["label"] != UNKNOWN]
        votes = (voters if len(voters) else said)["label"].value_counts()
        is_disputed = len(votes) > 1 and votes.iloc[0] == votes.iloc[1]
        label = "" if is_disputed else str(votes.index[0])
        stand = said if is_disputed else said[said["label"] == label]
        by, at = join_names(stand["by"]), stand["at"].iloc[-1]
        rows.append((clip_id, start_s, end_s, label, is_disputed, len(said), by, at))
    types: Any = {"start_s": float, "end_s": float, "is_disputed": bool, "n_people": int}
    return pd.DataFrame(rows, columns=list(TODAY_COLUMNS)).astype(types)


def match_sounds(sounds: pd.DataFrame, said: pd.DataFrame) -> pd.Series[str]:
    """Return the label of each sound, by the index of `sounds`; missing where nobody named it, or it is disputed.

    sounds: with clip_id, start_s and end_s; said: as `settle_sounds` returns it. A label belongs to the sound of
    its clip that it overlaps best, if both share more than half of the time that they cover together: a search with
    other settings may cut a sound a little differently.
    """
    labels = pd.Series([None] * len(sounds), index=sounds.index, dtype=object)
    best = pd.Series(SAME_OVERLAP, index=sounds.index)
    of_clip = sounds.groupby("clip_id").groups
    named = said.loc[said["label"] != "", ["clip_id", "start_s", "end_s", "label"]]
    for clip_id, start_s, end_s, label in named.itertuples(index=False, name=None):
        if clip_id not in of_clip:
            continue
        near = sounds.loc[of_clip[clip_id]]
        shared = near["end_s"].clip(upper=end_s) - near["start_s"].clip(lower=start_s)
        covered = near["end_s"].clip(lower=end_s) - near["start_s"].clip(upper=start_s)
        overlap = shared / covered
        at: Any = overlap.idxmax()
        if overlap[at] > best[at]:
            labels[at], best[at] = label, overlap[at]
    return labels


def _now() -> str:
    return datetime.now(UTC).astimezone().isoformat(timespec="milliseconds")
