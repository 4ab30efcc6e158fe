"""Names kept and names taken, counted by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import Label, LabelSet
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.metrics.guarantees.naming_threshold import find_naming_threshold
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.decide import decide

LABELS = ("leopard", "tiger", "empty")
SET = LabelSet(tuple(Label(x) for x in LABELS))


def labelled(p, truth):
    """Clips of one site with these probabilities and true labels, of which the boar was not taught."""
    y = np.array([[*LABELS, "boar", None].index(x) for x in truth], np.int64)
    clips = LabelledClips.from_arrays(LABELS, p, np.where(y < 4, y, -1), np.zeros(len(y), np.int64))
    return replace(clips, outside=("boar",))


def clips(*rows):
    """(share of the likeliest, which is a leopard; true label): a tenth of the probability is left to empty."""
    p = np.array([[0.9 * share, 0.9 * (1 - share), 0.1] for share, _ in rows])
    return labelled(p, [label for _, label in rows])


def test_each_known_animal_keeps_its_share_of_names():
    """Ten leopards of 0.60 to 0.96, and a tiger called leopard: at 0.8 two leopards may go; the cut is 0.68."""
    rows = [(0.60 + 0.04 * i, "leopard") for i in range(10)] + [
        (0.9, "tiger"),
        (0.65, "boar"),
        (0.95, "boar"),
        (0.99, None),
    ]
    found = find_naming_threshold(clips(*rows), keep=0.8, species=0.5)
    assert found.among == pytest.approx(0.68)
    assert found.counts.loc["leopard", ["n", "before", "after"]].tolist() == [10, 10, 8]
    assert (
        found.counts.loc["boar", ["n", "before", "after"]].tolist() == [2, 2, 1]
        and found.counts.loc["boar", "is_stranger"]
    )
    assert "strangers named: 2 of 2 before, 1 after" in repr(found)
    assert "known animals correctly named: 10 of 11 before, 8 after" in repr(found)


def test_a_label_of_few_clips_keeps_all_its_names():
    found = find_naming_threshold(clips((0.9, "leopard"), (0.7, "leopard"), (0.6, "boar")), keep=0.95, species=0.5)
    assert found.among == pytest.approx(0.7) and found.counts["after"].to_dict() == {"leopard": 2, "boar": 0}


def test_what_had_no_name_has_no_part():
    """0.9 times 0.5 is no name at 0.5, whatever its share; empty and unreadable clips neither."""
    some = clips((0.5, "leopard"), (0.8, "leopard"), (0.55, "empty"), (0.9, "tiger"))
    some.probs[3] = np.nan
    found = find_naming_threshold(some, keep=1.0, species=0.5)
    assert found.among == pytest.approx(0.8)
    assert found.counts.loc["leopard", ["n", "before", "after"]].tolist() == [2, 1, 1] and len(found.counts) == 1
    nothing = find_naming_threshold(some.select(np.zeros(4, bool)), keep=1.0, species=0.5)
    assert nothing.among == 0.0 and nothing.counts.empty and "\n" not in repr(nothing)


ALMOST = np.full((12, 3), 3 / 256)  # two leopards whose shares differ only behind the digits of float32
ALMOST[:2, 0], ALMOST[0, 2] = 1.0, 1.0
EQUAL = np.tile([1.0, 1.0 + 2e-7, 0.01], (12, 1))  # leopard and tiger are equal to six decimals: the first is taken


@example(ALMOST, 0.5)
@example(EQUAL, 0.5)
@given(arrays(np.float64, (12, 3), elements=st.floats(0.01, 1)), st.sampled_from([0.5, 0.8, 0.95, 1.0]))
def test_decisions_under_the_share_keep_what_was_promised(values, keep):
    p = (values / values.sum(axis=1, keepdims=True)).astype(np.float32)
    truth = pd.Series(["leopard"] * 6 + ["tiger"] * 4 + ["boar"] * 2)
    found = find_naming_threshold(labelled(p.astype(np.float64), truth), keep=keep, species=0.4)
    for among, column in ((0.0, "before"), (found.among, "after")):
        said = pd.Series([decide(x, SET, DecideConfig(species=0.4, among=among)).label for x in p])
        named = said.isin(["leopard", "tiger"]) & ((said == truth) | (truth == "boar"))
        assert named.groupby(truth).sum().to_dict() == found.counts[column].to_dict()
    known = found.counts[~found.counts["is_stranger"]]
    assert (known["after"] >= np.ceil(keep * known["before"] - 1e-6)).all()


def test_a_wrong_name_is_nothing_to_keep():
    """A leopard that is surely called a tiger does not lower the share that leopards need."""
    found = find_naming_threshold(clips((0.9, "leopard"), (0.8, "tiger")), keep=1.0, species=0.5)
    assert found.among == pytest.approx(0.9)
    assert found.counts.loc["tiger", ["n", "before", "after"]].tolist() == [1, 0, 0]


@pytest.mark.parametrize("keep", [0.0, -0.5, 1.5, float("nan")])
def test_a_share_that_is_none_is_refused(keep):
    with pytest.raises(ConfigError, match="not a share of names"):
        find_naming_threshold(clips((0.9, "leopard")), keep=keep, species=0.5)


def test_the_smallest_share_leaves_one_name():
    found = find_naming_threshold(clips((0.9, "leopard"), (0.8, "leopard")), keep=1e-12, species=0.5)
    assert found.among == pytest.approx(0.9) and found.counts.loc["leopard", "after"] == 1
