"""A report from what lies on disk: predictions, footage, labels, model, run."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.manifest import Manifest
from leopardnet.core.people import clips_with_people
from leopardnet.core.predictions import Predictions
from leopardnet.media.thumbnail import thumbnail
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.report import write_report
from leopardnet.report.sections import by_interest

N_LARGE = 400  # the clips that matter most have pictures to be judged by; the others, to be told apart
LARGE, SMALL = {"short_side_px": 270, "quality": 78}, {"short_side_px": 72, "quality": 70}  # about 20 and 2 kB
MAX_PAGE_BYTES = 58_000_000  # what a browser still opens at once
MIN_PICTURE_BYTES = 10_000_000  # so much in any case: what matters most is never without its picture
ROW_BYTES, VALUE_BYTES = 600, 4  # of the page, at most: a row of the table, a figure of a frame
N_AT_ONCE = 32


def summarise(
    predictions: Predictions,
    out: Path,
    *,
    manifest: Manifest | None = None,
    evaluation: Evaluation | None = None,
    bundle: Bundle | None = None,
    history: Sequence[dict[str, Any]] | None = None,
    notices: Sequence[str] = (),
    title: str = "Camera-trap report",
    n_pictures: int | None = None,
    people: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """The path of one self-contained HTML report. With a manifest it shows pictures, and true labels where it has any.

    n_pictures: at most so many, the clips that matter most first; None: all that fit into the page. people: show clips
    of people and vehicles too; otherwise their pictures are left out, whoever called them so.
    """
    table = predictions.table
    pictures, truth, hidden = None, None, frozenset[str]()
    if manifest is not None:
        truth = manifest.clip_labels()
        if not people:
            hidden = clips_with_people(predictions, manifest)
        pictures = thumbnails(
            table,
            manifest,
            hidden=hidden,
            n_pictures=n_pictures,
            max_bytes=room_for_pictures(predictions),
            on_progress=on_progress,
        )
    return write_report(
        Path(out),
        table,
        evidence=predictions.evidence,
        evaluation=evaluation,
        truth=truth,
        thumbnails=pictures,
        hidden=hidden,
        bundle=describe(bundle) if bundle else None,
        manifest_summary=label_counts(manifest),
        history=history,
        notices=notices,
        title=title,
    )


def thumbnails(
    table: pd.DataFrame,
    manifest: Manifest,
    *,
    hidden: Collection[str] = (),
    n_pictures: int | None = None,
    max_bytes: int = MIN_PICTURE_BYTES,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, bytes]:
    """JPEG bytes by clip_id: suspected targets first, then the least certain; the first 400 large, the others small.

    It ends when the pictures have `max_bytes` or are `n_pictures`. Clips in `hidden` are not opened.
    """
    clips = {clip.clip_id: clip for clip in manifest.clips() if clip.clip_id not in hidden}
    ordered = table.loc[by_interest(table), ["clip_id", "best_time_s"]]
    chosen = ordered[ordered["clip_id"].isin(list(clips))].head(n_pictures)

    def one(job: tuple[int, str, float]) -> tuple[str, bytes | None]:
        i, clip_id, time_s = job
        return clip_id, thumbnail(clips[clip_id], manifest.root, time_s=time_s, **(LARGE if i < N_LARGE else SMALL))

    jobs = [(i, str(c), float(t)) for i, (c, t) in enumerate(chosen.fillna(0.0).itertuples(index=False))]
    pictures: dict[str, bytes] = {}
    room = max_bytes
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:  # decoders let go of the interpreter
        for first in range(0, len(jobs), N_AT_ONCE):
            for clip_id, jpeg in threads.map(one, jobs[first : first + N_AT_ONCE]):
                room -= len(jpeg or b"")
                if jpeg and room >= 0:
                    pictures[clip_id] = jpeg
            if on_progress:
                on_progress(min(first + N_AT_ONCE, len(jobs)) if room > 0 else len(jobs), len(jobs))
            if room <= 0:
                break
    return pictures


def room_for_pictures(predictions: Predictions) -> int:
    """Bytes of JPEG that fit into the page beside the rows and the frames of all clips."""
    n_values = len(predictions.evidence) * (len(predictions.labels) + 2)  # and the time, and the best box
    left = MAX_PAGE_BYTES - ROW_BYTES * len(predictions) - VALUE_BYTES * n_values
    return max(left * 3 // 4, MIN_PICTURE_BYTES)  # base64 makes four characters of three bytes


def label_counts(manifest: Manifest | None) -> pd.DataFrame | None:
    """Clips by label and split, or None where the manifest has no labels or no split."""
    if manifest is None or not (manifest.table["label"].notna().any() and manifest.table["split"].notna().any()):
        return None
    clips = pd.DataFrame({"label": manifest.clip_labels()})
    clips["split"] = manifest.table.drop_duplicates("clip_id").set_index("clip_id")["split"]
    return pd.crosstab(clips["label"], clips["split"])


def describe(bundle: Bundle) -> dict[str, Any]:
    """Plain values that say what a bundle is."""
    spec = bundle.spec
    return {
        "bundle_id": bundle.id,
        "name": spec.name,
        "labels": bundle.labels.to_dict(),
        "backbone": spec.model.backbone,
        "trained_on": spec.model.trained_on,
        "licences": {"backbone weights": spec.model.licence},
        "preprocess": spec.preprocess.model_dump(),
        "sampling": spec.sampling.model_dump(),
        "aggregation": spec.aggregate.model_dump(),
        "calibration": spec.calibration.to_dict(),
        "thresholds": spec.decide.model_dump(),
        "hashes": bundle.hashes,
        "versions": spec.provenance.get("environment", {}),
    }
