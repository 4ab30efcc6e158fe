"""Capture times that an earlier scan read, so that files that have not changed since are not opened again.

They are in an SQLite file that may be deleted at any time. Each batch is there at once, so a scan that was
interrupted goes on where it stood. What cannot be kept is read again: the file is an aid, never an error. It knows
files by the hash of their path, so that it tells no place and nobody's name.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock

from platformdirs import user_cache_path

from leopardnet.core.tables import clip_id
from leopardnet.data.scan.capture_time import CaptureTime, CaptureTimeReader

_VERSION = 1  # raised where the program itself reads other times
_TABLE = (
    "CREATE TABLE IF NOT EXISTS times_by_id (how TEXT, file_id TEXT, stamp TEXT, time TEXT, source TEXT, "
    "zone TEXT, PRIMARY KEY (how, file_id)) WITHOUT ROWID"
)
_OLD_TABLE = "times"  # held paths


class KnownTimes:
    """Times by path. They count while size and modification time of the file are the same."""

    def __init__(self, db: sqlite3.Connection | None, stamps: Mapping[str, str]) -> None:
        self._db, self._stamps, self._lock = db, stamps, Lock()

    @classmethod
    @contextmanager
    def open(cls, file: Path | None, stamps: Mapping[str, str]) -> Iterator[KnownTimes]:
        """Open the file, or nothing where there is none or where it cannot be used. stamps: of each file now."""
        db = None
        if file is not None:
            with suppress(OSError, sqlite3.Error):
                file.parent.mkdir(parents=True, exist_ok=True)
                db = sqlite3.connect(file, isolation_level=None, check_same_thread=False, timeout=2.0)
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = OFF")
                db.execute("PRAGMA secure_delete = ON")
                db.execute(f"DROP TABLE IF EXISTS {_OLD_TABLE}")
                db.execute(_TABLE)
        try:
            yield cls(db, stamps)
        finally:
            if db is not None:
                with suppress(sqlite3.Error):
                    db.close()

    def find(self, paths: Sequence[str], reader: CaptureTimeReader) -> dict[str, CaptureTime]:
        """Return what is known of these files; files that have changed, or had no time, are absent."""
        if self._db is None:
            return {}
        query = (
            "SELECT file_id, stamp, time, source, zone FROM times_by_id "
            "WHERE how = ? AND file_id IN (SELECT value FROM json_each(?))"
        )
        by_id = {_name_file(path): path for path in paths}
        try:
            with self._lock:
                rows = self._db.execute(query, (_name_way(reader), json.dumps(list(by_id)))).fetchall()
            return {
                by_id[name]: CaptureTime(datetime.fromisoformat(time), source, zone)
                for name, stamp, time, source, zone in rows
                if stamp == self._stamps.get(by_id[name])
            }
        except (sqlite3.Error, ValueError, TypeError):
            return {}

    def add(self, found: Mapping[str, CaptureTime], reader: CaptureTimeReader) -> None:
        """Keep times. A file without one, or with that of the file system, is read again by the next scan."""
        if self._db is None:
            return
        how = _name_way(reader)
        rows = [
            (how, _name_file(path), self._stamps[path], t.time.isoformat(), t.source, t.time_zone)
            for path, t in found.items()
            if t.time is not None and t.source != "mtime" and path in self._stamps
        ]
        with suppress(sqlite3.Error), self._lock:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO times_by_id VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._db.execute("COMMIT")


def _name_way(reader: CaptureTimeReader) -> str:
    """Return a text for what a time depends on beside the file."""
    return json.dumps([_VERSION, reader.order, reader.filename_time])


def _name_file(path: str) -> str:
    """Return a hash of a path that begins with one of its folder, so that the rows of a folder lie together."""
    return _name_folder(path.rpartition("/")[0]) + clip_id(path)


@lru_cache(maxsize=1024)
def _name_folder(path: str) -> str:
    return clip_id(path)[:8]


def choose_file(root: Path, *, is_new: bool = False) -> Path:
    """Return the file in the user's cache that keeps the times of a folder. is_new: remove what is there."""
    name = hashlib.sha256(str(root.resolve()).encode("utf-8", "surrogatepass")).hexdigest()[:20]
    file = user_cache_path("leopardnet", appauthor=False) / "scan" / f"{name}.sqlite"
    if is_new:
        file.unlink(missing_ok=True)
    return file
