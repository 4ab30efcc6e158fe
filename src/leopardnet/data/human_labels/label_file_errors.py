"""What goes wrong with a file of labels, in words that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from leopardnet.core.errors import LabelFileError


class LabelFileBusyError(LabelFileError):
    """Another program is writing and did not finish in time; the same call may be made again."""


class LabelDiskFullError(LabelFileError):
    """There is no room for the label; the same call may be made again when there is."""


@contextmanager
def explain_errors(
    name: str,
    *,
    damaged: tuple[str, str] = ("the file of labels is damaged", "restore it from a copy; do not delete this one"),
    is_reading: bool = False,
) -> Iterator[None]:
    """Turn an error of SQLite into a LabelFileError with its cause and what to do.

    name: of the file; damaged: what to say, and what to do, where it is damaged. is_reading: nothing was to be
    saved.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        kind: type[LabelFileError] = LabelFileError
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            kind, what = LabelFileBusyError, "another program holds the file of labels"
            todo = "wait a moment and save again; nothing was lost"
            if is_reading:
                todo = "wait until it has finished, or close it, and try again; nothing was changed"
        elif code == sqlite3.SQLITE_FULL:
            kind = LabelDiskFullError
            what, todo = "the disk is full: the label was not saved", "make room and save again"
        elif code == sqlite3.SQLITE_IOERR:
            what, todo = "the disk fails: the label was not saved", "check the disk and save again"
            if is_reading:
                what, todo = "the disk fails: the labels cannot be read", "check the disk and try again"
        elif code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            what, todo = "the file of labels cannot be written", "choose a place that you may write to"
            if is_reading:
                what, todo = "the file of labels cannot be opened", "check that you may read it and its folder"
        elif code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            what, todo = damaged
        else:
            what, todo = "the file of labels cannot be used", "read what the system reports under 'found'"
        raise kind(what, where=name, found=str(error), todo=todo) from None
