"""`features.sqlite`: what an embedded backbone sees in a few frames of every clip.

Each clip has a row, also one that cannot be read. Features and ImageNet scores are kept in float16: 4.6 kB a frame.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.special import logsumexp

from leopardnet.core.errors import JournalError
from leopardnet.core.journal.clip_journal import ClipJournal
from leopardnet.core.journal.journal_file import JournalKind, explain_errors
from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.types import Clip, Status
from leopardnet.hunt.setup import HuntSetup

KIND = JournalKind(
    "features.sqlite",
    0x6C656F66,
    ("clip_id", "stamp", "status", "reason", "times_s", "n_features", "features", "imagenet"),
)
PART = 4096  # frames that are widened to float32 at a time
Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class FrameFeatures:
    """What the backbone sees in a clip: N frames, none where the clip is unreadable.

    times_s: float64 [N]; features: float32 [N, F]; imagenet: logits of the 1000 classes, float32 [N, 1000].
    """

    clip: Clip
    status: Status
    reason: str
    times_s: NDArray[np.float64]
    features: Floats
    imagenet: Floats


class FeatureJournal(ClipJournal):
    """The features of the clips that are done, while others are worked on."""

    kind = KIND

    def add(self, item: QueuedClip, result: FrameFeatures) -> None:
        """Write the features of a clip. A run that is killed afterwards keeps them."""
        values = {
            "status": result.status,
            "reason": result.reason or None,
            "times_s": result.times_s.astype("<f8").tobytes(),
            "n_features": result.features.shape[1],
            "features": result.features.astype("<f2").tobytes(),
            "imagenet": result.imagenet.astype("<f2").tobytes(),
        }
        self.write_row(item, values)


@dataclass(frozen=True, eq=False)
class ClipFeatures:
    """The features of M readable clips with N frames in all.

    clip_ids: [M]. first: int64 [M], the position of each clip's first frame; its frames are together. values:
    float16 [N, F].
    """

    clip_ids: tuple[str, ...]
    first: NDArray[np.int64]
    values: NDArray[np.float16]

    def __len__(self) -> int:
        return len(self.clip_ids)

    @property
    def clip_of_frame(self) -> NDArray[np.int64]:
        """The position of each frame's clip, int64 [N]."""
        return np.repeat(np.arange(len(self)), np.diff(self.first, append=len(self.values)))

    def take_frames(self, clips: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
        """Return the frames of these clips, float32 [n, F], and for each the position in `clips`, int64 [n]."""
        ends = np.append(self.first, len(self.values))
        rows = [np.arange(ends[i], ends[i + 1]) for i in clips.tolist()]
        of = np.repeat(np.arange(len(rows)), [len(x) for x in rows])
        chosen = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        return self.values[chosen].astype(np.float32), of

    def score(self, weight: NDArray[np.float64], bias: float) -> NDArray[np.float64]:
        """Return the score of each clip, float64 [M]: that of its best frame. weight: [F], of a linear layer."""
        w = weight.astype(np.float32)
        parts = [self.values[i : i + PART].astype(np.float32) @ w for i in range(0, len(self.values), PART)]
        return self.best_of_frames(np.concatenate(parts or [np.zeros(0, np.float32)]).astype(np.float64) + bias)

    def best_of_frames(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the largest score of each clip's frames, float64 [M], from those of all frames, [N]."""
        return np.maximum.reduceat(scores, self.first) if len(self) else np.zeros(0)

    def mean_directions(self) -> Floats:
        """Return the mean of each clip's frames, float32 [M, F], at length 1."""
        means = np.zeros((len(self), self.values.shape[1]), np.float32)
        ends = np.append(self.first, len(self.values))
        for i in range(len(self)):
            means[i] = self.values[ends[i] : ends[i + 1]].mean(axis=0, dtype=np.float32)
        return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12), np.float32)


class FeatureStore:
    """The features in a folder, for reading. Any number of programs may read them at once."""

    def __init__(self, folder: str | Path, *, run_id: str | None = None) -> None:
        """Open those of a run, by default of the one that was begun last.

        Raises JournalError where there are none, and where the file is damaged or cannot be read.
        """
        self.path = Path(folder) / KIND.file
        todo = "look through the footage first: `leopardnet start FOLDER`"
        if not self.path.is_file():
            raise JournalError("there are no features in this folder", where=self.path.name, todo=todo)
        with explain_errors(KIND.file), closing(self._connect()) as db:
            application = db.execute("PRAGMA application_id").fetchone()[0]
            runs = (
                dict(db.execute("SELECT run_id, key FROM runs ORDER BY rowid"))
                if application == KIND.application_id
                else {}
            )
        chosen = run_id if run_id is not None else next(reversed(runs), "")
        if chosen not in runs:
            raise JournalError("this file holds no features of leopardnet", where=self.path.name, todo=todo)
        self.run_id = chosen
        try:
            key = json.loads(runs[chosen])
            self.setup = HuntSetup.model_validate({name: key[name] for name in HuntSetup.model_fields})
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            raise JournalError(
                "the features were made by another version of leopardnet",
                where=self.path.name,
                found=type(error).__name__,
                todo="move the file away and give the same command again",
            ) from None

    def read(self, clip_ids: Sequence[str] | None = None) -> ClipFeatures:
        """Return the features of all readable clips, or of those of `clip_ids`, in order of clip_id."""
        wanted = None if clip_ids is None else set(clip_ids)
        ids: list[str] = []
        blocks: list[NDArray[np.float16]] = []
        for clip_id, n_features, blob in self._select("clip_id, n_features, features"):
            if wanted is None or clip_id in wanted:
                ids.append(clip_id)
                blocks.append(np.frombuffer(blob, "<f2").reshape(-1, n_features))
        n_frames = [len(block) for block in blocks]
        first = np.cumsum([0, *n_frames[:-1]]).astype(np.int64) if ids else np.zeros(0, np.int64)
        return ClipFeatures(tuple(ids), first, np.concatenate(blocks) if blocks else np.zeros((0, 0), np.float16))

    def read_imagenet(self, classes: Sequence[int]) -> tuple[tuple[str, ...], NDArray[np.float64]]:
        """Return the readable clips and how likely ImageNet's head finds any of these classes in their best frame.

        These are log-odds, float64 [M], in the order of `read`.
        """
        ids: list[str] = []
        scores: list[float] = []
        for clip_id, blob in self._select("clip_id, imagenet"):
            logits = np.frombuffer(blob, "<f2").reshape(-1, 1000).astype(np.float64)
            others = np.delete(logits, list(classes), axis=1)
            odds = logsumexp(logits[:, list(classes)], axis=1) - logsumexp(others, axis=1)
            ids.append(clip_id)
            scores.append(float(odds.max()))
        return tuple(ids), np.array(scores, np.float64)

    def read_times(self) -> dict[str, NDArray[np.float64]]:
        """Return the times of the frames of each readable clip, in seconds."""
        return {clip_id: np.frombuffer(blob, "<f8") for clip_id, blob in self._select("clip_id, times_s")}

    def read_unreadable(self) -> dict[str, str]:
        """Return the clips that could not be read, and why."""
        query = "SELECT clip_id, reason FROM clips WHERE run_id = ? AND status = 'unreadable' ORDER BY clip_id"
        with explain_errors(KIND.file), closing(self._connect()) as db:
            return dict(db.execute(query, (self.run_id,)))

    def _select(self, columns: str) -> list[tuple[Any, ...]]:
        query = f"SELECT {columns} FROM clips WHERE run_id = ? AND status != 'unreadable' ORDER BY clip_id"
        with explain_errors(KIND.file), closing(self._connect()) as db:
            return db.execute(query, (self.run_id,)).fetchall()

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path.absolute().as_uri() + "?mode=ro", uri=True, timeout=10.0)
