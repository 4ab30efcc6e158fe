"""Curves over all thresholds."""

import numpy as np
import pandas as pd

from leopardnet.report.curves import precision_recall_curves, set_aside_curve

BROKEN = ("x", np.nan, np.nan, np.nan, "unreadable", None)


def test_precision_and_recall_count_unreadable_clips_as_never_found(clips, styles):
    table = clips(
        ("a", 0.9, 0, 0.1, "leopard", None),
        ("b", 0.6, 0, 0.4, "leopard", None),
        ("c", 0.4, 0, 0.6, "unsure", None),
        BROKEN,
        ("no label", 0.5, 0, 0.5, "unsure", None),
    )
    truth = pd.Series({"a": "leopard", "b": "empty", "c": "leopard", "x": "leopard"})
    # There is no tiger in the truth, and empty is no animal.
    ((style, points),) = precision_recall_curves(table, truth, styles)
    assert style.name == "leopard"
    # from 0.4: 2 of 3 found, 2 of 3 finds right; from 0.6: 1 of 3, 1 of 2; from 0.9: 1 of 3, 1 of 1
    assert points == [(0.667, 0.667), (0.333, 0.5), (0.333, 1.0)]


def test_empty_clips_set_aside_against_animals_kept(clips, styles):
    table = clips(
        ("a", 0.1, 0.0, 0.9, "empty", None),
        ("b", 0.5, 0.0, 0.5, "unsure", None),
        ("c", 0.7, 0.0, 0.3, "leopard", None),
        ("d", 0.0, 0.9, 0.1, "tiger", None),
        BROKEN,
    )
    truth = pd.Series({"a": "empty", "b": "leopard", "c": "empty", "d": "tiger", "x": "tiger"})
    # from 0.9: one of two empties; from 0.5: a third of the animals is lost; from 0.3: the other empty too
    assert set_aside_curve(table, truth, styles) == [(1.0, 0.0), (1.0, 0.5), (0.667, 0.5), (0.667, 1.0)]
    assert set_aside_curve(table, truth[truth != "empty"], styles) == []
    assert set_aside_curve(table, truth, [s for s in styles if not s.is_empty]) == []
    assert set_aside_curve(table, truth.iloc[:0], styles) == []
