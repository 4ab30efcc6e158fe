"""Predictions against the labels of a manifest: tables and figures in a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import atomic_path, labels_of, write_table
from leopardnet.infer.results import Predictions
from leopardnet.score.metrics import Evaluation, evaluate_clips


def evaluate(
    predictions: Predictions | pd.DataFrame, manifest: Manifest, *, n_boot: int = 1000, seed: int = 7
) -> Evaluation:
    """How right the predictions are, per clip, against the labels of the manifest.

    Intervals come from a bootstrap over sites. Clips without a label are counted, not judged; unreadable clips count
    as wrong. See `score.metrics.evaluate_clips`.
    """
    table = predictions.table if isinstance(predictions, Predictions) else predictions
    sites = manifest.table.drop_duplicates("clip_id").set_index("clip_id")["site"]
    animals = [name for name in labels_of(table) if name != "empty"]  # none of them should end in "empty" unseen
    return evaluate_clips(table, manifest.clip_labels(), sites=sites, targets=animals, n_boot=n_boot, seed=seed)


def write_evaluation(evaluation: Evaluation, folder: Path) -> Path:
    """The folder, after writing metrics.json and the tables per_label, confusion, decisions and reliability there."""
    folder = Path(folder)
    for name in ("per_label", "confusion", "decisions", "reliability"):
        table: pd.DataFrame = getattr(evaluation, name)
        if name != "reliability":
            table = table.rename_axis("label").reset_index()
        write_table(table, folder / f"{name}.csv")
    with atomic_path(folder / "metrics.json") as part:
        part.write_text(json.dumps(evaluation.to_metrics_json(), indent=2, ensure_ascii=False), "utf-8")
    return folder
