"""Which weights of a run are kept: those that judge the validation clips best."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import nn

from leopardnet.core.config import TrainConfig
from leopardnet.core.labels import LabelSet
from leopardnet.core.tables import write_table
from leopardnet.learn.dataset import LabelledFrames
from leopardnet.learn.model import Classifier, predict_logits, save_weights
from leopardnet.score.aggregate import aggregate


class Keeper:
    """Judges weights on the validation clips, writes the history, and keeps the best."""

    def __init__(self, out: Path, config: TrainConfig, labels: LabelSet, val: LabelledFrames) -> None:
        self.out, self.config, self.labels, self.val = out, config, labels, val
        self.history: list[dict[str, float]] = []

    @property
    def note(self) -> str:
        """The last epoch in a few words."""
        return f"macro-F1 {self.history[-1]['val_macro_f1']:.3f} on validation clips"

    def judge(self, model: nn.Module, *, epoch: int, train_loss: float) -> None:
        """Add an epoch to the history; keep its weights and validation logits when it is the best so far."""
        assert isinstance(model, Classifier)
        logits = predict_logits(model, self.val.pixels)
        clips = clip_logits(self.val.table, logits, self.config, self.labels)
        row = {"epoch": epoch, "train_loss": train_loss, **_scores(clips, self.labels)}
        is_best = all(
            (row["val_macro_f1"], -row["val_nll"]) > (r["val_macro_f1"], -r["val_nll"]) for r in self.history
        )
        self.history.append(row)
        with (self.out / "metrics.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({k: None if v != v else v for k, v in row.items()}) + "\n")
        if is_best:
            save_weights(model.state_dict(), self.out / "best.safetensors")
            columns = {f"logit_{name}": logits[:, i] for i, name in enumerate(self.labels.names)}
            write_table(self.val.table.assign(**columns), self.out / "val_frames.parquet")


def clip_logits(
    table: pd.DataFrame, logits: NDArray[np.float32], config: TrainConfig, labels: LabelSet
) -> pd.DataFrame:
    """One row per clip that has one label: clip_id, site, i_label, and its aggregated logits as an array column."""
    rows: list[dict[str, Any]] = []
    for clip_id, part in table.groupby("clip_id", sort=False):
        seen = [name for name in part["label"].unique() if name != labels.empty]
        if len(seen) > 1:
            continue  # two species: no single right answer
        i_label = labels.index(seen[0]) if seen else labels.index(str(labels.empty))
        z = aggregate(logits[part.index.to_numpy()], config.aggregate, i_empty=labels.i_empty)
        rows.append({"clip_id": clip_id, "site": part["site"].iloc[0], "i_label": i_label, "logits": z})
    return pd.DataFrame(rows, columns=["clip_id", "site", "i_label", "logits"])


def _scores(clips: pd.DataFrame, labels: LabelSet) -> dict[str, float]:
    from scipy.special import log_softmax
    from sklearn.metrics import f1_score

    y = clips["i_label"].to_numpy(np.int64)
    logp = log_softmax(np.stack(clips["logits"].to_list()).astype(np.float64), axis=1)
    present: Iterable[int] = sorted(set(y.tolist()))
    f1 = f1_score(y, logp.argmax(axis=1), labels=list(present), average="macro", zero_division=0)
    return {
        "val_macro_f1": float(f1),
        "val_nll": float(-logp[np.arange(len(y)), y].mean()),
        "n_val_clips": float(len(y)),
    }
