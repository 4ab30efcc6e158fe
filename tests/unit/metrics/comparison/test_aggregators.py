"""Aggregators of the same frames on a handful of clips, worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.settings.inference import AggregateConfig
from leopardnet.metrics.comparison.aggregators import AGGREGATORS, apply_aggregators, box_weights, motion_weights
from leopardnet.score.calibrate import Calibration, apply_calibration
from leopardnet.score.safe_fit import cross_calibrate


def p_tiger(clips):
    """The probability of a tiger, by clip_id."""
    return pd.Series(clips.probs[:, 0], clips.clip_ids)


def test_aggregators_are_recomputed_from_the_frames(clips, evidence):
    tables = apply_aggregators(clips, evidence)
    assert list(tables) == [c.name for c in AGGREGATORS]  # no detector has looked
    # four clips are too few for a temperature, so the means stand as they are
    mean = p_tiger(tables["mean_prob"])
    assert mean[["a", "b", "c"]].tolist() == pytest.approx([0.4, 0.35, 0.1], abs=1e-6) and np.isnan(mean["d"])
    # max: (0.9 : 0.1), (0.4 : 0.6)
    assert p_tiger(tables["max"])[["a", "b"]].tolist() == pytest.approx([0.9, 0.4], abs=1e-6)


def test_the_temperature_of_the_frames_is_taken_out_again(clips, evidence):
    """A frame of p at temperature 2 had logits of 2 ln p, that is p² against (1 − p)²."""
    tables = apply_aggregators(clips, evidence, calibration=Calibration(2.0))
    assert p_tiger(tables["mean_logit"])["c"] == pytest.approx(0.01 / (0.01 + 0.81), abs=1e-6)


def test_boxes_weigh_the_frames_where_a_detector_looked(clips, evidence):
    boxes = ['[{"xyxy": [0, 0, 1, 1], "score": 0.9}]', "[]", "[]", "[]", "[]", None]
    tables = apply_aggregators(
        clips, evidence.assign(boxes=boxes), configs=[AggregateConfig(name="mean_prob", top_share=1.0)]
    )
    assert list(tables) == ["mean_prob", "mean_prob, weighed by boxes"]
    weighed = p_tiger(tables["mean_prob, weighed by boxes"])
    # a: the one frame with a box; b: no box, all frames alike; c: nobody looked, all frames alike
    assert weighed[["a", "b", "c"]].tolist() == pytest.approx([0.9, 0.35, 0.1], abs=1e-6)
    assert box_weights(evidence.assign(boxes=boxes))[:5].tolist() == [0.9, 0, 0, 0, 0]


def test_motion_weighs_the_frames_of_clips_that_move(clips, evidence):
    only = [AggregateConfig(name="mean_prob", top_share=1.0), AggregateConfig(name="max", top_share=1.0)]
    tables = apply_aggregators(clips, evidence.assign(motion=[10.0, 10.0, 20.0, 0.0, 0.0, np.nan]), configs=only)
    assert list(tables) == ["mean_prob", "max", "mean_prob, weighed by motion"], "the best frame has no weight"
    weighed = p_tiger(tables["mean_prob, weighed by motion"])
    # a: (0.9 + 0.2 + 2 · 0.1) / 4; b: nothing moves, all frames alike; c: one frame, in which nothing can move
    assert weighed[["a", "b", "c"]].tolist() == pytest.approx([0.325, 0.35, 0.1], abs=1e-6)
    assert np.isnan(weighed["d"])


def test_boxes_and_motion_stand_beside_each_other(clips, evidence):
    both = evidence.assign(motion=1.0, boxes="[]")
    tables = apply_aggregators(clips, both)
    weighed = [name.partition(", ")[0] for name in tables if name.endswith("motion")]
    assert weighed == ["presence_ranked", "presence_topk", "topk_logit", "mean_logit", "mean_prob"]
    assert weighed == [name.partition(", ")[0] for name in tables if name.endswith("boxes")] and len(tables) == 17
    # equal weights, of either kind, are none
    for name in weighed:
        for how in ("weighed by boxes", "weighed by motion"):
            np.testing.assert_array_equal(tables[f"{name}, {how}"].probs, tables[name].probs)


def test_motion_that_nobody_measured_makes_no_row(clips, evidence):
    assert len(apply_aggregators(clips, evidence.assign(motion=np.nan))) == len(AGGREGATORS)
    assert motion_weights(pd.DataFrame({"motion": [1.0, 2.5]})).tolist() == [1.0, 2.5]
    half = apply_aggregators(clips, evidence.assign(motion=[1.0, np.nan, 5.0, 0.0, 1.0, 1.0]))
    a, b = (p_tiger(half[f"mean_prob{how}"]) for how in ("", ", weighed by motion"))
    assert a["a"] == b["a"] and a["b"] != b["b"], "half of a weighing is none"


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
