"""Predictions as tables, from the pages of a journal: one row per clip, one row per classified frame."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.bundle.promises import WATCH, read_promises
from leopardnet.core.boxes import format_boxes
from leopardnet.core.columns import LOOKS, evidence_columns, predictions_columns
from leopardnet.core.errors import JournalError, ManifestError
from leopardnet.core.labels import JOINER
from leopardnet.core.predictions import SOUND_TABLE, Predictions, read_sounds
from leopardnet.core.tables import append_csv, atomic_path, conform, read_table, write_json
from leopardnet.infer.earlier_sounds import EarlierSounds
from leopardnet.score.decide import find_alerts, name_all
from leopardnet.sound.sound_table import build_sound_table, describe_sounds

if TYPE_CHECKING:
    from leopardnet.bundle.bundle import Bundle
    from leopardnet.infer.journal import JournalPage, JournalRow

N_EVIDENCE = 3  # times in a clip's row; the evidence table has all of them
TABLE, EVIDENCE = "predictions.parquet", "evidence.parquet"


class WrittenPredictions(Predictions):
    """Predictions in a folder. Each table is read when it is first used, so a large run need not fit in memory.

    Raises ManifestError where a later run has replaced a table before it was read.
    """

    def __init__(self, folder: Path) -> None:
        stamps = {name: _stamp(folder / name) for name in (TABLE, EVIDENCE, SOUND_TABLE)}
        self.__dict__.update(folder=folder, _stamps=stamps)  # the class is frozen

    folder: Path
    _stamps: dict[str, tuple[int, int]]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per clip."""
        return self._read(TABLE)

    @cached_property
    def evidence(self) -> pd.DataFrame:
        """One row per classified frame."""
        return self._read(EVIDENCE)

    @cached_property
    def sounds(self) -> pd.DataFrame:
        """One row per sound that was found."""
        return read_sounds(self._find(SOUND_TABLE))

    def read_frames(self, clip_ids: Iterable[str]) -> pd.DataFrame:
        """Return the rows of the evidence table that belong to these clips, without reading the others."""
        wanted = list(clip_ids)
        frames = pd.read_parquet(self._find(EVIDENCE), filters=[("clip_id", "in", wanted or [""])])
        return frames  # parquet cannot look for nothing at all, and no clip has an empty id

    def _read(self, name: str) -> pd.DataFrame:
        return read_table(self._find(name))

    def _find(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file() or _stamp(path) != self._stamps[name]:
            raise ManifestError(
                "another run has replaced these predictions", where=path, todo="read the folder again"
            )
        return path


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def write_pages(
    pages: Iterable[JournalPage], bundle: Bundle, folder: Path, *, parts: pd.Series[str] | None = None
) -> WrittenPredictions:
    """Write the files of `Predictions.write` page by page, with only a few thousand clips in memory at a time.

    parts: of each clip in making the model, by clip_id. All tables are complete before the first one takes its
        place. What `sounds search` and `sounds score` added to the folder, and every voice, stays: `EarlierSounds`.
        Raises JournalError where the disk is full.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = Path(folder)
    earlier = EarlierSounds.read(folder)
    with _explain_full_disk(folder), ExitStack() as files:
        table_file, csv_file, evidence_file, sound_file = (
            files.enter_context(atomic_path(folder / name))
            for name in (TABLE, "predictions.csv", EVIDENCE, SOUND_TABLE)
        )
        writers: list[pq.ParquetWriter] = []
        for page in pages:
            sounds = build_sound_table(page.sounds)
            table = earlier.keep_voices(build_clip_table(page, bundle, parts=parts))
            tables = table, build_frame_table(page, bundle), earlier.add_to(sounds, table["clip_id"])
            arrow = [pa.Table.from_pandas(table, preserve_index=False) for table in tables]
            if not writers:
                places = (table_file, evidence_file, sound_file)
                writers = [
                    files.enter_context(pq.ParquetWriter(f, t.schema)) for f, t in zip(places, arrow, strict=True)
                ]
            append_csv(tables[0], csv_file)
            for writer, part in zip(writers, arrow, strict=True):
                writer.write_table(part)
    return WrittenPredictions(folder)


def write_watch(predictions: Predictions, bundle: Bundle, folder: Path) -> None:
    """Write watch.json, whether the promise of the bundle applies; remove it where the bundle promises nothing.

    The one that is there says which clips were looked at earlier, see `bundle.promise_watch`.
    """
    facts = None
    if read_promises(bundle.spec):
        from leopardnet.bundle.promise_watch import continue_watch

        facts = continue_watch(predictions, bundle, folder)
    if facts is None:
        (folder / WATCH).unlink(missing_ok=True)
    else:
        write_json(facts, folder / WATCH)


def read_watch(folder: Path) -> dict[str, Any] | None:
    """Return watch.json without the order of the clips; None where there is none that can be read."""
    try:
        facts = json.loads((folder / WATCH).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return {key: value for key, value in facts.items() if key != "order"} if isinstance(facts, dict) else None


@contextmanager
def _explain_full_disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise JournalError(
            "there is no room for the tables",
            where=folder,
            found=error.strerror,
            todo="make room and give the same command again: all finished clips are kept in the journal",
        ) from None


def build_predictions(
    pages: Iterable[JournalPage], bundle: Bundle, *, parts: pd.Series[str] | None = None
) -> Predictions:
    """Return the tables of all pages, in memory. parts: as in `write_pages`."""
    tables, frames, sounds = [], [], []
    for page in pages:
        tables.append(build_clip_table(page, bundle, parts=parts))
        frames.append(build_frame_table(page, bundle))
        sounds.append(build_sound_table(page.sounds))
    assert tables, "a run has at least one clip"
    table = pd.concat(tables, ignore_index=True)
    assert table["clip_id"].is_unique, "every clip has one row"
    return Predictions(table, pd.concat(frames, ignore_index=True), pd.concat(sounds, ignore_index=True))


def build_clip_table(page: JournalPage, bundle: Bundle, *, parts: pd.Series[str] | None = None) -> pd.DataFrame:
    """Return the rows of the predictions table, one per clip of the page. parts: as in `write_pages`."""
    rows, labels = page.rows, bundle.labels
    unreadable = np.full(len(labels), np.nan, np.float32)
    probs = np.concatenate([unreadable if row.probs is None else row.probs for row in rows])
    probs = probs.reshape(-1, len(labels))  # [clips, C]
    alerts = _list_alerts(probs, bundle)
    best_times_s = [row.times_s[row.evidence_order[:N_EVIDENCE]].tolist() for row in rows]
    table = pd.DataFrame(
        {
            "clip_id": [row.clip_id for row in rows],
            **{name: page.clips[name] for name in ("path", "kind", "site", "captured_at")},
            **_columns(rows, "status", "reason", "decision", "rule", "score"),
            "alert": [names[0] if names else None for names in alerts],
            "alerts": [JOINER.join(names) or None for names in alerts],
            **({"labels": _list_named(probs, bundle)} if labels.multi else {}),
            **{f"p_{name}": probs[:, i].astype(np.float64) for i, name in enumerate(labels.names)},
            "n_frames": [len(row.times_s) for row in rows],
            "best_time_s": [times[0] if times else np.nan for times in best_times_s],
            "evidence_times_s": [
                json.dumps([round(t, 3) for t in times]) if times else None for times in best_times_s
            ],
            **_columns(rows, "duration_s", "fps", "width_px", "height_px", "decoded_by"),
            "bundle_id": bundle.id,
            "labels_id": labels.id,
            **describe_sounds([sound for _, sound in page.sounds]),
        }
    )
    if parts is not None:
        table["in_training"] = table["clip_id"].map(parts)
    table["kind"] = table["kind"].replace("frame", "video")  # a clip of which the manifest has labelled frames only
    columns = predictions_columns(labels.names, multi=labels.multi)
    return conform(table, columns, where="predictions", unique=("clip_id",))


def _columns(rows: Sequence[JournalRow], *names: str) -> dict[str, list[object]]:
    return {name: [getattr(row, name) for row in rows] for name in names}


def _list_alerts(probs: NDArray[np.float32], bundle: Bundle) -> list[tuple[str, ...]]:
    """Return the targets that a person should check each clip for, the likeliest first."""
    labels, thresholds = bundle.labels, bundle.spec.decide
    targets = [labels.names.index(name) for name in labels.targets]
    if not targets:
        return [()] * len(probs)
    lowest = np.array([thresholds.alert_threshold(name) for name in labels.targets], np.float32)
    reached = probs[:, targets] >= lowest  # [clips, targets], False for the nan of unreadable clips
    n_reached = reached.sum(axis=1)
    alerts: list[tuple[str, ...]] = [()] * len(probs)
    for i in np.flatnonzero(n_reached == 1).tolist():
        alerts[i] = (labels.targets[int(reached[i].argmax())],)
    for i in np.flatnonzero(n_reached > 1).tolist():
        alerts[i] = find_alerts(probs[i], labels, thresholds)
    return alerts


def _list_named(probs: NDArray[np.float32], bundle: Bundle) -> list[str | None]:
    """Return all labels that are named in each clip, joined; None where there is none."""
    named = [None if np.isnan(p).any() else p for p in probs]
    return [JOINER.join(name_all(p, bundle.labels, bundle.spec.decide)) or None for p in named]


def build_frame_table(page: JournalPage, bundle: Bundle) -> pd.DataFrame:
    """Return the rows of the evidence table, one per classified frame of the page's clips."""
    names = bundle.labels.names
    rows = [row for row in page.rows if len(row.times_s)]
    n_frames = np.array([len(row.times_s) for row in rows], np.int64)
    no_frame, n_labels = np.zeros((0, len(names)), np.float32), len(names)
    probs = np.concatenate([no_frame, *(row.frame_probs for row in rows)]).astype(np.float64)  # [frames, C]
    familiarity = _join_frames([(row.familiarity, len(row.times_s)) for row in rows], 1 + n_labels)
    looks = _join_frames([(row.looks, len(row.times_s)) for row in rows], len(LOOKS))
    first = np.repeat(np.cumsum(n_frames) - n_frames, n_frames)
    table = pd.DataFrame(
        {
            "clip_id": np.repeat(np.array([row.clip_id for row in rows], object), n_frames),
            "i_frame": np.arange(int(n_frames.sum())) - first,
            "time_s": np.concatenate([np.zeros(0), *(row.times_s for row in rows)]),
            **{f"p_{name}": probs[:, i] for i, name in enumerate(names)},
            "energy": familiarity[:, 0],
            **{f"cos_{name}": familiarity[:, 1 + i] for i, name in enumerate(names)},
            **{column.name: looks[:, i] for i, column in enumerate(LOOKS)},
            **_box_columns(rows),
        }
    )
    return conform(table, evidence_columns(names), where="evidence")


def _join_frames(parts: Sequence[tuple[NDArray[np.float32] | None, int]], width: int) -> NDArray[np.float64]:
    """Return the values of all frames, float64 [frames, width], to four places; nan in older rows.

    parts: of each clip its values and its number of frames.
    """
    known = [np.full((n, width), np.nan, np.float32) if x is None else x for x, n in parts]
    return np.concatenate([np.zeros((0, width), np.float32), *known]).astype(np.float64).round(4)


def _box_columns(rows: Sequence[JournalRow]) -> dict[str, list[str | None]]:
    """Return the columns `boxes` and `box_source`, with a value for each frame."""
    texts: list[str | None] = []
    sources: list[str | None] = []
    for row in rows:
        frames = row.boxes
        texts += [None if frame is None else format_boxes(frame.boxes) for frame in frames]
        sources += [None if frame is None else frame.source for frame in frames]
    return {"boxes": texts, "box_source": sources}
