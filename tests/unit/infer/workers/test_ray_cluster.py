"""The main path on a cluster of two nodes on this machine: the same table, also when a worker is lost."""

import os
import shutil
import signal

import pandas as pd
import psutil
import pytest

from leopardnet.core.errors import BackendError
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.infer.footage_source import open_source
from leopardnet.infer.job import Job
from leopardnet.infer.journal import Journal
from leopardnet.infer.predict_footage import fill_journal, predict
from leopardnet.infer.prediction_tables import build_predictions

pytest.importorskip("ray", reason="the extra [ray] is not installed")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address():
    """Two nodes with one processor each."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}, connect=True
    )
    cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    yield cluster.address
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture
def clips(footage, tmp_path):
    folder = tmp_path / "clips"
    folder.mkdir()
    good = sorted(p for p in footage.rglob("*") if p.suffix in (".MP4", ".JPG"))
    for i in range(120):
        shutil.copy(good[i % len(good)], folder / f"{i:03d}{good[i % len(good)].suffix}")
    (folder / "broken.mp4").write_bytes(b"")
    return folder


def test_no_cluster_there(clips, tiny_bundle):
    from leopardnet.infer.workers.ray_cluster import ray_engine

    manifest = open_source(clips)
    job = Job(tiny_bundle, manifest.root, RuntimeConfig(), tiny_bundle.spec.sampling)
    with Journal.open(None, job.results_key()) as journal, pytest.raises(BackendError, match="no Ray cluster"):
        fill_journal(journal, manifest, job, engine=ray_engine("127.0.0.1:1"))


def test_the_table_equals_the_local_one_although_a_worker_is_lost(address, clips, tiny_bundle, tmp_path):
    from leopardnet.infer.workers.ray_cluster import ray_engine

    killed = []

    def kill_one(result):
        workers = [
            p
            for p in psutil.process_iter(["cmdline"])
            if "ClipWorker" in " ".join(p.info["cmdline"] or []) or "MapWorker" in " ".join(p.info["cmdline"] or [])
        ]
        if not killed and workers:
            killed.append(workers[0].pid)
            os.kill(workers[0].pid, signal.SIGKILL)

    manifest = open_source(clips)
    job = Job(tiny_bundle, manifest.root, RuntimeConfig(), tiny_bundle.spec.sampling)
    with Journal.open(tmp_path / "out", job.results_key()) as journal:
        fill_journal(journal, manifest, job, engine=ray_engine(address), on_result=kill_one)
        there = build_predictions(journal.read_pages(manifest), tiny_bundle)
        assert journal.list_todo(manifest.clips(), manifest.root) == []
    here = predict(manifest, tiny_bundle, runtime=RuntimeConfig(workers=0), sound="none")  # as the job
    assert killed and len(there) == 121
    # `predict` also says which clips taught the model, which the journal does not know
    there_and_here = (x.table.drop(columns="in_training") for x in (there, here))
    pd.testing.assert_frame_equal(*there_and_here, atol=1e-5)
    pd.testing.assert_frame_equal(there.evidence, here.evidence, atol=1e-5)
