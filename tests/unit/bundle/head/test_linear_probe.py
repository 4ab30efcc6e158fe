import numpy as np
import pandas as pd
import pytest

from leopardnet.bundle.head.linear_probe import compute_probe_weights, find_scale, fit_head, fit_probe


def test_weights_of_a_probe_by_hand():
    # five deer and one empty: 6 frames of 2 labels, so each label has 3 in all
    weights = compute_probe_weights(pd.DataFrame({"label": ["deer"] * 5 + ["empty"]}))
    assert weights.tolist() == pytest.approx([0.6] * 5 + [3.0])


def test_the_probe_separates_what_can_be_separated(rng):
    centres = np.eye(3, 20) * 4
    y = np.repeat(np.arange(3), [50, 10, 5])
    x = (centres[y] + rng.normal(0, 0.5, (65, 20))).astype(np.float32)
    weight, bias = fit_head(x, y, n_labels=4, c=0.03)
    assert weight.shape == (4, 20) and (np.argmax(x @ weight.T + bias, axis=1) == y).mean() > 0.95


def test_the_probe_of_one_label_always_says_it():
    weight, bias = fit_head(np.ones((3, 5), np.float32), np.array([2, 2, 2]), n_labels=3, c=1.0)
    assert (np.ones(5) @ weight.T + bias).argmax() == 2
    x, y, sites = np.ones((1, 4, 5), np.float32), np.array([2, 2, 2, 2]), np.arange(4)
    weight, bias = fit_probe(x, y, np.ones(4), sites, n_labels=3, c=1.0, seed=7)
    assert np.isfinite(weight).all() and (np.ones(5) @ weight.T + bias).argmax() == 2


def test_a_strongly_regularised_probe_is_as_sure_as_unseen_sites_show(rng):
    y, sites = np.tile([0, 1], 100), np.repeat(np.arange(10), 20)
    said = np.where(rng.random(200) < 0.9, y, 1 - y)  # nine of ten frames look like their label
    x = (np.stack([said, 1 - said], axis=1) + rng.normal(0, 0.01, (200, 2))).astype(np.float32)
    plain_weight, plain_bias = fit_head(x, y, n_labels=2, c=1e-4)
    weight, bias = fit_probe(x[None], y, np.ones(200), sites, n_labels=2, c=1e-4, seed=7)

    def surest(weight, bias):
        z = x @ weight.T + bias
        return float((1 / (1 + np.exp(-np.abs(z[:, 0] - z[:, 1])))).mean())

    # Its logits are right in nine of ten frames, so 0.9 is right; they may grow to 20 times what they were.
    factor = weight[0, 0] / plain_weight[0, 0]
    assert 1 < factor <= 20 and surest(plain_weight, plain_bias) < surest(weight, bias) <= 0.93
    assert ((x @ weight.T + bias).argmax(1) == (x @ plain_weight.T + plain_bias).argmax(1)).all()


def test_frames_of_one_group_say_nothing_about_unseen_ones(rng):
    y = np.tile([0, 1], 10)
    x = rng.normal(size=(20, 3)).astype(np.float32)
    plain = fit_head(x, y, np.ones(20), n_labels=2, c=0.01)
    probe = fit_probe(x[None], y, np.ones(20), np.zeros(20, int), n_labels=2, c=0.01, seed=7)
    assert np.allclose(probe[0], plain[0]) and np.allclose(probe[1], plain[1])


def test_a_copy_shares_the_weight_of_its_frame(rng):
    y, one = np.tile([0, 1], 10), np.zeros(20, int)
    x = rng.normal(size=(20, 3)).astype(np.float32)
    alone = fit_probe(x[None], y, np.ones(20), one, n_labels=2, c=0.1, seed=7)
    twice = fit_probe(np.stack([x, x]), y, np.ones(20), one, n_labels=2, c=0.1, seed=7)
    assert np.allclose(alone[0], twice[0], atol=1e-4), "a copy that shows the same adds nothing"
    moved = fit_probe(np.stack([x, x + 3]), y, np.ones(20), one, n_labels=2, c=0.1, seed=7)
    assert not np.allclose(alone[0], moved[0], atol=1e-4)


def test_the_scale_by_hand_and_at_its_bounds():
    three_of_four = np.log([[0.6, 0.4]] * 4)
    # the best odds are 3 to 1 instead of 1.5 to 1
    assert find_scale(three_of_four, np.array([0, 0, 0, 1]), np.ones(4)) == pytest.approx(
        np.log(3) / np.log(1.5), rel=0.01
    )
    assert find_scale(three_of_four, np.zeros(4, int), np.ones(4)) == pytest.approx(20.0, rel=0.01)
    assert find_scale(three_of_four, np.ones(4, int), np.ones(4)) == pytest.approx(0.25, rel=0.01)
    never = np.array([[0.0, -30.0]])
    assert find_scale(never, np.array([1]), np.ones(1)) == 1.0, "no other group has shown this label"
    log_odds = np.full((4, 1), np.log(1.5))
    assert find_scale(log_odds, np.array([[True], [True], [True], [False]]), np.ones(4)) == pytest.approx(
        np.log(3) / np.log(1.5), rel=0.01
    )


def test_a_probe_of_independent_labels_finds_each_of_them_in_the_same_frame(rng):
    shows = np.array([[False, False], [True, False], [False, True], [True, True]] * 20)
    y = (shows @ [1, 2]).astype(np.int64)
    x = (rng.normal(0, 0.1, (80, 5)) + np.pad(shows, ((0, 0), (0, 3)))).astype(np.float32)
    weight, bias = fit_head(x, y, n_labels=2, c=1.0, shows=shows)
    assert ((x @ weight.T + bias > 0) == shows).all()
    sites = np.repeat(np.arange(8), 10)
    weight, bias = fit_probe(x[None], y, np.ones(80), sites, n_labels=2, c=1.0, seed=7, shows=shows)
    assert ((x @ weight.T + bias > 0) == shows).all()
    never = np.column_stack([shows[:, 0], np.zeros(80, bool), np.ones(80, bool)])
    weight, bias = fit_head(x, y, n_labels=3, c=1.0, shows=never)
    assert bias[1:].tolist() == [-30.0, 30.0] and not weight[1:].any(), "always or never there: nothing to learn"


def test_a_frame_of_two_labels_has_the_mean_of_their_weights():
    table = pd.DataFrame({"label": ["deer", "deer", "deer + tiger"], "site": ["a", "b", "c"]})
    # deer: three frames, 4/2/3 = 2/3 each; tiger: one frame, 4/2 = 2; in all 2/3, 2/3 and 4/3
    weights = compute_probe_weights(table, multi=True)
    assert weights.tolist() == pytest.approx([0.75, 0.75, 1.5])
