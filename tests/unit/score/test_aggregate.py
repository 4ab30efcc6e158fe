"""Frames to the clip: hand-computed cases and properties that every method must have."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, log_softmax

from leopardnet.core.errors import BackendError
from leopardnet.core.labels import Label, LabelSet
from leopardnet.core.settings.inference import AggregateConfig, DecideConfig
from leopardnet.score.aggregate import aggregate, evidence_order, merge_crops
from leopardnet.score.decide import decide, find_alerts

METHODS = get_args(AggregateConfig.model_fields["name"].annotation)
methods = st.sampled_from(METHODS)
means = st.sampled_from([m for m in METHODS if m != "noisy_or"])
frame_logits = st.integers(1, 20).flatmap(
    lambda n: arrays(np.float32, (n, 4), elements=st.floats(-60, 60, width=32))
)
empties = st.sampled_from([None, 0, 3])


def config(name="presence_topk", top_share=0.25):
    return AggregateConfig(name=name, top_share=top_share)


def logits_of(*rows):
    return np.log(np.array(rows, np.float32))


def probs(logits, name="presence_topk", *, i_empty=2, top_share=0.25):
    return np.exp(aggregate(logits, config(name, top_share), i_empty=i_empty))


@given(methods, frame_logits, empties)
def test_probabilities_sum_to_one_and_keep_shape(name, logits, i_empty):
    clip = aggregate(logits, config(name), i_empty=i_empty)
    assert clip.dtype == np.float32 and clip.shape == (4,)
    assert np.exp(clip.astype(float)).sum() == pytest.approx(1, abs=1e-5)


@given(methods, frame_logits, empties, st.randoms(use_true_random=False))
def test_the_order_of_frames_does_not_matter(name, logits, i_empty, random):
    order = list(range(len(logits)))
    random.shuffle(order)
    there = aggregate(logits, config(name), i_empty=i_empty)
    back = aggregate(logits[order], config(name), i_empty=i_empty)
    np.testing.assert_allclose(there, back, atol=1e-4)


# A few values, so that many frames are tied: in the log-odds of an animal, in a label, or in everything.
coarse_logits = st.integers(2, 12).flatmap(
    lambda n: arrays(np.float32, (n, 4), elements=st.sampled_from(np.array([-2, 0, 3], np.float32)))
)


@given(
    methods,
    coarse_logits,
    st.sampled_from([(None, False), (3, False), (None, True), (3, True)]),
    st.sampled_from([None, (0, 1, 2)]),
    st.randoms(use_true_random=False),
)
def test_ties_are_resolved_by_values_and_not_by_order(name, logits, labels, weights, random):
    i_empty, multi = labels
    w = None if weights is None else np.array([random.choice(weights) for _ in logits], float)
    order = list(range(len(logits)))
    random.shuffle(order)
    there = aggregate(logits, config(name), i_empty=i_empty, weights=w, multi=multi)
    moved = None if w is None else w[order]
    back = aggregate(logits[order], config(name), i_empty=i_empty, weights=moved, multi=multi)
    np.testing.assert_allclose(there, back, atol=1e-5)


def test_of_two_frames_as_likely_to_show_an_animal_the_same_one_speaks_in_any_order():
    """(leopard, sika, empty): both frames have the log-odds ln 9 of an animal, and k = 1 frame speaks."""
    frames = logits_of([0.1, 0.8, 0.1], [0.8, 0.1, 0.1])
    for these in (frames, frames[::-1]):
        assert probs(these, "topk_logit") == pytest.approx([0.8, 0.1, 0.1], abs=1e-6)


@given(means, frame_logits, empties, st.integers(1, 17))
def test_equal_frames_say_what_one_frame_says(name, logits, i_empty, n):
    one = logits[:1]
    expected = log_softmax(one[0].astype(float))
    np.testing.assert_allclose(aggregate(one, config(name), i_empty=i_empty), expected, atol=1e-4)
    np.testing.assert_allclose(aggregate(one.repeat(n, axis=0), config(name), i_empty=i_empty), expected, atol=1e-4)


def test_an_animal_in_two_of_sixteen_frames_is_not_averaged_away():
    """(leopard, sika, empty): 2 frames of 0.8, 0.1, 0.1 and 14 of 0.01, 0.01, 0.98.

    k = 4 frames decide: log-odds 2 · ln 9 and 2 · ln(0.02/0.98); their mean is (2 · 2.19722 − 2 · 3.89182) / 4
    = −0.84730, so presence = 0.3 (odds √(9 · 1/49) = 3/7). Weights: 0.9 twice and 0.02 fourteen times, sum 2.08.
    Species: log-odds leopard:sika = (1.8 · ln 8 + 0.28 · ln 1) / 2.08 = 1.79952, leopard 0.858090 of the animals.
    """
    frames = logits_of(*[[0.8, 0.1, 0.1]] * 2, *[[0.01, 0.01, 0.98]] * 14)
    np.testing.assert_allclose(probs(frames), [0.3 * 0.858090, 0.3 * 0.141910, 0.7], atol=1e-5)

    # k = 2: only the two frames with the animal decide about presence
    np.testing.assert_allclose(probs(frames, top_share=0.125), [0.9 * 0.858090, 0.9 * 0.141910, 0.1], atol=1e-5)
    # the plain mean has lost it: (2 · 0.1 + 14 · 0.98) / 16 = 0.87 empty
    assert probs(frames, "mean_prob")[2] == pytest.approx(0.87, abs=1e-5)
    assert probs(frames, "mean_logit")[2] > 0.9


def test_each_frame_counts_a_third_of_the_one_before():
    """(leopard, sika, empty): 2 frames of 0.8, 0.1, 0.1 and 14 of 0.01, 0.01, 0.98, as above.

    Weights 1, 1/3, 1/9 … have the sum 3/2, up to a 3^16th; the two frames have 4/3 : 3/2 = 8/9 of it. So presence
    = 8/9 · 0.9 + 1/9 · 0.02 = 0.802222. The species is that of `presence_topk`.
    """
    frames = logits_of(*[[0.8, 0.1, 0.1]] * 2, *[[0.01, 0.01, 0.98]] * 14)
    expected = [0.802222 * 0.858090, 0.802222 * 0.141910, 0.197778]
    np.testing.assert_allclose(probs(frames, "presence_ranked"), expected, atol=1e-5)


@pytest.mark.parametrize(("n_shown", "presence"), [(1, 2 / 3), (2, 8 / 9), (3, 26 / 27), (64, 1.0)])
@pytest.mark.parametrize("empty_logit", [8, 80, 800])
def test_a_short_visit_is_not_emptier_because_the_other_frames_are_surely_empty(n_shown, presence, empty_logit):
    frames = np.array([[90, 0]] * n_shown + [[0, empty_logit]] * (64 - n_shown), np.float32)
    assert probs(frames, "presence_ranked", i_empty=1)[0] == pytest.approx(presence, abs=1e-3)


def test_thousands_of_frames_do_not_underflow():
    frames = np.tile(np.array([[0, 700]], np.float32), (3000, 1))
    assert aggregate(frames, config("presence_ranked"), i_empty=1).tolist() == pytest.approx([-700, 0])
    late = np.zeros(3000)
    late[-1] = 1.0  # the only frame that counts is the last in line: 3^-3000 of the first
    frames[-1, 1] = 701
    clip = aggregate(frames, config("presence_ranked"), i_empty=1, weights=late)
    assert clip.tolist() == pytest.approx([-701, 0])


def test_mean_logit_by_hand():
    # geometric means: sqrt(0.8 · 0.2) = 0.4 and sqrt(0.2 · 0.8) = 0.4
    np.testing.assert_allclose(probs(logits_of([0.8, 0.2], [0.2, 0.8]), "mean_logit", i_empty=1), [0.5, 0.5])
    # sqrt(0.9 · 0.5) : sqrt(0.1 · 0.5) = 3 : 1
    np.testing.assert_allclose(
        probs(logits_of([0.9, 0.1], [0.5, 0.5]), "mean_logit", i_empty=1), [0.75, 0.25], atol=1e-6
    )


def test_max_takes_the_best_frame_of_each_animal_and_the_least_empty_one():
    frames = logits_of([0.6, 0.1, 0.3], [0.1, 0.2, 0.7])
    np.testing.assert_allclose(probs(frames, "max"), np.array([0.6, 0.2, 0.3]) / 1.1, atol=1e-6)
    np.testing.assert_allclose(probs(frames, "max", i_empty=None), np.array([0.6, 0.2, 0.7]) / 1.5, atol=1e-6)


@pytest.mark.parametrize(
    ("top_share", "n", "k"), [(0.25, 16, 4), (0.25, 5, 2), (0.01, 5, 1), (1.0, 3, 3), (0.07, 100, 7)]
)
def test_top_share_rounds_up(top_share, n, k):
    """One frame of presence 0.9, the others of 0.1: odds 9^((1 − (k − 1)) / k)."""
    frames = logits_of([0.9, 0.1], *[[0.1, 0.9]] * (n - 1))
    odds = 9 ** ((2 - k) / k)
    assert probs(frames, i_empty=1, top_share=top_share)[0] == pytest.approx(odds / (1 + odds), abs=1e-5)


def test_without_an_empty_label_all_frames_weigh_the_same():
    frames = logits_of([0.9, 0.1], [0.5, 0.5])
    np.testing.assert_allclose(probs(frames, i_empty=None), [0.75, 0.25], atol=1e-6)


def test_frames_that_are_all_very_empty_still_have_a_species():
    frames = np.array([[0, -5, 300], [0, -5, 300]], np.float32)  # weights of exp(-300)
    clip = aggregate(frames, config(), i_empty=2)
    assert clip[0] - clip[1] == pytest.approx(5, abs=1e-3)
    assert clip[2] == pytest.approx(0, abs=1e-6)


def test_evidence_is_strongest_first_and_ties_stay_in_time_order():
    frames = logits_of([0.1, 0.1, 0.8], [0.75, 0.2, 0.05], [0.1, 0.1, 0.8], [0.1, 0.8, 0.1])
    assert evidence_order(frames, 0, i_empty=2).tolist() == [1, 0, 2, 3]
    assert evidence_order(frames, 2, i_empty=2).tolist() == [0, 2, 3, 1]
    assert evidence_order(frames, None, i_empty=2).tolist() == [1, 3, 0, 2]  # any animal
    assert evidence_order(frames, None, i_empty=None).tolist() == [0, 2, 3, 1]  # any class
    assert evidence_order(frames, 0, i_empty=2).dtype == np.int64


def test_evidence_tells_frames_apart_whose_probability_rounds_to_one():
    assert evidence_order(np.array([[90, 0], [99, 0], [95, 0]], np.float32), 0, i_empty=1).tolist() == [1, 2, 0]


def test_equal_frames_with_noise_in_their_last_bits_stay_in_time_order():
    frames = np.array([[3.0, 0.0], [3.0, 0.0], [3.0, 0.0]], np.float32)
    frames[1, 0], frames[2, 0] = np.nextafter(np.float32(3), 4), np.nextafter(np.float32(3), 2)
    assert evidence_order(frames, 0, i_empty=1).tolist() == [0, 1, 2]


def test_noisy_or_by_hand():
    """Frames of (leopard, sika, empty): 1 − 0.4 · 0.9 = 0.64, 1 − 0.9 · 0.8 = 0.28, 0.3 · 0.7 = 0.21; sum 1.13."""
    frames = logits_of([0.6, 0.1, 0.3], [0.1, 0.2, 0.7])
    np.testing.assert_allclose(probs(frames, "noisy_or"), np.array([0.64, 0.28, 0.21]) / 1.13, atol=1e-6)
    one = logits_of([0.6, 0.1, 0.3])
    np.testing.assert_allclose(probs(one, "noisy_or"), [0.6, 0.1, 0.3], atol=1e-6)


def test_noisy_or_adds_up_doubt_where_a_mean_does_not():
    """Sixteen empty frames with an animal at 0.05 each: 1 − 0.95^16 = 0.56 against 0.95^16 = 0.44."""
    frames = logits_of(*[[0.05, 0.95]] * 16)
    assert probs(frames, "noisy_or", i_empty=1)[0] == pytest.approx(1 - 0.95**16, abs=1e-5)
    assert probs(frames, "mean_logit", i_empty=1)[0] == pytest.approx(0.05, abs=1e-6)


def test_topk_logit_is_the_mean_of_the_frames_that_speak_most_for_an_animal():
    # k = 2 of 5: the geometric means sqrt(0.8 · 0.2) = 0.4 and sqrt(0.2 · 0.8) = 0.4; the other frames have no say
    frames = logits_of([0.8, 0.2], *[[0.1, 0.9]] * 3, [0.2, 0.8])
    np.testing.assert_allclose(probs(frames, "topk_logit", i_empty=1, top_share=0.4), [0.5, 0.5], atol=1e-6)


def weighted(frames, name, weights, **settings):
    clip = aggregate(frames, config(name, **settings), i_empty=1, weights=np.array(weights, float))
    return np.exp(clip.astype(float))


def test_weights_say_how_much_a_frame_counts():
    frames = logits_of([0.9, 0.1], [0.5, 0.5])
    # (9^3 · 1)^(1/4) = 5.196 to 1; (3 · 0.9 + 0.5) / 4
    assert weighted(frames, "mean_logit", [3, 1])[0] == pytest.approx(9**0.75 / (1 + 9**0.75), abs=1e-6)
    assert weighted(frames, "mean_prob", [3, 1])[0] == pytest.approx(0.8, abs=1e-6)
    assert weighted(frames, "presence_topk", [3, 1], top_share=1.0)[0] == pytest.approx(
        9**0.75 / (1 + 9**0.75), abs=1e-6
    )
    assert weighted(frames, "presence_topk", [0, 1], top_share=1.0)[0] == pytest.approx(0.5, abs=1e-6)
    # weights 3 and 1 · 1/3: (9 · 0.9 + 0.5) / 10
    assert weighted(frames, "presence_ranked", [3, 1])[0] == pytest.approx(0.86, abs=1e-6)
    assert weighted(frames, "presence_ranked", [0, 1])[0] == pytest.approx(0.5, abs=1e-6)
    for name in METHODS:
        alike = aggregate(frames, config(name), i_empty=1)
        np.testing.assert_allclose(aggregate(frames, config(name), i_empty=1, weights=np.array([0.0, 0.0])), alike)
        np.testing.assert_allclose(
            aggregate(frames, config(name), i_empty=1, weights=np.array([2.0, 2.0])), alike, atol=1e-6
        )


@pytest.mark.parametrize("wrong", [[1.0], [1.0, -1.0], [1.0, np.nan]])
def test_weights_that_fit_nothing_are_refused(wrong):
    with pytest.raises(ValueError, match="expected 2 weights of 0 or more"):
        aggregate(logits_of([0.9, 0.1], [0.5, 0.5]), config(), i_empty=1, weights=np.array(wrong))


def test_one_leopard_among_four_tigers_is_not_called_a_tiger():
    """A frame of leopard 0.99 among four of tiger 0.60: a majority would say tiger and be done.

    (leopard, tiger, deer, empty), the rest equal. Mean logits: leopard (ln 0.99 + 4 ln 0.1333) / 5 = −1.614,
    tiger (ln 0.00333 + 4 ln 0.6) / 5 = −1.549. Two suspects, nearly equal: the answer is an animal, and an alert.
    """
    frames = logits_of([0.99, 0.01 / 3, 0.01 / 3, 0.01 / 3], *[[0.4 / 3, 0.6, 0.4 / 3, 0.4 / 3]] * 4)
    amur = LabelSet((Label("leopard"), Label("tiger"), Label("deer"), Label("empty")), targets=("leopard", "tiger"))
    for name in METHODS:
        p = np.exp(aggregate(frames, config(name), i_empty=3))
        assert decide(p, amur, DecideConfig()).label != "empty" and find_alerts(p, amur, DecideConfig())
        assert p[0] > 0.25, f"{name}: the leopard is still a suspect, not outvoted four to one"
    for name in ("presence_topk", "presence_ranked"):
        p = np.exp(aggregate(frames, config(name), i_empty=3))
        assert decide(p, amur, DecideConfig()).label != "tiger"


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r"\[N >= 1, C >= 2\]; got \[0, 3\]"):
        aggregate(np.zeros((0, 3), np.float32), config(), i_empty=None)
    with pytest.raises(ValueError, match="i_empty 3 does not fit 3 classes"):
        aggregate(np.zeros((1, 3), np.float32), config(), i_empty=3)
    with pytest.raises(BackendError, match="1 of 2 frames"):
        aggregate(np.array([[0, 0], [np.nan, 0]], np.float32), config(), i_empty=1)


# --- whole frames and crops ---

NONE = (np.nan, np.nan, np.nan)
pairs = st.integers(1, 12).flatmap(
    lambda n: st.tuples(*(arrays(np.float32, (n, 4), elements=st.floats(-30, 30, width=32)) for _ in range(2)))
)


def joined(frames, crops, weight=0.5, i_empty=2):
    crops = np.log(np.array(crops, np.float32))
    return np.exp(merge_crops(logits_of(*frames), crops, AggregateConfig(crop_weight=weight), i_empty=i_empty))


def test_a_frame_without_a_crop_stays_as_it_is_to_the_last_bit():
    frames = logits_of([0.2, 0.3, 0.5])
    assert merge_crops(frames, np.full_like(frames, np.nan), AggregateConfig(), i_empty=2) is frames


def test_only_the_frames_with_a_crop_change():
    both = joined([[0.2, 0.3, 0.5], [0.2, 0.3, 0.5]], [NONE, [0.8, 0.1, 0.1]])
    assert both[0] == pytest.approx([0.2, 0.3, 0.5]) and both[1, 0] > 0.4


def test_the_views_are_joined_as_worked_out_by_hand():
    # the crop shows more of an animal: 0.9; which one, by geometric means 0.4 and 0.1: 4 to 1
    frames, crops = [[0.2, 0.1, 0.4]], [[0.8, 0.1, 0.1]]
    assert joined(frames, crops)[0] == pytest.approx([0.72, 0.18, 0.1], abs=1e-6)
    assert joined(frames, crops, weight=0.0)[0] == pytest.approx([0.6, 0.3, 0.1], abs=1e-6)
    assert joined(frames, crops, weight=1.0)[0] == pytest.approx([0.8, 0.1, 0.1], abs=1e-6)


def test_a_crop_of_a_bush_may_name_the_animal_but_not_hide_it():
    # the crop says empty 0.9; the whole frame says 0.3, and that stands, shared out 3 to 1 as the mean has it
    found = joined([[0.35, 0.35, 0.3]], [[0.09, 0.01, 0.9]])[0]
    assert found[2] == pytest.approx(0.3, abs=1e-6) and found[0] == pytest.approx(0.525, abs=1e-6)


@given(pairs, st.floats(0, 1), st.sampled_from(METHODS))
def test_crops_never_make_a_frame_emptier(both, weight, name):
    frames, crops = both
    known = merge_crops(frames, crops, AggregateConfig(crop_weight=weight), i_empty=3)
    before = log_softmax(frames.astype(float), axis=1)
    assert (known[:, 3] <= before[:, 3] + 1e-5).all()
    assert np.exp(known.astype(float)).sum(axis=1) == pytest.approx(np.ones(len(known)), abs=1e-4)
    if name.startswith("presence"):
        clip, alone = (aggregate(z, config(name), i_empty=3)[3] for z in (known, frames))
        assert clip <= alone + 1e-4


def test_without_an_empty_class_the_views_are_only_averaged():
    assert joined([[0.5, 0.25, 0.25]], [[0.5, 0.25, 0.25]], i_empty=None)[0] == pytest.approx([0.5, 0.25, 0.25])


# --- independent labels ---

# log-odds of (leopard, deer, empty) in four frames: a leopard in the first, a deer in the second
APART = np.array([[3, -4, -2], [-4, 2, -1], [-4, -4, 3], [-4, -4, 4]], np.float32)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("presence_topk", [3, 2, -2]),  # each label in its own best frame, empty in its least empty one
        ("topk_logit", [3, -4, -2]),  # the one frame in which an animal is likeliest
        ("mean_logit", [-2.25, -2.5, 1.0]),
        ("max", [3, 2, -2]),
    ],
)
def test_independent_labels_are_aggregated_one_by_one(name, expected):
    config = AggregateConfig(name=name, top_share=0.25)
    assert aggregate(APART, config, i_empty=2, multi=True).tolist() == expected


def test_means_and_products_of_independent_probabilities():
    frames = np.log(np.array([[0.5 / 0.5, 0.2 / 0.8], [0.25 / 0.75, 0.6 / 0.4]], np.float32))
    mean = expit(aggregate(frames, AggregateConfig(name="mean_prob"), i_empty=1, multi=True))
    assert mean.tolist() == pytest.approx([0.375, 0.4], abs=1e-6)
    # each label in the order of its own frames, those of empty (not empty: 0.8, 0.4) too: (3 · 0.5 + 0.25) / 4
    ranked = expit(aggregate(frames, AggregateConfig(name="presence_ranked"), i_empty=1, multi=True))
    assert ranked.tolist() == pytest.approx([1.75 / 4, 1 - 2.8 / 4], abs=1e-6)
    product = expit(aggregate(frames, AggregateConfig(name="noisy_or"), i_empty=1, multi=True))
    assert product.tolist() == pytest.approx([1 - 0.5 * 0.75, 0.2 * 0.6], abs=1e-6)


@pytest.mark.parametrize("name", METHODS)
def test_one_frame_of_independent_labels_is_the_clip(name):
    found = aggregate(APART[:1], AggregateConfig(name=name), i_empty=2, multi=True)
    assert found.tolist() == pytest.approx(APART[0].tolist(), abs=1e-5)


def test_a_crop_adds_an_animal_and_takes_none_away():
    crops = np.array([[-5, 4, -3], [np.nan] * 3, [np.nan] * 3, [-9, -9, 9]], np.float32)
    merged = merge_crops(APART, crops, AggregateConfig(), i_empty=2, multi=True)
    assert merged.tolist() == [[3, 4, -3], [-4, 2, -1], [-4, -4, 3], [-4, -4, 4]]


def test_evidence_of_an_independent_label_are_its_own_frames():
    assert evidence_order(APART, 1, i_empty=2, multi=True).tolist()[0] == 1
    assert evidence_order(APART, None, i_empty=2, multi=True).tolist() == [0, 1, 2, 3], (
        "any animal: least empty first"
    )
