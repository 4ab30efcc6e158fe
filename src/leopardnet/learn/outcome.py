"""Which epoch of a run is kept, and what is written about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.learn.folds import Plan
from leopardnet.learn.judge import better, clip_logits, scores_of, write_val_frames
from leopardnet.learn.pictures import curves
from leopardnet.learn.run_folder import write_history
from leopardnet.learn.sides import Sides
from leopardnet.learn.stage import StageResult


@dataclass(frozen=True)
class Chosen:
    """The epoch that is kept, and the history over all parts of the plan."""

    epoch: int
    history: list[dict[str, Any]]


def choose(plan: Plan, results: list[StageResult], table: pd.DataFrame, sides: Sides) -> Chosen:
    """The epoch with the best macro-F1 over the validation clips of all parts; 0 is the probe alone.

    With folds, the clips of all folds are judged together, each by its own fold's network; only epochs that every fold
    reached are compared.
    """
    if not plan.by_folds:
        history = results[0].history
    else:
        epochs = set.intersection(*({int(row["epoch"]) for row in r.history} for r in results))
        history = []
        for epoch in sorted(epochs):
            rows, logits = pooled(results, epoch)
            of_folds = [row for r in results for row in r.history if row["epoch"] == epoch]
            shared = (key for key in ("train_loss", "lr", "frames_per_s", "wait_share") if key in of_folds[0])
            means = {key: float(np.mean([row[key] for row in of_folds])) for key in shared}
            scores = scores_of(clip_logits(table.iloc[rows], logits, sides.config.aggregate, sides.labels))
            history.append({"epoch": epoch, **means, **scores})
    best = history[0]
    for row in history[1:]:
        if better(row, [best]):
            best = row
    return Chosen(int(best["epoch"]), history)


def pooled(results: list[StageResult], epoch: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The validation rows of all parts in order, and their logits after an epoch."""
    rows = np.concatenate([r.part.val for r in results])
    logits = np.concatenate([r.logits(epoch) for r in results])
    order = np.argsort(rows, kind="stable")
    return rows[order], logits[order]


def write_outcome(
    out: Path, plan: Plan, results: list[StageResult], chosen: Chosen, table: pd.DataFrame, sides: Sides
) -> None:
    """Write the validation logits of the kept epoch, the whole history and its curves."""
    rows, logits = pooled(results, chosen.epoch)
    learned = np.zeros(0, np.int64) if plan.by_folds else plan.parts[0].train
    write_val_frames(out, table, rows, logits, learned=learned, names=sides.labels.names)
    of_folds = [row for r in results for row in r.history] if plan.by_folds else []
    write_history([*of_folds, *chosen.history], out)
    curves([*of_folds, *chosen.history], out / "curves.png", kept=chosen.epoch)


def forget_logits(results: list[StageResult]) -> None:
    """Remove what only an unfinished run needs."""
    for result in results:
        for path in result.folder.glob("epoch-*.npy"):
            path.unlink()
