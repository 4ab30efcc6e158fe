"""The choice of epoch and temperature for a site knows nothing of the clips of that site."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.labels import Label, LabelSet

pytest.importorskip("torch", reason="the extra [train] is not installed")

from leopardnet.training.fit.cross_choice import cross_choose, fit_clips

LABELS = LabelSet((Label("x"), Label("y")), empty=None)


def clips_of(sites, y, right):
    """Clips with the logit 2 for the true label where right, else for the other one."""
    said = np.where(right, y, 1 - np.asarray(y))
    logits = [np.eye(2)[i] * 2.0 for i in said]
    ids = [str(i) for i in range(len(y))]
    table = pd.DataFrame({"clip_id": ids, "site": list(sites), "i_label": np.asarray(y), "logits": logits})
    return table.assign(is_unknown=False)


def test_each_site_gets_the_epoch_that_is_best_at_the_others():
    """Epoch 1 is right at a alone, epoch 2 at b and c: on all clips, and for a, 2 wins; for b and c they draw."""
    sites, y = "aabbcc", [0, 1] * 3
    right = {1: np.array([1, 1, 0, 0, 0, 0], bool), 2: np.array([0, 0, 1, 1, 1, 1], bool)}
    by_epoch = {epoch: clips_of(sites, y, r) for epoch, r in right.items()}
    found = cross_choose(by_epoch, pd.Series(list(sites)), LABELS)
    assert found["clip_id"].tolist() == list("012345")
    # the others of a are b and c, where epoch 2 is always right; those of b are a and c: a draw, so the first epoch
    assert found["epoch"].tolist() == [2, 2, 1, 1, 1, 1]
    said = found[["p_x", "p_y"]].to_numpy().argmax(axis=1)
    assert (said == y).tolist() == [False] * 6, "where every site likes another epoch, the choice is never right"


def test_the_temperature_of_a_site_is_that_of_the_others():
    """At the others, 30 of 40 clips are right, which a logit of 2 overstates; the site itself is always right."""
    sites = np.repeat(["a", "b", "c"], 20)
    y = np.tile([0, 1], 30)
    right = np.concatenate([np.ones(20, bool), np.arange(40) % 4 > 0])
    found = cross_choose({0: clips_of(sites, y, right)}, pd.Series(sites), LABELS)
    sure = found[["p_x", "p_y"]].max(axis=1).to_numpy()
    np.testing.assert_allclose(sure[:20], 0.75, atol=1e-3)  # log-odds log(3): three of four
    np.testing.assert_allclose(sure[20:], 35 / 40, atol=2e-2)  # 20 of a and 15 of the other are right; no sharper


def test_a_label_that_a_network_never_saw_flattens_no_probabilities():
    """Of 40 clips 30 are right. A clip whose label had no example would raise the temperature."""
    clips = clips_of(np.repeat(["a", "b"], 20), np.tile([0, 1], 20), np.arange(40) % 4 > 0)
    alien = clips.iloc[:1].assign(logits=[np.array([-30.0, 2.0])], is_unknown=True, site="c")
    temperature = 2 / np.log(3)
    for table in (clips, pd.concat([clips, alien])):
        assert fit_clips(table, LABELS).temperature == pytest.approx(temperature, rel=1e-3)
    assert fit_clips(alien, LABELS).temperature == 1.0


def test_two_sites_cannot_choose_for_another():
    clips = clips_of("aabb", [0, 1, 0, 1], np.ones(4, bool))
    found = cross_choose({0: clips}, pd.Series(list("aabb")), LABELS)
    assert not len(found) and list(found.columns) == ["clip_id", "epoch", "p_x", "p_y"]


def test_independent_labels_are_chosen_for_too():
    labels = LabelSet((Label("x"), Label("y")), empty=None, multi=True)
    clips = clips_of("aabbcc", [0, 1] * 3, np.ones(6, bool)).drop(columns="i_label")
    shows = [np.array([i % 2 == 0, i % 2 == 1]) for i in range(6)]
    found = cross_choose({0: clips.assign(shows=shows)}, pd.Series(list("aabbcc")), labels)
    np.testing.assert_allclose(found["p_x"], [0.8808, 0.5] * 3, atol=1e-3)  # too few clips: temperature 1, no bias
