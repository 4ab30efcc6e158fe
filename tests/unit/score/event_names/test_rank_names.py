"""Names of events in one table: their order and their texts, by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from leopardnet.score.event_names.rank_names import join_as_json, join_names, rank_names, split_cells, take_first


def names_of(*rows):
    return pd.DataFrame(list(rows), columns=["event", "name"]).astype({"event": int})


def test_a_name_counts_once_with_its_highest_score_and_equal_ones_stay_in_order():
    names = pd.Series(["deer", "tiger", "deer", "fox", "bear"])
    ranked = rank_names(np.array([1, 1, 1, 1, 0]), names, np.array([0.2, 0.70001, 0.7, 0.9, 0.1]))
    assert ranked["name"].tolist() == ["bear", "fox", "tiger", "deer"] and ranked["event"].tolist() == [0, 1, 1, 1]
    rounded = rank_names(np.array([1, 1, 1]), names[:3], np.array([0.2, 0.70001, 0.7]), n_digits=2)
    assert rounded["name"].tolist() == ["deer", "tiger"] and rounded["score"].tolist() == [0.7, 0.70001]


@pytest.mark.parametrize("n", [0, 3])
def test_events_without_a_name_have_an_empty_list_and_no_text(n):
    nothing = names_of()
    assert join_names(nothing, n).tolist() == [None] * n and join_as_json(nothing, n).tolist() == ["[]"] * n
    assert take_first(nothing, n).tolist() == [None] * n
    assert len(rank_names(np.zeros(0, np.int64), pd.Series([], dtype=object), np.zeros(0))) == 0


def test_names_are_joined_in_their_order_and_json_holds_any_text():
    names = names_of((1, 'q"\\'), (1, "рысь"), (3, "a, b"))
    assert join_names(names, 4).tolist() == [None, 'q"\\ + рысь', None, "a, b"]
    texts = [['q"\\', "рысь"], ["a, b"]]
    assert [json.loads(x) for x in join_as_json(names, 4)] == [[], texts[0], [], texts[1]]
    assert join_as_json(names, 4)[1] == json.dumps(texts[0]), "the form of json.dumps"
    assert take_first(names, 4).tolist() == [None, 'q"\\', None, "a, b"]


def test_cells_are_split_and_missing_ones_have_no_row():
    found = split_cells(pd.Series(["tiger + deer", None, "deer", "", "tiger + tiger"], dtype=object))
    assert list(zip(found.index, found, strict=True)) == [(0, "tiger"), (0, "deer"), (2, "deer"), (4, "tiger")]
    assert len(split_cells(pd.Series([None, None], dtype=object))) == 0
