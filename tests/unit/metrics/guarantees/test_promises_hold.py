"""A fast version of `scripts/measure_promises.py`: promises over new sites, in worlds whose truth is known."""

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[4] / "scripts" / "measure_promises.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("measure_promises", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def measured(script):
    """Forty sets of 400 positives at 20 and 100 sites: which method broke how many of its promises."""
    worlds = ("normal .2", "invisible .3", "one in ten")
    return script.measure(worlds, (20, 100), (400,), max_miss=0.05, n_sets=40).set_index(
        ["world", "sites", "method"]
    )


@pytest.mark.parametrize("world", ["normal .2", "invisible .3", "one in ten"])
def test_what_holds_whatever_sites_do_holds_where_one_site_in_ten_fails(measured, world):
    at_100, at_20 = (measured.loc[(world, n, "any_sites")] for n in (100, 20))
    assert at_100["n_given"] == 40 and at_100["broken"] == 0 and at_100["archived"] > 0.05
    assert at_20["n_given"] == 0, "20 sites cannot show it"


@pytest.mark.parametrize("world", ["normal .2", "invisible .3"])
def test_what_holds_if_no_site_is_unlike_those_labelled_holds_there_and_archives_more(measured, world):
    for n_sites in (20, 100):
        like = measured.loc[(world, n_sites, "like_sites")]
        assert like["n_given"] > 20 and like["broken"] <= 0.1, "two standard errors above 5 %"
    assert like["archived"] > measured.loc[(world, 100, "any_sites"), "archived"]


def test_the_second_level_does_not_hold_where_sites_fail_and_the_old_method_did_less(measured):
    """So its name is what it needs: no site unlike those labelled."""
    assert measured.loc[("one in ten", 20, "like_sites"), "broken"] > 0.1
    assert (
        measured.loc[("one in ten", 20, "was"), "broken"]
        >= measured.loc[("one in ten", 20, "like_sites"), "broken"]
    )
    assert measured.loc[("invisible .3", 20, "was"), "broken"] > 0.1


def test_the_truth_is_that_of_the_world(script):
    """Without site effects the loss at a threshold is the normal distribution there, by clip and by site alike."""
    by_clip, by_site = script.true_losses(script.World(rho=0.0), 10.0)
    at = script.GRID.searchsorted(-1.6449)
    assert by_clip[at] == pytest.approx(by_site[at]) and by_clip[at] == pytest.approx(0.05, abs=0.004)
    failing, _ = script.true_losses(script.World(rho=0.0, failing=0.1), 10.0)
    assert failing[at] == pytest.approx(0.9 * by_clip[at] + 0.1 * 0.94, abs=0.01), "failing sites lose 94 % there"
