"""`features.sqlite`: what an embedded backbone sees in a few frames of every clip.

Each clip has a row, also one that cannot be read. Features and ImageNet scores are kept in float16: 4.6 kB a frame.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
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
N_CLASSES = 1000  # of ImageNet
MOST_WIDE = 100_000  # frames that are kept in float32, which makes a refit several times faster: 0.5 GB
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
    [N, F], float32, or float16 where there are so many that they would fill the memory.
    """

    clip_ids: tuple[str, ...]
    first: NDArray[np.int64]
    values: NDArray[np.float16] | NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.clip_ids)

    def take_frames(self, clips: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
        """Return the frames of these clips, float32 [n, F], and for each the position in `clips`, int64 [n]."""
        ends = np.append(self.first, len(self.values))
        rows = [np.arange(ends[i], ends[i + 1]) for i in clips.tolist()]
        of = np.repeat(np.arange(len(rows)), [len(x) for x in rows])
        chosen = np.concatenate(rows) if rows else np.zeros(0, np.int64)
        return self.values[chosen].astype(np.float32, copy=False), of

    def score(self, weight: NDArray[np.float64], bias: float) -> NDArray[np.float64]:
        """Return the score of each clip, float64 [M]: that of its best frame. weight: [F], of a linear layer."""
        w, starts = weight.astype(np.float32), range(0, len(self.values), PART)
        parts = [self.values[i : i + PART].astype(np.float32, copy=False) @ w for i in starts]
        return self.best_of_frames(np.concatenate([np.zeros(0), *parts]) + bias)

    def best_of_frames(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the largest score of each clip's frames, float64 [M], from those of all frames, [N]."""
        return np.maximum.reduceat(scores, self.first) if len(self) else np.zeros(0)

    def mean_directions(self) -> Floats:
        """Return the mean of each clip's frames, float32 [M, F], at length 1."""
        means = np.zeros((len(self), self.values.shape[1]), np.float32)
        ends = np.append(self.first, len(self.values))
        for i in range(0, len(self), PART):  # in parts, so that not all frames are widened at once
            first = ends[i : i + PART + 1]
            frames = self.values[first[0] : first[-1]].astype(np.float32, copy=False)
            means[i : i + PART] = np.add.reduceat(frames, first[:-1] - first[0])  # a sum has the same direction
        return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12), np.float32)


class FeatureStore:
    """The features in a folder, for reading. Any number of programs may read them at once.

    >>> len(ln.FeatureStore("season").features())  # doctest: +SKIP
    """

    def __init__(self, folder: str | Path, *, run_id: str | None = None) -> None:
        """Open those of a run, by default of the one that was begun last.

        Raises JournalError where there are none, and where the file is damaged or cannot be read.
        """
        self.path = Path(folder) / KIND.file
        todo = "look through the footage first: `leopardnet start FOLDER`"
        if not self.path.is_file():
            raise JournalError("there are no features in this folder", where=self.path.name, todo=todo)
        runs = _read_runs(self.path)
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

    def read(self, clip_ids: Collection[str] | None = None) -> ClipFeatures:
        """Return the features of all readable clips, or of those in `clip_ids`, in order of clip_id."""
        ids: list[str] = []
        blocks: list[NDArray[np.float16]] = []
        for clip_id, n_features, blob in self._select("clip_id, n_features, features", clip_ids):
            ids.append(clip_id)
            blocks.append(np.frombuffer(blob, "<f2").reshape(-1, n_features))
        n_frames = [len(block) for block in blocks]
        first = np.cumsum([0, *n_frames[:-1]]).astype(np.int64) if ids else np.zeros(0, np.int64)
        if not blocks:
            return ClipFeatures((), first, np.zeros((0, 0), np.float32))
        dtype: Any = np.float32 if sum(n_frames) <= MOST_WIDE else np.float16
        return ClipFeatures(tuple(ids), first, np.concatenate(blocks, dtype=dtype))

    def read_imagenet(self, classes: Sequence[int], clip_ids: Collection[str] | None = None) -> NDArray[np.float64]:
        """Return how likely ImageNet's head finds any of these classes in the best frame of each clip.

        These are log-odds, float64 [M], of the clips of `read` in their order.
        """
        parts, rows = [np.zeros(0)], self._select("clip_id, imagenet", clip_ids)
        while block := list(islice(rows, PART)):
            logits = np.frombuffer(b"".join(blob for _, blob in block), "<f2").reshape(-1, N_CLASSES)
            all_odds = logsumexp(logits.astype(np.float32), axis=1).astype(np.float64)
            ours = logsumexp(logits[:, list(classes)].astype(np.float32), axis=1).astype(np.float64)
            n_frames = [len(blob) // (2 * N_CLASSES) for _, blob in block]
            odds = ours - all_odds - np.log(-np.expm1(np.minimum(ours - all_odds, -1e-6)))
            parts.append(np.maximum.reduceat(odds, np.cumsum([0, *n_frames[:-1]])))
        return np.concatenate(parts)

    def read_times(self) -> dict[str, NDArray[np.float64]]:
        """Return the times of the frames of each readable clip, in seconds."""
        return {clip_id: np.frombuffer(blob, "<f8") for clip_id, blob in self._select("clip_id, times_s")}

    def read_unreadable(self) -> dict[str, str]:
        """Return the clips that could not be read, and why."""
        query = "SELECT clip_id, reason FROM clips WHERE run_id = ? AND status = 'unreadable' ORDER BY clip_id"
        with explain_errors(KIND.file), closing(_connect(self.path)) as db:
            return dict(db.execute(query, (self.run_id,)))

    def _select(self, columns: str, clip_ids: Collection[str] | None = None) -> Iterator[tuple[Any, ...]]:
        """Yield columns, the clip_id first, of the readable clips, or of those in `clip_ids`."""
        query = f"SELECT {columns} FROM clips WHERE run_id = ? AND status != 'unreadable' ORDER BY clip_id"
        wanted = None if clip_ids is None else set(clip_ids)
        with explain_errors(KIND.file), closing(_connect(self.path)) as db:
            yield from (row for row in db.execute(query, (self.run_id,)) if wanted is None or row[0] in wanted)


def has_features(folder: str | Path) -> bool:
    """Return whether a run was begun in a folder; in a file that a full disk left empty none was.

    Raises JournalError where the file is damaged or cannot be read.
    """
    path = Path(folder) / KIND.file
    return path.is_file() and bool(_read_runs(path))


def _read_runs(path: Path) -> dict[str, str]:
    """Return the keys of all runs by run_id, in the order in which they were begun; {} for another file."""
    with explain_errors(KIND.file), closing(_connect(path)) as db:
        if db.execute("PRAGMA application_id").fetchone()[0] != KIND.application_id:
            return {}
        return dict(db.execute("SELECT run_id, key FROM runs ORDER BY rowid"))


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True, timeout=10.0)
