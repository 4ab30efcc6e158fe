"""What people have said so far about every clip, kept up to date from `labels.sqlite` by reading what is new."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from leopardnet.core.people import names_people, shows_person_box
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.data.human_labels.label_views import AUDIT
from leopardnet.review.clip_index import ClipIndex


class Said(NamedTuple):
    """One entry that was not taken back.

    labels: () for a note or a star alone; has_person_box: None where it says nothing of boxes.
    """

    entry_id: int
    labels: tuple[str, ...]
    queue: str
    is_starred: bool
    has_person_box: bool | None = None


class SpokenLabels:
    """The labels that count now: of each person the last ones that were not taken back.

    is_done, is_audited: bool [N], clips that somebody labelled, in any queue and in the blind audit; n_people:
    int16 [N], who labelled a clip; is_disputed: bool [N], where two of them differ. Clips that are not in the index
    are kept, too. One object serves all threads.
    """

    def __init__(self, file: LabelFile | None, index: ClipIndex) -> None:
        """file: None where nothing was said and nothing may be written."""
        self._file, self._index, self._lock = file, index, threading.RLock()
        self._said: dict[str, dict[str, list[Said]]] = defaultdict(dict)
        self._actions: dict[str, dict[str, dict[int, str]]] = defaultdict(dict)
        self._place: dict[int, tuple[str, str, str]] = {}
        self._n_clips: dict[str, int] = {}  # by label, clips of each person, in the order of the first of them
        n = len(index)
        self.is_done, self.is_audited, self.is_disputed = np.zeros((3, n), bool)
        self.n_people = np.zeros(n, np.int16)
        self.version = 0
        self.refresh()

    def refresh(self) -> None:
        """Read what was added since, by whomever."""
        with self._lock:
            if self._file is None or self._file.newest() == self.version:
                return
            entries = self._file.entries(after=self.version)
            columns = ["entry_id", "key", "clip_id", "labels", "by", "queue", "starred", "boxes", "undoes"]
            for values in entries[columns].itertuples(index=False):
                self._take(*values)
            self.version = int(entries["entry_id"].iloc[-1])
            for clip_id in entries["clip_id"].unique():
                self._count(clip_id)

    def _take(
        self,
        entry_id: int,
        key: str,
        clip_id: str,
        labels: str,
        by: str,
        queue: str,
        starred: bool,
        boxes: str | None,
        undoes: Any,
    ) -> None:
        if not pd.isna(undoes):
            clip_id, by, action = self._place.pop(int(undoes), (clip_id, by, ""))
            before, said = self.labels(clip_id, by), self._said[clip_id].get(by, [])
            said[:] = [x for x in said if x.entry_id != undoes]
            self._count_names(before, self.labels(clip_id, by))
            entries = self._actions[by].get(action, {})
            entries.pop(int(undoes), None)
            if not entries:
                self._actions[by].pop(action, None)
            return
        action = key.partition(":")[0]
        names = tuple(json.loads(labels)) if isinstance(labels, str) else ()
        before, said = self.labels(clip_id, by), self._said[clip_id].setdefault(by, [])
        self._count_names(before, names or before)
        has_person_box = shows_person_box(boxes) if isinstance(boxes, str) else None
        said.append(Said(int(entry_id), names, queue, bool(starred), has_person_box))
        self._actions[by].setdefault(action, {})[int(entry_id)] = clip_id
        self._place[int(entry_id)] = (clip_id, by, action)

    def _count_names(self, before: tuple[str, ...], after: tuple[str, ...]) -> None:
        """Count what a person says of a clip now, and no longer what the person said before."""
        for name in after:
            self._n_clips[name] = self._n_clips.get(name, 0) + 1
        for name in before:
            self._n_clips[name] -= 1
            if not self._n_clips[name]:
                del self._n_clips[name]

    def _count(self, clip_id: str) -> None:
        row = self._index.row_of.get(clip_id)
        if row is None:
            return
        current = [frozenset(self.labels(clip_id, by)) for by in self._said[clip_id]]
        current = [names for names in current if names]
        self.n_people[row] = len(current)
        self.is_done[row] = bool(current)
        self.is_disputed[row] = len(set(current)) > 1
        self.is_audited[row] = any(self.labels(clip_id, by, queue=AUDIT) for by in self._said[clip_id])

    def labels(self, clip_id: str, by: str, *, queue: str | None = None) -> tuple[str, ...]:
        """Return the last labels that a person gave to a clip, in any queue or in one; () for none."""
        with self._lock:
            said = self._said[clip_id].get(by, ()) if clip_id in self._said else ()
            return next((x.labels for x in reversed(said) if x.labels and queue in (None, x.queue)), ())

    def all_labels(self, clip_id: str, *, queue: str | None = None) -> dict[str, tuple[str, ...]]:
        """Return the labels that count by person, in any queue or in one."""
        with self._lock:
            people = list(self._said[clip_id]) if clip_id in self._said else []
            found = {by: self.labels(clip_id, by, queue=queue) for by in people}
        return {by: names for by, names in found.items() if names}

    def is_starred(self, clip_id: str, by: str) -> bool:
        """Return whether the last entry of a person about a clip has a star."""
        with self._lock:
            said = self._said[clip_id].get(by) if clip_id in self._said else None
            return bool(said and said[-1].is_starred)

    def shows_people(self, clip_id: str) -> bool:
        """Return whether somebody says that a clip shows a person or a vehicle, or drew the box of one."""
        if any(names_people(name) for names in self.all_labels(clip_id).values() for name in names):
            return True
        with self._lock:
            people = list(self._said[clip_id].values()) if clip_id in self._said else []
            drawn = [
                next((x.has_person_box for x in reversed(p) if x.has_person_box is not None), False) for p in people
            ]
        return any(drawn)

    def find(self, has: Callable[[str], bool]) -> list[str]:
        """Return those clips about which somebody said something and which fulfil a condition."""
        with self._lock:
            return [clip_id for clip_id in self._said if has(clip_id)]

    def names(self) -> list[str]:
        """Return all labels that count for some clip, in the order in which they began to."""
        with self._lock:
            return list(self._n_clips)

    def history(self, clip_id: str) -> pd.DataFrame:
        """Return all entries about a clip, as the file has them; those that were taken back included."""
        with self._lock:
            if self._file is None or clip_id not in self._said:
                return pd.DataFrame()
            return self._file.entries(where="clip_id = ?", values=(clip_id,))

    def add(self, entries: Sequence[LabelEntry]) -> list[int]:
        """Write entries and return their numbers. Raises LabelFileError where they are not on the disk."""
        with self._lock:
            assert self._file is not None, "a review that may not write does not come here"
            numbers = self._file.add(*entries)
            self.refresh()
            return numbers

    def undo(self, by: str, key: str) -> tuple[list[str], str] | None:
        """Take back the newest action of a person; return its clips and its queue, None where there is none.

        A second call with the same key takes nothing more back.
        """
        with self._lock:
            assert self._file is not None, "a review that may not write does not come here"
            made = self._entries_of(key)
            if len(made):
                return list(made["clip_id"]), str(made["queue"].iloc[0])
            self.refresh()
            if not self._actions[by]:
                return None
            entries = dict(next(reversed(self._actions[by].values())))
            said = {x.entry_id: x for c in entries.values() for x in self._said[c][by]}
            queue = said[next(iter(entries))].queue
            self._file.undo({f"{key}:{clip_id}:{n}": n for n, clip_id in entries.items()}, by=by)
            self.refresh()
            return list(dict.fromkeys(entries.values())), queue

    def has_made(self, key: str) -> bool:
        """Return whether there are entries of this key, such as those that took something back."""
        with self._lock:
            return self._file is not None and bool(len(self._entries_of(key)))

    def newest_of(self, by: str) -> datetime | None:
        """Return when a person last said something that `undo` would take back; None for never."""
        with self._lock:
            self.refresh()
            if self._file is None or not self._actions[by]:
                return None
            newest = max(next(reversed(self._actions[by].values())))
            found = self._file.entries(where="entry_id = ?", values=(newest,))
            return datetime.fromisoformat(str(found["at"].iloc[0]))

    def _entries_of(self, key: str) -> pd.DataFrame:
        assert self._file is not None, "whoever asks has a file"
        return self._file.entries(where="key >= ? AND key < ?", values=(f"{key}:", f"{key};"))

    def close(self) -> None:
        """Close the file of labels."""
        if self._file is not None:
            self._file.close()
