"""Predictions to draw: three by hand, and four hundred simulated ones with their evaluation."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.predictions import Predictions
from leopardnet.evaluation.full_evaluation import evaluate
from simulated_clips import simulate_clips


@pytest.fixture
def predictions():
    rows = [
        ("c1", "a/1.mp4", "tiger", 0.9),
        ("c2", "a/2.mp4", "empty", 0.2),
        ("c3", "a/3.mp4", "unreadable", np.nan),
    ]
    table = pd.DataFrame(rows, columns=["clip_id", "path", "decision", "p_tiger"])
    table["p_empty"] = 1 - table["p_tiger"]
    table["status"], table["rule"] = ["ok", "ok", "unreadable"], ["species", "empty", "none"]
    frames = pd.DataFrame({"clip_id": ["c1", "c1", "c2"], "time_s": [2.0, 0.5, 0.0], "p_tiger": [0.8, 0.3, 0.2]})
    return Predictions(table, frames.assign(p_empty=1 - frames["p_tiger"]))


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    made = simulate_clips(tmp_path_factory.mktemp("root"), n_sites=10, per_site=40, strength=1.3)
    return (*made, evaluate(*made, n_boot=50))
