"""What the report decides before it draws: who is hidden, which boxes, which clips first, which curves."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leopardnet.core.errors import ManifestError
from leopardnet.report.curves import empties_set_aside, precision_recall
from leopardnet.report.palette import label_styles
from leopardnet.report.pictures import boxes_of_frame, picture
from leopardnet.report.sections import by_interest, first_looks, mistakes
from leopardnet.report.svg import curve_chart
from leopardnet.report.table_rows import verdicts

STYLES = label_styles(("leopard", "tiger", "empty"), None)


def clips(*rows):
    """clip_id, p_leopard, p_tiger, p_empty, decision, alert; nan: could not be read."""
    table = pd.DataFrame(rows, columns=["clip_id", "p_leopard", "p_tiger", "p_empty", "decision", "alert"])
    probs = table[["p_leopard", "p_tiger", "p_empty"]]
    return table.assign(
        path=table["clip_id"] + ".avi",
        kind="video",
        site=None,
        reason=None,
        best_time_s=0.0,
        score=probs.max(axis=1),
        status=np.where(probs.isna().any(axis=1), "unreadable", "ok"),
    )


BROKEN = ("x", np.nan, np.nan, np.nan, "unreadable", None)


# --- boxes ---


def test_boxes_come_the_best_first_and_end_at_the_edge():
    cell = json.dumps(
        [
            {"xyxy": [-0.1, 0.5, 0.5, 1.2]},
            {"xyxy": [0.1, 0.1, 0.2, 0.2], "score": 0.4},
            {"xyxy": [0.5, 0.5, 0.5, 0.9]},
        ]
    )
    # the third has no width
    assert boxes_of_frame(cell, where="here") == ((0.1, 0.1, 0.2, 0.2, 0.4), (0.0, 0.5, 0.5, 1.0, None))
    assert boxes_of_frame("[]", where="here") == ()
    with pytest.raises(ManifestError, match="here"):
        boxes_of_frame("[[0, 0, 1, 1]]", where="here")


FRACTION = st.floats(0, 1).map(lambda x: round(x, 4))


@given(st.lists(st.tuples(FRACTION, FRACTION, FRACTION, FRACTION, FRACTION)))
def test_boxes_inside_the_frame_come_back_as_they_were_written(boxes):
    cell = json.dumps([{"xyxy": list(b[:4]), "score": b[4]} for b in boxes])
    kept = [b for b in boxes if b[2] > b[0] and b[3] > b[1]]
    assert boxes_of_frame(cell, where="here") == tuple(sorted(kept, key=lambda b: -b[4]))


def test_bytes_that_are_no_picture_do_not_cost_the_report():
    assert picture(b"no jpeg").aspect == pytest.approx(16 / 9)


# --- order ---


def test_suspected_targets_come_first_and_the_surest_of_the_rest_last():
    table = clips(
        ("sure", 0.0, 0.0, 1.0, "empty", None),
        ("weak", 0.2, 0.0, 0.8, "unsure", "leopard"),
        BROKEN,
        ("strong", 0.1, 0.9, 0.0, "tiger", "tiger"),
        ("torn", 0.0, 0.5, 0.5, "unsure", None),
    )
    assert table.loc[by_interest(table), "clip_id"].tolist() == ["strong", "weak", "torn", "sure"]
    look = first_looks(table, STYLES)
    assert [c["clip_id"] for c in look["alerts"]] == ["strong", "weak"] and look["n_alerts"] == 2
    assert [c["clip_id"] for c in look["unsure"]] == ["torn"]  # 1.0 is certain
    assert [c["path"] for c in look["unreadable"]] == ["x.avi"]
    assert first_looks(table, STYLES, hidden={"torn", "strong"})["unsure"] == []
    assert len(first_looks(table, STYLES, hidden={"strong"})["alerts"]) == 2
    assert len(by_interest(table.iloc[:0])) == 0


def test_a_lost_animal_is_the_worst_mistake():
    table = clips(
        ("a", 0.9, 0.1, 0.0, "leopard", "leopard"),
        ("b", 0.0, 0.3, 0.7, "empty", None),
        ("c", 0.1, 0.8, 0.1, "tiger", None),
        ("d", 0.4, 0.4, 0.2, "animal", None),
    )
    truth = pd.Series({"a": "tiger", "b": "tiger", "c": "tiger", "d": "empty"})
    assert [(c["clip_id"], c["truth"]) for c in mistakes(table, truth, STYLES)] == [("b", "tiger"), ("a", "tiger")]
    assert mistakes(table, None, STYLES) == []
    assert verdicts(table["decision"], table["clip_id"].map(truth), STYLES) == ["wrong", "wrong", "right", "open"]


# --- curves ---


def test_precision_and_recall_count_what_could_not_be_read_as_never_found():
    table = clips(
        ("a", 0.9, 0, 0.1, "leopard", None),
        ("b", 0.6, 0, 0.4, "leopard", None),
        ("c", 0.4, 0, 0.6, "unsure", None),
        BROKEN,
        ("no label", 0.5, 0, 0.5, "unsure", None),
    )
    truth = pd.Series({"a": "leopard", "b": "empty", "c": "leopard", "x": "leopard"})
    ((style, points),) = precision_recall(table, truth, STYLES)  # no tiger in the truth, and empty is no animal
    assert style.name == "leopard"
    # from 0.4: 2 of 3 found, 2 of 3 finds right; from 0.6: 1 of 3, 1 of 2; from 0.9: 1 of 3, 1 of 1
    assert points == [(0.667, 0.667), (0.333, 0.5), (0.333, 1.0)]


def test_empties_set_aside_against_animals_kept():
    table = clips(
        ("a", 0.1, 0.0, 0.9, "empty", None),
        ("b", 0.5, 0.0, 0.5, "unsure", None),
        ("c", 0.7, 0.0, 0.3, "leopard", None),
        ("d", 0.0, 0.9, 0.1, "tiger", None),
        BROKEN,
    )
    truth = pd.Series({"a": "empty", "b": "leopard", "c": "empty", "d": "tiger", "x": "tiger"})
    # from 0.9: one of two empties; from 0.5: a third of the animals is lost; from 0.3: the other empty too
    assert empties_set_aside(table, truth, STYLES) == [(1.0, 0.0), (1.0, 0.5), (0.667, 0.5), (0.667, 1.0)]
    assert empties_set_aside(table, truth[truth != "empty"], STYLES) == []
    assert empties_set_aside(table, truth, [s for s in STYLES if not s.is_empty]) == []
    assert empties_set_aside(table, truth.iloc[:0], STYLES) == []


def test_a_curve_of_one_point_is_drawn():
    chart = curve_chart([("a<b", "#000", [(0.5, 1.0)])], title="t", x_label="x", y_label="y")
    assert 'd="M225.0 12.0 L225.0 12.0"' in chart and "a&lt;b" in chart
