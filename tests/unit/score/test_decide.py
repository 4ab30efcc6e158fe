"""The rules of a decision, as a table, and the one promise: a suspected target is never called empty."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leopardnet.core.labels import Label, LabelSet
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.score.decide import RULES, decide, find_alerts, name_all

AMUR = LabelSet((Label("leopard"), Label("tiger"), Label("sika"), Label("empty")), targets=("leopard", "tiger"))
CATS = LabelSet(
    (Label("leopard", parent="cat"), Label("tiger", parent="cat"), Label("sika"), Label("empty")),
    targets=("leopard",),
)
PLAIN = DecideConfig(empty=0.8, species=0.5, animal=0.5, alert=0.1)


def p(*values):
    return np.array(values, np.float32)


@pytest.mark.parametrize(
    ("probs", "label", "score", "rule", "suspected"),
    [
        # leopard, tiger, sika, empty
        (p(0.90, 0.05, 0.03, 0.02), "leopard", 0.90, "species", "leopard"),
        (
            p(0.50, 0.00, 0.00, 0.50),
            "leopard",
            0.50,
            "species",
            "leopard",
        ),  # a threshold is reached by its own value
        (p(0.02, 0.03, 0.90, 0.05), "sika", 0.90, "species", None),
        (p(0.20, 0.05, 0.70, 0.05), "sika", 0.70, "species", "leopard"),  # named, and still shown to a person
        (p(0.03, 0.03, 0.04, 0.90), "empty", 0.90, "empty", None),
        (p(0.00, 0.00, 0.20, 0.80), "empty", 0.80, "empty", None),
        (p(0.10, 0.00, 0.05, 0.85), "unsure", 0.85, "abstained", "leopard"),  # never lost in the empty ones
        (p(0.09, 0.11, 0.00, 0.80), "unsure", 0.80, "abstained", "tiger"),
        (p(0.09, 0.09, 0.02, 0.80), "empty", 0.80, "empty", None),
        (p(0.30, 0.30, 0.20, 0.20), "animal", 0.80, "rolled_up", "leopard"),  # a tie goes to the first
        (p(0.00, 0.05, 0.45, 0.50), "animal", 0.50, "rolled_up", None),
        (p(0.00, 0.05, 0.35, 0.60), "unsure", 0.60, "abstained", None),
    ],
)
def test_decisions(probs, label, score, rule, suspected):
    decision = decide(probs, AMUR, PLAIN)
    assert (decision.label, decision.rule) == (label, rule)
    assert decision.score == pytest.approx(score, abs=1e-6)
    assert next(iter(find_alerts(probs, AMUR, PLAIN)), None) == suspected


def test_a_target_may_have_a_threshold_of_its_own():
    own = DecideConfig(empty=0.8, species=0.5, animal=0.5, alert=0.1, alerts={"leopard": 0.02})
    rare = p(0.03, 0.05, 0.02, 0.90)
    assert find_alerts(rare, AMUR, own) == ("leopard",) and find_alerts(rare, AMUR, PLAIN) == ()
    assert decide(rare, AMUR, own).label == "unsure" and decide(rare, AMUR, PLAIN).label == "empty"
    assert find_alerts(p(0.03, 0.30, 0.07, 0.60), AMUR, own) == ("tiger", "leopard"), "the likelier first"
    assert find_alerts(p(0.01, 0.05, 0.04, 0.90), AMUR, own) == ()
    lax = DecideConfig(alert=0.1, alerts={"leopard": 0.5})
    assert find_alerts(p(0.4, 0.0, 0.2, 0.4), AMUR, lax) == ()


def test_of_equal_probabilities_with_noise_in_their_last_bit_the_first_label_is_taken():
    more = np.nextafter(np.float32(0.45), 1)
    lax = DecideConfig(species=0.4, among=0.4, alert=0.1)
    assert decide(p(0.45, more, 0.0, 0.1), AMUR, lax).label == decide(p(more, 0.45, 0.0, 0.1), AMUR, lax).label
    assert find_alerts(p(0.45, more, 0.0, 0.1), AMUR, lax) == ("leopard", "tiger")


def test_every_target_above_its_threshold_is_alerted_though_another_is_likelier():
    own = DecideConfig(alerts={"leopard": 0.02})
    assert decide(p(0.30, 0.60, 0.02, 0.08), AMUR, own).label == "tiger"
    assert find_alerts(p(0.30, 0.60, 0.02, 0.08), AMUR, own) == ("tiger", "leopard")
    assert find_alerts(p(0.02, 0.60, 0.30, 0.08), AMUR, own) == ("tiger", "leopard"), "reached at exactly 0.02"
    assert find_alerts(p(0.01, 0.60, 0.31, 0.08), AMUR, own) == ("tiger",)


@pytest.mark.parametrize("multi", [False, True])
def test_a_clip_that_is_empty_to_float32_may_still_be_kept(multi):
    """p_empty is 1 in float32 for both; of the animals one has 1e-9 and one 1e-20."""
    labels = LabelSet(AMUR.labels, multi=multi)
    trace, nothing = p(0, 0, 1e-9, 1), p(0, 0, 1e-20, 1)
    sure = DecideConfig(empty=1.0)
    assert decide(trace, labels, sure).label == decide(nothing, labels, sure).label == "empty"
    kept = DecideConfig(empty=1.0, never_empty=1e-9)
    assert decide(trace, labels, kept).label != "empty" and decide(nothing, labels, kept).label == "empty"
    tenth = DecideConfig(empty=0.8, never_empty=0.1)
    assert decide(p(0.05, 0.03, 0.01, 0.91), AMUR, tenth).label == "empty", "0.09 together"
    assert decide(p(0.05, 0.03, 0.03, 0.89), AMUR, tenth).label != "empty", "0.11 together, none alone"


def test_nothing_decoded_is_unreadable():
    decision = decide(None, AMUR, PLAIN)
    assert (decision.label, decision.rule) == ("unreadable", "none") and math.isnan(decision.score)
    assert find_alerts(None, AMUR, PLAIN) == ()


def test_labels_roll_up_to_their_shared_parent_first():
    assert decide(p(0.4, 0.35, 0.05, 0.2), CATS, PLAIN).label == "cat"
    assert decide(p(0.4, 0.35, 0.05, 0.2), CATS, PLAIN).score == pytest.approx(0.75)
    assert decide(p(0.3, 0.1, 0.4, 0.2), CATS, PLAIN).label == "animal"


def test_without_an_empty_label_nothing_is_empty():
    labels = LabelSet((Label("leopard"), Label("sika")), empty=None, targets=("leopard",))
    assert decide(p(0.05, 0.95), labels, PLAIN).label == "sika"
    assert decide(p(0.5, 0.5), labels, DecideConfig(species=0.9)).rule == "rolled_up"


def test_thresholds_count_at_the_precision_of_the_probabilities():
    # float32(0.7) is 0.69999999, below the float64 0.7
    assert decide(p(0.7, 0.1, 0.1, 0.1), AMUR, DecideConfig(species=0.7)).rule == "species"


@given(
    arrays(np.float32, 4, elements=st.floats(1 / 1024, 1, width=32)),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_a_suspected_target_is_never_called_empty(raw, empty, species, animal, at):
    probs = raw / raw.sum()
    thresholds = DecideConfig(empty=empty, species=species, animal=animal, alert=at)
    decision = decide(probs, AMUR, thresholds)
    suspected = max(probs[0], probs[1]) >= np.float32(at)
    assert not (suspected and decision.label == "empty")
    assert bool(find_alerts(probs, AMUR, thresholds)) == suspected
    assert 0 <= decision.score <= 1 and decision.rule in RULES


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r"4 finite probabilities; got \[2\]"):
        decide(p(0.5, 0.5), AMUR, PLAIN)
    with pytest.raises(ValueError, match="4 finite probabilities"):
        decide(p(np.nan, 0, 0, 1), AMUR, PLAIN)


def test_a_name_may_want_a_share_of_all_animals():
    """0.60 of 0.90 is two thirds: enough for `species`, not for `among`. The suspicion of a leopard stays."""
    probs = p(0.60, 0.20, 0.10, 0.10)
    assert decide(probs, AMUR, DecideConfig(among=2 / 3)).label == "leopard"
    said = decide(probs, AMUR, DecideConfig(among=0.7))
    assert (said.label, said.rule, said.score) == ("animal", "rolled_up", 0.9)
    assert find_alerts(probs, AMUR, DecideConfig(among=0.7)) == ("leopard", "tiger")
    assert decide(p(0, 0, 0, 1), AMUR, DecideConfig(among=0.7)).label == "empty"


# --- independent labels ---

BOTH = LabelSet(AMUR.labels, targets=("leopard", "tiger"), multi=True)


@pytest.mark.parametrize(
    ("probs", "label", "score", "rule", "named", "suspected"),
    [
        # leopard, tiger, sika, empty
        (p(0.90, 0.05, 0.95, 0.02), "sika", 0.95, "species", ("leopard", "sika"), "leopard"),
        (p(0.50, 0.05, 0.49, 0.02), "leopard", 0.50, "species", ("leopard",), "leopard"),
        (p(0.05, 0.05, 0.05, 0.90), "empty", 0.90, "empty", ("empty",), None),
        (p(0.05, 0.05, 0.30, 0.90), "animal", 0.30, "rolled_up", (), None),  # empty is at most 1 - 0.3
        (
            p(0.10, 0.05, 0.05, 0.90),
            "unsure",
            0.90,
            "abstained",
            (),
            "leopard",
        ),  # a suspected target is never empty
        (p(0.05, 0.05, 0.05, 0.30), "animal", 0.70, "rolled_up", (), None),  # something is there: 1 - 0.3
        (p(0.40, 0.40, 0.40, 0.60), "unsure", 0.60, "abstained", (), "leopard"),  # their sum means nothing
    ],
)
def test_independent_labels_are_named_one_by_one(probs, label, score, rule, named, suspected):
    thresholds = PLAIN.model_copy(update={"animal": 0.7 if label == "animal" and score == 0.70 else 0.5})
    if label == "animal" and score == 0.30:
        thresholds = PLAIN.model_copy(update={"animal": 0.3})
    decision = decide(probs, BOTH, thresholds)
    assert (decision.label, decision.rule) == (label, rule) and decision.score == pytest.approx(score, abs=1e-6)
    assert name_all(probs, BOTH, thresholds) == named
    assert next(iter(find_alerts(probs, BOTH, thresholds)), None) == suspected


def test_a_group_of_independent_labels_is_as_likely_as_its_likeliest():
    cats = LabelSet(CATS.labels, targets=("leopard",), multi=True)
    decision = decide(p(0.45, 0.40, 0.05, 0.95), cats, PLAIN.model_copy(update={"animal": 0.45}))
    assert (decision.label, decision.rule) == ("cat", "rolled_up") and decision.score == pytest.approx(
        0.45, abs=1e-6
    )


def test_what_is_not_decoded_has_no_names():
    assert name_all(None, BOTH, PLAIN) == () and decide(None, BOTH, PLAIN).label == "unreadable"
    assert name_all(p(0.9, 0.0, 0.1, 0.0), AMUR, PLAIN) == ("leopard",), "one label per clip: the decision"


@given(arrays(np.float32, 4, elements=st.floats(0, 1, width=32)))
def test_no_independent_target_that_is_suspected_is_called_empty(probs):
    decision = decide(probs, BOTH, PLAIN)
    if max(probs[:2]) >= np.float32(0.1):
        assert decision.rule != "empty"
    if decision.rule == "empty":
        assert max(probs[:3]) <= np.float32(1 - 0.8) + 1e-6, "no animal contradicts it"


@pytest.mark.parametrize("probs", [p(1, 0, 0, 0), p(0, 0, 0, 1), p(0.4, 0.3, 0.2, 0.1)])
def test_settings_that_do_not_decide_rank_and_alert_alone(probs):
    ranked = DecideConfig(decides=False)
    assert decide(probs, AMUR, ranked).label == "unsure" and decide(probs, AMUR, ranked).rule == "abstained"
    assert name_all(probs, AMUR, ranked) == ()
    assert find_alerts(probs, AMUR, ranked) == find_alerts(probs, AMUR, DecideConfig())
    assert decide(None, AMUR, ranked).label == "unreadable"


def test_only_settings_that_do_not_decide_say_so_in_a_file():
    assert (
        "decides" not in DecideConfig().model_dump()
        and DecideConfig(decides=False).model_dump()["decides"] is False
    )
    assert DecideConfig.model_validate(DecideConfig(decides=False).model_dump()) == DecideConfig(decides=False)
