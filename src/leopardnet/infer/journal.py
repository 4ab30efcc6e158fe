"""The journal: every finished clip on disk at once, so that a run that was broken off goes on where it stood.

One SQLite file in WAL mode, one transaction per clip, with the row and its evidence. A row counts for a clip only under
the same key: clip, size and modification time of its files, and everything that changes results (bundle, sampling,
effort, backend, device, precision). A run with another bundle or other settings has rows of its own in the same file, so
neither mixes with the other, and coming back to the first costs nothing. The tables are written from the journal.

What a crash of the machine may cost is the last moments before it (`synchronous = NORMAL`), never the file.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from leopardnet.core.errors import JournalError
from leopardnet.core.labels import ANIMAL
from leopardnet.core.manifest import Manifest
from leopardnet.core.types import Boxes, Clip, ClipPrediction, MediaInfo

FILE = "journal.sqlite"
RESULTS_VERSION = 1  # another one where the program itself gives other results: then old rows do not count
APPLICATION_ID = 0x6C656F70
LOWEST_BOX, MOST_BOXES = 0.05, 5  # of a frame, that are kept
PAGE = 20_000  # clips that a table holds in memory while it is written
COLUMNS = (
    "run_id",
    "clip_id",
    "stamp",
    "status",
    "reason",
    "decision",
    "rule",
    "score",
    "probs",
    "order_of_frames",
    "times_s",
    "frame_probs",
    "boxes",
    "duration_s",
    "fps",
    "width_px",
    "height_px",
    "familiarity",
)
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS runs (run_id TEXT PRIMARY KEY, key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clips ({", ".join(COLUMNS)}, PRIMARY KEY (run_id, clip_id));
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = 1;
"""


@dataclass(frozen=True, slots=True)
class QueuedClip:
    """A clip, how many bytes its files have, and a text that changes when they do."""

    clip: Clip
    n_bytes: int
    stamp: str


def stamp_clip(clip: Clip, root: str) -> QueuedClip:
    """The clip with size and modification time of its files, or with the word `missing`."""
    sizes, marks = 0, []
    for path in clip.paths:
        try:
            found = os.stat(os.path.join(root, path))  # noqa: PTH116, PTH118 - a Path costs more than the call
        except (OSError, ValueError):
            marks.append("missing")
        else:
            sizes += found.st_size
            marks.append(f"{found.st_size}:{found.st_mtime_ns}")
    if len(marks) == 1:
        return QueuedClip(clip, sizes, marks[0])
    return QueuedClip(clip, sizes, hashlib.sha256(json.dumps([clip.paths, marks]).encode()).hexdigest()[:32])


class Journal:
    """The finished clips of one run. Made by `Journal.open`."""

    def __init__(self, db: sqlite3.Connection, run_id: str, where: str) -> None:
        self._db, self.run_id, self._where = db, run_id, where

    @classmethod
    @contextmanager
    def open(cls, folder: str | Path | None, key: dict[str, object]) -> Iterator[Journal]:
        """The journal in a folder, or one in memory where there is no folder. `key`: what results depend on.

        Raises JournalError where another process writes to it, where it is damaged, and where there is no room.
        """
        text = json.dumps({**key, "results_version": RESULTS_VERSION}, sort_keys=True)
        run_id = hashlib.sha256(text.encode()).hexdigest()[:12]
        path = Path(folder) / FILE if folder is not None else None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        db = None
        try:
            with _explained(FILE):
                # one writer: the lock also spares WAL its shared memory, which network drives do not have
                db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=2.0)
                db.execute("PRAGMA locking_mode = EXCLUSIVE")
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = NORMAL")
                _check(db)
                db.executescript(SCHEMA)
                there = {row[1] for row in db.execute("PRAGMA table_info(clips)")}
                for name in COLUMNS:
                    if name not in there:  # journals of older versions go on
                        db.execute(f"ALTER TABLE clips ADD COLUMN {name}")
                db.execute("INSERT OR IGNORE INTO runs VALUES (?, ?)", (run_id, text))
            yield cls(db, run_id, FILE)
        finally:
            if db is not None:
                with _explained(FILE):
                    db.close()

    def todo(self, clips: Sequence[Clip], root: Path, *, retry_failed: bool = False) -> list[QueuedClip]:
        """The clips that have no row yet, that changed since, or (`retry_failed`) that could not be read."""
        with _explained(self._where):
            known = {
                clip_id: stamp
                for clip_id, stamp, status in self._db.execute(
                    "SELECT clip_id, stamp, status FROM clips WHERE run_id = ?", (self.run_id,)
                )
                if not (retry_failed and status == "unreadable")
            }
        items = (stamp_clip(clip, str(root)) for clip in clips)
        return [item for item in items if known.get(item.clip.clip_id) != item.stamp]

    def add(self, item: QueuedClip, p: ClipPrediction) -> None:
        """Keep a prediction; it is safe from now on."""
        row = (
            self.run_id,
            p.clip.clip_id,
            item.stamp,
            p.status,
            p.reason or None,
            p.decision.label,
            p.decision.rule,
            None if p.probs is None else p.decision.score,
            None if p.probs is None else _bytes(p.probs, "<f4"),
            _bytes(p.evidence_order, "<i4"),
            _bytes(p.frame_times_s, "<f8"),
            _bytes(p.frame_probs, "<f4"),
            _boxes_text(p.boxes),
            *_about(p.info),
            _bytes(p.frame_familiarity, "<f4"),
        )
        with _explained(self._where):
            self._db.execute(f"INSERT OR REPLACE INTO clips VALUES ({','.join('?' * len(row))})", row)

    def pages(self, manifest: Manifest, *, page: int = PAGE) -> Iterator[Page]:
        """The rows of the manifest's clips in its order, some thousand at a time; clips without a row are left out."""
        table = manifest.table.drop_duplicates("clip_id")
        picked = ", ".join(f"c.{name}" for name in COLUMNS[1:])
        with _explained(self._where):
            self._db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (i INTEGER PRIMARY KEY, clip_id TEXT)")
            self._db.execute("DELETE FROM wanted")
            self._db.executemany("INSERT INTO wanted VALUES (?, ?)", enumerate(table["clip_id"].tolist()))
            rows = self._db.execute(
                f"SELECT w.i, {picked} FROM wanted w JOIN clips c ON c.run_id = ? AND c.clip_id = w.clip_id ORDER BY w.i",
                (self.run_id,),
            )
        while True:
            with _explained(self._where):
                found = rows.fetchmany(page)
            if not found:
                return
            columns = dict(zip(("i", *COLUMNS[1:]), zip(*found, strict=True), strict=True))
            about = table.iloc[list(columns["i"])][["path", "kind", "site", "captured_at"]].reset_index(drop=True)
            yield Page(columns, about)


@dataclass(frozen=True, eq=False)
class Page:
    """Some rows of a journal by column, and beside them what the manifest says of these clips."""

    columns: dict[str, tuple[Any, ...]]
    about: Any


def _boxes_text(boxes: Sequence[Boxes | None]) -> str | None:
    """The boxes of all frames as JSON: for each frame nothing, or its source and a list of boxes in fractions."""
    if not any(b is not None for b in boxes):
        return None
    return json.dumps([None if b is None else [b.source, _best_boxes(b)] for b in boxes], separators=(",", ":"))


def _best_boxes(boxes: Boxes) -> list[dict[str, Any]]:
    found = zip(boxes.fractions.tolist(), boxes.scores.tolist(), boxes.labels, strict=True)
    kept = [(xyxy, score, label) for xyxy, score, label in found if score >= LOWEST_BOX][:MOST_BOXES]
    return [
        {"xyxy": xyxy, "score": round(score, 4)} | ({} if label == ANIMAL else {"label": label})
        for xyxy, score, label in kept
    ]


def _about(info: MediaInfo | None) -> tuple[float | None, float | None, int | None, int | None]:
    """Length, rate and size as the container says; a still has no length and no rate."""
    if info is None:
        return None, None, None, None
    is_video = info.codec != "still"
    return (info.duration_s if is_video else None), (info.fps if is_video else None), info.width_px, info.height_px


def _bytes(values: Any, dtype: str) -> bytes:
    return np.asarray(values, dtype).tobytes()


def _check(db: sqlite3.Connection) -> None:
    kind = db.execute("PRAGMA application_id").fetchone()[0]
    if kind not in (0, APPLICATION_ID) or (
        kind == 0 and db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    ):
        raise JournalError(
            "this file is no journal of leopardnet", where=FILE, todo="choose another folder for --out"
        )
    said = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if said != "ok":
        raise sqlite3.DatabaseError(said)


@contextmanager
def _explained(where: str) -> Iterator[None]:
    """Turn what SQLite says into what happened and what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            what, todo = (
                "another run writes to this journal",
                "wait for it to end, or choose another folder for --out",
            )
        elif code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            what = "there is no room for the journal, or its disk fails"
            todo = "make room and give the same command again: all finished clips are kept"
        elif code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
            what, todo = "the journal cannot be written", "choose a folder for --out that you may write to"
        elif isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            what = "the journal is damaged; a full or failing disk does that"
            todo = "check the disk, move the journal and its -wal file away and give the same command again: it begins anew"
        else:
            what, todo = "the journal cannot be used", "see what the system says, and try again"
        raise JournalError(what, where=where, found=str(error), todo=todo) from None
