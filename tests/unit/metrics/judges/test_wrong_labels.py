"""Labels that are probably wrong: planted ones are on top, and sure right ones are not among them."""

import numpy as np
import pytest

from leopardnet.metrics.judges.wrong_labels import COLUMNS, find_label_errors

NAMES = ("tiger", "deer", "empty")


def plant(n, n_wrong, seed=0):
    """Return ids, stated labels and probabilities of n clips, the labels of the first n_wrong exchanged."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, n)
    z = rng.normal(0, 1, (n, 3))
    z[np.arange(n), truth] += 3.0
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    stated = truth.copy()
    stated[:n_wrong] = (truth[:n_wrong] + rng.integers(1, 3, n_wrong)) % 3
    return np.array([f"{i:04d}" for i in range(n)], object), np.array(NAMES, object)[stated], p, truth


def test_most_planted_errors_are_on_top_and_the_likelier_label_is_the_true_one():
    ids, stated, p, truth = plant(600, 30)
    found = find_label_errors(ids, stated, p, NAMES)
    top = found.head(30)
    planted = top["clip_id"].astype(int) < 30
    assert planted.sum() >= 20 and planted.head(20).all() and list(found.columns) == list(COLUMNS)
    likelier = top.loc[planted, "likelier"].tolist()
    assert likelier == [NAMES[truth[int(i)]] for i in top.loc[planted, "clip_id"]]
    assert (np.diff(found["score"]) <= 0).all() and found["score"].between(0, 1).all()


def test_a_label_of_which_the_network_is_never_sure_is_reached_by_its_own_mean():
    """Tigers get 0.4 at most. A clip called empty with 0.4 for a tiger and 0.3 for empty is as sure as they get."""
    p = np.array([[0.4, 0.3, 0.3], [0.36, 0.32, 0.32], [0.1, 0.1, 0.8], [0.4, 0.3, 0.3]])
    stated = np.array(["tiger", "tiger", "empty", "empty"], object)
    found = find_label_errors(np.array(["a", "b", "c", "d"], object), stated, p, NAMES)
    assert found.values.tolist() == [["d", "empty", "tiger", pytest.approx(0.1)]]


def test_none_one_and_broken():
    none = np.zeros(0, object)
    assert find_label_errors(none, none, np.zeros((0, 3)), NAMES).empty
    one = np.array(["a"], object), np.array(["tiger"], object)
    assert find_label_errors(*one, np.array([[0.1, 0.8, 0.1]]), NAMES).empty  # no deer says how sure one gets
    assert find_label_errors(*one, np.full((1, 3), np.nan), NAMES).empty


def test_independent_labels_may_be_missing_or_too_many():
    names = ("tiger", "deer")
    ids = np.array(["a", "b", "c", "d"], object)
    stated = np.array(["tiger", "tiger", "deer", "deer + tiger"], object)
    p = np.array([[0.9, 0.1], [0.9, 0.95], [0.2, 0.9], [0.05, 0.9]])
    found = find_label_errors(ids, stated, p, names, multi=True)
    assert found["clip_id"].tolist() == ["b", "d"] or found["clip_id"].tolist() == ["d", "b"]
    by_clip = found.set_index("clip_id")
    assert by_clip.loc["b", "likelier"] == "deer" and by_clip.loc["d", "likelier"] == "tiger"
    assert by_clip["score"].to_dict() == pytest.approx({"b": 0.9, "d": 0.9})
