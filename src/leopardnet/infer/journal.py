"""The journal of `predict`: the prediction of every finished clip and its evidence, in one row.

Everything that changes results is part of the key: bundle, sampling, effort, detector, backend, device, precision
(see `core.journal.clip_journal`). The tables are written from the journal.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from leopardnet.core.columns import LOOKS
from leopardnet.core.journal.clip_journal import ClipJournal
from leopardnet.core.journal.journal_file import JournalKind, explain_errors
from leopardnet.core.journal.queued_clip import MISSING, QueuedClip, stamp_clip
from leopardnet.core.manifest import Manifest
from leopardnet.core.types import Boxes, Clip, ClipPrediction, ClipSound, FoundSound, MediaInfo, Rule, Status
from leopardnet.detect.kept_boxes import StoredBox, keep_boxes

RESULTS_VERSION = 1  # raised where the program itself gives other results, so that older rows no longer count
PAGE_CLIPS = 2_000  # clips in memory at a time while tables are written
PLACE_COLUMNS = ("path", "kind", "site", "captured_at")  # of the manifest, in the tables
ROW_COLUMNS = (
    *("clip_id", "status", "reason", "decision", "rule", "score", "probs", "order_of_frames", "times_s"),
    *("frame_probs", "boxes", "duration_s", "fps", "width_px", "height_px", "familiarity", "looks", "sound"),
    "decoded_by",
)
KIND = JournalKind("journal.sqlite", 0x6C656F70, (*ROW_COLUMNS[:1], "stamp", *ROW_COLUMNS[1:]))


class FrameBoxes(NamedTuple):
    """The detector that examined a frame, and the boxes it found there, the best first."""

    source: str
    boxes: list[StoredBox]


@dataclass(frozen=True, slots=True, eq=False)
class JournalRow:
    """The result of one clip.

    score, probs (float32 [C]): None for an unreadable clip; evidence_order: positions of frames, int32 [N], the
    strongest first; times_s: float64 [N]; frame_probs: float32 [N, C]; duration_s, fps: of a video; familiarity:
    energy and cosines of each frame, float32 [N, 1 + C]; looks: float32 [N, 4], see `media.preprocess`; decoded_by:
    `software` or a device, for a video. These three are None in rows of older versions.
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
    _sound: str | None = None
    decoded_by: str | None = None

    @property
    def boxes(self) -> tuple[FrameBoxes | None, ...]:
        """The boxes of each frame, None where no detector examined it. Decoded on each use, to save memory."""
        if self._boxes is None:
            return (None,) * len(self.times_s)
        return tuple(None if frame is None else FrameBoxes(*frame) for frame in json.loads(self._boxes))

    @property
    def sound(self) -> ClipSound | None:
        """What was heard; None where the sound was not searched. Decoded on each use, to save memory."""
        return None if self._sound is None else _decode_sound(self._sound)


@dataclass(frozen=True, eq=False)
class JournalPage:
    """Some rows of a journal, and beside them path, kind, site and captured_at from the manifest."""

    rows: list[JournalRow]
    clips: pd.DataFrame

    @cached_property
    def sounds(self) -> list[tuple[str, ClipSound | None]]:
        """The clip_id and the sound of each row."""
        return [(row.clip_id, row.sound) for row in self.rows]


class Journal(ClipJournal):
    """The finished clips of one run. Made by `Journal.open`."""

    kind = KIND

    @classmethod
    @contextmanager
    def open(cls, folder: str | Path | None, key: dict[str, object]) -> Iterator[Journal]:
        """Open the journal in a folder, or one in memory where there is no folder. See `open_keyed`."""
        with cls.open_keyed(folder, {**key, "results_version": RESULTS_VERSION}) as journal:
            yield journal

    def add(self, item: QueuedClip, prediction: ClipPrediction) -> None:
        """Write the prediction of a clip. A run that is killed afterwards keeps it."""
        self.write_row(item, dict(zip(ROW_COLUMNS, _encode(prediction), strict=True)))

    def list_unheard(self, clips: Collection[Clip], root: Path, searched_by: str) -> list[QueuedClip]:
        """Return the videos whose row holds no sound, or that of another search, and whose file is the same."""
        query = "SELECT clip_id, stamp FROM clips WHERE run_id = ? AND (sound IS NULL OR instr(sound, ?) != 1)"
        with explain_errors(KIND.file):
            rows = dict(self._db.execute(query, (self.run_id, f"[{json.dumps(searched_by)},")).fetchall())
        if not rows:
            return []
        items = [stamp_clip(c, str(root)) for c in clips if c.kind == "video" and c.clip_id in rows]
        return [item for item in items if item.stamp == rows[item.clip.clip_id] != MISSING]

    def add_sound(self, item: QueuedClip, sound: ClipSound) -> None:
        """Write the sound of a clip that has a row."""
        with explain_errors(KIND.file):
            self._db.execute(
                "UPDATE clips SET sound = ? WHERE run_id = ? AND clip_id = ?",
                (_encode_sound(sound), self.run_id, item.clip.clip_id),
            )

    def read_pages(self, manifest: Manifest, *, n_clips: int = PAGE_CLIPS) -> Iterator[JournalPage]:
        """Yield the rows of a manifest's clips in its order, `n_clips` at a time, without those that lack one."""
        table = manifest.table[["clip_id", *PLACE_COLUMNS]].drop_duplicates("clip_id")
        columns = ", ".join(f"c.{name}" for name in ROW_COLUMNS)
        with explain_errors(KIND.file):
            self._db.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (i INTEGER PRIMARY KEY, clip_id TEXT)")
            self._db.execute("DELETE FROM wanted")
            self._db.executemany("INSERT INTO wanted VALUES (?, ?)", enumerate(table["clip_id"].tolist()))
            found = self._db.execute(
                f"SELECT w.i, {columns} FROM wanted w JOIN clips c ON c.run_id = ? AND c.clip_id = w.clip_id "
                "ORDER BY w.i",
                (self.run_id,),
            )
        while True:
            with explain_errors(KIND.file):
                part = found.fetchmany(n_clips)
            if not part:
                return
            clips = table.iloc[[row[0] for row in part]][[*PLACE_COLUMNS]]
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
        None if p.sound is None else _encode_sound(p.sound),
        (p.decoded_by or None) if p.clip.kind == "video" else None,
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
    sound: str | None,
    decoded_by: str | None,
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
        sound,
        decoded_by,
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


def _encode_sound(sound: ClipSound) -> str:
    found = [astuple(x) for x in sound.found]
    return json.dumps([sound.searched_by, sound.state, sound.note, found], separators=(",", ":"))


@lru_cache(maxsize=256)  # most clips have none, or none that is found
def _decode_sound(text: str) -> ClipSound:
    searched_by, state, note, found = json.loads(text)
    return ClipSound(state, tuple(FoundSound(*sound) for sound in found), note, searched_by)


def _encode_boxes(boxes: Sequence[Boxes | None]) -> str | None:
    """Return the boxes of all frames as JSON: for each frame null, or its detector and a list of boxes."""
    if not any(b is not None for b in boxes):
        return None
    return json.dumps([None if b is None else [b.source, keep_boxes(b)] for b in boxes], separators=(",", ":"))
