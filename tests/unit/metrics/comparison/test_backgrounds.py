"""Empty clips at the sites of a target beside those elsewhere."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.metrics.comparison.backgrounds import compare_backgrounds
from leopardnet.metrics.labelled_clips import LabelledClips


def clips_of(*rows):
    """Rows of truth, site, probability of a leopard (the rest is empty)."""
    ids = [str(i) for i in range(len(rows))]
    p = np.array([row[2] for row in rows], float)
    table = pd.DataFrame({"clip_id": ids, "site": [row[1] for row in rows], "p_leopard": p, "p_empty": 1 - p})
    table = table.assign(decision=np.where(p > 0.5, "leopard", "empty"), rule=np.where(p > 0.5, "species", "empty"))
    return LabelledClips.from_tables(table, pd.Series([row[0] for row in rows], index=ids))


def test_empty_clips_of_the_targets_sites_are_compared_with_others():
    rows = [("leopard", "a", 0.9), ("empty", "a", 0.4), ("empty", "a", 0.2), ("empty", "b", 0.1)]
    found = compare_backgrounds(clips_of(*rows, ("empty", None, 0.99)), ["leopard"], n_boot=0)
    assert found[["n_here", "n_elsewhere"]].loc["leopard"].tolist() == [2, 1]
    assert found.loc["leopard", "here"] == pytest.approx(0.3) and found.loc["leopard", "elsewhere"] == 0.1


def test_without_empty_clips_at_its_sites_nothing_is_said():
    assert compare_backgrounds(clips_of(("leopard", "a", 0.9), ("empty", "b", 0.1)), ["leopard"]).empty
    alone = compare_backgrounds(clips_of(("leopard", "a", 0.9), ("empty", "a", 0.1)), ["leopard"], n_boot=0)
    assert alone.loc["leopard", "n_elsewhere"] == 0 and np.isnan(alone.loc["leopard", "elsewhere"])
    unreadable = compare_backgrounds(clips_of(("leopard", "a", 0.9), ("empty", "a", np.nan)), ["leopard"])
    assert unreadable.empty
