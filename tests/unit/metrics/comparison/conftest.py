"""A handful of clips and frames, small enough to work figures out by hand."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.metrics.labelled_clips import LabelledClips

# Frames as (clip, p of tiger).
FRAMES = [("a", 0.9), ("a", 0.2), ("a", 0.1), ("b", 0.3), ("b", 0.4), ("c", 0.1)]
TRUTH = pd.Series({"a": "tiger", "b": "empty", "c": "empty", "d": "tiger"})


@pytest.fixture
def evidence():
    frames = pd.DataFrame(FRAMES, columns=["clip_id", "p_tiger"])
    frames["i_frame"] = frames.groupby("clip_id").cumcount()
    return frames.assign(p_empty=1 - frames["p_tiger"], boxes=pd.Series(None, index=frames.index, dtype=object))


@pytest.fixture
def clips():
    table = pd.DataFrame(
        {"clip_id": list("abcd"), "site": ["x", "x", "y", "y"], "p_tiger": [0.6, 0.3, 0.1, np.nan]}
    )
    table["p_empty"] = 1 - table["p_tiger"]
    table = table.assign(
        decision=["tiger", "empty", "empty", "unreadable"], rule=["species", "empty", "empty", "none"]
    )
    return LabelledClips.from_tables(table, TRUTH)
