"""One number per site, from its first clips, or from how later ones differ from them."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.metrics.guarantees.site_numbers import BLOCKS, Block, measure_clips, number_sites


def column(values):
    return pd.DataFrame({"x": np.array(values, float)})


def test_the_first_clips_of_each_site_in_the_order_in_which_sites_had_enough():
    sites = pd.Series(["b", "a", "b", None, "a", "a", "b", "c"], dtype=object)
    found = number_sites(column([1, 10, 3, 99, 20, 70, 50, 5]), sites, Block(2, 2, False, 1.0))
    assert found.sites.tolist() == ["b", "a"] and found.at.tolist() == [2, 4], "one clip of c is not enough"
    assert found.values.tolist() == [[2.0], [15.0]]


def test_a_change_is_what_the_last_clips_have_more_than_the_first():
    sites = pd.Series(list("aababaab"), dtype=object)
    found = number_sites(column([1, 3, 0, 8, 0, 6, 99, 0]), sites, Block(4, 2, True, 1.0))
    assert found.sites.tolist() == ["a"] and found.at.tolist() == [5]
    assert found.values.tolist() == [[(8 + 6) / 2 - (1 + 3) / 2]]


def test_a_clip_without_a_value_leaves_its_site_without_a_number():
    sites = pd.Series(["a", "a", "b", "b"], dtype=object)
    found = number_sites(column([1, np.nan, 2, 4]), sites, Block(2, 2, False, 1.0))
    assert np.isnan(found.values[0, 0]) and found.values[1, 0] == 3
    nothing = number_sites(column([]), pd.Series([], dtype=object), Block(2, 2, False, 1.0))
    assert nothing.values.shape == (0, 1) and len(nothing.sites) == 0
    assert number_sites(column([1]), pd.Series([None], dtype=object), Block(1, 1, False, 1.0)).values.size == 0


def test_the_parts_of_a_false_alarm_are_one_together():
    assert sum(b.weight for b in BLOCKS.values()) == pytest.approx(1)


def test_features_of_clips_worked_out_by_hand():
    table = pd.DataFrame(
        {
            "clip_id": ["a", "b"],
            "p_leopard": [0.5, 0.0],
            "p_empty": [0.2, 1.0],
            "width_px": [1024, None],
            "height_px": [512, None],
        }
    )
    frames = pd.DataFrame(
        {
            "clip_id": ["a", "a", "other"],
            "energy": [2.0, 4.0, 9.0],
            "cos_leopard": [0.4, 0.6, 0.9],
            "cos_empty": [0.1, 0.1, 0.9],
            "sharpness": [1.0, 2.0, 9.0],
        }
    )
    found = measure_clips(table, frames, labels=["leopard", "animal", "no such label"])
    looks = ["brightness", "colour", "sharpness", "pixels"]
    assert list(found.columns) == ["animal", "leopard", "energy", "likeness", *looks]
    first = found.iloc[0]
    assert first["animal"] == pytest.approx(np.log(4), abs=1e-6) and first["leopard"] == 0
    assert (first["energy"], first["likeness"], first["sharpness"], first["pixels"]) == (3, 0.3, 1.5, 19)
    assert np.isnan(first["brightness"]), "written by a version that did not look at it"
    assert found.iloc[1]["animal"] == pytest.approx(np.log(1e-7), abs=1e-3), "a sure answer is not infinite"
    assert found.iloc[1][["energy", "pixels"]].isna().all()


def test_independent_labels_show_an_animal_where_one_of_them_does():
    table = pd.DataFrame({"clip_id": ["a"], "labels": ["x"], "p_x": [0.75], "p_empty": [0.5]})
    found = measure_clips(table, pd.DataFrame({"clip_id": []}))
    assert found["animal"].tolist() == pytest.approx([np.log(3)], abs=1e-6)
