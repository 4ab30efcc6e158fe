import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.settings.training import ValidationConfig
from leopardnet.training.choose_epoch import choose_epoch
from leopardnet.training.fit.linear_probe import choose_c, compute_probe_weights, fit_head
from leopardnet.training.folds import find_look_alikes, plan_folds, should_use_folds
from leopardnet.training.frames.labelled_frames import LabelledFrames
from leopardnet.training.stage import StageResult, _should_stop


def frames_at(sites, labels, **columns):
    n = len(sites)
    table = pd.DataFrame(
        {
            "clip_id": [f"c{i:02}" for i in range(n)],
            "path": "p",
            "site": sites,
            "deployment": None,
            "sequence_id": None,
            "label": labels,
            "i_label": pd.factorize(pd.Series(labels), sort=True)[0],
            "split": "train",
            "view": "frame",
            **columns,
        }
    )
    return LabelledFrames(table, (), (), pd.DataFrame())


def test_folds_are_used_where_asked_for_or_where_nothing_is_held_out():
    assert should_use_folds(True, ValidationConfig(by="folds")) and not should_use_folds(True, ValidationConfig())
    assert should_use_folds(False, ValidationConfig()) and not should_use_folds(False, ValidationConfig(by="split"))


def test_folds_keep_sites_and_look_alikes_together_and_cover_every_row():
    sites = ["a", "a", "b", "b", "c", "c", "d", None, None, None]
    alike = [None] * 7 + [1, 1, None]
    frames = frames_at(sites, ["x", "y"] * 5, alike=alike)
    plan = plan_folds(frames, ValidationConfig(n_folds=3), by_folds=True, seed=7)
    assert sorted(np.concatenate([p.val for p in plan.parts]).tolist()) == list(range(10)) == plan.all_rows.tolist()
    for part in plan.parts:
        assert not set(part.train) & set(part.val)
        held = {sites[i] for i in part.val} - {None}
        assert not held & {sites[i] for i in part.train}
        assert (7 in part.val) == (8 in part.val)
    assert "3 folds" in plan.description


def test_a_split_is_taken_as_it_is():
    frames = frames_at(["a", "b", "c"], ["x", "y", "x"])
    frames.table["split"] = ["train", "val", None]
    plan = plan_folds(frames, ValidationConfig(), by_folds=False, seed=7)
    assert plan.parts[0].train.tolist() == [0, 2] and plan.parts[0].val.tolist() == [1]
    assert plan.all_rows.tolist() == [0, 2]


def test_one_site_is_too_little_for_folds():
    with pytest.raises(ManifestError, match="too few groups"):
        plan_folds(frames_at(["a", "a"], ["x", "y"]), ValidationConfig(), by_folds=True, seed=7)


def test_pictures_that_look_alike_share_a_number(rng):
    def picture():
        return np.kron(rng.integers(0, 256, (8, 8)), np.ones((8, 8))).astype(np.uint8)[None].repeat(3, axis=0)

    first, other = picture(), picture()
    brighter = np.clip(first.astype(int) + 6, 0, 255).astype(np.uint8)
    frames = frames_at(["a", "b", "c"], ["x"] * 3)
    alike = find_look_alikes(LabelledFrames(frames.table, [first, other, brighter], (), frames.skipped))
    assert alike[0] == alike[2] and alike.notna().tolist() == [True, False, True]


def test_weights_of_a_probe_by_hand():
    table = pd.DataFrame({"label": ["deer"] * 5 + ["empty"], "site": ["a"] * 4 + [None, "a"]})
    weights = compute_probe_weights(
        table
    )  # deer: four of 4^-0.75 = 0.3536 and one of 1, in all 2.414; scaled to 3; empty: 3
    assert weights.tolist() == pytest.approx([0.4393, 0.4393, 0.4393, 0.4393, 1.2426, 3.0], abs=1e-4)


def test_regularisation_is_chosen_by_what_holds_at_unseen_groups(rng):
    y = np.tile([0, 1], 40)
    groups = np.repeat(np.arange(8), 10)
    x = rng.normal(size=(80, 60)).astype(np.float32)
    x[:, 0] += 4 * y
    assert choose_c(x, y, np.ones(80), groups, n_labels=2, choices=(1e-9, 0.1), seed=7) == 0.1
    assert choose_c(x, y, np.ones(80), np.zeros(80, int), n_labels=2, choices=(0.1, 0.2, 0.3), seed=7) == 0.2
    weight, bias = fit_head(x, y, np.ones(80), n_labels=2, c=0.1)
    assert ((x @ weight.T + bias).argmax(axis=1) == y).mean() > 0.95


def row(epoch, f1, nll=1.0):
    return {"epoch": epoch, "val_macro_f1": f1, "val_nll": nll, "train_loss": 0.5, "n_val_clips": 2.0}


def test_the_kept_epoch_is_that_of_all_folds_together(tmp_path):
    """Each fold alone would keep epoch 1 and epoch 2; together, epoch 2 makes one mistake and epoch 1 two."""
    from types import SimpleNamespace

    from leopardnet.core.settings.inference import AggregateConfig, LabelsConfig
    from leopardnet.training.folds import Part, Plan

    right, wrong = [4.0, 0.0], [0.0, 4.0]
    frames = frames_at(["a", "b", "c", "d"], ["x", "x", "x", "y"])
    parts = (Part(np.array([2, 3]), np.array([0, 1])), Part(np.array([0, 1]), np.array([2, 3])))
    said = {1: [[right, wrong], [wrong, wrong]], 2: [[wrong, right], [right, wrong]]}
    results = []
    for i, part in enumerate(parts):
        folder = tmp_path / str(i)
        folder.mkdir()
        for epoch in (1, 2):
            np.save(folder / f"epoch-{epoch}.npy", np.array(said[epoch][i], np.float32))
        results.append(StageResult(part, [row(1, 0.9), row(2, 0.1)], folder))
    labels = LabelsConfig(labels=({"name": "x"}, {"name": "y"}), empty=None).label_set()
    data = SimpleNamespace(config=SimpleNamespace(aggregate=AggregateConfig()), labels=labels)
    chosen = choose_epoch(Plan(parts, by_folds=True), results, frames.table, data)
    assert chosen.epoch == 2 and [r["epoch"] for r in chosen.history] == [1, 2]
    assert chosen.history[1]["val_macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)


@pytest.mark.parametrize(
    ("scores", "patience", "stop"),
    [
        ([0.5, 0.4, 0.4], 2, True),
        ([0.5, 0.4, 0.6], 2, False),
        ([0.5, 0.4], 2, False),
        ([0.5, 0.4, 0.3], None, False),
    ],
)
def test_training_stops_when_nothing_gets_better(scores, patience, stop):
    assert _should_stop([row(i, s) for i, s in enumerate(scores)], patience) is stop
