"""The same path on a cluster: Ray Data maps clips over workers, and the driver writes the journal.

Footage and bundle are on shared storage, under the same path on every node. A worker of the cluster is an actor
with one processor, which keeps the decoder in a process of its own as a single machine does: a broken file costs
that file, and never starts the endless repetition with which Ray answers a crash. When a worker or a node is lost,
Ray runs its clips elsewhere. Results come to the driver, so a run continues after a stop exactly as it does on one
machine.
"""

from __future__ import annotations

import logging
import pickle
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np

from leopardnet.core.errors import BackendError, LeopardnetError
from leopardnet.core.install_advice import name_install
from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.types import ClipPrediction
from leopardnet.infer.job import Engine, Job, Results
from leopardnet.infer.workers.gpu_feed import GpuFeed
from leopardnet.infer.workers.pool import WorkerPool

CLIPS_PER_TASK = 32  # what is done twice where a worker is lost
WORKERS_PER_DEVICE = 4  # processes that decode for one graphics processor


class ClipWorker:
    """A worker on a node: made once by Ray, then called with batches of clips."""

    def __init__(self, job: Job) -> None:
        if not job.root.is_dir() or not any(job.root.iterdir()):
            raise BackendError(
                "a node of the cluster cannot find the footage",
                where=job.root,
                todo="mount the shared storage under the same path on every node",
            )
        if type(job.bundle).load(job.bundle.folder).id != job.bundle.id:
            raise BackendError("a node of the cluster has another bundle under this path", where=job.bundle.folder)
        workers: GpuFeed | WorkerPool = GpuFeed(job) if job.runtime.device == "cuda" else WorkerPool(job)
        self._open = ExitStack()
        self._workers: GpuFeed | WorkerPool = workers
        self._open.enter_context(workers)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return the predictions of a batch. Both are pickled, because Ray keeps columns of bytes."""
        items = (pickle.loads(data) for data in batch["item"])
        pairs = [pickle.dumps(pair) for pair in self._workers.classify(items)]
        return {"pair": np.array(pairs, dtype=object)}


def ray_engine(address: str) -> Engine:
    """Return an engine for `predict` that runs on the Ray cluster at an address (`auto`: that of this machine).

    >>> predict("clips/", bundle, out="results/", engine=ray_engine("auto"))  # doctest: +SKIP
    """
    try:
        import ray
    except ImportError as error:
        raise BackendError(
            "Ray is not installed", found=str(error), todo=f"{name_install('ray')}, on every node"
        ) from None

    def classify(clips: Iterator[QueuedClip], job: Job, should_stop: Callable[[], bool]) -> Results:
        is_ours = not ray.is_initialized()
        if is_ours:
            try:
                _check_address(address)
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=True)
            except (OSError, RuntimeError, ValueError) as error:
                raise BackendError(
                    "there is no Ray cluster at this address",
                    where=address,
                    found=str(error).splitlines()[0][:200],
                    todo="start one with `ray start --head`, or check the address",
                ) from None
        try:
            yield from _map_clips(ray, clips, job, should_stop)
        finally:
            if is_ours:
                ray.shutdown()

    return classify


def _check_address(address: str) -> None:
    """Raise OSError where nothing listens at this address: Ray itself would try for minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _map_clips(
    ray: Any, clips: Iterator[QueuedClip], job: Job, should_stop: Callable[[], bool]
) -> Iterator[tuple[QueuedClip, ClipPrediction]]:
    import ray.data
    from ray.exceptions import RayError

    on_device = job.runtime.device == "cuda"
    n_cpus = WORKERS_PER_DEVICE if on_device else 1
    node_job = replace(
        job,
        root=job.root.resolve(),
        bundle=replace(job.bundle, folder=job.bundle.folder.resolve()),
        runtime=job.runtime.model_copy(update={"workers": n_cpus}),
    )
    resources = ray.cluster_resources()
    n_actors = max(1, int(resources.get("GPU", 0) if on_device else resources.get("CPU", 1)))
    ray.data.DataContext.get_current().enable_progress_bars = False
    items = [{"item": pickle.dumps(item)} for item in clips]
    n_blocks = max(1, -(-len(items) // CLIPS_PER_TASK))
    results = ray.data.from_items(items, override_num_blocks=n_blocks).map_batches(
        ClipWorker,
        fn_constructor_args=(node_job,),
        batch_size=CLIPS_PER_TASK,
        num_cpus=n_cpus,
        num_gpus=1 if on_device else 0,
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=n_actors),
    )
    try:
        for row in results.iter_rows():
            yield pickle.loads(row["pair"])
            if should_stop():
                return
    except RayError as error:
        cause = getattr(error, "cause", None)
        if isinstance(cause, LeopardnetError):
            raise cause from None
        raise BackendError(
            "the cluster stopped working", found=str(error)[-300:], todo="give the same command again to continue"
        ) from None
