"""The order of review, verdicts and mistakes, on a handful of clips."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.metrics.comparison.review_order import mistakes, review_order, verdicts

RULES = {"empty": "empty", "animal": "rolled_up", "unsure": "abstained", "unreadable": "none"}


def clips(*rows):
    """clip_id, p_leopard, p_tiger, p_empty, decision, alert; nan: could not be read."""
    table = pd.DataFrame(rows, columns=["clip_id", "p_leopard", "p_tiger", "p_empty", "decision", "alert"])
    probs = table[["p_leopard", "p_tiger", "p_empty"]].astype(float)
    return table.assign(
        rule=table["decision"].map(RULES).fillna("species"),
        score=probs.max(axis=1),
        status=np.where(probs.isna().any(axis=1), "unreadable", "ok"),
    )


def test_suspected_targets_come_first_then_unreadable_clips_and_the_surest_of_the_rest_last():
    table = clips(
        ("sure", 0.0, 0.0, 1.0, "empty", None),
        ("weak", 0.2, 0.0, 0.8, "unsure", "leopard"),
        ("broken", np.nan, np.nan, np.nan, "unreadable", None),
        ("strong", 0.1, 0.9, 0.0, "tiger", "tiger"),
        ("torn", 0.0, 0.5, 0.5, "unsure", None),
    )
    assert review_order(table)["clip_id"].tolist() == ["strong", "weak", "broken", "torn", "sure"]
    assert len(review_order(table.iloc[:0])) == 0


def test_equal_clips_keep_their_order_whatever_the_last_bit_says():
    p = 0.1 + 0.2  # a little more than 0.3
    table = clips(("a", p, 0.1, 0.6, "unsure", "leopard"), ("b", 0.3, 0.1, 0.6, "unsure", "leopard"))
    assert review_order(table)["clip_id"].tolist() == ["a", "b"]
    assert review_order(table.iloc[::-1])["clip_id"].tolist() == ["b", "a"]


def test_clips_whose_probabilities_round_to_one_are_ordered_by_what_is_left_of_the_others():
    table = clips(
        ("suspect", 1.0, 1e-12, 0.0, "leopard", "leopard"),
        ("surer suspect", 1.0, 1e-20, 0.0, "leopard", "leopard"),
        ("surest", 0.0, 1e-30, 1.0, "empty", None),
        ("sure", 1e-9, 0.0, 1.0, "empty", None),
    )
    assert review_order(table)["clip_id"].tolist() == ["surer suspect", "suspect", "sure", "surest"]


def test_a_lost_animal_is_the_worst_mistake_then_the_surest_comes_first():
    table = clips(
        ("a", 0.6, 0.4, 0.0, "leopard", "leopard"),
        ("b", 0.0, 0.3, 0.7, "empty", None),
        ("c", 0.1, 0.8, 0.1, "tiger", None),
        ("d", 0.4, 0.4, 0.2, "animal", None),
        ("e", 0.9, 0.0, 0.1, "leopard", "leopard"),
        ("f", 0.0, 0.1, 0.9, "empty", None),
    )
    truth = pd.Series({"a": "tiger", "b": "tiger", "c": "tiger", "d": "empty", "e": "empty", "f": "wolf"})
    assert verdicts(table, truth).tolist() == ["wrong", "wrong", "right", "open", "wrong", "wrong"]
    wrong = mistakes(table, truth)
    assert wrong["clip_id"].tolist() == ["f", "b", "e", "a"]
    assert wrong["truth"].tolist() == ["wolf", "tiger", "empty", "tiger"]
    assert wrong["p_true"].tolist() == pytest.approx(
        [np.nan, 0.3, 0.1, 0.4], nan_ok=True
    )  # no model knows wolves here
    assert mistakes(table, truth.iloc[:0]).empty


def test_a_group_of_animals_is_no_mistake_even_where_a_label_has_its_name():
    table = clips(("a", 0.4, 0.4, 0.2, "tiger", None)).assign(rule="rolled_up")
    assert verdicts(table, pd.Series({"a": "leopard"})).tolist() == ["open"]
