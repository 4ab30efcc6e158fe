"""The worker processes of `predict`: each classifies whole clips; see `media.workers.clip_pool`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.types import Clip, ClipPrediction
from leopardnet.infer.job import Job, Results
from leopardnet.infer.unreadable import unreadable_prediction
from leopardnet.media.workers.clip_errors import out_of_memory_error
from leopardnet.media.workers.clip_pool import ClipPool

if TYPE_CHECKING:
    from leopardnet.bundle.runtime import Runtime


class WorkerPool:
    """The worker processes of one job, for as long as the `with` block lasts."""

    def __init__(self, job: Job) -> None:
        self._pool = ClipPool(job, start=_start, read=_classify_one, give_up=_give_up)

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *error: object) -> None:
        self._pool.__exit__()

    def classify(self, clips: Iterator[QueuedClip], should_stop: Callable[[], bool] = lambda: False) -> Results:
        """Yield every clip with its prediction as it is finished. Holds a few groups of clips at a time."""
        yield from self._pool.process(clips, should_stop)


def _give_up(job: Job, clip: Clip, reason: str) -> ClipPrediction:
    return unreadable_prediction(clip, reason, job.bundle)


# --- in the worker ---

_work: tuple[Job, Runtime] | None = None


def _start(job: Job) -> None:
    global _work
    job = replace(job, runtime=job.runtime.model_copy(update={"threads": job.runtime.threads or 1}))
    _work = job, job.bundle.runtime(job.runtime)
    job.open_detector()
    if job.runtime.decode != "software":
        from leopardnet.media.video.hardware import open_device

        open_device(job.runtime.decode)  # before the memory of this process is limited


def _classify_one(clip: Clip) -> ClipPrediction:
    from leopardnet.infer.clip import classify

    assert _work is not None, "the process was started"
    job, network = _work
    try:
        return classify(clip, job, network)
    except MemoryError:
        return unreadable_prediction(clip, out_of_memory_error(clip, job.runtime).one_line, job.bundle)
