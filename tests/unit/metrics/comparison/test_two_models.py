"""Two models on the same clips: better, worse, mixed, or nobody can tell."""

import json

import numpy as np
import pytest

from leopardnet.core.errors import ConfigError
from leopardnet.metrics.comparison.two_models import compare_models
from leopardnet.metrics.labelled_clips import LabelledClips

LABELS = ("tiger", "empty")


def answer(y, wrong, sites, labels=LABELS):
    """Return clips of the classes y whose answers are right but at these places."""
    said = np.array(y)
    said[list(wrong)] = 1 - said[list(wrong)]
    probs = np.full((len(y), len(labels)), 0.1)
    probs[np.arange(len(y)), said] = 0.9
    return LabelledClips.from_arrays(labels, probs, np.array(y, np.int64), np.array(sites, np.int64))


@pytest.fixture
def twelve_sites():
    """Twelve sites of ten clips, half of them tigers."""
    return np.tile([0, 1], 60), np.repeat(np.arange(12), 10)


def test_a_model_that_is_better_everywhere_is_better(twelve_sites):
    y, sites = twelve_sites
    wrong = [10 * s + k for s in range(12) for k in range(4)]  # two tigers and two empty clips at each site
    found = compare_models(answer(y, wrong, sites), answer(y, [], sites))
    first = found.differences[0]
    assert found.verdict == "better" and (first.figure, first.old, first.new) == ("macro-F1", pytest.approx(0.6), 1)
    assert first.p == pytest.approx(2 / 2**12, abs=2e-3) and first.n_more is None
    assert found.n_right == (72, 120) and found.n_differ == 48 and found.n_sites == 12
    assert [d.old for d in found.differences[1:]] == pytest.approx([0.6, 0.6, 0.6])
    back = compare_models(answer(y, [], sites), answer(y, wrong, sites))
    assert back.verdict == "worse" and back.differences[0].difference.value == pytest.approx(-0.4)
    assert json.loads(json.dumps(found.to_dict()))["verdict"] == "better"


def test_the_same_answers_cannot_tell_and_no_number_of_labels_would(twelve_sites):
    y, sites = twelve_sites
    found = compare_models(answer(y, [3], sites), answer(y, [3], sites))
    assert found.verdict == "cannot tell" and found.differences[0].p == 1 and found.differences[0].n_more is None
    assert "no reasonable number of labels" in found.sentence


def test_gains_at_five_sites_are_too_few_and_at_six_enough(twelve_sites):
    y, sites = twelve_sites
    for n, verdict in ((5, "cannot tell"), (6, "better")):
        wrong = [10 * s + k for s in range(n) for k in range(4)]
        found = compare_models(answer(y, wrong, sites), answer(y, [], sites))
        d = found.differences[1]  # clips right: 120 against 120 - 4 n
        assert d.p == pytest.approx(2 / 2**n) and d.difference.value == pytest.approx(4 * n / 120)
        assert d.verdict == verdict
        assert (d.n_more is None) == (verdict == "better")
    assert compare_models(answer(y, [0, 1, 2, 3], sites), answer(y, [], sites)).differences[1].n_more is not None


def test_a_small_gain_says_about_how_many_more_labels_it_takes():
    """At 40 sites the new model is right in 22 clips where the old is wrong, and wrong in 18 where it is right."""
    y, sites = np.tile([0, 1], 200), np.repeat(np.arange(40), 10)
    one = [10 * s for s in range(22)]
    other = [10 * s for s in range(22, 40)]
    found = compare_models(answer(y, one, sites), answer(y, other, sites))
    d = found.differences[1]
    assert found.verdict == "cannot tell" and d.difference.low < 0 < d.difference.high
    # The half-width is some times the gain, and falls with the square root of the number of clips.
    factor = ((d.difference.high - d.difference.low) / 2 / d.difference.value) ** 2
    assert factor > 1 and (d.n_more is None or d.n_more >= 400 * (factor - 1) * 0.99)
    assert "cannot tell" in found.sentence


def test_better_on_the_whole_but_blind_for_tigers_is_mixed(twelve_sites):
    y, sites = np.tile([0] + [1] * 9, 24), np.repeat(np.arange(12), 20)  # one clip in ten a tiger
    false = [20 * s + k for s in range(12) for k in (1, 2, 3, 4, 5, 6)]
    lost = [20 * s for s in range(12)]
    found = compare_models(answer(y, false, sites), answer(y, lost, sites))
    assert found.differences[0].verdict == "better" and found.worse == ("tiger",) and found.verdict == "mixed"
    assert "finds fewer tiger" in found.sentence


def test_one_site_has_no_interval_and_cannot_tell():
    y = [0, 1, 0, 1]
    found = compare_models(answer(y, [0, 1, 2], [0] * 4), answer(y, [], [0] * 4))
    assert found.verdict == "cannot tell" and found.differences[0].difference.low is None


def test_clips_of_labels_that_one_model_does_not_know_have_no_part(twelve_sites):
    y, sites = twelve_sites
    old = answer(y, [], sites)
    wider = answer(y, [], sites, ("tiger", "empty", "deer"))
    grown = LabelledClips.from_arrays(wider.labels, wider.probs, np.where(sites == 0, 2, y), sites)
    found = compare_models(old, grown)
    assert found.n_clips == 110 and found.n_sites == 11
    with pytest.raises(ConfigError, match="cannot be compared"):
        compare_models(old, answer(y, [], sites, ("lynx", "empty")))
