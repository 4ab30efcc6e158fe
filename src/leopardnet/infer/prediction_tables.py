"""Predictions as tables: one row per clip, one row per judged frame, on disk and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.boxes import format_boxes
from leopardnet.core.columns import evidence_columns, predictions_columns
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import append_csv, atomic_path, conform
from leopardnet.score.decide import find_alert

if TYPE_CHECKING:
    from leopardnet.bundle.bundle import Bundle
    from leopardnet.infer.journal import Page

N_EVIDENCE = 3  # times named in a clip's row; the evidence table has them all


def write_pages(pages: Iterable[Page], bundle: Bundle, folder: Path) -> Path:
    """The folder, after writing what `Predictions.write` writes, page by page: of any number of clips, a few in memory."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = Path(folder)
    with ExitStack() as files:
        # all parts are whole before the first takes its place
        table_file, csv_file, evidence_file = (
            files.enter_context(atomic_path(folder / name))
            for name in ("predictions.parquet", "predictions.csv", "evidence.parquet")
        )
        writers: list[pq.ParquetWriter] = []
        for page in pages:
            tables = clip_rows(page, bundle), frame_rows(page, bundle)
            arrow = [pa.Table.from_pandas(table, preserve_index=False) for table in tables]
            if not writers:
                places = (table_file, evidence_file)
                writers = [
                    files.enter_context(pq.ParquetWriter(f, t.schema)) for f, t in zip(places, arrow, strict=True)
                ]
            append_csv(tables[0], csv_file)
            for writer, part in zip(writers, arrow, strict=True):
                writer.write_table(part)
    return folder


def clip_rows(page: Page, bundle: Bundle) -> pd.DataFrame:
    """The rows of predictions, one per clip of the page."""
    c, labels = page.columns, bundle.labels
    probs = _probs(c["probs"], len(labels))  # [clips, C], nan where nothing was seen
    best = [_best_times(order, times) for order, times in zip(c["order_of_frames"], c["times_s"], strict=True)]
    table = pd.DataFrame(
        {
            "clip_id": c["clip_id"],
            **{name: page.about[name] for name in ("path", "kind", "site", "captured_at")},
            **{name: c[name] for name in ("status", "reason", "decision", "rule", "score")},
            "alert": _alerts(probs, bundle),
            **{f"p_{name}": probs[:, i].astype(np.float64) for i, name in enumerate(labels.names)},
            "n_frames": [len(times) // 8 for times in c["times_s"]],
            "best_time_s": [times[0] if times else np.nan for times in best],
            "evidence_times_s": [json.dumps([round(t, 3) for t in times]) if times else None for times in best],
            **{name: c[name] for name in ("duration_s", "fps", "width_px", "height_px")},
            "bundle_id": bundle.id,
            "labels_id": labels.id,
        }
    )
    table["kind"] = table["kind"].replace("frame", "video")  # a clip of which the manifest has labelled frames only
    return conform(table, predictions_columns(labels.names), where="predictions", unique=("clip_id",))


def frame_rows(page: Page, bundle: Bundle) -> pd.DataFrame:
    """The rows of evidence, one per judged frame of the page's clips."""
    c, names = page.columns, bundle.labels.names
    n_frames = np.array([len(times) // 8 for times in c["times_s"]], np.int64)
    probs = np.frombuffer(b"".join(c["frame_probs"]), "<f4").reshape(-1, len(names)).astype(np.float64)
    first = np.repeat(np.cumsum(n_frames) - n_frames, n_frames)
    familiar = _familiarity(c["familiarity"], n_frames, len(names))
    table = pd.DataFrame(
        {
            "clip_id": np.repeat(np.array(c["clip_id"], object), n_frames),
            "i_frame": np.arange(int(n_frames.sum())) - first,
            "time_s": np.frombuffer(b"".join(c["times_s"]), "<f8"),
            **{f"p_{name}": probs[:, i] for i, name in enumerate(names)},
            "energy": familiar[:, 0],
            **{f"cos_{name}": familiar[:, 1 + i] for i, name in enumerate(names)},
            **_boxes(c["boxes"], n_frames),
        }
    )
    return conform(table, evidence_columns(names), where="evidence")


def _familiarity(blobs: Sequence[bytes | None], n_frames: NDArray[np.int64], n_labels: int) -> NDArray[np.float64]:
    """Energy and cosines of all frames, float64 [frames, 1 + C] to four places; nan for rows of older versions."""
    width = 4 * (1 + n_labels)
    parts = [blob or b"" for blob in blobs]
    kept = [
        blob if len(blob) == width * n else np.full((n, 1 + n_labels), np.nan, "<f4").tobytes()
        for blob, n in zip(parts, n_frames.tolist(), strict=True)
    ]
    return np.frombuffer(b"".join(kept), "<f4").reshape(-1, 1 + n_labels).astype(np.float64).round(4)


def _boxes(texts: Sequence[str | None], n_frames: NDArray[np.int64]) -> dict[str, list[str | None]]:
    """The columns `boxes` and `box_source`, a value for each frame."""
    found: list[tuple[str, list[dict[str, object]]] | None] = []
    for text, n in zip(texts, n_frames.tolist(), strict=True):
        found += json.loads(text) if text else [None] * n
    return {
        "boxes": [None if f is None else format_boxes(f[1]) for f in found],
        "box_source": [None if f is None else f[0] for f in found],
    }


def _probs(blobs: Sequence[bytes | None], n_labels: int) -> NDArray[np.float32]:
    nothing = np.full(n_labels, np.nan, "<f4").tobytes()
    return np.frombuffer(b"".join(blob or nothing for blob in blobs), "<f4").reshape(-1, n_labels)


def _best_times(order: bytes, times: bytes) -> list[float]:
    all_times = np.frombuffer(times, "<f8")
    return [float(all_times[i]) for i in np.frombuffer(order, "<i4")[:N_EVIDENCE]]


def _alerts(probs: NDArray[np.float32], bundle: Bundle) -> list[str | None]:
    """The target of each clip that a person should look at first; asked only where one may reach the threshold."""
    labels, thresholds = bundle.labels, bundle.spec.decide
    targets = [labels.names.index(name) for name in labels.targets]
    if not targets:
        return [None] * len(probs)
    least = np.array([thresholds.alert_of(name) for name in labels.targets], np.float32)
    may = (probs[:, targets] >= least).any(axis=1)  # nan, of unreadable clips, is not
    return [find_alert(p, labels, thresholds) if asked else None for p, asked in zip(probs, may, strict=True)]


def predictions_from(pages: Iterable[Page], bundle: Bundle) -> Predictions:
    """The tables of all pages of a journal."""
    parts = [(clip_rows(page, bundle), frame_rows(page, bundle)) for page in pages]
    assert parts, "a run has at least one clip"
    tables, frames = zip(*parts, strict=True)
    table = pd.concat(tables, ignore_index=True)
    assert table["clip_id"].is_unique, "every clip has one row"
    return Predictions(table, pd.concat(frames, ignore_index=True))
