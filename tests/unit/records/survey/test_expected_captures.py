"""Expected animals and recaptures: the values of secrdesign's own test, and cases worked out by hand."""

import math

import numpy as np
import pytest

from leopardnet.core.errors import ConfigError
from leopardnet.records.survey.add_cameras import add_cameras
from leopardnet.records.survey.expected_captures import Detection, Mask, expect_captures, make_mask

GRID = np.array([(0.02 * i, 0.02 * j) for j in range(8) for i in range(8)])  # 8 x 8, 20 m apart, in km
ONE_POINT = Mask(np.zeros((1, 2)), 1.0)


def detection(detector="proximity", **changes):
    """5 animals per ha, as in secrdesign."""
    return Detection(**{"density_per_km2": 500.0, "lambda0": 0.2, "sigma_km": 0.02, "n_occasions": 5} | changes,
                     detector=detector)  # fmt: skip


@pytest.mark.parametrize(
    ("detector", "values"),
    [("multi", (20.42885, 32.59759, 28.62447)), ("proximity", (20.42885, 56.14689, 49.64859))],
)
def test_the_values_of_secrdesign(detector, values):
    found = expect_captures(GRID, make_mask(GRID, buffer_km=0.1), detection(detector))
    assert (found.n_animals, found.n_recaptures, found.n_moves) == pytest.approx(values, abs=1e-4)
    assert found.relative_error == pytest.approx(1 / math.sqrt(values[0]), abs=1e-6)


@pytest.mark.parametrize("detector", ["multi", "proximity"])
def test_one_camera_and_one_cell(detector):
    """At the camera itself, with lambda0 = 1 and two occasions: 1 - e^-2 animals, 2(1 - 1/e) detections."""
    found = expect_captures(np.zeros((1, 2)), ONE_POINT, Detection(1.0, 1.0, 1.0, 2, detector))
    assert found.n_animals == pytest.approx(1 - math.exp(-2))
    assert found.n_recaptures == pytest.approx(2 * (1 - math.exp(-1)) - (1 - math.exp(-2)))
    assert found.n_moves == pytest.approx(0.0, abs=1e-12), "with one camera nothing moves"


def test_without_a_camera_nothing_is_expected():
    found = expect_captures(np.zeros((0, 2)), ONE_POINT, detection())
    assert (found.n_animals, found.n_recaptures) == (0.0, 0.0) and math.isinf(found.relative_error)


def test_blocks_of_cells_do_not_change_the_sum():
    """More cells than a block holds: twice the density in as many cells of half the area is the same."""
    fine = expect_captures(GRID, make_mask(GRID, buffer_km=0.1, n_cells=100), detection())
    coarse = expect_captures(GRID, make_mask(GRID, buffer_km=0.1, n_cells=64), detection())
    assert fine.n_animals == pytest.approx(coarse.n_animals, rel=1e-3)


@pytest.mark.parametrize("change", [{"lambda0": 0.0}, {"sigma_km": -1.0}, {"n_occasions": 0},
                                    {"density_per_km2": math.nan}])  # fmt: skip
def test_a_value_that_cannot_be_is_refused(change):
    with pytest.raises(ConfigError, match=next(iter(change))):
        detection(**change)


@pytest.mark.parametrize("detector", ["multi", "proximity"])
def test_each_step_takes_the_best_place_of_all(detector):
    """Against trying every place by itself."""
    rng = np.random.default_rng(4)
    have, places = rng.uniform(0, 0.1, (3, 2)), rng.uniform(0, 0.1, (7, 2))
    mask, how = make_mask(GRID, buffer_km=0.05, n_cells=32), detection(detector)
    found = add_cameras(have, places, mask, how, n_add=3)
    taken = []
    for step in range(3):
        tried = {}
        for i in set(range(7)) - set(taken):
            value = expect_captures(np.concatenate([have, places[[*taken, i]]]), mask, how)
            tried[i] = min(value.n_animals, value.n_recaptures)
        best = max(tried, key=tried.get)
        assert found["i_place"][step] == best
        row = found.iloc[step]
        assert min(row["n_animals"], row["n_recaptures"]) == pytest.approx(tried[best])
        taken.append(best)


def test_no_more_places_are_added_than_there_are():
    mask = make_mask(GRID, buffer_km=0.05, n_cells=16)
    assert len(add_cameras(GRID[:2], GRID[2:4], mask, detection(), n_add=9)) == 2
    none = add_cameras(GRID[:2], GRID[:0], mask, detection(), n_add=9)
    assert none.empty and "n_animals" in none
