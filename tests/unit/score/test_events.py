"""Clips to events: boundaries, the rules, and what is never outvoted; all by hand."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leopardnet.core.errors import ConfigError
from leopardnet.score.events import event_ids, event_truth, independent_records, join_events

LABELS = ("leopard", "tiger", "empty")


def clips_at(*minutes, site="s"):
    at = pd.Timestamp("2021-07-01") + pd.to_timedelta(list(minutes), unit="min")
    return pd.DataFrame({"clip_id": [f"{site}{m}" for m in minutes], "site": site, "captured_at": at})


def said(*rows):
    """(minute, decision, rule, score, alert, (leopard, tiger, empty) or None)"""
    table = clips_at(*[r[0] for r in rows])
    table = table.assign(decision=[r[1] for r in rows], rule=[r[2] for r in rows], score=[r[3] for r in rows])
    table["alert"] = pd.Series([r[4] for r in rows], dtype=object)
    p = np.array([[np.nan] * 3 if r[5] is None else r[5] for r in rows], float).reshape(-1, 3)
    return table.assign(**{f"p_{x}": p[:, i] for i, x in enumerate(LABELS)})


def test_a_gap_of_the_interval_begins_an_event_and_a_shorter_one_does_not():
    clips = clips_at(0, 29.9, 59.9, 89)
    assert event_ids(clips).tolist() == ["s0", "s0", "s59.9", "s59.9"]
    assert event_ids(clips, gap_minutes=60).nunique() == 1 and event_ids(clips, gap_minutes=1).nunique() == 4


def test_a_chain_is_one_event_and_fixed_bounds_cut_it():
    clips = clips_at(0, 20, 40, 60, 80)
    assert event_ids(clips).tolist() == ["s0"] * 5
    assert event_ids(clips, mode="fixed").tolist() == ["s0", "s0", "s40", "s40", "s80"]


def test_sites_are_apart_and_the_order_of_rows_has_no_say():
    both = pd.concat([clips_at(0, 10), clips_at(5, 15, site="t")], ignore_index=True)
    assert event_ids(both).tolist() == ["s0", "s0", "t5", "t5"]
    mixed = both.sample(frac=1, random_state=1)
    assert event_ids(mixed).loc[both.index].tolist() == ["s0", "s0", "t5", "t5"]


def test_a_clip_without_time_or_site_stands_alone():
    clips = clips_at(0, 1, 2, 3)
    clips.loc[1, "captured_at"] = pd.NaT
    clips.loc[2, "site"] = None
    assert event_ids(clips).tolist() == ["s0", "s1", "s2", "s0"]
    assert event_ids(clips.iloc[:0]).tolist() == []
    assert event_ids(clips.iloc[1:3]).tolist() == ["s1", "s2"], "none of known time and place"


@given(st.lists(st.integers(0, 300), min_size=1, max_size=25, unique=True), st.integers(1, 60))
def test_chained_events_are_apart_and_never_more_than_fixed_ones(minutes, gap):
    clips = clips_at(*sorted(minutes))
    chained, fixed = event_ids(clips, gap_minutes=gap), event_ids(clips, gap_minutes=gap, mode="fixed")
    assert chained.nunique() <= fixed.nunique()
    at = pd.Series(sorted(minutes))
    new = chained.to_numpy()[1:] != chained.to_numpy()[:-1]
    assert (at.diff().iloc[1:].ge(gap).to_numpy() == new).all()
    assert at.groupby(fixed.to_numpy()).agg(lambda m: m.max() - m.min()).lt(gap).all()


@pytest.mark.parametrize(("options", "found"), [({"gap_minutes": 0}, 0), ({"mode": "loose"}, "loose")])
def test_bounds_that_mean_nothing_are_refused(options, found):
    with pytest.raises(ConfigError) as caught:
        event_ids(clips_at(0), **options)
    assert caught.value.parts["found"] == found


def test_one_leopard_among_four_tigers_stays_a_leopard():
    """The usual smoothing makes five tigers of one leopard at 0.99 among four tigers at 0.60."""
    tiger = ("tiger", "species", 0.6, "tiger", (0.1, 0.6, 0.3))
    table = said(
        (0, *tiger),
        (1, *tiger),
        (2, "leopard", "species", 0.99, "leopard", (0.99, 0.0, 0.01)),
        (3, *tiger),
        (4, *tiger),
    )
    (event,) = join_events(table).to_dict("records")
    assert json.loads(event["seen"]) == ["leopard", "tiger"] and event["alert"] == "leopard"
    assert (event["decision"], event["rule"], event["score"]) == ("animal", "rolled_up", 0.99)
    assert event["n_clips"] == 5 and event["p_leopard"] > 0.25


EMPTY = ("empty", "empty", 0.9, None, (0.05, 0.05, 0.9))
UNSURE = ("unsure", "abstained", 0.7, "leopard", (0.2, 0.1, 0.7))
BROKEN = ("unreadable", "none", np.nan, None, None)
TIGER = ("tiger", "species", 0.8, "tiger", (0.1, 0.8, 0.1))
ANIMAL = ("animal", "rolled_up", 0.6, None, (0.3, 0.3, 0.4))
CAT = ("cat", "rolled_up", 0.7, None, (0.4, 0.3, 0.3))


@pytest.mark.parametrize(
    ("clips", "decision", "rule", "seen"),
    [
        ([EMPTY], "empty", "empty", []),
        ([EMPTY, EMPTY], "empty", "empty", []),
        ([EMPTY, EMPTY, EMPTY, TIGER], "tiger", "species", ["tiger"]),
        ([TIGER, ANIMAL], "tiger", "species", ["tiger"]),
        ([EMPTY, ANIMAL], "animal", "rolled_up", []),
        ([CAT, EMPTY, CAT], "cat", "rolled_up", []),
        ([CAT, ANIMAL], "animal", "rolled_up", []),
        ([EMPTY, UNSURE], "unsure", "abstained", []),
        ([UNSURE, BROKEN], "unsure", "abstained", []),
        ([EMPTY, BROKEN], "unsure", "abstained", []),  # what could not be read may hold the leopard
        ([BROKEN, BROKEN], "unreadable", "none", []),
    ],
)
def test_rules_of_an_event(clips, decision, rule, seen):
    (event,) = join_events(said(*[(i, *clip) for i, clip in enumerate(clips)])).to_dict("records")
    assert (event["decision"], event["rule"], json.loads(event["seen"])) == (decision, rule, seen)
    assert event["n_clips"] == len(clips) and len(json.loads(event["clip_ids"])) == len(clips)


def test_an_event_of_one_clip_says_what_the_clip_says():
    (event,) = join_events(said((0, *UNSURE))).to_dict("records")
    assert [event[f"p_{x}"] for x in LABELS] == pytest.approx([0.2, 0.1, 0.7], abs=1e-6)
    assert (event["alert"], event["score"], event["start"]) == ("leopard", 0.7, pd.Timestamp("2021-07-01"))
    assert np.isnan(join_events(said((0, *BROKEN)))["p_leopard"].iloc[0])
    assert join_events(said()).empty and "p_tiger" in join_events(said()).columns


def test_a_suspected_leopard_is_not_hidden_by_a_sure_tiger():
    (event,) = join_events(said((0, *TIGER), (1, *UNSURE))).to_dict("records")
    assert (event["decision"], event["alert"], event["alerts"]) == ("tiger", "leopard", "leopard + tiger")


def test_an_event_has_the_alerts_of_all_its_clips_and_no_clip_hides_one():
    both = said((0, *TIGER), (1, *UNSURE), (2, *EMPTY)).assign(alerts=["tiger + leopard", "leopard", None])
    (event,) = join_events(both).to_dict("records")
    assert (event["alert"], event["alerts"]) == ("leopard", "leopard + tiger"), "first what the event is not"
    (none,) = join_events(both[2:]).to_dict("records")
    assert none["alert"] is None and none["alerts"] is None


@given(st.data())
def test_an_event_among_many_is_what_it_is_alone(data):
    """Events are made all at once, and none may touch another."""
    kinds = st.sampled_from([EMPTY, UNSURE, BROKEN, TIGER, ANIMAL, CAT])
    minutes = sorted(data.draw(st.lists(st.integers(0, 200), max_size=12, unique=True)))
    table = said(*[(minute, *data.draw(kinds)) for minute in minutes])
    joined = join_events(table)
    assert sum(joined["n_clips"]) == len(table)
    for i, ids in enumerate(joined["clip_ids"]):
        alone = join_events(table[table["clip_id"].isin(json.loads(ids))])
        assert alone.to_csv() == joined.iloc[[i]].reset_index(drop=True).to_csv()


def test_truth_of_events():
    clips = pd.DataFrame({"clip_id": list("abcdefgh"), "event_id": list("11223344")})
    truth = pd.Series({"a": "empty", "b": "empty", "c": "tiger", "d": "leopard", "e": "tiger", "g": "empty"})
    assert event_truth(clips, truth).fillna("?").to_dict() == {"1": "empty", "2": "?", "3": "tiger", "4": "?"}


def test_independent_records_count_each_animal_by_its_own_events():
    clips = pd.concat([clips_at(0, 10, 20, 45, 90), clips_at(0, site="t")], ignore_index=True)
    labels = pd.Series(
        {"s0": "tiger", "s10": "leopard", "s20": "tiger", "s45": "leopard", "s90": "empty", "t0": "tiger"}
    )
    # tiger at 0 and 20 is one; leopard at 10 and 45, 35 minutes apart, are two
    counts = independent_records(clips, labels).set_index(["site", "label"])["n"].to_dict()
    assert counts == {("s", "tiger"): 1, ("s", "leopard"): 2, ("t", "tiger"): 1}
    assert independent_records(clips, pd.Series({"s0": "unsure", "s10": "empty"})).empty


# --- independent labels ---


def named(*rows):
    """(minute, decision, rule, labels, score, alert, (leopard, tiger, empty))"""
    return said(*[(r[0], r[1], r[2], r[4], r[5], r[6]) for r in rows]).assign(labels=[r[3] for r in rows])


def test_an_event_of_independent_labels_is_of_all_its_animals():
    table = named(
        (0, "tiger", "species", "leopard + tiger", 0.9, "leopard", (0.6, 0.9, 0.02)),
        (5, "leopard", "species", "leopard", 0.7, "leopard", (0.7, 0.1, 0.1)),
        (9, "empty", "empty", "empty", 0.9, None, (0.05, 0.05, 0.9)),
    )
    event = join_events(table).iloc[0]
    assert (event["decision"], event["rule"], event["labels"]) == ("tiger", "species", "leopard + tiger")
    assert json.loads(event["seen"]) == ["tiger", "leopard"] and event["alert"] == "leopard"
    # of three clips one is a quarter: each label is as likely as in its best clip, empty as in its least empty one
    assert [event[f"p_{x}"] for x in LABELS] == pytest.approx([0.7, 0.9, 0.02], abs=1e-6)
    alone = join_events(table.iloc[2:]).iloc[0]
    assert (alone["decision"], alone["labels"]) == ("empty", "empty")
    assert join_events(table[:0]).columns[12] == "labels"


def test_the_truth_of_an_event_of_independent_labels_needs_every_clip():
    clips = pd.DataFrame({"clip_id": list("abcdef"), "event_id": list("aaccee")})
    truth = pd.Series({"a": "tiger + leopard", "b": "empty", "c": "tiger", "e": "empty", "f": "empty"})
    found = event_truth(clips, truth, multi=True).fillna("?")
    assert found.to_dict() == {"a": "leopard + tiger", "c": "?", "e": "empty"}


def test_records_count_every_species_of_a_clip():
    clips = clips_at(0, 10, 100)
    labels = pd.Series(["leopard + tiger", "tiger", "tiger"], index=clips["clip_id"])
    assert independent_records(clips, labels).set_index("label")["n"].to_dict() == {"leopard": 1, "tiger": 2}
