"""`labels.sqlite`: everything that people said about clips, in the order in which they said it.

A file is only ever added to. Taking something back is one more entry, so who said what and when can always be read.
Every other form of the labels (a manifest, corrections, rows for other programs) is a view of this file.

The file uses a rollback journal, not WAL: WAL needs memory that all programs share, which a folder on another
computer does not give, and several people may work on one file. An entry is on the disk before `add` returns.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pandas as pd

from leopardnet.core.errors import LabelFileError
from leopardnet.data.human_labels.label_file_errors import explain_errors

FILE = "labels.sqlite"
APPLICATION_ID = 0x6C656F6C
FORMAT_VERSION = 1
WAIT_S = 10.0  # for another program that is writing
_SCHEMA = """
CREATE TABLE entries (
  entry_id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  clip_id TEXT NOT NULL,
  path TEXT NOT NULL,
  labels TEXT,
  by TEXT NOT NULL,
  at TEXT NOT NULL,
  seconds TEXT,
  boxes TEXT,
  queue TEXT NOT NULL,
  inclusion REAL CHECK (inclusion > 0 AND inclusion <= 1),
  bundle_id TEXT,
  note TEXT,
  starred INTEGER NOT NULL DEFAULT 0,
  undoes INTEGER
);
CREATE INDEX entries_of_clip ON entries (clip_id);
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries BEGIN SELECT raise(ABORT, 'entries are never changed'); END;
CREATE TRIGGER entries_remain BEFORE DELETE ON entries BEGIN SELECT raise(ABORT, 'entries are never removed'); END;
"""
_FIELDS = (
    *("key", "clip_id", "path", "labels", "by", "at", "seconds", "boxes", "queue", "inclusion", "bundle_id"),
    *("note", "starred", "undoes"),
)


def find_label_file(path: Path) -> Path:
    """Return the file of labels that a path names: itself, or the one in the folder.

    >>> find_label_file(Path("results/labels.sqlite")).as_posix()
    'results/labels.sqlite'
    """
    return Path(path) / FILE if Path(path).is_dir() else Path(path)


def find_given_labels(results: Path, manifest_folder: Path | None) -> Path | None:
    """Return the labels that people gave to classified footage; None where nobody did.

    It is the file in the folder of results, or else that beside the manifest, of a round before.
    """
    folders = [results, *([] if manifest_folder is None else [manifest_folder])]
    return next((folder / FILE for folder in folders if (folder / FILE).is_file()), None)


def is_label_file(path: Path) -> bool:
    """Return whether a path names a file of SQLite, by its first bytes, or by its name where it does not exist."""
    try:
        with Path(path).open("rb") as file:
            return file.read(16) == b"SQLite format 3\0"
    except OSError:
        return Path(path).suffix == ".sqlite"


@dataclass(frozen=True, kw_only=True)
class LabelEntry:
    """One thing that a person said about a clip.

    key: chosen by whoever asks for the entry, such as a UUID. A second entry of the same key is not added, so an
    answer that was lost on its way may be asked for again. path: of the clip, relative to the root. labels: all
    that the clip shows; () says that the person looked and gave none (a note or a star alone). seconds: of the clip
    that show it. boxes: all that the person drew on the clip so far, {xyxy, label?} in fractions of the upright
    frame, with `time_s`; () takes them away, None leaves them as they are. queue: the list in which the clip was
    shown. inclusion: the chance with which this clip came into that list, known only for random ones. bundle_id:
    the model whose answers the person may have seen. at: ISO time with its zone, by default now.

    >>> LabelEntry(key="1", clip_id="ab", path="a.mp4", labels=("leopard",), by="Anna", queue="all").labels
    ('leopard',)
    """

    key: str
    clip_id: str
    path: str
    labels: Sequence[str]
    by: str
    queue: str
    at: str = ""
    seconds: Sequence[float] = ()
    boxes: Sequence[dict[str, Any]] | None = None
    inclusion: float | None = None
    bundle_id: str | None = None
    note: str = ""
    starred: bool = False


class LabelDatabase:
    """An open `labels.sqlite`. One object serves one thread; any number of programs may have the file open."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open a file, or make it unless `read_only`.

        Raises LabelFileError where it is no such file, damaged, from a later version, or cannot be opened.
        """
        self.path, self.read_only = Path(path), read_only
        if read_only and not self.path.is_file():
            raise LabelFileError(
                "there is no such file of labels",
                where=self.path.as_posix(),
                expected=f"{FILE}, which the review page writes",
                todo="label some clips first: `leopardnet review RESULTS`",
            )
        if self.path.is_file() and self.path.suffix != ".sqlite" and not is_label_file(self.path):
            raise _no_labels_error(self.path.name)
        with explain_errors(self.path.name, is_reading=read_only):
            uri = self.path.absolute().as_uri() + ("?mode=ro" if read_only else "")
            self._db = sqlite3.connect(uri, uri=True, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
            self._db.execute("PRAGMA synchronous = FULL")
            self._prepare()

    def _prepare(self) -> None:
        application = self._db.execute("PRAGMA application_id").fetchone()[0]
        if application == 0 and not self.read_only:
            self._db.execute("BEGIN IMMEDIATE")  # of two programs that make the file at once, one waits here
            application = self._db.execute("PRAGMA application_id").fetchone()[0]
            is_new = application == 0 and not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if is_new:
                for statement in _split_statements(_SCHEMA):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._db.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
                application = APPLICATION_ID
            self._db.execute("COMMIT")
        if application != APPLICATION_ID:
            raise _no_labels_error(self.path.name)
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > FORMAT_VERSION:
            raise LabelFileError(
                "this file of labels was written by a later version of leopardnet",
                where=self.path.name,
                found=f"format {version}",
                expected=f"at most {FORMAT_VERSION}",
                todo="install the newer version; the file was not changed",
            )

    def _insert(
        self, table: str, fields: Sequence[str], rows: Sequence[tuple[Any, ...]], *, schema: str = ""
    ) -> list[int]:
        """Add rows as one transaction, and return their numbers; a row of a known key keeps its old one.

        fields: of the rows; the first is the key. schema: makes the table, where it is not there yet.
        """
        insert = f"INSERT INTO {table} ({', '.join(fields)}) VALUES ({', '.join('?' * len(fields))})"
        numbers = []
        with explain_errors(self.path.name):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                for statement in _split_statements(schema):
                    self._db.execute(statement)
                for row in rows:
                    known = self._db.execute(f"SELECT entry_id FROM {table} WHERE key = ?", (row[0],)).fetchone()
                    numbers.append(known[0] if known else self._db.execute(insert, row).lastrowid)
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        return [int(n) for n in numbers if n is not None]

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class LabelFile(LabelDatabase):
    """What people said about clips.

    >>> with ln.LabelFile(Path("results/labels.sqlite"), read_only=True) as file:  # doctest: +SKIP
    ...     entries = file.entries()
    """

    def add(self, *entries: LabelEntry) -> list[int]:
        """Write entries as one transaction, and return their numbers; entries of a known key keep the old one.

        Raises LabelFileError where the file cannot be written. Then none of them was added.
        """
        now = datetime.now(UTC).astimezone().isoformat(timespec="milliseconds")
        rows = [_row(entry, entry.at or now) for entry in entries]
        return self._insert("entries", _FIELDS, rows)

    def undo(self, entry_ids: Mapping[str, int], *, by: str) -> list[int]:
        """Take entries back as one transaction, each by one more entry, and return the numbers of these.

        entry_ids: by the key of the entry that takes it back. Raises LabelFileError where there is no such entry,
        where it is of another person, or was taken back; then none is.
        """
        numbers, now = json.dumps(list(entry_ids.values())), datetime.now(UTC).astimezone()
        among = "IN (SELECT value FROM json_each(?))"
        found = self.entries(where=f"entry_id {among}", values=(numbers,)).set_index("entry_id")
        taken = self.entries(where=f"undoes {among}", values=(numbers,)).set_index("undoes")["key"]
        rows = []
        for key, entry_id in entry_ids.items():
            old = found.loc[entry_id] if entry_id in found.index else None
            if old is None or old["by"] != by or pd.notna(old["undoes"]) or taken.get(entry_id, key) != key:
                raise LabelFileError(
                    "this label cannot be taken back",
                    where=f"{self.path.name}, entry {entry_id}",
                    found="no such label"
                    if old is None
                    else "the label of another person"
                    if old["by"] != by
                    else "it was taken back already",
                    expected="a label that you gave",
                )
            clip_id, path, queue = (str(old[name]) for name in ("clip_id", "path", "queue"))
            entry = LabelEntry(key=key, clip_id=clip_id, path=path, labels=(), by=by, queue=queue)
            row = _row(entry, now.isoformat(timespec="milliseconds"))
            rows.append((*row[:3], None, *row[4:-1], entry_id))
        return self._insert("entries", _FIELDS, rows)

    def entries(self, *, where: str = "1", values: Sequence[Any] = (), after: int = 0) -> pd.DataFrame:
        """Return the entries with a number above `after` in the order in which they were made, with all columns.

        `labels`, `seconds` and `boxes` are JSON lists; `labels` is empty in an entry that takes another one back.
        where: a condition of SQL on the columns of the file, with `values` in place of its question marks.
        """
        columns = ("entry_id", *_FIELDS)
        query = f"SELECT {', '.join(columns)} FROM entries WHERE entry_id > ? AND ({where}) ORDER BY entry_id"
        with explain_errors(self.path.name, is_reading=True):
            rows = self._db.execute(query, (after, *values)).fetchall()
        table = pd.DataFrame(rows, columns=list(columns))
        return table.astype({"undoes": "Int64", "inclusion": "float64", "starred": "bool"})

    def newest(self) -> int:
        """Return the number of the newest entry, 0 for a file without one: a cheap way to see what others added."""
        with explain_errors(self.path.name, is_reading=True):
            return int(self._db.execute("SELECT coalesce(max(entry_id), 0) FROM entries").fetchone()[0])


def _no_labels_error(name: str) -> LabelFileError:
    return LabelFileError(
        "this file holds no labels of leopardnet",
        where=name,
        expected=f"{FILE}, as the review page writes it",
        todo="give another file; this one was not changed",
    )


def _row(entry: LabelEntry, at: str) -> tuple[Any, ...]:
    return (
        *(entry.key, entry.clip_id, entry.path, json.dumps(list(entry.labels), ensure_ascii=False), entry.by, at),
        json.dumps([round(float(s), 3) for s in entry.seconds]) if entry.seconds else None,
        None if entry.boxes is None else json.dumps(list(entry.boxes)),
        *(entry.queue, entry.inclusion, entry.bundle_id, entry.note or None, int(entry.starred), None),
    )


def _split_statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; `executescript` would end the transaction that guards them."""
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
