"""THE main path: from a clip to its prediction, in eight steps, the same for videos, stills and bursts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.config import Effort, RuntimeConfig, Sampling
from leopardnet.core.detector import NO_DETECTOR, DetectorConfig
from leopardnet.core.manifest import Manifest
from leopardnet.core.types import (
    Boxes,
    Clip,
    ClipPrediction,
    Decision,
    Frames,
    LeopardnetError,
    MediaError,
    MediaInfo,
    RunStopped,
    Status,
)
from leopardnet.detect.crops import Closer, look_closer, squares
from leopardnet.detect.detector import choose, detector_id, open_detector
from leopardnet.infer.bundle import Bundle
from leopardnet.infer.effort import Evidence, is_settled, rounds
from leopardnet.infer.journal import Journal, Stamped
from leopardnet.infer.machine import is_graphics_processor
from leopardnet.infer.results import Predictions, write_pages
from leopardnet.infer.runtime import Answers, Runtime
from leopardnet.infer.source import as_manifest
from leopardnet.media.motion import kept
from leopardnet.media.preprocess import decode_side_px, to_model_input
from leopardnet.media.sampling import sample_times
from leopardnet.media.video import decode, probe
from leopardnet.score.aggregate import aggregate, evidence_order, with_crops
from leopardnet.score.calibrate import apply
from leopardnet.score.decide import decide
from leopardnet.score.familiarity import familiarity


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
    not from where the bundle has learned: none, embedded, motion, or a file. effort: see `infer.effort`.
    retry_failed: look again at clips that could not be read. on_progress(n_done, n_total).

    >>> preds = predict("clips/", load_bundle("runs/amur/bundle"))  # doctest: +SKIP
    >>> preds.table[["path", "decision", "score"]]  # doctest: +SKIP
    """
    manifest = as_manifest(source)
    boxes = choose(detector, bundle.spec.detector) if isinstance(detector, str) else detector
    job = Job(bundle, manifest.root, runtime or RuntimeConfig(), sampling or bundle.spec.sampling, boxes, effort)
    with Journal.open(out, job.results_key()) as journal:
        fill(journal, manifest, job, retry_failed=retry_failed, on_progress=on_progress)
        if out is not None:
            write_pages(journal.pages(manifest), bundle, Path(out))
        return Predictions.from_pages(journal.pages(manifest), bundle)


@dataclass(frozen=True)
class Seen:
    """What one look at a clip gave.

    times_s: of its frames, float64 [N]; x: model input, uint8 [N + M, 3, S, S], the whole frames and then the crops;
    crop_of: the frame of each crop, [M]; boxes: of each frame; closer_s: seconds that the look from nearby took.
    """

    times_s: NDArray[np.float64]
    x: NDArray[np.uint8]
    warnings: tuple[str, ...]
    is_last: bool
    crop_of: tuple[int, ...] = ()
    boxes: tuple[Boxes | None, ...] = ()
    info: MediaInfo | None = None
    closer_s: float = 0.0

    def evidence(self, answers: Answers) -> Evidence:
        """What the network says of `x`, N + M pictures, as evidence."""
        n, logits = len(self.times_s), answers.logits
        crops = np.full_like(logits[:n], np.nan)
        crops[list(self.crop_of)] = logits[n:]
        boxes = self.boxes or (None,) * n
        return Evidence(self.times_s, logits[:n], crops, answers.cosines[:n], boxes, self.warnings, self.info)


def look(clip: Clip, job: Job, i_round: int = 0) -> Seen | MediaError:
    """Steps 1 to 4: the frames of one round as model input, or why there are none."""
    spec = job.bundle.spec.preprocess
    try:
        info = probe(clip, job.root)
        times_s = np.union1d(sample_times(info, job.sampling), job.wishes_s(clip, info))
        parts = rounds(clip, info, times_s, job.sampling, job.effort)
        frames = decode(clip, job.root, times_s=parts[i_round], short_side_px=decode_side_px(spec))  # [N, H, W, 3]
        frames = kept(frames, job.sampling)
        began = time.perf_counter()
        closer = job.closer(clip, frames)
        closer_s = time.perf_counter() - began
        x = np.concatenate([to_model_input(frames.pixels, spec), squares(closer.crops, spec.size_px)])
        return Seen(
            frames.times_s, x, (*frames.warnings, *closer.warnings), i_round == len(parts) - 1,
            tuple(crop.i_frame for crop in closer.crops), closer.boxes, info, closer_s,
        )  # fmt: skip
    except MediaError as error:
        return error
    except LeopardnetError:  # of the detector or the settings: it would hit every clip alike
        raise
    except MemoryError:
        return too_large(clip, job)
    except Exception as error:  # whatever a decoder throws at a broken file costs that file, not the run
        return MediaError("the file cannot be decoded", where=clip.path, found=_without_path(error))


def _without_path(error: Exception) -> str:
    """What went wrong, without the place on this machine that errors of the system name."""
    said = error.strerror if isinstance(error, OSError) else error
    return f"{type(error).__name__}: {said}"[:200]


def judge(clip: Clip, evidence: Evidence, bundle: Bundle) -> ClipPrediction:
    """Steps 6 to 8: from the logits of the frames to clip probabilities and decision; and which frames carry it."""
    spec, labels = bundle.spec, bundle.labels
    logits = with_crops(evidence.logits, evidence.crops, spec.aggregate, i_empty=labels.i_empty)  # [N, C]
    probs, decision = _said(logits, bundle)
    if decision.rule == "empty" and logits is not evidence.logits:
        # a box may name the animal, but never make a clip empty that whole frames would not
        whole_probs, whole = _said(evidence.logits, bundle)
        if whole.rule != "empty":
            logits, probs, decision = evidence.logits, whole_probs, whole

    shown = labels.names.index(decision.label) if decision.label in labels.names else int(probs.argmax())
    order = evidence_order(logits, shown, i_empty=labels.i_empty)  # [N]
    status: Status = "partial" if evidence.warnings else "ok"
    return ClipPrediction(
        clip, status, "; ".join(evidence.warnings), decision, probs, evidence.times_s,
        apply(logits, spec.calibration), tuple(order.tolist()), evidence.boxes, evidence.info,
        frame_familiarity=familiarity(evidence.logits, evidence.cosines),
    )  # fmt: skip


def _said(logits: NDArray[np.float32], bundle: Bundle) -> tuple[NDArray[np.float32], Decision]:
    """The clip's probabilities float32 [C] and the decision, of the logits of its frames float32 [N, C]."""
    spec, labels = bundle.spec, bundle.labels
    clip_logits = aggregate(logits, spec.aggregate, i_empty=labels.i_empty)  # [C]
    probs = apply(clip_logits[None], spec.calibration)[0]  # [C]
    return probs, decide(probs, labels, spec.decide)


@dataclass(frozen=True)
class Job:
    """Everything that decides how clips are judged; a worker process gets it once."""

    bundle: Bundle
    root: Path
    runtime: RuntimeConfig
    sampling: Sampling
    detector: DetectorConfig = NO_DETECTOR
    effort: Effort = "full"
    look: Callable[[Clip, Job, int], Seen | MediaError] = look

    def closer(self, clip: Clip, frames: Frames) -> Closer:
        """What a detector finds in some of the frames; crops only for a network that has learned from crops."""
        detector = open_detector(self.detector, self.root, threads=self.runtime.threads)
        if detector is None:
            return Closer((None,) * len(frames))
        closer = look_closer(clip, self.root, frames, detector, self.detector, self.bundle.spec.preprocess)
        return closer if self.bundle.spec.detector.is_on else replace(closer, crops=())

    def wishes_s(self, clip: Clip, info: MediaInfo) -> NDArray[np.float64]:
        """Moments that the detector already knows to be worth a look, float64 [K] seconds: those of a file of results.

        None for a network of whole frames: more of them would change its answers.
        """
        detector = open_detector(self.detector, self.root, threads=self.runtime.threads)
        if detector is None or not self.bundle.spec.detector.is_on:
            return np.zeros(0)
        wishes = detector.times_s(clip)[: self.detector.max_frames]
        return wishes[wishes <= info.duration_s]

    def results_key(self) -> dict[str, object]:
        """What results depend on: rows made under another key are not taken for rows of this run."""
        runtime = self.runtime
        boxes = {"detector": detector_id(self.detector)} if self.detector.is_on else {}
        return boxes | {
            "bundle_id": self.bundle.id, "sampling": self.sampling.model_dump(mode="json"), "effort": self.effort,
            "backend": runtime.backend_name, "device": runtime.device, "precision": runtime.precision,
        }  # fmt: skip


def classify(clip: Clip, job: Job, network: Runtime) -> ClipPrediction:
    """The prediction of one clip: all eight steps, in as many rounds as the effort allows and doubt demands."""
    evidence, i_round, closer_s, began = Evidence.nothing(), 0, 0.0, time.perf_counter()
    while True:
        seen = job.look(clip, job, i_round)
        answers = None if isinstance(seen, MediaError) else network.answers(seen.x)  # step 5, [N + M, C]
        closer_s += 0.0 if isinstance(seen, MediaError) else seen.closer_s
        result, evidence = weighed(clip, seen, answers, evidence, job)
        if result is not None:
            return replace(result, seconds=(time.perf_counter() - began, closer_s))
        i_round += 1


def weighed(
    clip: Clip, seen: Seen | MediaError, answers: Answers | None, before: Evidence, job: Job
) -> tuple[ClipPrediction | None, Evidence]:
    """The prediction after one more look, or None where the clip deserves another; and the evidence so far."""
    if isinstance(seen, MediaError) or answers is None:
        reason = seen.one_line if isinstance(seen, MediaError) else "no frame"
        if not len(before):
            return unreadable(clip, reason, job.bundle), before
        evidence = before.plus(replace(Evidence.nothing(), warnings=(reason,)))
        return judge(clip, evidence, job.bundle), evidence
    evidence = before.plus(seen.evidence(answers))
    result = judge(clip, evidence, job.bundle)
    is_enough = seen.is_last or is_settled(result, job.bundle, job.effort)
    return (result if is_enough else None), evidence


def judged(
    clips: Iterator[Stamped], job: Job, should_stop: Callable[[], bool] = lambda: False
) -> Iterator[tuple[Stamped, ClipPrediction]]:
    """Every clip with its prediction, as they become ready. Processes are a number; they change no result.

    No worker: in this process. On a processor each worker does whole clips; a graphics processor is fed by one process
    with the frames that the workers decode. After `should_stop`, the clips in hand are finished and no other begun.
    """
    from leopardnet.infer.crew import Crew
    from leopardnet.infer.feed import Feed

    if job.runtime.workers == 0:
        network = job.bundle.runtime(job.runtime)
        for item in clips:
            if should_stop():
                return
            yield item, classify(item.clip, job, network)
        return
    layout = Feed if is_graphics_processor(job.runtime) else Crew
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
    engine: Callable[..., Iterator[tuple[Stamped, ClipPrediction]]] = judged,
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


def too_large(clip: Clip, job: Job) -> MediaError:
    """Why there is no frame of a clip that wanted more memory than a worker has."""
    return MediaError(f"it needed more than {job.runtime.memory_limit_mb} MB of memory", where=clip.path)


def unreadable(clip: Clip, reason: str, bundle: Bundle) -> ClipPrediction:
    """The row of a clip of which nothing could be seen: no probabilities, and the reason."""
    labels = bundle.labels
    nothing = np.zeros((0, len(labels)), np.float32)
    decision = decide(None, labels, bundle.spec.decide)
    return ClipPrediction(clip, "unreadable", reason, decision, None, np.zeros(0, np.float64), nothing)
