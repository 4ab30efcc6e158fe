"""Names of events by the number of clips: false ones grow with the length."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.metrics.comparison.event_lengths import measure_lengths
from leopardnet.score.events import join_events


def clips_of(events):
    """Clips a minute apart: per event a site and (decision, truth) of each clip."""
    rows = []
    for i, (site, clips) in enumerate(events):
        for j, (decision, truth) in enumerate(clips):
            at = pd.Timestamp("2021-07-01") + pd.Timedelta(days=i, minutes=j)
            rule = {"empty": "empty", "unsure": "abstained", "animal": "rolled_up"}.get(decision, "species")
            rows.append((f"{i}-{j}", site, at, decision, rule, 0.9, None, 0.5, 0.5, truth))
    columns = [
        "clip_id",
        "site",
        "captured_at",
        "decision",
        "rule",
        "score",
        "alert",
        "p_tiger",
        "p_empty",
        "truth",
    ]
    table = pd.DataFrame(rows, columns=columns)
    return table.drop(columns="truth"), table.set_index("clip_id")["truth"]


def measure(events):
    clips, truth = clips_of(events)
    return measure_lengths(join_events(clips), truth, n_boot=100, seed=7)


def test_names_and_false_events_are_counted_by_length():
    tiger, nothing, wrong = ("tiger", "tiger"), ("empty", "empty"), ("tiger", "empty")
    found = measure(
        [
            ("a", [tiger]),
            ("a", [wrong]),
            ("b", [tiger, nothing]),  # named, and rightly
            ("b", [nothing, nothing, ("animal", "empty")]),  # no name, but said to hold an animal
            ("b", [wrong] + [nothing] * 11),
            ("a", [nothing] * 12),
            ("a", [tiger, ("empty", None)]),  # nobody knows what the second clip shows
        ]
    )
    assert found.index.tolist() == ["1", "2-3", "over 10"]
    assert found["n_events"].tolist() == [2, 2, 2] and found["n_names"].tolist() == [2, 1, 1]
    assert found["right"].tolist() == [0.5, 1.0, 0.0] and found["n_empty"].tolist() == [1, 1, 2]
    assert found["false"].tolist() == [1.0, 1.0, 0.5]


def test_two_animals_of_one_event_are_two_names():
    found = measure([("a", [("tiger", "tiger"), ("deer", "tiger")]), ("b", [("tiger", "deer"), ("deer", "tiger")])])
    assert found.loc["2-3", ["n_events", "n_names", "right"]].tolist() == [2, 4, 0.75]


def test_two_percent_of_false_clips_are_many_false_events_if_they_are_long():
    """1 - 0.98³ = 6 % of three clips, 1 - 0.98³⁰ = 45 % of thirty; the intervals hold both."""
    rng = np.random.default_rng(0)
    events = []
    for n, length in ((400, 3), (200, 30)):
        for i in range(n):
            said = np.where(rng.random(length) < 0.02, "tiger", "empty")
            events.append((f"s{i % 20}", [(x, "empty") for x in said]))
    found = measure(events)
    for length, share in (("2-3", 1 - 0.98**3), ("over 10", 1 - 0.98**30)):
        row = found.loc[length]
        assert row["false_low"] < share < row["false_high"] and row["false"] == pytest.approx(share, abs=0.06)
        assert row["right"] == 0.0


def test_no_event_is_no_row():
    clips, truth = clips_of([("a", [("tiger", None)])])
    assert len(measure_lengths(join_events(clips), truth, n_boot=10, seed=7)) == 0
