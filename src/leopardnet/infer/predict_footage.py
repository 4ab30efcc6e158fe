"""`predict`: from footage and a bundle to predictions, for the command line, notebooks and clusters alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from leopardnet.bundle.bundle import Bundle, load_bundle
from leopardnet.bundle.learned_from import read_learned_from
from leopardnet.core.errors import RunStopped
from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.settings.detection import DetectorConfig
from leopardnet.core.settings.inference import RuntimeConfig, Sampling
from leopardnet.core.settings.sound import SoundConfig
from leopardnet.core.types import ClipPrediction
from leopardnet.data.checks.match_files import refuse_other_files
from leopardnet.detect.detector import choose_detector, match_detector
from leopardnet.infer.earlier_tables import note_replaced_rows
from leopardnet.infer.footage_source import open_source
from leopardnet.infer.job import Engine, Job, Results, choose_effort
from leopardnet.infer.journal import Journal
from leopardnet.infer.workers.preload import preload_workers
from leopardnet.media.workers.read_ahead import advise_next

if TYPE_CHECKING:
    from leopardnet.infer.workers.gpu_feed import GpuFeed
    from leopardnet.infer.workers.pool import WorkerPool


def classify_all(clips: Iterator[QueuedClip], job: Job, should_stop: Callable[[], bool] = lambda: False) -> Results:
    """Yield every clip with its prediction as it is finished. The number of processes changes no result.

    Without workers everything runs in this process. On a processor each worker does whole clips; a graphics
    processor is fed by one process with the frames that the workers decode. After `should_stop` returns True, clips
    that are being classified are finished and no other is started.
    """
    if job.runtime.workers == 0:
        from leopardnet.infer.clip import classify

        network = job.bundle.runtime(job.runtime)
        for item in clips:
            if should_stop():
                return
            yield item, classify(item.clip, job, network)
        return
    with _open_workers(job) as workers:
        yield from workers.classify(advise_next(clips, job.root), should_stop)


def _open_workers(job: Job) -> GpuFeed | WorkerPool:
    if job.is_on_graphics_processor:
        from leopardnet.infer.workers.gpu_feed import GpuFeed

        return GpuFeed(job)
    from leopardnet.infer.workers.pool import WorkerPool

    return WorkerPool(job)


def predict(
    source: Manifest | str | Path,
    bundle: Bundle | str | Path,
    *,
    out: str | Path | None = None,
    runtime: RuntimeConfig | None = None,
    sampling: Sampling | str | None = None,
    detector: DetectorConfig | str = "",
    sound: SoundConfig | str = "tonal",
    effort: str = "full",
    retry_failed: bool = False,
    take_over: Sequence[str | Path] = (),
    engine: Engine = classify_all,
    should_stop: Callable[[], bool] = lambda: False,
    on_result: Callable[[ClipPrediction], None] = lambda result: None,
    on_progress: Callable[[int, int], None] = lambda n_done, n_total: None,
    on_note: Callable[[str], None] = lambda note: None,
) -> Predictions:
    """Classify a manifest, a folder or a file: one row per clip, in its order. Unreadable clips have a row too.

    bundle: the model, or its folder. out: folder for the tables and the journal, with which an interrupted run
    continues; the tables are read back where the result is used. watch.json there says whether a promise applies
    (`bundle.promise_watch`). runtime: backend, device, precision, workers. sampling: other frames than the
    bundle's, as settings or the name of a file in configs/sampling. detector: where boxes come from, if not from
    the bundle's detector: none, embedded, motion, or a file. sound: what sound tracks are searched for, as
    settings or the name of a file in configs/sound; `none` reads none. Sound changes no other result; it is
    searched afterwards where clips were classified without. effort: `full`, or `thorough`: also frames half-way
    between those. retry_failed: read unreadable clips again. take_over: folders of runs whose finished clips are
    kept, see `take_part`. engine: `classify_all` or `ray_engine(address)`. on_result: called with each new
    prediction; on_progress: with the numbers of clips done and in all; on_note: with what people should know.

    Raises RunStopped where `should_stop` returned True before the last clip; what is done stays in the journal.
    Raises ManifestError before the first clip where a results file fits none of them, where it or the times of the
    manifest are of other footage, and where `out` holds the tables of other clips alone.

    >>> preds = predict("clips/", "runs/amur/bundle")  # doctest: +SKIP
    >>> preds.table[["path", "decision", "score"]]  # doctest: +SKIP
    """
    if engine is classify_all and (runtime is None or runtime.workers != 0):
        preload_workers()
    if not isinstance(bundle, Bundle):
        bundle = load_bundle(bundle)
    manifest = open_source(source)
    refuse_other_files(manifest.table, manifest.root)
    note_replaced_rows(out, manifest.table, on_note)
    learned = read_learned_from(bundle.spec)
    job = _plan_job(manifest, bundle, runtime, sampling, detector, sound, effort, on_note)
    with Journal.open(out, job.results_key()) as journal:
        _take_over(journal, take_over, on_note)
        fill_journal(
            journal,
            manifest,
            job,
            retry_failed=retry_failed,
            engine=engine,
            should_stop=should_stop,
            on_result=on_result,
            on_progress=on_progress,
        )
        if job.sound.is_on:
            hear_the_rest(journal, manifest, job, should_stop=should_stop, on_note=on_note)
        from leopardnet.infer.prediction_tables import build_predictions, write_pages, write_watch

        pages = journal.read_pages(manifest)
        parts = learned.find_part(manifest.table, manifest.root) if learned else None
        if out is None:
            return build_predictions(pages, bundle, parts=parts)
        predictions = write_pages(pages, bundle, Path(out), parts=parts)
        write_watch(predictions, bundle, Path(out))
        return predictions


def _take_over(journal: Journal, folders: Sequence[str | Path], on_note: Callable[[str], None]) -> None:
    for folder in map(Path, folders):
        on_note(f"{journal.take_over(folder)} finished clips of {folder.name}")


def _plan_job(
    manifest: Manifest,
    bundle: Bundle,
    runtime: RuntimeConfig | None,
    sampling: Sampling | str | None,
    detector: DetectorConfig | str,
    sound: SoundConfig | str,
    effort: str,
    on_note: Callable[[str], None],
) -> Job:
    """Return what is the same for every clip; the arguments are those of `predict`."""
    from leopardnet.compose import load_group

    frames: Sampling | None = load_group("sampling", sampling) if isinstance(sampling, str) else sampling
    boxes = choose_detector(detector, bundle.spec.detector) if isinstance(detector, str) else detector
    heard = load_group("sound", sound) if isinstance(sound, str) else sound
    runtime = runtime or RuntimeConfig()
    if runtime.decode != "software":
        from leopardnet.media.video.hardware import settle_decoder

        runtime = settle_decoder(runtime)
    sampled = frames or bundle.spec.sampling
    job = Job(*(bundle, manifest.root, runtime, sampled, boxes, choose_effort(effort, on_note)), sound=heard)
    if boxes.is_on:
        clips = [clip.paths for clip in manifest.clips()]
        fit = match_detector(boxes, manifest.root, clips, table=manifest.table)
        if fit is not None:
            on_note(fit.text)
            job = replace(job, twins=fit.twins)
    return job


def fill_journal(
    journal: Journal,
    manifest: Manifest,
    job: Job,
    *,
    retry_failed: bool = False,
    engine: Engine = classify_all,
    should_stop: Callable[[], bool] = lambda: False,
    on_result: Callable[[ClipPrediction], None] = lambda result: None,
    on_progress: Callable[[int, int], None] = lambda n_done, n_total: None,
) -> None:
    """Classify every clip that the journal does not hold yet. Raises RunStopped where some are left at the end."""
    journal.fill(
        manifest.page_clips(),
        manifest.root,
        lambda clips: engine(clips, job, should_stop),
        retry_failed=retry_failed,
        on_result=on_result,
        on_progress=on_progress,
    )


def hear_the_rest(
    journal: Journal,
    manifest: Manifest,
    job: Job,
    *,
    should_stop: Callable[[], bool] = lambda: False,
    on_note: Callable[[str], None] = lambda note: None,
) -> None:
    """Search the sound of clips that were classified without it, or with another search; nothing else changes.

    These are rows of older versions and of runs without sound, clips whose picture ended its process, and all clips
    where a graphics processor classified. Raises RunStopped where some are left at the end.
    """
    from leopardnet.sound.search import search_all, sound_id

    todo = journal.list_unheard(manifest.page_clips(), manifest.root, sound_id(job.sound))
    if not todo:
        return
    on_note(f"searching the sound of {len(todo)} clips that were classified without it")
    n_done = 0
    with closing(search_all(iter(todo), job.sound_job, should_stop)) as results:
        for item, sound in results:
            journal.add_sound(item, sound)
            n_done += 1
    if n_done < len(todo):
        raise RunStopped(
            f"stopped after the sound of {n_done} of {len(todo)} clips",
            todo="give the same command again to continue",
        )
