"""THE main path: from a clip to its prediction, in eight steps, the same for videos, stills and bursts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.errors import RunStopped
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.settings.detection import DetectorConfig
from leopardnet.core.settings.inference import Effort, RuntimeConfig, Sampling
from leopardnet.core.types import ClipPrediction
from leopardnet.detect.detector import choose_detector
from leopardnet.infer.clip import Job, classify
from leopardnet.infer.footage_source import open_source
from leopardnet.infer.journal import Journal, QueuedClip
from leopardnet.infer.prediction_tables import predictions_from, write_pages
from leopardnet.infer.workers.process import is_graphics_processor


def predict(
    source: Manifest | str | Path,
    bundle: Bundle,
    *,
    out: str | Path | None = None,
    runtime: RuntimeConfig | None = None,
    sampling: Sampling | None = None,
    detector: DetectorConfig | str = "",
    effort: Effort = "full",
    retry_failed: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Predictions:
    """One row per clip of a manifest, a folder or a file, in its order; a clip that cannot be read has a row too.

    out: folder for the tables and for the journal, with which a run that was broken off goes on. runtime: backend,
    device, precision, workers. sampling: other frames than the bundle was made for. detector: where boxes come from, if
    not from where the bundle has learned: none, embedded, motion, or a file. effort: see `infer.rounds`.
    retry_failed: look again at clips that could not be read. on_progress(n_done, n_total).

    >>> preds = predict("clips/", load_bundle("runs/amur/bundle"))  # doctest: +SKIP
    >>> preds.table[["path", "decision", "score"]]  # doctest: +SKIP
    """
    manifest = open_source(source)
    boxes = choose_detector(detector, bundle.spec.detector) if isinstance(detector, str) else detector
    job = Job(bundle, manifest.root, runtime or RuntimeConfig(), sampling or bundle.spec.sampling, boxes, effort)
    with Journal.open(out, job.results_key()) as journal:
        fill(journal, manifest, job, retry_failed=retry_failed, on_progress=on_progress)
        if out is not None:
            write_pages(journal.pages(manifest), bundle, Path(out))
        return predictions_from(journal.pages(manifest), bundle)


def classify_all(
    clips: Iterator[QueuedClip], job: Job, should_stop: Callable[[], bool] = lambda: False
) -> Iterator[tuple[QueuedClip, ClipPrediction]]:
    """Every clip with its prediction, as they become ready. Processes are a number; they change no result.

    No worker: in this process. On a processor each worker does whole clips; a graphics processor is fed by one process
    with the frames that the workers decode. After `should_stop`, the clips in hand are finished and no other begun.
    """
    from leopardnet.infer.workers.gpu_feed import GpuFeed
    from leopardnet.infer.workers.pool import WorkerPool

    if job.runtime.workers == 0:
        network = job.bundle.runtime(job.runtime)
        for item in clips:
            if should_stop():
                return
            yield item, classify(item.clip, job, network)
        return
    layout = GpuFeed if is_graphics_processor(job.runtime) else WorkerPool
    with layout(job) as workers:
        yield from workers.judged(clips, should_stop)


def fill(
    journal: Journal,
    manifest: Manifest,
    job: Job,
    *,
    retry_failed: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    on_result: Callable[[ClipPrediction], None] = lambda result: None,
    should_stop: Callable[[], bool] = lambda: False,
    engine: Callable[..., Iterator[tuple[QueuedClip, ClipPrediction]]] = classify_all,
) -> None:
    """Judge every clip that the journal does not know yet. Raises RunStopped where it ends before the last one."""
    clips = manifest.clips()
    todo = journal.todo(clips, manifest.root, retry_failed=retry_failed)
    n_done, n_total = len(clips) - len(todo), len(clips)
    if on_progress:
        on_progress(n_done, n_total)
    if not todo:
        return
    with closing(engine(iter(todo), job, should_stop)) as results:
        for item, result in results:
            journal.add(item, result)
            n_done += 1
            on_result(result)
            if on_progress:
                on_progress(n_done, n_total)
    if n_done < n_total:
        raise RunStopped(f"stopped after {n_done} of {n_total} clips", todo="give the same command again to go on")
