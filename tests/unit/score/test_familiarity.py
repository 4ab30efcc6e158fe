"""How familiar frames and clips look, by hand."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.score.familiarity import class_mean_probs, clip_familiarity, familiarity

LABELS = ("deer", "empty")


def test_energy_stands_before_the_cosines_and_does_not_overflow():
    found = familiarity(np.array([[0.0, 0.0], [1000.0, 0.0]], np.float32), np.array([[1, 0], [0, 1]], np.float32))
    assert found.dtype == np.float32 and found[:, 0].tolist() == pytest.approx([np.log(2), 1000.0])
    assert found[:, 1:].tolist() == [[1, 0], [0, 1]]


def test_the_frames_that_show_most_of_an_animal_count():
    rows = [("a", 0.9, 1.0), ("a", 0.2, 2.0), ("a", 0.1, 4.0), ("a", 0.8, 8.0), ("a", 0.95, 16.0), ("b", 1.0, 32.0)]
    frames = pd.DataFrame(rows, columns=["clip_id", "p_empty", "energy"]).assign(cos_deer=0.5, cos_empty=0.0)
    energy = {
        share: clip_familiarity(frames, LABELS, top_share=share)["energy"] for share in (0.01, 0.25, 0.4, 1.0)
    }
    assert energy[0.01].to_dict() == {"a": 4.0, "b": 32.0}, "at least one"
    assert energy[0.25]["a"] == energy[0.4]["a"] == 3.0, "a quarter of five are two, and so are four tenths"
    assert energy[1.0]["a"] == pytest.approx(31 / 5)


def test_of_equally_empty_frames_the_first_count():
    p_empty = np.array([0.5, np.nextafter(np.float32(0.5), 0), 1e-9, 1e-8], np.float32)
    frames = pd.DataFrame({"clip_id": ["a", "a", "b", "b"], "p_empty": p_empty, "energy": [1.0, 2.0, 3.0, 4.0]})
    energy = clip_familiarity(frames, LABELS, top_share=0.25)["energy"]
    assert energy.to_dict() == {"a": 1.0, "b": 3.0}, "small probabilities are still distinguished"


def test_frames_without_such_numbers_have_nan():
    frames = pd.DataFrame({"clip_id": ["a"], "p_empty": [0.5]})
    assert clip_familiarity(frames, LABELS).isna().all(axis=None)
    assert list(clip_familiarity(frames, LABELS).columns) == ["energy", "cos_deer", "cos_empty"]
    assert clip_familiarity(frames[:0], LABELS).empty


def test_the_nearest_mean_is_the_likeliest():
    p = class_mean_probs(np.array([[0.2, 0.5, 0.1]]))
    assert p[0].argmax() == 1 and p.sum() == pytest.approx(1)
    assert p[0, 1] / p[0, 0] == pytest.approx(np.exp(3.0))
