"""Infrared beside colour over the same labels, and never a figure of no clip."""

import pandas as pd
import pytest

from leopardnet.metrics.conditions.light_figures import NO_LIGHT, evaluate_light
from leopardnet.metrics.labelled_clips import LabelledClips

NAMES = ("leopard", "deer", "empty")
INFRARED, COLOUR = "infrared", "colour"
# true label, decision (also the likeliest label), site, light
ROWS = [
    ("leopard", "leopard", "a", INFRARED),
    ("leopard", "empty", "a", INFRARED),
    ("empty", "empty", "b", INFRARED),
    ("leopard", "leopard", "a", COLOUR),
    ("deer", "leopard", "a", COLOUR),  # deer was not filmed by night
    ("empty", "empty", "b", COLOUR),
    ("empty", "leopard", "c", None),
]


def light_figures(rows, *, alert=(), n_boot=0, multi=False):
    ids = [str(i) for i in range(len(rows))]
    said = [row[1] for row in rows]
    table = pd.DataFrame({"clip_id": ids, "site": [row[2] for row in rows], "decision": said})
    table["rule"] = ["empty" if x == "empty" else "species" for x in said]
    table["alert"] = ["leopard" if i in alert else None for i in range(len(rows))]
    for name in NAMES:
        table[f"p_{name}"] = [0.8 if name == x else 0.1 for x in said]
    if multi:
        table["labels"] = said
    clips = LabelledClips.from_tables(table, pd.Series([row[0] for row in rows], index=ids))
    lights = pd.Series({i: row[3] for i, row in zip(ids, rows, strict=True)}, dtype=object).dropna()
    return evaluate_light(clips, lights, n_boot=n_boot)


@pytest.mark.parametrize("multi", [False, True])
def test_both_lights_are_judged_over_the_labels_and_clips_that_both_have(multi):
    found = light_figures(ROWS, multi=multi)
    assert found.shared == ("leopard", "empty") and found.n_unknown == 1
    # by night: one of two leopards, and empty said twice for one: F1 2/3 and 2/3; the deer has no part by day
    assert found.macro_f1[INFRARED].value == pytest.approx(2 / 3) and found.macro_f1[COLOUR].value == 1
    assert found.gap.value == pytest.approx(-1 / 3)
    assert found.counts.to_dict("index") == {
        INFRARED: {"n_clips": 3, "n_sites": 2},
        COLOUR: {"n_clips": 3, "n_sites": 2},
    }
    assert found.outcomes.loc[(INFRARED, "leopard")].tolist() == [2, 1, 1]
    assert found.outcomes.loc[(COLOUR, "deer")].tolist() == [1, 0, 0] and len(found.outcomes) == 5
    assert found.sentences == [
        "Macro-F1 by infrared light minus that in colour, over leopard, empty: -0.33",
        "Clips of unknown light, which are left out here: 1",
    ]


def test_the_table_for_people_has_words_where_there_is_no_clip():
    rows = {row.pop(""): list(row.values()) for row in light_figures(ROWS).list_rows()}
    assert rows == {
        "clips (sites)": ["3 (2)", "3 (2)"],
        "macro-F1, labels of both": ["0.67", "1.00"],
        "leopard: named right": ["1 of 2, 1 lost", "1 of 1, 0 lost"],
        "deer: named right": ["no clip", "0 of 1, 0 lost"],
        "empty: archived": ["1 of 1", "1 of 1"],
    }
    few = light_figures(ROWS).list_rows(most=1)
    assert [row[""] for row in few[2:]] == ["leopard: named right"], "the most frequent label"


def test_a_clip_with_an_alert_is_not_lost():
    assert light_figures(ROWS, alert=[1]).outcomes.loc[(INFRARED, "leopard"), "n_archived"] == 0


def test_clips_of_one_light_and_lights_without_a_label_in_common_are_not_compared():
    one = light_figures(ROWS[:3])
    assert one.sentences == ["All clips were taken by infrared light: the figures say nothing of clips in colour"]
    assert list(one.list_rows()[0]) == ["", INFRARED] and not one.macro_f1 and one.to_dict()["gap"]["value"] is None
    apart = light_figures([ROWS[0], ROWS[4]])
    assert apart.sentences == [
        "Fewer than two labels have clips of both lights, so night and day cannot be compared"
    ]
    assert "macro-F1, labels of both" not in [row[""] for row in apart.list_rows()]


def test_without_a_light_there_is_one_sentence_and_no_table():
    none = light_figures([(*row[:3], None) for row in ROWS])
    assert none.sentences == [NO_LIGHT] and none.list_rows() == [] and none.outcomes.empty
    assert none.to_dict() == {
        "shared_labels": [],
        "gap": {"value": None, "low": None, "high": None},
        "n_unknown": 7,
        "says": [NO_LIGHT],
    }


def test_the_interval_of_the_gap_is_made_of_those_of_both_figures():
    # at every site one of two leopards is lost by night and none by day
    rows = [(*row[:2], f"s{i}", row[3]) for i in range(12) for row in (*ROWS[:4], ROWS[5])]
    found = light_figures(rows, n_boot=200)
    night, day = found.macro_f1[INFRARED], found.macro_f1[COLOUR]
    assert night.low < 2 / 3 < night.high and day.low < 1 == day.high
    assert found.gap.low == pytest.approx(-1 / 3 - (2 / 3 - night.low))  # by day there is nothing above 1
    up = ((night.high - 2 / 3) ** 2 + (1 - day.low) ** 2) ** 0.5
    assert found.gap.high == pytest.approx(-1 / 3 + up)


def test_of_one_site_by_day_no_interval_is_known():
    rows = [(*row[:2], f"s{i}", row[3]) for i in range(12) for row in ROWS[:3]] + [ROWS[3], ROWS[5]]
    rows[-1] = ("empty", "empty", "a", COLOUR)
    found = light_figures(rows, n_boot=200)
    assert found.macro_f1[INFRARED].low is not None and found.macro_f1[COLOUR].low is None
    assert found.gap.value == pytest.approx(-1 / 3) and found.gap.low is None
