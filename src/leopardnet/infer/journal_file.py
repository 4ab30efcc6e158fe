"""The SQLite file of a journal: how it is recognised, and its errors in plain words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from leopardnet.core.errors import JournalError

FILE = "journal.sqlite"
APPLICATION_ID = 0x6C656F70


def check_file(db: sqlite3.Connection) -> None:
    """Raise JournalError where the file belongs to another program, sqlite3.DatabaseError where it is damaged."""
    application = db.execute("PRAGMA application_id").fetchone()[0]
    has_tables = bool(db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if application != APPLICATION_ID and (application or has_tables):
        raise JournalError(
            "this file is not a journal of leopardnet", where=FILE, todo="choose another folder for --out"
        )
    verdict = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        raise sqlite3.DatabaseError(verdict)


@contextmanager
def explain_errors() -> Iterator[None]:
    """Turn an error of SQLite into a JournalError with its cause and what to do."""
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
        raise JournalError(what, where=FILE, found=str(error), todo=todo) from None
