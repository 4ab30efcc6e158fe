"""Baselines on a handful of clips, worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.metrics.comparison.baselines import apply_baselines
from leopardnet.metrics.evaluate_clips import evaluate_clips


def p_tiger(clips):
    """The probability of a tiger, by clip_id."""
    return pd.Series(clips.probs[:, 0], clips.clip_ids)


def test_baselines_by_hand(clips, evidence):
    tables = apply_baselines(clips, evidence, motion=pd.Series({"a": 5.0, "b": 1.0, "c": 9.0}))
    assert list(tables) == ["majority", "middle_frame", "best_frame", "motion"]
    p = {name: p_tiger(t) for name, t in tables.items()}
    assert p["majority"].tolist() == [0.5] * 4
    assert p["middle_frame"][["a", "b", "c"]].tolist() == [0.2, 0.3, 0.1]  # of two, the earlier one
    # a: 0.9 and 1 - 0.1 are equally sure, the first counts; b: 1 - 0.3 is surer than 1 - 0.4
    assert p["best_frame"][["a", "b", "c"]].tolist() == [0.9, 0.3, 0.1]
    assert p["motion"][["a", "b", "c"]].tolist() == pytest.approx([2 / 3, 1 / 3, 1.0])
    for name in ("middle_frame", "best_frame", "motion"):
        last = tables[name]
        assert np.isnan(p[name]["d"]) and (last.decisions[3], last.rules[3]) == ("unreadable", "none")
    assert all(len(t) == 4 for t in tables.values())


def test_without_frames_or_motion_the_majority_is_left(clips, evidence):
    assert list(apply_baselines(clips, evidence.iloc[:0])) == ["majority"]


def test_the_nearest_class_mean_is_a_baseline_where_frames_know_it(clips, evidence):
    """Clip a: the mean of 0.9, 0.2 and 0.1 is closer to empty at 0.5. Clip b: 0.7 and 0.5. Clip c: no cosines."""
    cosines = {"cos_tiger": [0.9, 0.2, 0.1, 0.8, 0.6, np.nan], "cos_empty": [0.5] * 5 + [np.nan]}
    tables = apply_baselines(clips, evidence.assign(**cosines))
    nearest = tables["nearest_class_mean"]
    assert nearest.decisions.tolist() == ["empty", "tiger", "unreadable", "unreadable"]
    assert p_tiger(nearest)["b"] == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert "nearest_class_mean" not in apply_baselines(clips, evidence)


def test_baselines_go_through_the_same_evaluation(clips, evidence):
    majority = apply_baselines(clips, evidence)["majority"]
    assert evaluate_clips(majority, n_boot=10).presence_auroc.value == 0.5
