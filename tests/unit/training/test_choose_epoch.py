from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from leopardnet.compose import load_group
from leopardnet.core.settings.inference import LabelsConfig
from leopardnet.training.choose_epoch import choose_epoch
from leopardnet.training.folds import Part, Plan
from leopardnet.training.stage import StageResult


def row(epoch, f1, nll=1.0):
    return {"epoch": epoch, "val_macro_f1": f1, "val_nll": nll, "train_loss": 0.5, "n_val_clips": 2.0}


def test_the_kept_epoch_is_that_of_all_folds_together(tmp_path):
    """Each fold alone would keep epoch 1 and epoch 2; together, epoch 2 makes one mistake and epoch 1 two."""
    right, wrong = [4.0, 0.0], [0.0, 4.0]
    table = pd.DataFrame({"clip_id": list("0123"), "site": list("abcd"), "label": ["x", "x", "x", "y"]})
    parts = (Part(np.array([2, 3]), np.array([0, 1])), Part(np.array([0, 1]), np.array([2, 3])))
    said = {1: [[right, wrong], [wrong, wrong]], 2: [[wrong, right], [right, wrong]]}
    results = []
    for i, part in enumerate(parts):
        folder = tmp_path / str(i)
        folder.mkdir()
        for epoch in (1, 2):
            np.save(folder / f"epoch-{epoch}.npy", np.array(said[epoch][i], np.float32))
        results.append(StageResult(part, [row(1, 0.9), row(2, 0.1)], folder))
    labels = LabelsConfig(labels=({"name": "x"}, {"name": "y"}), empty=None, targets=()).label_set()
    data = SimpleNamespace(
        config=SimpleNamespace(aggregate=load_group("aggregate", "presence_topk")), labels=labels
    )
    chosen = choose_epoch(Plan(parts, by_folds=True), results, table, data)
    assert chosen.epoch == 2 and [r["epoch"] for r in chosen.history] == [1, 2]
    assert chosen.history[1]["val_macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert list(chosen.clips) == [1, 2] and chosen.clips[1]["clip_id"].tolist() == list("0123")
