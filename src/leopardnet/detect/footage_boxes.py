"""`find_footage_boxes`: what a detector finds in some frames of every clip, without a model of species.

Each finished clip is in `boxes.sqlite` at once, so an interrupted run continues where it stopped. In the end the
boxes of all clips are written as a table of frames, as `predict` does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.boxes import format_boxes
from leopardnet.core.columns import evidence_columns
from leopardnet.core.errors import LeopardnetError, MediaError
from leopardnet.core.journal.clip_journal import ClipJournal
from leopardnet.core.journal.journal_file import JournalKind, explain_errors
from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.detection import DetectorConfig
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.tables import conform, write_table
from leopardnet.core.types import Clip, Status
from leopardnet.detect.crops import FULL_SIDE_PX
from leopardnet.detect.detector import Detector, detector_id, match_detector, open_detector
from leopardnet.detect.kept_boxes import keep_boxes
from leopardnet.media.decode import decode
from leopardnet.media.workers.clip_errors import decoder_error, out_of_memory_error
from leopardnet.media.workers.clip_pool import ClipPool

KIND = JournalKind("boxes.sqlite", 0x6C656F62, ("clip_id", "stamp", "status", "reason", "frames"))
TABLE = "evidence.parquet"


@dataclass(frozen=True)
class BoxJob:
    """The footage, the frames of each clip by clip_id (float64 [N] seconds), and the detector of a run."""

    root: Path
    times_s: Mapping[str, NDArray[np.float64]]
    detector: DetectorConfig
    runtime: RuntimeConfig
    twins: frozenset[str]


@dataclass(frozen=True)
class ClipBoxes:
    """The boxes of a clip: frames are {time_s, source, boxes}; none where no frame could be read."""

    clip: Clip
    status: Status
    reason: str
    frames: list[dict[str, Any]]


class _BoxJournal(ClipJournal):
    kind = KIND

    def add(self, item: QueuedClip, result: ClipBoxes) -> None:
        values = {"status": result.status, "reason": result.reason or None, "frames": json.dumps(result.frames)}
        self.write_row(item, values)

    def read_frames(self) -> Iterator[dict[str, Any]]:
        """Yield the frames of all clips as rows of an evidence table."""
        query = "SELECT clip_id, frames FROM clips WHERE run_id = ? ORDER BY clip_id"
        with explain_errors(KIND.file):
            for clip_id, frames in self._db.execute(query, (self.run_id,)):
                for i, frame in enumerate(json.loads(frames)):
                    boxes = None if frame["boxes"] is None else format_boxes(frame["boxes"])
                    cell = {"boxes": boxes, "box_source": frame["source"]}
                    yield {"clip_id": clip_id, "i_frame": i, "time_s": frame["time_s"], **cell}

    def count_unreadable(self) -> int:
        """Return of how many clips no frame could be examined."""
        query = "SELECT count(*) FROM clips WHERE run_id = ? AND status = 'unreadable'"
        with explain_errors(KIND.file):
            return int(self._db.execute(query, (self.run_id,)).fetchone()[0])


def find_footage_boxes(
    manifest: Manifest,
    times_s: Mapping[str, NDArray[np.float64]],
    out: str | Path,
    *,
    detector: DetectorConfig,
    frames_id: str,
    runtime: RuntimeConfig | None = None,
    retry_failed: bool = False,
    should_stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[int, int], None] = lambda n_done, n_total: None,
) -> tuple[pd.DataFrame, int]:
    """Find boxes in these frames of all clips that have none yet; write and return the frames of all of them.

    times_s: by clip_id, float64 [N] seconds; clips without times are left out. frames_id: of the rule by which
    these frames were chosen; under another one all clips are examined anew. The table, `out/evidence.parquet`, has
    a row for each examined frame. The second value counts the clips of which no frame could be examined.
    Raises ManifestError for a results file of other footage, BackendError for a detector that cannot be opened,
    RunStopped where `should_stop` returned True before the last clip.
    """
    clips = [clip for clip in manifest.clips() if clip.clip_id in times_s]
    fit = match_detector(detector, manifest.root, [clip.paths for clip in clips], table=manifest.table)
    twins = frozenset() if fit is None else fit.twins
    job = BoxJob(manifest.root, times_s, detector, runtime or RuntimeConfig(), twins)
    key = {"detector": detector_id(detector), "frames": frames_id}
    with _BoxJournal.open_keyed(out, key) as journal:
        engine = partial(_find_all, job=job, should_stop=should_stop)
        journal.fill(clips, manifest.root, engine, retry_failed=retry_failed, on_progress=on_progress)
        rows = pd.DataFrame(journal.read_frames(), columns=["clip_id", "i_frame", "time_s", "boxes", "box_source"])
        n_unreadable = journal.count_unreadable()
        journal.end_wal()
    types: Any = {"clip_id": "str", "i_frame": "int64", "time_s": "float64", "boxes": "str", "box_source": "str"}
    table = conform(rows.astype(types), evidence_columns(()), where=TABLE)
    write_table(table, Path(out) / TABLE)
    return table, n_unreadable


def _find_all(
    clips: Iterator[QueuedClip], job: BoxJob, should_stop: Callable[[], bool]
) -> Generator[tuple[QueuedClip, ClipBoxes], None, None]:
    if job.runtime.workers == 0:
        detector = _open(job)
        for item in clips:
            if should_stop():
                return
            yield item, _find_in_clip(item.clip, job, detector)
        return
    with ClipPool(job, start=_start, read=_find_one, give_up=_give_up) as pool:
        yield from pool.process(clips, should_stop)


def _find_in_clip(clip: Clip, job: BoxJob, detector: Detector) -> ClipBoxes:
    """Return the boxes in the frames of a clip. Errors of the detector are raised: they concern every clip."""
    wanted = np.union1d(job.times_s[clip.clip_id], detector.suggest_times(clip)[: job.detector.max_frames])
    try:
        frames = decode(clip, job.root, times_s=wanted, short_side_px=FULL_SIDE_PX)
        found = detector.find(clip, frames, frames)
    except MediaError as error:
        return _give_up(job, clip, error.one_line)
    except LeopardnetError:
        raise
    except MemoryError:
        return _give_up(job, clip, out_of_memory_error(clip, job.runtime).one_line)
    except Exception as error:  # a decoder may raise anything on a broken file; the run goes on
        return _give_up(job, clip, decoder_error(clip, error).one_line)
    reason = "; ".join((*frames.warnings, *detector.list_warnings(clip)))
    rows = [
        {"time_s": t, "source": None, "boxes": None}
        if boxes is None
        else {"time_s": t, "source": boxes.source, "boxes": keep_boxes(boxes)}
        for t, boxes in zip(frames.times_s.tolist(), found, strict=True)
    ]
    return ClipBoxes(clip, "partial" if reason else "ok", reason, rows)


def _give_up(job: BoxJob, clip: Clip, reason: str) -> ClipBoxes:
    return ClipBoxes(clip, "unreadable", reason, [])


def _open(job: BoxJob) -> Detector:
    detector = open_detector(job.detector, job.root, threads=job.runtime.threads, twins=job.twins)
    assert detector is not None, "nobody looks for boxes without a detector"
    return detector


# --- in the worker ---

_work: tuple[BoxJob, Detector] | None = None


def _start(job: BoxJob) -> None:
    global _work
    job = replace(job, runtime=job.runtime.model_copy(update={"threads": job.runtime.threads or 1}))
    _work = job, _open(job)


def _find_one(clip: Clip) -> ClipBoxes:
    assert _work is not None, "the process was started"
    return _find_in_clip(clip, *_work)
