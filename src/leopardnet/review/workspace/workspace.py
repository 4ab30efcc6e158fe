"""What the review page keeps beside the labels: the seed of random samples, places in queues, keys, the footage.

It is `review.sqlite` in the workspace. Nothing in it is a label; without it, labels stay what they are, but random
samples are drawn anew.
"""

from __future__ import annotations

import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from leopardnet.core.errors import ManifestError
from leopardnet.data.human_labels.label_file import WAIT_S
from leopardnet.data.human_labels.label_file_errors import explain_errors

FILE = "review.sqlite"
APPLICATION_ID = 0x6C656F72
DIGITS = "123456789"  # keys of labels
_SCHEMA = "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"


_explain = partial(
    explain_errors,
    FILE,
    damaged=(
        "the file of places and random samples is damaged",
        "remove it and give the same command again: no label is in it, but random samples are drawn anew",
    ),
)


class Workspace:
    """The facts of one workspace by name, as JSON. Any number of programs and threads may use it."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        """Open `review.sqlite` in a folder, or make it. read_only: facts are kept in memory and lost at the end.

        Raises LabelFileError where the file cannot be used, and ManifestError where it is another file.
        """
        self.folder, self.read_only = Path(folder), read_only
        self._lock = threading.Lock()
        file = self.folder / FILE
        with _explain():
            where = ":memory:" if read_only else str(file)
            self._db = sqlite3.connect(where, timeout=WAIT_S, isolation_level=None, check_same_thread=False)
            application = self._db.execute("PRAGMA application_id").fetchone()[0]
            n_tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if application != APPLICATION_ID and n_tables:
                raise ManifestError(
                    "this file is not the one that the review page keeps its places in",
                    where=FILE,
                    todo="move it to another folder; it was not changed",
                )
            if application != APPLICATION_ID:
                self._db.execute(_SCHEMA)
                self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            if read_only and file.is_file():
                with sqlite3.connect(file.absolute().as_uri() + "?mode=ro", uri=True) as kept:
                    rows = kept.execute("SELECT name, value FROM facts").fetchall()
                self._db.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)

    def read(self, name: str) -> Any:
        """Return a fact, None where it is not known."""
        with self._lock, _explain():
            row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return json.loads(row[0]) if row else None

    def keep(self, name: str, value: Any) -> None:
        """Keep a fact in place of the one of this name."""
        with self._lock, _explain():
            self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, json.dumps(value)))

    def seed(self) -> str:
        """Return the seed of all random samples of this workspace, which is drawn once."""
        with self._lock, _explain():
            drawn = json.dumps(secrets.token_hex(8))
            self._db.execute("INSERT OR IGNORE INTO facts VALUES ('seed', ?)", (drawn,))
            seed = json.loads(self._db.execute("SELECT value FROM facts WHERE name = 'seed'").fetchone()[0])
        return str(seed)

    def choose_digits(self, names: Sequence[str]) -> dict[str, str]:
        """Return the digits that are keys of these labels: those of before, and the first free ones for new labels.

        A label without a key has none. A digit keeps its meaning for as long as there are others.
        """
        kept = self.read("digits") or {}
        digits = {name: kept[name] for name in names if name in kept}
        free = [x for x in DIGITS if x not in kept.values()]
        free += [x for x in DIGITS if x in kept.values() and x not in digits.values()]
        new = dict(zip((name for name in names if name not in digits), free, strict=False))
        if new:
            taken = {name: x for name, x in kept.items() if x not in new.values()}
            self.keep("digits", taken | new)
        return digits | new

    def free_digits(self) -> str:
        """Return the digits that no label has had yet, in order."""
        return "".join(sorted(set(DIGITS) - set((self.read("digits") or {}).values())))

    def enter(self) -> bool:
        """Note that this process serves the workspace; return whether another one of this computer does, too."""
        served = {int(pid): at for pid, at in (self.read("servers") or {}).items()}
        others = {pid: at for pid, at in served.items() if pid != os.getpid() and _start_time(pid) == at}
        mine = {os.getpid(): _start_time(os.getpid())}
        self.keep("servers", {str(pid): at for pid, at in (others | mine).items()})
        return bool(others)

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _start_time(pid: int) -> float | None:
    try:
        return round(float(psutil.Process(pid).create_time()), 1)
    except psutil.Error:
        return None
