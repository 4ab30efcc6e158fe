"""A journal of clips: every finished clip is on disk at once, so an interrupted run continues where it stopped.

It is one SQLite file in WAL mode, with one transaction per clip. A row counts for a clip only under the same key:
the clip, size and modification time of its files, and everything that changes results. Runs with another key have
rows of their own in the same file. The two never mix, and returning to the first costs nothing.

A crash of the machine may cost the last moments before it (`synchronous = NORMAL`), but never the file.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

from leopardnet.core.errors import JournalError, RunStopped
from leopardnet.core.journal.journal_file import JournalKind, explain_errors, open_file
from leopardnet.core.journal.queued_clip import FilesMatch, QueuedClip, stamp_clip
from leopardnet.core.types import Clip


class ClipJournal(ABC):
    """The finished clips of one run. Made by `open`; `kind` says what a row holds."""

    kind: ClassVar[JournalKind]

    def __init__(self, db: sqlite3.Connection, run_id: str) -> None:
        self._db, self.run_id = db, run_id

    @classmethod
    @contextmanager
    def open_keyed(cls, folder: str | Path | None, key: Mapping[str, object]) -> Iterator[Self]:
        """Open the journal in a folder, or one in memory where there is no folder. key: what results depend on.

        Raises JournalError where another process writes to the journal, where it is damaged, and where the disk is
        full.
        """
        text = json.dumps(dict(key), sort_keys=True)
        run_id = hashlib.sha256(text.encode()).hexdigest()[:12]
        with open_file(None if folder is None else Path(folder), cls.kind) as db:
            with explain_errors(cls.kind.file):
                db.execute("INSERT OR IGNORE INTO runs VALUES (?, ?)", (run_id, text))
            yield cls(db, run_id)

    def list_todo(self, clips: Collection[Clip], root: Path, *, retry_failed: bool = False) -> list[QueuedClip]:
        """Return the clips that have no row yet, that changed since, or (`retry_failed`) that could not be read.

        Raises JournalError where the rows are of other footage with the same file names, and where no file is there
        any more, so that the rows are kept.
        """
        return list(_queue_clips(clips, self._find_todo(clips, root, retry_failed=retry_failed), root))

    def _find_todo(self, clips: Collection[Clip], root: Path, *, retry_failed: bool) -> bytearray:
        """Return 1 for each clip that is to be worked on, else 0. Without rows, it looks at no file."""
        query = "SELECT clip_id, stamp, status FROM clips WHERE run_id = ?"
        with explain_errors(self.kind.file):
            rows = {name: (stamp, status) for name, stamp, status in self._db.execute(query, (self.run_id,))}
        if not rows:
            return bytearray(b"\1") * len(clips)
        todo, match = bytearray(), FilesMatch()
        for clip in clips:
            stamp, status = rows.get(clip.clip_id, (None, None))
            now = None if stamp is None and match.is_any_there else stamp_clip(clip, str(root))
            is_read = stamp is not None and status != "unreadable"
            if now is not None:
                match.add(now, stamp if is_read else None)
            is_done = now is not None and now.stamp == stamp and (is_read or not retry_failed)
            todo.append(not is_done)
        match.refuse_others()
        return todo

    @abstractmethod
    def add(self, item: QueuedClip, result: Any) -> None:
        """Write the result of a clip. A run that is killed afterwards keeps it."""

    def fill(
        self,
        clips: Collection[Clip],
        root: Path,
        engine: Callable[[Iterator[QueuedClip]], Generator[tuple[QueuedClip, Any], None, None]],
        *,
        retry_failed: bool = False,
        on_result: Callable[[Any], None] = lambda result: None,
        on_progress: Callable[[int, int], None] = lambda n_done, n_total: None,
    ) -> None:
        """Let `engine` work on every clip that has no row yet, and write each result at once; it has a `status`.

        clips: gone through twice, and never held. Raises RunStopped where some clips are left at the end.
        """
        todo = self._find_todo(clips, root, retry_failed=retry_failed)
        n_done, n_total = len(todo) - sum(todo), len(todo)
        on_progress(n_done, n_total)
        if n_done == n_total:
            return
        with closing(engine(_queue_clips(clips, todo, root))) as results:
            for item, result in results:
                # A file that has vanished since, with its card, is worked on when it is there again.
                is_read = result.status != "unreadable"
                self.add(item if is_read else stamp_clip(item.clip, str(root)), result)
                n_done += 1
                on_result(result)
                on_progress(n_done, n_total)
        if n_done < n_total:
            raise RunStopped(
                f"stopped after {n_done} of {n_total} clips", todo="give the same command again to continue"
            )

    def take_over(self, folder: Path) -> int:
        """Copy the rows of the same key from the journal in another folder, and return how many there are.

        A clip that has a row here keeps it. Raises JournalError where there is no journal, where it holds no such
        row, where another process writes to it, and where it is damaged.
        """
        n, is_there = 0, (folder / self.kind.file).is_file()
        if is_there:
            columns = ", ".join(("run_id", *self.kind.columns))
            places = ", ".join("?" * (1 + len(self.kind.columns)))
            with open_file(folder, self.kind) as other, explain_errors(f"{folder.name}/{self.kind.file}"):
                n = int(other.execute("SELECT count(*) FROM clips WHERE run_id = ?", (self.run_id,)).fetchone()[0])
                rows = other.execute(f"SELECT {columns} FROM clips WHERE run_id = ?", (self.run_id,))
                self._db.execute("BEGIN")
                self._db.executemany(f"INSERT OR IGNORE INTO clips ({columns}) VALUES ({places})", rows)
                self._db.execute("COMMIT")
        if not n:
            raise JournalError(
                "this folder holds no finished clip of the same bundle and settings",
                where=folder.name,
                found="clips of other settings" if is_there else f"no {self.kind.file}",
                todo="give the folders that `leopardnet predict --part` wrote, and the same bundle and options",
            )
        return n

    def end_wal(self) -> None:
        """Let other programs read the file from now on without writing files of their own beside it."""
        with explain_errors(self.kind.file):
            self._db.execute("PRAGMA journal_mode = DELETE")

    def write_row(self, item: QueuedClip, values: Mapping[str, Any]) -> None:
        """Write the row of a clip. A run that is killed afterwards keeps it. values: by column."""
        row = {"run_id": self.run_id, "clip_id": item.clip.clip_id, "stamp": item.stamp, **values}
        columns, places = ", ".join(row), ",".join("?" * len(row))
        with explain_errors(self.kind.file):
            self._db.execute(f"INSERT OR REPLACE INTO clips ({columns}) VALUES ({places})", tuple(row.values()))


def _queue_clips(clips: Collection[Clip], todo: bytearray, root: Path) -> Iterator[QueuedClip]:
    """Yield the clips to be worked on, each with the stamp that its files have at that moment."""
    yield from (stamp_clip(clip, str(root)) for clip, is_todo in zip(clips, todo, strict=True) if is_todo)
