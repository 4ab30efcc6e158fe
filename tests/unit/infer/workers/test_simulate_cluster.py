"""The model of a cluster against throughputs worked out by hand."""

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[4] / "scripts" / "simulate_cluster.py"


@pytest.fixture(scope="module")
def model():
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_free_workers_give_their_number_over_the_seconds_of_a_clip(model):
    found = model.simulate(model.Cluster(nodes=2, cores=4, clip_s=0.5, clip_spread=0.0, driver_s=1e-6))
    assert found.clips_per_s == pytest.approx(16, rel=0.02) and found.limit == "workers"
    assert found.workers == pytest.approx(1, rel=0.02)


def test_the_driver_gives_no_more_than_it_takes_in(model):
    found = model.simulate(model.Cluster(nodes=16, cores=16, clip_s=0.5, clip_spread=0.5, driver_s=0.01))
    assert found.clips_per_s == pytest.approx(100, rel=0.02) and found.limit == "driver"


def test_storage_and_links_give_no_more_than_their_bandwidth(model):
    slow = model.Cluster(nodes=4, cores=16, clip_s=0.5, clip_spread=0.5, driver_s=1e-6, mb=5.0)
    storage = model.simulate(model.replace(slow, storage_mb_s=50.0))
    assert storage.clips_per_s == pytest.approx(10, rel=0.02) and storage.limit == "storage"
    links = model.simulate(model.replace(slow, link_mb_s=50.0))
    assert links.clips_per_s == pytest.approx(40, rel=0.02) and links.limit == "links"


def test_a_run_is_the_same_for_one_seed(model):
    cluster = model.Cluster(nodes=1, cores=3, clip_s=0.1, clip_spread=0.7, driver_s=0.001)
    assert model.simulate(cluster, seed=4) == model.simulate(cluster, seed=4) != model.simulate(cluster, seed=5)


def test_one_worker_and_nothing_else(model):
    found = model.simulate(model.Cluster(nodes=1, cores=1, clip_s=2.0, clip_spread=0.0, driver_s=0.001))
    assert found.clips_per_s == pytest.approx(0.5, rel=0.02)
