"""Variants beside the model: differences with intervals from the same draws of sites."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.metrics.comparison.baselines import apply_baselines
from leopardnet.metrics.comparison.compare import compare
from leopardnet.metrics.evaluate_clips import evaluate_clips


def test_a_table_beside_another_is_behind_by_the_difference(clips, evidence):
    tables = apply_baselines(clips, evidence, motion=pd.Series({"a": 5.0, "b": 1.0, "c": 9.0}))
    model = evaluate_clips(clips, n_boot=50)
    found = compare(tables, model=model, targets=("tiger",), presence_only=("motion",), n_boot=50)
    # model: tiger 1 of 2 found, nothing mistaken, F1 2/3; empty 2 of 2, F1 1; majority (tiger): 2/3 and 0
    assert found.loc["majority", "macro_f1"] == pytest.approx(1 / 3)
    assert found.loc["majority", "behind"] == pytest.approx(5 / 6 - 1 / 3)
    assert found.loc["best_frame", "behind"] == pytest.approx(0.0)
    assert found.loc["motion", "presence_auroc"] == 0.5 and np.isnan(found.loc["motion", "macro_f1"])
    same = compare({"itself": clips}, model=model, n_boot=50).loc["itself"]
    assert (same["behind"], same["behind_low"], same["behind_high"]) == (0, 0, 0)
