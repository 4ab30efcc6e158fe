"""The journal: every finished clip is on disk at once, so an interrupted run continues where it stopped.

It is one SQLite file in WAL mode, with one transaction per clip that holds the row and its evidence. A row counts
for a clip only under the same key: the clip, size and modification time of its files, and everything that changes
results (bundle, sampling, effort, detector, backend, device, precision). A run with another bundle or other
settings has rows of its own in the same file. The two never mix, and returning to the first costs nothing. The
tables are written from the journal.

A crash of the machine may cost the last moments before it (`synchronous = NORMAL`), but never the file.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, NotRequired, TypedDict

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from leopardnet.core.columns import LOOKS
from leopardnet.core.labels import ANIMAL
from leopardnet.core.manifest import Manifest
from leopardnet.core.types import Boxes, Clip, ClipPrediction, MediaInfo, Rule, Status
from leopardnet.infer.journal_file import APPLICATION_ID, FILE, check_file, explain_errors
from leopardnet.infer.queued_clip import QueuedClip, refuse_other_files, stamp_clip

RESULTS_VERSION = 1  # raised where the program itself gives other results, so that older rows no longer count
MIN_BOX_SCORE, MAX_BOXES = 0.05, 5  # which boxes of a frame are kept
PAGE_CLIPS = 20_000  # clips in memory at a time while tables are written
COLUMNS = (
    *(
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
    ),
    *("frame_probs", "boxes", "duration_s", "fps", "width_px", "height_px", "familiarity", "looks"),
)
ROW_COLUMNS = tuple(name for name in COLUMNS if name not in ("run_id", "stamp"))
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS runs (run_id TEXT PRIMARY KEY, key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS clips ({", ".join(COLUMNS)}, PRIMARY KEY (run_id, clip_id));
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = 1;
"""


class StoredBox(TypedDict):
    """A box as the journal and the evidence table keep it: in fractions of the upright frame."""

    xyxy: list[float]
    score: float
    label: NotRequired[str]  # absent for an animal


class FrameBoxes(NamedTuple):
    """The detector that examined a frame, and the boxes it found there, the best first."""

    source: str
    boxes: list[StoredBox]


@dataclass(frozen=True, slots=True, eq=False)
class JournalRow:
    """The result of one clip.

    score, probs (float32 [C]): None for an unreadable clip; evidence_order: positions of frames, int32 [N], the
    strongest first; times_s: float64 [N]; frame_probs: float32 [N, C]; duration_s, fps: of a video; familiarity:
    energy and cosines of each frame, float32 [N, 1 + C]; looks: float32 [N, 4], see `media.preprocess`. Both are
    None in rows of older versions.
    """

    clip_id: str
    status: Status
    reason: str | None
    decision: str
    rule: Rule
    score: float | None
    probs: NDArray[np.float32] | None
    evidence_order: NDArray[np.int32]
    times_s: NDArray[np.float64]
    frame_probs: NDArray[np.float32]
    duration_s: float | None
    fps: float | None
    width_px: int | None
    height_px: int | None
    familiarity: NDArray[np.float32] | None
    looks: NDArray[np.float32] | None
    _boxes: str | None

    @property
    def boxes(self) -> tuple[FrameBoxes | None, ...]:
        """The boxes of each frame, None where no detector examined it. Decoded on each use, to save memory."""
        if self._boxes is None:
            return (None,) * len(self.times_s)
        return tuple(None if frame is None else FrameBoxes(*frame) for frame in json.loads(self._boxes))


@dataclass(frozen=True, eq=False)
class JournalPage:
    """Some rows of a journal, and beside them path, kind, site and captured_at from the manifest."""

    rows: list[JournalRow]
    clips: pd.DataFrame


class Journal:
    """The finished clips of one run. Made by `Journal.open`."""

    def __init__(self, db: sqlite3.Connection, run_id: str) -> None:
        self._db, self.run_id = db, run_id

    @classmethod
    @contextmanager
    def open(cls, folder: str | Path | None, key: dict[str, object]) -> Iterator[Journal]:
        """Open the journal in a folder, or one in memory where there is no folder. key: what results depend on.

        Raises JournalError where another process writes to the journal, where it is damaged, and where the disk is
        full.
        """
        text = json.dumps({**key, "results_version": RESULTS_VERSION}, sort_keys=True)
        run_id = hashlib.sha256(text.encode()).hexdigest()[:12]
        path = Path(folder) / FILE if folder is not None else None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        db = None
        try:
            with explain_errors():
                # The lock of a single writer also spares WAL its shared memory, which network drives do not have.
                db = sqlite3.connect(path or ":memory:", isolation_level=None, timeout=2.0)
                db.execute("PRAGMA locking_mode = EXCLUSIVE")
                db.execute("PRAGMA journal_mode = WAL")
                db.execute("PRAGMA synchronous = NORMAL")
                check_file(db)
                db.executescript(SCHEMA)
                present = {row[1] for row in db.execute("PRAGMA table_info(clips)")}
                for name in COLUMNS:
                    if name not in present:  # a journal of an older version
                        db.execute(f"ALTER TABLE clips ADD COLUMN {name}")
                db.execute("INSERT OR IGNORE INTO runs VALUES (?, ?)", (run_id, text))
            yield cls(db, run_id)
        finally:
            if db is not None:
                with explain_errors():
                    db.close()

    def list_todo(self, clips: Sequence[Clip], root: Path, *, retry_failed: bool = False) -> list[QueuedClip]:
        """Return the clips that have no row yet, that changed since, or (`retry_failed`) that could not be read.

        Raises JournalError where the rows are of other footage with the same file names, and where no file is there
        any more, so that the rows are kept.
        """
        query = "SELECT clip_id, stamp, status FROM clips WHERE run_id = ?"
        with explain_errors():
            rows = list(self._db.execute(query, (self.run_id,)))
        items = [stamp_clip(clip, str(root)) for clip in clips]
        refuse_other_files(items, {clip_id: stamp for clip_id, stamp, status in rows if status != "unreadable"})
        known = {clip_id: stamp for clip_id, stamp, status in rows if not retry_failed or status != "unreadable"}
        return [item for item in items if known.get(item.clip.clip_id) != item.stamp]

    def add(self, item: QueuedClip, prediction: ClipPrediction) -> None:
        """Write the prediction of a clip. A run that is killed afterwards keeps it."""
        row = (self.run_id, item.stamp, *_encode(prediction))
        columns = ", ".join(("run_id", "stamp", *ROW_COLUMNS))
        with explain_errors():
            self._db.execute(f"INSERT OR REPLACE INTO clips ({columns}) VALUES ({','.join('?' * len(row))})", row)

    def read_pages(self, manifest: Manifest, *, n_clips: int = PAGE_CLIPS) -> Iterator[JournalPage]:
        """Yield the rows of a manifest's clips in its order, `n_clips` at a time, without those that lack one."""
        table = manifest.table.drop_duplicates("clip_id")
        columns = ", ".join(f"c.{name}" for name in ROW_COLUMNS)
        with explain_errors():
            self._db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (i INTEGER PRIMARY KEY, clip_id TEXT)")
            self._db.execute("DELETE FROM wanted")
            self._db.executemany("INSERT INTO wanted VALUES (?, ?)", enumerate(table["clip_id"].tolist()))
            found = self._db.execute(
                f"SELECT w.i, {columns} FROM wanted w JOIN clips c ON c.run_id = ? AND c.clip_id = w.clip_id "
                "ORDER BY w.i",
                (self.run_id,),
            )
        while True:
            with explain_errors():
                part = found.fetchmany(n_clips)
            if not part:
                return
            clips = table.iloc[[row[0] for row in part]][["path", "kind", "site", "captured_at"]]
            yield JournalPage([_decode(*row[1:]) for row in part], clips.reset_index(drop=True))


# --- values and columns ---


def _encode(p: ClipPrediction) -> tuple[object, ...]:
    """Return the values of ROW_COLUMNS."""
    return (
        p.clip.clip_id,
        p.status,
        p.reason or None,
        p.decision.label,
        p.decision.rule,
        None if p.probs is None else p.decision.score,
        None if p.probs is None else _to_bytes(p.probs, "<f4"),
        _to_bytes(p.evidence_order, "<i4"),
        _to_bytes(p.frame_times_s, "<f8"),
        _to_bytes(p.frame_probs, "<f4"),
        _encode_boxes(p.boxes),
        *_encode_info(p.info),
        _to_bytes(p.frame_familiarity, "<f4"),
        _to_bytes(p.frame_looks, "<f4"),
    )


def _decode(
    clip_id: str,
    status: Status,
    reason: str | None,
    decision: str,
    rule: Rule,
    score: float | None,
    probs: bytes | None,
    order: bytes,
    times_s: bytes,
    frame_probs: bytes,
    boxes: str | None,
    duration_s: float | None,
    fps: float | None,
    width_px: int | None,
    height_px: int | None,
    familiarity: bytes | None,
    looks: bytes | None,
) -> JournalRow:
    """Return a row from the values of ROW_COLUMNS."""
    n, n_labels = len(times_s) // 8, len(probs or b"") // 4
    return JournalRow(
        clip_id,
        status,
        reason,
        decision,
        rule,
        score,
        None if probs is None else np.frombuffer(probs, "<f4"),
        np.frombuffer(order, "<i4"),
        np.frombuffer(times_s, "<f8"),
        np.frombuffer(frame_probs, "<f4").reshape(n, n_labels),
        duration_s,
        fps,
        width_px,
        height_px,
        _to_rows(familiarity, n, 1 + n_labels),
        _to_rows(looks, n, len(LOOKS)),
        boxes,
    )


def _to_rows(blob: bytes | None, n: int, width: int) -> NDArray[np.float32] | None:
    """Return float32 [n, width], or None where an older version wrote none."""
    is_there = blob is not None and len(blob) == 4 * n * width
    return np.frombuffer(blob or b"", "<f4").reshape(n, width) if is_there else None


def _to_bytes(values: ArrayLike, dtype: str) -> bytes:
    return np.asarray(values, dtype).tobytes()


def _encode_info(info: MediaInfo | None) -> tuple[float | None, float | None, int | None, int | None]:
    """Return length, rate and size as the container states them; a still has no length and no rate."""
    if info is None:
        return None, None, None, None
    is_video = info.codec != "still"
    return (info.duration_s if is_video else None), (info.fps if is_video else None), info.width_px, info.height_px


def _encode_boxes(boxes: Sequence[Boxes | None]) -> str | None:
    """Return the boxes of all frames as JSON: for each frame null, or its detector and a list of boxes."""
    if not any(b is not None for b in boxes):
        return None
    return json.dumps([None if b is None else [b.source, _best_boxes(b)] for b in boxes], separators=(",", ":"))


def _best_boxes(boxes: Boxes) -> list[StoredBox]:
    found = zip(boxes.fractions.tolist(), boxes.scores.tolist(), boxes.labels, strict=True)
    best = [(xyxy, round(score, 4), label) for xyxy, score, label in found if score >= MIN_BOX_SCORE][:MAX_BOXES]
    return [
        {"xyxy": xyxy, "score": score} if label == ANIMAL else {"xyxy": xyxy, "score": score, "label": label}
        for xyxy, score, label in best
    ]
