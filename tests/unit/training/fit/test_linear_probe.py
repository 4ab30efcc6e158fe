import numpy as np
import pandas as pd
import pytest

from leopardnet.training.fit.linear_probe import choose_c, compute_probe_weights, fit_head


def test_weights_of_a_probe_by_hand():
    table = pd.DataFrame({"label": ["deer"] * 5 + ["empty"], "site": ["a"] * 4 + [None, "a"]})
    weights = compute_probe_weights(
        table
    )  # deer: four of 4^-0.75 = 0.3536 and one of 1, in all 2.414; scaled to 3; empty: 3
    assert weights.tolist() == pytest.approx([0.4393, 0.4393, 0.4393, 0.4393, 1.2426, 3.0], abs=1e-4)


def test_regularisation_is_chosen_by_what_holds_at_unseen_groups(rng):
    y = np.tile([0, 1], 40)
    groups = np.repeat(np.arange(8), 10)
    x = rng.normal(size=(80, 60)).astype(np.float32)
    x[:, 0] += 4 * y
    assert choose_c(x, y, np.ones(80), groups, n_labels=2, choices=(1e-9, 0.1), seed=7) == 0.1
    assert choose_c(x, y, np.ones(80), np.zeros(80, int), n_labels=2, choices=(0.1, 0.2, 0.3), seed=7) == 0.2
    weight, bias = fit_head(x, y, np.ones(80), n_labels=2, c=0.1)
    assert ((x @ weight.T + bias).argmax(axis=1) == y).mean() > 0.95


def test_the_probe_separates_what_can_be_separated(rng):
    centres = np.eye(3, 20) * 4
    y = np.repeat(np.arange(3), [50, 10, 5])
    x = (centres[y] + rng.normal(0, 0.5, (65, 20))).astype(np.float32)
    weight, bias = fit_head(x, y, n_labels=4, c=0.03)
    assert weight.shape == (4, 20) and (np.argmax(x @ weight.T + bias, axis=1) == y).mean() > 0.95


def test_of_equal_choices_the_strongest_regularisation_is_taken(rng):
    y = np.tile([0, 1], 20)
    x = (np.stack([y, -y], axis=1) * 8 + rng.normal(size=(40, 2))).astype(np.float32)  # any choice separates these
    assert (
        choose_c(x, y, np.ones(40), np.repeat(np.arange(4), 10), n_labels=2, choices=(0.1, 1.0, 10.0), seed=7)
        == 0.1
    )


def test_the_probe_of_one_label_always_says_it():
    weight, bias = fit_head(np.ones((3, 5), np.float32), np.array([2, 2, 2]), n_labels=3, c=1.0)
    assert (np.ones(5) @ weight.T + bias).argmax() == 2


def test_a_probe_of_independent_labels_finds_each_of_them_in_the_same_frame(rng):
    shows = np.array([[False, False], [True, False], [False, True], [True, True]] * 20)
    y = (shows @ [1, 2]).astype(np.int64)
    x = (rng.normal(0, 0.1, (80, 5)) + np.pad(shows, ((0, 0), (0, 3)))).astype(np.float32)
    weight, bias = fit_head(x, y, n_labels=2, c=1.0, shows=shows)
    assert ((x @ weight.T + bias > 0) == shows).all()
    choice = choose_c(
        x, y, np.ones(80), np.repeat(np.arange(8), 10), n_labels=2, choices=(1e-9, 1.0), seed=7, shows=shows
    )
    assert choice == 1.0
    never = np.column_stack([shows[:, 0], np.zeros(80, bool), np.ones(80, bool)])
    weight, bias = fit_head(x, y, n_labels=3, c=1.0, shows=never)
    assert bias[1:].tolist() == [-30.0, 30.0] and not weight[1:].any(), "always or never there: nothing to learn"


def test_a_frame_of_two_labels_has_the_mean_of_their_weights():
    table = pd.DataFrame({"label": ["deer", "deer", "deer + tiger"], "site": ["a", "b", "c"]})
    # deer: three frames of a site each, 4/2/3 = 2/3 each; tiger: one frame, 4/2 = 2; in all 2/3, 2/3 and 4/3
    weights = compute_probe_weights(table, multi=True)
    assert weights.tolist() == pytest.approx([0.75, 0.75, 1.5])
