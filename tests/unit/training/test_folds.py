import numpy as np
import pandas as pd
import pytest

from leopardnet.compose import load_group
from leopardnet.core.errors import ManifestError
from leopardnet.training.folds import find_look_alikes, plan_folds, should_use_folds
from leopardnet.training.frames.labelled_frames import LabelledFrames

AUTO, FOLDS, SPLIT = (load_group("validation", name) for name in ("auto", "folds", "split"))


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
    assert should_use_folds(True, FOLDS) and not should_use_folds(True, AUTO)
    assert should_use_folds(False, AUTO) and not should_use_folds(False, SPLIT)


def test_folds_keep_sites_and_look_alikes_together_and_cover_every_row():
    sites = ["a", "a", "b", "b", "c", "c", "d", None, None, None]
    alike = [None] * 7 + [1, 1, None]
    frames = frames_at(sites, ["x", "y"] * 5, alike=alike)
    plan = plan_folds(frames, AUTO.model_copy(update={"n_folds": 3}), by_folds=True, seed=7)
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
    plan = plan_folds(frames, AUTO, by_folds=False, seed=7)
    assert plan.parts[0].train.tolist() == [0, 2] and plan.parts[0].val.tolist() == [1]
    assert plan.all_rows.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("val", "train", "words"),
    [
        (["a", "b"], ["c", None], "clips of the split val, which were not trained on"),
        (["a", "Site 2"], ["site-2"], "1 of its 2 sites were trained on, and their clips judge nothing"),
        (["a", "b"], ["a", "b"], "whose sites were all trained on: the figures are an upper bound, expect less"),
        (
            [None, None],
            ["a"],
            "no site is known, so their cameras may have been trained on: the figures are an upper",
        ),
    ],
)
def test_a_split_that_shares_sites_says_what_its_figures_are_worth(val, train, words):
    frames = frames_at([*val, *train], ["x"] * len([*val, *train]))
    frames.table["split"] = ["val"] * len(val) + ["train"] * len(train)
    assert words in plan_folds(frames, AUTO, by_folds=False, seed=7).description


def test_one_site_is_too_little_for_folds():
    with pytest.raises(ManifestError, match="too few groups"):
        plan_folds(frames_at(["a", "a"], ["x", "y"]), AUTO, by_folds=True, seed=7)


def test_pictures_that_look_alike_share_a_number(rng):
    def picture():
        return np.kron(rng.integers(0, 256, (8, 8)), np.ones((8, 8))).astype(np.uint8)[None].repeat(3, axis=0)

    first, other = picture(), picture()
    brighter = np.clip(first.astype(int) + 6, 0, 255).astype(np.uint8)
    frames = frames_at(["a", "b", "c"], ["x"] * 3)
    alike = find_look_alikes(LabelledFrames(frames.table, [first, other, brighter], (), frames.skipped))
    assert alike[0] == alike[2] and alike.notna().tolist() == [True, False, True]
