"""THE main path: from a clip to its prediction, in eight steps, the same for videos, stills and bursts."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leopardnet.bundle.bundle import Bundle
from leopardnet.bundle.runtime import Answers, Runtime
from leopardnet.core.errors import LeopardnetError, MediaError
from leopardnet.core.settings.detection import NO_DETECTOR, DetectorConfig
from leopardnet.core.settings.inference import Effort, RuntimeConfig, Sampling
from leopardnet.core.types import Boxes, Clip, ClipPrediction, Decision, Frames, MediaInfo, Status
from leopardnet.detect.crops import CropResult, crops_to_input, find_crops
from leopardnet.detect.detector import detector_id, open_detector
from leopardnet.infer.rounds import Evidence, is_settled, rounds
from leopardnet.media.decode import decode, probe
from leopardnet.media.motion_scores import select_frames
from leopardnet.media.preprocess import decode_side_px, to_model_input
from leopardnet.media.sampling import sample_times
from leopardnet.score.aggregate import aggregate, evidence_order, merge_crops
from leopardnet.score.calibrate import apply_calibration
from leopardnet.score.decide import decide
from leopardnet.score.familiarity import familiarity


@dataclass(frozen=True)
class ClipFrames:
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


def read_frames(clip: Clip, job: Job, i_round: int = 0) -> ClipFrames | MediaError:
    """Steps 1 to 4: the frames of one round as model input, or why there are none."""
    spec = job.bundle.spec.preprocess
    try:
        info = probe(clip, job.root)
        times_s = np.union1d(sample_times(info, job.sampling), job.wishes_s(clip, info))
        parts = rounds(clip, info, times_s, job.sampling, job.effort)
        frames = decode(clip, job.root, times_s=parts[i_round], short_side_px=decode_side_px(spec))  # [N, H, W, 3]
        frames = select_frames(frames, job.sampling)
        began = time.perf_counter()
        closer = job.closer(clip, frames)
        closer_s = time.perf_counter() - began
        x = np.concatenate([to_model_input(frames.pixels, spec), crops_to_input(closer.crops, spec.size_px)])
        return ClipFrames(
            frames.times_s,
            x,
            (*frames.warnings, *closer.warnings),
            i_round == len(parts) - 1,
            tuple(crop.i_frame for crop in closer.crops),
            closer.boxes,
            info,
            closer_s,
        )
    except MediaError as error:
        return error
    except LeopardnetError:  # of the detector or the settings: it would hit every clip alike
        raise
    except MemoryError:
        return out_of_memory_error(clip, job)
    except Exception as error:  # whatever a decoder throws at a broken file costs that file, not the run
        return MediaError("the file cannot be decoded", where=clip.path, found=_without_path(error))


def _without_path(error: Exception) -> str:
    """What went wrong, without the place on this machine that errors of the system name."""
    said = error.strerror if isinstance(error, OSError) else error
    return f"{type(error).__name__}: {said}"[:200]


def decide_clip(clip: Clip, evidence: Evidence, bundle: Bundle) -> ClipPrediction:
    """Steps 6 to 8: from the logits of the frames to clip probabilities and decision; and which frames carry it."""
    spec, labels = bundle.spec, bundle.labels
    logits = merge_crops(evidence.logits, evidence.crops, spec.aggregate, i_empty=labels.i_empty)  # [N, C]
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
        clip,
        status,
        "; ".join(evidence.warnings),
        decision,
        probs,
        evidence.times_s,
        apply_calibration(logits, spec.calibration),
        tuple(order.tolist()),
        evidence.boxes,
        evidence.info,
        frame_familiarity=familiarity(evidence.logits, evidence.cosines),
    )


def _said(logits: NDArray[np.float32], bundle: Bundle) -> tuple[NDArray[np.float32], Decision]:
    """The clip's probabilities float32 [C] and the decision, of the logits of its frames float32 [N, C]."""
    spec, labels = bundle.spec, bundle.labels
    clip_logits = aggregate(logits, spec.aggregate, i_empty=labels.i_empty)  # [C]
    probs = apply_calibration(clip_logits[None], spec.calibration)[0]  # [C]
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
    read_frames: Callable[[Clip, Job, int], ClipFrames | MediaError] = read_frames

    def closer(self, clip: Clip, frames: Frames) -> CropResult:
        """What a detector finds in some of the frames; crops only for a network that has learned from crops."""
        detector = open_detector(self.detector, self.root, threads=self.runtime.threads)
        if detector is None:
            return CropResult((None,) * len(frames))
        closer = find_crops(clip, self.root, frames, detector, self.detector, self.bundle.spec.preprocess)
        return closer if self.bundle.spec.detector.is_on else replace(closer, crops=())

    def wishes_s(self, clip: Clip, info: MediaInfo) -> NDArray[np.float64]:
        """Moments that the detector already knows to be worth a look, float64 [K] seconds: those of a file of results.

        None for a network of whole frames: more of them would change its answers.
        """
        detector = open_detector(self.detector, self.root, threads=self.runtime.threads)
        if detector is None or not self.bundle.spec.detector.is_on:
            return np.zeros(0)
        wishes = detector.suggest_times(clip)[: self.detector.max_frames]
        return wishes[wishes <= info.duration_s]

    def results_key(self) -> dict[str, object]:
        """What results depend on: rows made under another key are not taken for rows of this run."""
        runtime = self.runtime
        boxes = {"detector": detector_id(self.detector)} if self.detector.is_on else {}
        return boxes | {
            "bundle_id": self.bundle.id,
            "sampling": self.sampling.model_dump(mode="json"),
            "effort": self.effort,
            "backend": runtime.backend_name,
            "device": runtime.device,
            "precision": runtime.precision,
        }


def classify(clip: Clip, job: Job, network: Runtime) -> ClipPrediction:
    """The prediction of one clip: all eight steps, in as many rounds as the effort allows and doubt demands."""
    evidence, i_round, closer_s, began = Evidence.nothing(), 0, 0.0, time.perf_counter()
    while True:
        seen = job.read_frames(clip, job, i_round)
        answers = None if isinstance(seen, MediaError) else network.answers(seen.x)  # step 5, [N + M, C]
        closer_s += 0.0 if isinstance(seen, MediaError) else seen.closer_s
        result, evidence = next_round_or_result(clip, seen, answers, evidence, job)
        if result is not None:
            return replace(result, seconds=(time.perf_counter() - began, closer_s))
        i_round += 1


def next_round_or_result(
    clip: Clip, seen: ClipFrames | MediaError, answers: Answers | None, before: Evidence, job: Job
) -> tuple[ClipPrediction | None, Evidence]:
    """The prediction after one more look, or None where the clip deserves another; and the evidence so far."""
    if isinstance(seen, MediaError) or answers is None:
        reason = seen.one_line if isinstance(seen, MediaError) else "no frame"
        if not len(before):
            return unreadable_prediction(clip, reason, job.bundle), before
        evidence = before.plus(replace(Evidence.nothing(), warnings=(reason,)))
        return decide_clip(clip, evidence, job.bundle), evidence
    evidence = before.plus(seen.evidence(answers))
    result = decide_clip(clip, evidence, job.bundle)
    is_enough = seen.is_last or is_settled(result, job.bundle.labels, job.effort)
    return (result if is_enough else None), evidence


def out_of_memory_error(clip: Clip, job: Job) -> MediaError:
    """Why there is no frame of a clip that wanted more memory than a worker has."""
    return MediaError(f"it needed more than {job.runtime.memory_limit_mb} MB of memory", where=clip.path)


def unreadable_prediction(clip: Clip, reason: str, bundle: Bundle) -> ClipPrediction:
    """The row of a clip of which nothing could be seen: no probabilities, and the reason."""
    labels = bundle.labels
    nothing = np.zeros((0, len(labels)), np.float32)
    decision = decide(None, labels, bundle.spec.decide)
    return ClipPrediction(clip, "unreadable", reason, decision, None, np.zeros(0, np.float64), nothing)
