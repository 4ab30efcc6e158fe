"""Ways of answering beside each other, and baselines, on a handful of clips worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.settings.inference import AggregateConfig
from leopardnet.metrics.comparison.baselines import baseline_tables
from leopardnet.metrics.comparison.compare import (
    AGGREGATORS,
    aggregator_tables,
    box_weights,
    compare,
    motion_weights,
)
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.score.calibrate import Calibration, apply_calibration, cross_calibrate

LABELS = ("tiger", "empty")
# frames as (clip, p of tiger)
FRAMES = [("a", 0.9), ("a", 0.2), ("a", 0.1), ("b", 0.3), ("b", 0.4), ("c", 0.1)]
TRUTH = pd.Series({"a": "tiger", "b": "empty", "c": "empty", "d": "tiger"})


@pytest.fixture
def evidence():
    frames = pd.DataFrame(FRAMES, columns=["clip_id", "p_tiger"])
    frames["i_frame"] = frames.groupby("clip_id").cumcount()
    return frames.assign(p_empty=1 - frames["p_tiger"], boxes=pd.Series(None, index=frames.index, dtype=object))


@pytest.fixture
def predictions():
    table = pd.DataFrame(
        {"clip_id": list("abcd"), "site": ["x", "x", "y", "y"], "p_tiger": [0.6, 0.3, 0.1, np.nan]}
    )
    table["p_empty"] = 1 - table["p_tiger"]
    return table.assign(
        decision=["tiger", "empty", "empty", "unreadable"], rule=["species", "empty", "empty", "none"]
    )


def test_baselines_by_hand(predictions, evidence):
    tables = baseline_tables(predictions, evidence, TRUTH, motion=pd.Series({"a": 5.0, "b": 1.0, "c": 9.0}))
    assert list(tables) == ["majority", "middle_frame", "best_frame", "motion"]
    p = {name: t.set_index("clip_id")["p_tiger"] for name, t in tables.items()}
    assert p["majority"].tolist() == [0.5] * 4
    assert p["middle_frame"][["a", "b", "c"]].tolist() == [0.2, 0.3, 0.1]  # of two, the earlier one
    # a: 0.9 and 1 - 0.1 are equally sure, the first counts; b: 1 - 0.3 is surer than 1 - 0.4
    assert p["best_frame"][["a", "b", "c"]].tolist() == [0.9, 0.3, 0.1]
    assert p["motion"][["a", "b", "c"]].tolist() == pytest.approx([2 / 3, 1 / 3, 1.0])
    for name in ("middle_frame", "best_frame", "motion"):
        row = tables[name].set_index("clip_id").loc["d"]
        assert np.isnan(row["p_tiger"]) and (row["decision"], row["rule"]) == ("unreadable", "none")
    assert all(len(t) == 4 for t in tables.values())


def test_without_frames_or_motion_the_majority_is_left(predictions, evidence):
    assert list(baseline_tables(predictions, evidence.iloc[:0], TRUTH)) == ["majority"]


def test_aggregators_are_recomputed_from_the_frames(predictions, evidence):
    tables = aggregator_tables(predictions, evidence, TRUTH)
    assert list(tables) == [c.name for c in AGGREGATORS]  # no detector has looked
    # four clips are too few for a temperature, so the means stand as they are
    mean = tables["mean_prob"].set_index("clip_id")["p_tiger"]
    assert mean[["a", "b", "c"]].tolist() == pytest.approx([0.4, 0.35, 0.1], abs=1e-6) and np.isnan(mean["d"])
    # max: (0.9 : 0.1), (0.4 : 0.6)
    assert tables["max"].set_index("clip_id")["p_tiger"][["a", "b"]].tolist() == pytest.approx([0.9, 0.4], abs=1e-6)


def test_the_temperature_of_the_frames_is_taken_out_again(predictions, evidence):
    """A frame of p at temperature 2 had logits of 2 ln p, that is p² against (1 − p)²."""
    tables = aggregator_tables(predictions, evidence, TRUTH, calibration=Calibration(2.0))
    assert tables["mean_logit"].set_index("clip_id")["p_tiger"]["c"] == pytest.approx(
        0.01 / (0.01 + 0.81), abs=1e-6
    )


def test_boxes_weigh_the_frames_where_a_detector_looked(predictions, evidence):
    boxes = ['[{"xyxy": [0, 0, 1, 1], "score": 0.9}]', "[]", "[]", "[]", "[]", None]
    tables = aggregator_tables(
        predictions, evidence.assign(boxes=boxes), TRUTH, configs=[AggregateConfig(name="mean_prob", top_share=1.0)]
    )
    assert list(tables) == ["mean_prob", "mean_prob, weighed by boxes"]
    weighed = tables["mean_prob, weighed by boxes"].set_index("clip_id")["p_tiger"]
    # a: the one frame with a box; b: no box, all frames alike; c: nobody looked, all frames alike
    assert weighed[["a", "b", "c"]].tolist() == pytest.approx([0.9, 0.35, 0.1], abs=1e-6)
    assert box_weights(evidence.assign(boxes=boxes))[:5].tolist() == [0.9, 0, 0, 0, 0]


def test_motion_weighs_the_frames_of_clips_that_move(predictions, evidence):
    only = [AggregateConfig(name="mean_prob", top_share=1.0), AggregateConfig(name="max", top_share=1.0)]
    tables = aggregator_tables(
        predictions, evidence.assign(motion=[10.0, 10.0, 20.0, 0.0, 0.0, np.nan]), TRUTH, configs=only
    )
    assert list(tables) == ["mean_prob", "max", "mean_prob, weighed by motion"], "the best frame has no weight"
    weighed = tables["mean_prob, weighed by motion"].set_index("clip_id")["p_tiger"]
    # a: (0.9 + 0.2 + 2 · 0.1) / 4; b: nothing moves, all frames alike; c: one frame, in which nothing can move
    assert weighed[["a", "b", "c"]].tolist() == pytest.approx([0.325, 0.35, 0.1], abs=1e-6)
    assert np.isnan(weighed["d"])


def test_boxes_and_motion_stand_beside_each_other(predictions, evidence):
    both = evidence.assign(motion=1.0, boxes="[]")
    tables = aggregator_tables(predictions, both, TRUTH)
    weighed = [name.partition(", ")[0] for name in tables if name.endswith("motion")]
    assert weighed == ["presence_topk", "topk_logit", "mean_logit", "mean_prob"]
    assert weighed == [name.partition(", ")[0] for name in tables if name.endswith("boxes")] and len(tables) == 14
    # equal weights, of either kind, are none
    for name in weighed:
        for how in ("weighed by boxes", "weighed by motion"):
            pd.testing.assert_frame_equal(tables[f"{name}, {how}"], tables[name])


def test_motion_that_nobody_measured_makes_no_row(predictions, evidence):
    assert len(aggregator_tables(predictions, evidence.assign(motion=np.nan), TRUTH)) == len(AGGREGATORS)
    assert motion_weights(pd.DataFrame({"motion": [1.0, 2.5]})).tolist() == [1.0, 2.5]
    half = aggregator_tables(predictions, evidence.assign(motion=[1.0, np.nan, 5.0, 0.0, 1.0, 1.0]), TRUTH)
    a, b = (half[f"mean_prob{how}"].set_index("clip_id")["p_tiger"] for how in ("", ", weighed by motion"))
    assert a["a"] == b["a"] and a["b"] != b["b"], "half of a weighing is none"


def test_a_table_beside_another_is_behind_by_the_difference(predictions, evidence):
    tables = baseline_tables(predictions, evidence, TRUTH, motion=pd.Series({"a": 5.0, "b": 1.0, "c": 9.0}))
    found = compare(tables, TRUTH, against=predictions, targets=("tiger",), presence_only=("motion",), n_boot=50)
    # model: tiger 1 of 2 found and nothing mistaken, F1 2/3; empty 2 of 2, F1 1; majority says tiger to all: 2/3 and 0
    assert found.loc["majority", "macro_f1"] == pytest.approx(1 / 3)
    assert found.loc["majority", "behind"] == pytest.approx(5 / 6 - 1 / 3)
    assert found.loc["best_frame", "behind"] == pytest.approx(0.0)
    assert found.loc["motion", "presence_auroc"] == 0.5 and np.isnan(found.loc["motion", "macro_f1"])
    same = compare({"itself": predictions}, TRUTH, against=predictions, n_boot=50).loc["itself"]
    assert (same["behind"], same["behind_low"], same["behind_high"]) == (0, 0, 0)


def test_a_temperature_is_fitted_on_other_sites_only():
    """Two worlds of opposite confidence: each is corrected by what the other one says."""
    rng = np.random.default_rng(0)
    n = 400
    y = rng.integers(0, 2, n)
    site = np.array(["timid", "boasting"])[np.arange(n) % 2]
    logits = rng.normal(0, 1, (n, 2))
    logits[np.arange(n), y] += 1.0
    logits[site == "timid"] *= 0.5
    logits[site == "boasting"] *= 4.0
    probs = cross_calibrate(logits, y, site.tolist())
    top = pd.Series(probs.max(axis=1)).groupby(site).mean()
    plain = pd.Series(apply_calibration(logits, Calibration(1.0)).max(axis=1)).groupby(site).mean()
    assert top["timid"] < plain["timid"] and top["boasting"] > plain["boasting"]
    one = cross_calibrate(logits, y, ["x"] * n)
    np.testing.assert_allclose(one, apply_calibration(logits, Calibration(1.0)))


def test_the_nearest_class_mean_is_a_baseline_where_frames_know_it(predictions, evidence):
    """Clip a: the mean of 0.9, 0.2 and 0.1 is nearer to empty at 0.5. Clip b: 0.7 against 0.5. Clip c has no cosines."""
    cosines = {"cos_tiger": [0.9, 0.2, 0.1, 0.8, 0.6, np.nan], "cos_empty": [0.5] * 5 + [np.nan]}
    tables = baseline_tables(predictions, evidence.assign(**cosines), TRUTH)
    said = tables["nearest_class_mean"].set_index("clip_id")
    assert said["decision"].to_dict() == {"a": "empty", "b": "tiger", "c": "unreadable", "d": "unreadable"}
    assert said.loc["b", "p_tiger"] == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert "nearest_class_mean" not in baseline_tables(predictions, evidence, TRUTH)


def test_baselines_go_through_the_same_evaluation(predictions, evidence):
    majority = baseline_tables(predictions, evidence, TRUTH)["majority"]
    assert evaluate_clips(majority, TRUTH, n_boot=10).presence_auroc.value == 0.5
