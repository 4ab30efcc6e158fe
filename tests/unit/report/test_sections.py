"""The content of the sections: which clips come first, which mistakes are shown."""

from dataclasses import replace

import numpy as np
import pandas as pd

from leopardnet.pages.palette import label_styles
from leopardnet.pages.table_rows import flatten_facts
from leopardnet.report.same_spots import group_same_spots
from leopardnet.report.sections import choose_review, make_mistake_cards, summarise_run

BROKEN = ("x", np.nan, np.nan, np.nan, "unreadable", None)


def test_suspected_targets_uncertain_and_unreadable_clips_are_chosen_for_review(clips, styles):
    table = clips(
        ("sure", 0.0, 0.0, 1.0, "empty", None),
        ("weak", 0.2, 0.0, 0.8, "unsure", "leopard"),
        BROKEN,
        ("strong", 0.1, 0.9, 0.0, "tiger", "tiger"),
        ("torn", 0.0, 0.5, 0.5, "unsure", None),
    )
    review = choose_review(table, styles)
    assert [c.clip_id for c in review.alerts] == ["strong", "weak"] and review.n_alerts == 2
    assert [c.clip_id for c in review.unsure] == ["torn"]  # 1.0 is certain
    assert [c.path for c in review.unreadable] == ["x.avi"]
    assert choose_review(table, styles, hidden={"torn", "strong"}).unsure == []
    assert len(choose_review(table, styles, hidden={"strong"}).alerts) == 2
    assert choose_review(table.iloc[:0], styles).n_unsure == 0


def test_every_suspected_target_is_counted_and_on_the_card(clips, styles):
    table = clips(
        ("both", 0.3, 0.6, 0.1, "tiger", "tiger"),
        ("one", 0.2, 0.0, 0.8, "unsure", "leopard"),
        ("none", 0.0, 0.0, 1.0, "empty", None),
    ).assign(alerts=["tiger + leopard", "leopard", None])
    table = table.assign(captured_at=pd.NaT)
    summary = summarise_run(table, styles)
    assert summary.n_alerts == 2 and summary.alerts == {"leopard": 2, "tiger": 1}
    assert [c.alerts for c in choose_review(table, styles).alerts] == [
        [("tiger", 0.6), ("leopard", 0.3)],
        [("leopard", 0.2)],
    ]


def test_a_lost_animal_is_the_worst_mistake(clips, styles):
    table = clips(
        ("a", 0.9, 0.1, 0.0, "leopard", "leopard"),
        ("b", 0.0, 0.3, 0.7, "empty", None),
        ("c", 0.1, 0.8, 0.1, "tiger", None),
        ("d", 0.4, 0.4, 0.2, "animal", None),
    )
    truth = pd.Series({"a": "tiger", "b": "tiger", "c": "tiger", "d": "empty"})
    cards = make_mistake_cards(table, truth, styles)
    assert [(c.clip_id, c.truth) for c in cards] == [("b", "tiger"), ("a", "tiger")]
    assert make_mistake_cards(table, None, styles) == []


def test_nested_facts_become_rows():
    assert flatten_facts({"a": [{"b": 1}, {"b": None}], "c": ()}) == [("a 1.b", "1"), ("a 2.b", ""), ("c", "")]


def test_a_card_of_independent_labels_has_a_bar_for_each_and_the_least_certain_come_first(clips, styles):
    table = clips(
        ("sure", 0.97, 0.96, 0.01, "leopard", None), ("doubtful", 0.98, 0.55, 0.01, "leopard", None)
    ).assign(labels="leopard + tiger")
    cards = choose_review(table, styles).unsure
    assert [card.clip_id for card in cards] == ["doubtful"], "of the other clip the least certain label has 0.96"
    assert cards[0].is_multi and [p for _, p in cards[0].probs] == [0.98, 0.55, 0.01]


def test_days_are_of_the_clips_that_have_a_time_and_a_model_without_leopards_suspects_none(clips, styles):
    table = clips(("a", 0.1, 0.8, 0.1, "tiger", None), ("b", 0.0, 0.1, 0.9, "empty", None))
    table = table.assign(captured_at=[pd.Timestamp("2025-11-12 04:00"), pd.NaT], alerts=None)
    found = summarise_run(table, styles)
    assert (found.n_dated, str(found.first_day), str(found.last_day)) == (1, "2025-11-12", "2025-11-12")
    assert found.blind == ""
    tigers = label_styles(("tiger", "empty"), None)
    assert summarise_run(table.drop(columns="p_leopard"), tigers).blind == "this model has no label leopard"
    of_tigers = [replace(s, is_target=s.name == "tiger") for s in tigers]
    assert summarise_run(table.drop(columns="p_leopard"), of_tigers).blind == "", "it looks for tigers"


def test_the_same_box_at_one_camera_is_one_look(clips, styles):
    table = clips(*[(f"c{i}", 0.6 - i / 100, 0.2, 0.2, "leopard", "leopard") for i in range(9)])
    times = pd.date_range("2024-05-01", periods=9, freq="2h")
    table = table.assign(site=["s"] * 8 + ["t"], captured_at=times)
    stump, other = [0.2, 0.3, 0.5, 0.7, 0.9], [0.6, 0.1, 0.9, 0.4, 0.9]
    boxes = {f"c{i}": [stump] for i in (0, 1, 2, 3, 4, 5, 8)} | {"c6": [other], "c7": []}
    spots = group_same_spots(table, boxes)
    assert set(spots) == {f"c{i}" for i in range(6)}  # that at another site, and another box, stand alone
    found = choose_review(table, styles, spots=spots)
    assert [(card.clip_id, card.n_same) for card in found.alerts] == [("c0", 6), ("c6", 0), ("c7", 0), ("c8", 0)]
    assert found.n_alerts == 9, "what is counted stays"
    few = group_same_spots(table, {f"c{i}": [stump] for i in range(5)})
    once = group_same_spots(table.assign(captured_at=times[0]), boxes)
    nowhere = group_same_spots(table.assign(site=None), boxes)
    assert few == once == nowhere == group_same_spots(table, {}) == {}
