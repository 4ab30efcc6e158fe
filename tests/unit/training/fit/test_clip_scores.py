"""The gain of fine-tuning over the probe, and its error over sites; expectations worked out by hand."""

import math

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="the extra [train] is not installed")

from leopardnet.core.labels import Label, LabelSet
from leopardnet.core.settings.inference import AggregateConfig
from leopardnet.training.fit.clip_scores import compute_clip_logits, compute_scores, measure_gain


def clips_of(sites, right, *, multi=False):
    """Two labels in turn, with the logit 2 for the true one where right, else for the other."""
    y = np.arange(len(sites)) % 2
    z = [np.eye(2)[i] * 4.0 - 2.0 for i in np.where(right, y, 1 - y)]
    truth = {"shows": [np.arange(2) == i for i in y]} if multi else {"i_label": y}
    return pd.DataFrame({"clip_id": [str(i) for i in range(len(y))], "site": list(sites), "logits": z, **truth})


def test_a_clip_whose_label_had_no_example_is_named():
    labels = LabelSet((Label("x"), Label("y")), empty=None)
    rows = pd.DataFrame(
        {"clip_id": ["a", "a", "b"], "site": "s", "label": ["y", "y", "x"], "time_s": [0.0, 1.0, 0.0]}
    )
    logits = np.array([[1.0, -30.0], [2.0, -30.0], [1.0, -30.0]], np.float32)
    found = compute_clip_logits(rows, logits, AggregateConfig(name="mean_logit"), labels)
    assert found.set_index("clip_id")["is_unknown"].to_dict() == {"a": True, "b": False}


@pytest.mark.parametrize("multi", [False, True])
def test_a_gain_at_one_of_two_sites_is_as_large_as_its_error(multi):
    """The probe is right at a alone (F1 1/2), the epoch everywhere: without a the gain is 1, without b it is 0."""
    probe, tuned = (clips_of("aabb", right, multi=multi) for right in ([1, 1, 0, 0], [1, 1, 1, 1]))
    assert measure_gain(tuned, probe) == {"val_gain": 0.5, "val_gain_se": 0.5}
    assert measure_gain(probe, tuned)["val_gain"] == -0.5


def test_the_same_gain_at_every_site_has_no_error():
    probe, tuned = clips_of("aabbcc", [1, 0] * 3), clips_of("aabbcc", [1, 1] * 3)
    found = measure_gain(tuned, probe)  # of x, 3 are true and 6 said: F1 2/3; of y none is said
    assert found["val_gain"] == pytest.approx(2 / 3) and found["val_gain_se"] == pytest.approx(0.0, abs=1e-12)


def test_a_clip_without_a_site_is_one_of_its_own():
    probe, tuned = (clips_of([None] * 4, right) for right in ([1, 1, 0, 0], [1, 1, 1, 1]))
    # without a clip that the probe knew, its F1 are 0 and 1/2; without another 2/3 and 2/3: gains 3/4 and 1/3
    error = math.sqrt(3 / 4 * 4) * 5 / 24
    assert measure_gain(tuned, probe)["val_gain_se"] == pytest.approx(error)


def test_one_site_says_nothing_of_the_error():
    clips = clips_of("aaaa", [1, 1, 1, 1])
    assert measure_gain(clips, clips)["val_gain"] == 0.0
    assert math.isnan(measure_gain(clips, clips)["val_gain_se"])


def test_clips_that_one_of_the_two_could_not_read_are_left_out():
    probe, tuned = clips_of("aabb", [1, 1, 0, 0]), clips_of("aabb", [1, 1, 1, 1])
    found = measure_gain(tuned.iloc[1:], probe.iloc[:3])  # leaves clip 1, right in both, and clip 2
    assert found == pytest.approx({"val_gain": 2 / 3, "val_gain_se": 1 / 4})  # F1 0 and 2/3; gains 1/2 and 0
    scores = compute_scores(tuned, probe)
    assert scores["val_macro_f1"] == 1.0 and scores["val_gain"] == 0.5 and "val_gain" not in compute_scores(tuned)
