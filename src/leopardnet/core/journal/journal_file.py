"""The SQLite file of a journal: how it is opened and recognised, and its errors in plain words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from leopardnet.core.errors import JournalError


@dataclass(frozen=True, slots=True)
class JournalKind:
    """A kind of journal: its file, the number by which SQLite's header names it, and its columns beside the key."""

    file: str
    application_id: int
    columns: tuple[str, ...]


@contextmanager
def open_file(folder: Path | None, kind: JournalKind) -> Iterator[sqlite3.Connection]:
    """Open the journal in a folder, or one in memory, for a single writer, and make what it lacks.

    Raises JournalError where another process writes to it, where it is damaged, and where the disk is full.
    """
    path = folder / kind.file if folder is not None else None
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    db = None
    try:
        with explain_errors(kind.file):
            # The lock of a single writer also spares WAL its shared memory, which network drives do not have.
            db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=2.0)
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            _check_file(db, kind)
            db.executescript(
                "BEGIN; CREATE TABLE IF NOT EXISTS runs (run_id TEXT PRIMARY KEY, key TEXT NOT NULL);"
                f"CREATE TABLE IF NOT EXISTS clips (run_id, {', '.join(kind.columns)}, "
                f"PRIMARY KEY (run_id, clip_id)); PRAGMA application_id = {kind.application_id}; COMMIT;"
            )
            present = {row[1] for row in db.execute("PRAGMA table_info(clips)")}
            for name in kind.columns:
                if name not in present:  # a journal of an older version
                    db.execute(f"ALTER TABLE clips ADD COLUMN {name}")
        yield db
    finally:
        if db is not None:
            with explain_errors(kind.file):
                db.close()


def _check_file(db: sqlite3.Connection, kind: JournalKind) -> None:
    """Raise JournalError where the file belongs to another program, sqlite3.DatabaseError where it is damaged."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    has_tables = bool(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if application != kind.application_id and (application or has_tables):
        raise JournalError(
            "this file is not a journal of leopardnet", where=kind.file, todo="choose another folder for --out"
        )
    verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


@contextmanager
def explain_errors(file: str) -> Iterator[None]:
    """Turn an error of SQLite into a JournalError with its cause and what to do. file: the name of the journal."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            what = "another run writes to this journal"
            todo = "wait for it to end, or choose another folder for --out"
        elif code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            what = "there is no room for the journal, or its disk fails"
            todo = "make room and give the same command again: all finished clips are kept"
        elif code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            what, todo = "the journal cannot be written", "choose a folder for --out that you may write to"
        elif isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            what = "the journal is damaged, as happens on a full or failing disk"
            todo = "check the disk, move the journal and its -wal file away, and give the same command again"
        else:
            what, todo = "the journal cannot be used", "read what the system reports under 'found', and try again"
        raise JournalError(what, where=file, found=str(error), todo=todo) from None
