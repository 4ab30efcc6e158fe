"""A report from what lies on disk: predictions, footage, labels, model, run."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.manifest import Manifest
from leopardnet.infer.bundle import Bundle
from leopardnet.infer.results import Predictions
from leopardnet.media.thumbnail import thumbnail
from leopardnet.report import write_report
from leopardnet.score.metrics import Evaluation

MAX_THUMBNAILS = 400  # about 10 kB each


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
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """The path of one self-contained HTML report. With a manifest it shows pictures of the clips that matter most."""
    pictures = thumbnails(predictions.table, manifest, on_progress=on_progress) if manifest is not None else None
    return write_report(
        Path(out), predictions.table, evidence=predictions.evidence, evaluation=evaluation, thumbnails=pictures,
        bundle=describe(bundle) if bundle else None, manifest_summary=label_counts(manifest), history=history,
        notices=notices, title=title,
    )  # fmt: skip


def thumbnails(
    table: pd.DataFrame, manifest: Manifest, *, on_progress: Callable[[int, int], None] | None = None
) -> dict[str, bytes]:
    """JPEG bytes by clip_id for at most 400 clips: alerts first, then the least certain."""
    order = table.assign(_calm=table["alert"].isna()).sort_values(["_calm", "score"], na_position="last")
    chosen = order[order["status"] != "unreadable"].head(MAX_THUMBNAILS)
    clips = {clip.clip_id: clip for clip in manifest.clips()}
    pictures = {}
    for i, (clip_id, time_s) in enumerate(zip(chosen["clip_id"], chosen["best_time_s"], strict=True)):
        jpeg = thumbnail(clips[clip_id], manifest.root, time_s=float(time_s)) if clip_id in clips else None
        if jpeg:
            pictures[str(clip_id)] = jpeg
        if on_progress:
            on_progress(i + 1, len(chosen))
    return pictures


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


def read_history(run: Path) -> list[dict[str, Any]]:
    """The epochs of a run, from its metrics.jsonl; empty where there is none."""
    path = Path(run) / "metrics.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []
