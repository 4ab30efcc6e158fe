"""The choice of the epoch that is kept, and what is written about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.bundle.run_history import write_history
from leopardnet.training.fit.clip_scores import compute_clip_logits, compute_scores, write_val_frames
from leopardnet.training.folds import Plan
from leopardnet.training.plots import save_curves
from leopardnet.training.rank_epochs import find_best
from leopardnet.training.stage import StageResult
from leopardnet.training.train_val import TrainVal


@dataclass(frozen=True)
class ChosenEpoch:
    """The epoch that is kept, and the history over all parts of the plan."""

    epoch: int
    history: list[dict[str, Any]]


def choose_epoch(plan: Plan, results: list[StageResult], table: pd.DataFrame, data: TrainVal) -> ChosenEpoch:
    """Return the epoch with the best macro-F1 over the validation clips of all parts; 0 is the probe alone.

    With folds, the clips of all folds are scored together, each with the logits of its own fold's network. Only
    epochs that every fold reached are compared.
    """
    if not plan.by_folds:
        history = results[0].history
    else:
        epochs = set.intersection(*({int(row["epoch"]) for row in r.history} for r in results))
        history = []
        for epoch in sorted(epochs):
            rows, logits = pool_folds(results, epoch)
            of_folds = [row for r in results for row in r.history if row["epoch"] == epoch]
            shared: list[str] = [
                key for key in ("train_loss", "lr", "frames_per_s", "wait_share") if key in of_folds[0]
            ]
            means = {key: float(np.mean([row[key] for row in of_folds])) for key in shared}
            clips = compute_clip_logits(table.iloc[rows], logits, data.config.aggregate, data.labels)
            history.append({"epoch": epoch, **means, **compute_scores(clips)})
    return ChosenEpoch(int(find_best(history)["epoch"]), history)


def pool_folds(results: list[StageResult], epoch: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the validation rows of all parts in order, and their logits after an epoch."""
    rows = np.concatenate([r.part.val for r in results])
    logits = np.concatenate([r.load_logits(epoch) for r in results])
    order = np.argsort(rows, kind="stable")
    return rows[order], logits[order]


def write_outcome(
    out: Path, plan: Plan, results: list[StageResult], chosen: ChosenEpoch, table: pd.DataFrame, data: TrainVal
) -> None:
    """Write the validation logits of the kept epoch, the whole history and its curves."""
    rows, logits = pool_folds(results, chosen.epoch)
    trained = np.zeros(0, np.int64) if plan.by_folds else plan.parts[0].train
    write_val_frames(out, table, rows, logits, trained=trained, names=data.labels.names)
    of_folds = [row for r in results for row in r.history] if plan.by_folds else []
    write_history([*of_folds, *chosen.history], out)
    save_curves([*of_folds, *chosen.history], out / "curves.png", kept=chosen.epoch)


def delete_epoch_logits(results: list[StageResult]) -> None:
    """Delete the logits of single epochs, which only an unfinished run needs."""
    for result in results:
        for path in result.folder.glob("epoch-*.npy"):
            path.unlink()
