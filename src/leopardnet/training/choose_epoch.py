"""The choice of the epoch that is kept, and what is written about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.bundle.run_history import write_history
from leopardnet.core.tables import write_table
from leopardnet.training.fit.clip_scores import compute_clip_logits, compute_scores, write_val_frames
from leopardnet.training.fit.cross_choice import cross_choose, find_probe
from leopardnet.training.folds import Plan
from leopardnet.training.plots import save_curves
from leopardnet.training.rank_epochs import find_best
from leopardnet.training.stage import StageResult
from leopardnet.training.train_val import TrainVal


@dataclass(frozen=True)
class ChosenEpoch:
    """The epoch that is kept, the history over all parts of the plan, and its clips after each epoch."""

    epoch: int
    history: list[dict[str, Any]]
    clips: dict[int, pd.DataFrame] = field(repr=False)


def choose_epoch(plan: Plan, results: list[StageResult], table: pd.DataFrame, data: TrainVal) -> ChosenEpoch:
    """Return the epoch that `rank_epoch` puts first on the validation clips of all parts; 0 is the probe alone.

    With folds, the clips of all folds are scored together, each with the logits of its own fold's network. Only
    epochs that every fold reached are compared.
    """
    clips = {}
    for epoch in sorted(set.intersection(*({int(row["epoch"]) for row in r.history} for r in results))):
        rows, logits = pool_folds(results, epoch)
        clips[epoch] = compute_clip_logits(table.iloc[rows], logits, data.config.aggregate, data.labels)
    if not plan.by_folds:
        history = results[0].history
    else:
        history = []
        for epoch in clips:
            of_folds = [row for r in results for row in r.history if row["epoch"] == epoch]
            shared: list[str] = [
                key for key in ("train_loss", "lr", "frames_per_s", "wait_share") if key in of_folds[0]
            ]
            means = {key: float(np.mean([row[key] for row in of_folds])) for key in shared}
            means["train_s"] = sum(row.get("train_s", 0.0) for row in of_folds)
            history.append({"epoch": epoch, **means, **compute_scores(clips[epoch], find_probe(clips, epoch))})
    return ChosenEpoch(int(find_best(history)["epoch"]), history, clips)


def pool_folds(results: list[StageResult], epoch: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the validation rows of all parts in order, and their logits after an epoch."""
    rows = np.concatenate([r.part.val for r in results])
    logits = np.concatenate([r.load_logits(epoch) for r in results])
    order = np.argsort(rows, kind="stable")
    return rows[order], logits[order]


def write_outcome(
    out: Path, plan: Plan, results: list[StageResult], chosen: ChosenEpoch, table: pd.DataFrame, data: TrainVal
) -> None:
    """Write the validation logits of the kept epoch, what other sites chose, the whole history and its curves."""
    rows, logits = pool_folds(results, chosen.epoch)
    trained = np.zeros(0, np.int64) if plan.by_folds else plan.parts[0].train
    write_val_frames(out, table, rows, logits, trained=trained, names=data.labels.names)
    n_most = max(map(len, chosen.clips.values()))
    whole = {epoch: clips for epoch, clips in chosen.clips.items() if len(clips) == n_most}
    ids = next(iter(whole.values()))["clip_id"]
    crossed = cross_choose(whole, ids.map(_find_groups(plan, table)), data.labels)
    write_table(crossed, out / "cross_chosen.parquet")
    of_folds = [row for r in results for row in r.history] if plan.by_folds else []
    write_history([*of_folds, *chosen.history], out)
    save_curves([*of_folds, *chosen.history], out / "curves.png", kept=chosen.epoch)


def _find_groups(plan: Plan, table: pd.DataFrame) -> pd.Series[str]:
    """Return the site of each validation clip, by clip_id; of clips without one, the part that they belong to."""
    of_part = [table.iloc[part.val].assign(part=f"part {i}") for i, part in enumerate(plan.parts)]
    rows = pd.concat(of_part).drop_duplicates("clip_id").set_index("clip_id")
    return rows["site"].astype(object).where(rows["site"].notna(), rows["part"])


def delete_epoch_logits(results: list[StageResult]) -> None:
    """Delete the logits of single epochs, which only an unfinished run needs."""
    for result in results:
        for path in result.folder.glob("epoch-*.npy"):
            path.unlink()
