"""The main path: one clip becomes one prediction in eight steps, the same for videos, stills and bursts.

manifest row → Clip
  1  media.decode.open_clip(clip, root)                 → OpenClip, and its MediaInfo
  2  media.sampling.sample_times(info, sampling)        → times_s  float64 [N]
  3  OpenClip.decode(times_s)                           → Frames   uint8 [N, H, W, 3] RGB, with their true times
     media.motion_scores.select_frames(frames, sampling) → Frames   of these the ones to keep (motion sampling)
     detect.crops.find_crops(clip, root, frames, …)     → boxes and M crops, if a detector is used
  4  media.preprocess.to_model_input(pixels, spec)      → x        uint8 [N + M, 3, S, S], whole frames, then crops
  5  bundle.runtime.Runtime.answers(x)                  → logits   float32 [N + M, C], and cosines to class means
  6  score.aggregate.merge_crops, aggregate             → logits [N, C] with crops, then of the clip  float32 [C]
  7  score: shift_presence, apply_calibration           → probs    float32 [C]
  8  score.decide.decide(probs, labels, thresholds)     → Decision → ClipPrediction
     sound.search.search_clip(clip, …)                  → ClipSound, if sound is on

N frames, M crops, C labels; S px is the side of the input. `classify` is the whole path, `read_frames` does steps 1
to 4, and `decide_clip` steps 6 to 8. Processes, a graphics processor and a cluster call the same functions.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from leopardnet.bundle.bundle import Bundle
from leopardnet.bundle.runtime import Answers, Runtime
from leopardnet.core.errors import LeopardnetError, MediaError
from leopardnet.core.settings.inference import MotionSampling
from leopardnet.core.types import Clip, ClipPrediction, ClipSound, Decision, Frames, MediaInfo, Status
from leopardnet.detect.crops import CropResult, crops_to_input, find_crops
from leopardnet.infer.evidence import ClipFrames, Evidence
from leopardnet.infer.job import Job
from leopardnet.infer.unreadable import unreadable_prediction
from leopardnet.media.decode import open_clip
from leopardnet.media.motion_scores import select_frames
from leopardnet.media.preprocess import decode_side_px, measure_pictures, to_model_input
from leopardnet.media.sampling import sample_times
from leopardnet.media.workers.clip_errors import decoder_error, out_of_memory_error
from leopardnet.score.aggregate import aggregate, evidence_order, merge_crops
from leopardnet.score.calibrate import apply_calibration
from leopardnet.score.decide import decide
from leopardnet.score.familiarity import familiarity
from leopardnet.score.presence_shift import ClipLengths, shift_presence
from leopardnet.sound.search import describe_silence, search_clip


def classify(clip: Clip, job: Job, network: Runtime) -> ClipPrediction:
    """Return the prediction of one clip: all eight steps."""
    began = time.perf_counter()
    frames = (job.read_frames or read_frames)(clip, job)
    answers, crop_s = None, 0.0
    if not isinstance(frames, MediaError):
        answers, crop_s = network.answers(frames.x), frames.crop_s  # step 5, [N + M, C]
    result = conclude(clip, frames, answers, job)
    sound = _search_sound(clip, frames, job) if job.sound.is_on else None
    return replace(result, sound=sound, seconds=(time.perf_counter() - began, crop_s))


def _search_sound(clip: Clip, frames: ClipFrames | MediaError, job: Job) -> ClipSound:
    """Search the sound of a clip, unless it is known to have none: then its file is not opened again."""
    is_silent = isinstance(frames, ClipFrames) and not frames.has_sound
    return describe_silence(job.sound_job) if is_silent else search_clip(clip, job.sound_job)


# --- steps 1 to 4 ---


def read_frames(clip: Clip, job: Job) -> ClipFrames | MediaError:
    """Return the frames of a clip as model input, or an error if there are none (steps 1 to 4).

    Errors of the detector and of the settings are raised, because they concern every clip.
    """
    try:
        return _read_frames(clip, job)
    except MediaError as error:
        return error
    except LeopardnetError:
        raise
    except MemoryError:
        return out_of_memory_error(clip, job.runtime)
    except Exception as error:  # a decoder may raise anything on a broken file; the run goes on
        return decoder_error(clip, error)


def _read_frames(clip: Clip, job: Job) -> ClipFrames:
    spec = job.bundle.spec.preprocess
    with open_clip(clip, job.root) as opened:
        info, has_sound = opened.info, opened.has_sound  # step 1
        times_s = np.union1d(sample_times(info, job.sampling), _detector_times_s(clip, info, job))  # step 2, [N]
        if job.effort == "thorough" and clip.kind == "video" and not isinstance(job.sampling, MotionSampling):
            times_s = np.union1d(times_s, (times_s[:-1] + times_s[1:]) / 2)
        frames = opened.decode(  # step 3
            times_s,
            short_side_px=decode_side_px(spec),
            decoder=job.runtime.decode,
            loop_filter=job.runtime.loop_filter,
        )
    frames = select_frames(frames, job.sampling)
    began = time.perf_counter()
    found = _find_crops(clip, frames, job)
    crop_s = time.perf_counter() - began
    whole = to_model_input(frames.pixels, spec)  # step 4
    x = np.concatenate([whole, crops_to_input(found.crops, spec.size_px)])
    return ClipFrames(
        frames.times_s,
        x,
        measure_pictures(whole),
        warnings=(*frames.warnings, *found.warnings),
        crop_of=tuple(crop.i_frame for crop in found.crops),
        boxes=found.boxes,
        info=info,
        crop_s=crop_s,
        decoded_by=frames.decoded_by,
        has_sound=has_sound,
    )


def _detector_times_s(clip: Clip, info: MediaInfo, job: Job) -> NDArray[np.float64]:
    """Return the times that a file of detector results suggests, float64 [K] seconds; other detectors suggest none.

    A network that was trained without crops gets none either: more frames would change its predictions.
    """
    detector = job.open_detector()
    if detector is None or not job.bundle.spec.detector.is_on:
        return np.zeros(0)
    times_s = detector.suggest_times(clip)[: job.detector.max_frames]
    return times_s[times_s <= info.duration_s]


def _find_crops(clip: Clip, frames: Frames, job: Job) -> CropResult:
    """Return boxes in some of the frames, and crops if the network was trained with crops."""
    detector = job.open_detector()
    if detector is None:
        return CropResult((None,) * len(frames))
    found = find_crops(clip, job.root, frames, detector, job.detector, job.bundle.spec.preprocess)
    return found if job.bundle.spec.detector.is_on else replace(found, crops=())


# --- steps 6 to 8 ---


def conclude(clip: Clip, frames: ClipFrames | MediaError, answers: Answers | None, job: Job) -> ClipPrediction:
    """Return the prediction from the frames of a clip and the network's answers to them."""
    if isinstance(frames, MediaError) or answers is None:
        reason = frames.one_line if isinstance(frames, MediaError) else "no frame"
        return unreadable_prediction(clip, reason, job.bundle)
    return replace(decide_clip(clip, frames.to_evidence(answers), job.bundle), decoded_by=frames.decoded_by)


def decide_clip(clip: Clip, evidence: Evidence, bundle: Bundle) -> ClipPrediction:
    """Return probabilities and decision of a clip from the logits of its frames (steps 6 to 8)."""
    spec, labels = bundle.spec, bundle.labels
    i_empty, multi = labels.i_empty, labels.multi
    logits = merge_crops(evidence.logits, evidence.crops, spec.aggregate, i_empty=i_empty, multi=multi)  # step 6
    probs, decision = _decide_logits(logits, clip.kind, bundle)
    if decision.rule == "empty" and logits is not evidence.logits:
        # A crop may name the animal, but only whole frames can make a clip empty.
        whole_probs, whole = _decide_logits(evidence.logits, clip.kind, bundle)
        if whole.rule != "empty":
            logits, probs, decision = evidence.logits, whole_probs, whole

    # For 'animal' and 'unsure' the frames that most look like an animal come first.
    i_label = labels.names.index(decision.label) if decision.label in labels.names else None
    order = evidence_order(logits, i_label, i_empty=i_empty, multi=multi)  # [N], the strongest frame first
    status: Status = "partial" if evidence.warnings else "ok"
    return ClipPrediction(
        clip,
        status,
        reason="; ".join(evidence.warnings),
        decision=decision,
        probs=probs,
        frame_times_s=evidence.times_s,
        frame_probs=apply_calibration(logits, spec.calibration, multi=multi),
        evidence_order=tuple(order.tolist()),
        boxes=evidence.boxes,
        info=evidence.info,
        frame_familiarity=familiarity(evidence.logits, evidence.cosines),
        frame_looks=evidence.looks,
    )


def _decide_logits(logits: NDArray[np.float32], kind: str, bundle: Bundle) -> tuple[NDArray[np.float32], Decision]:
    """Return probabilities, float32 [C], and decision of a clip from the logits of its frames, float32 [N, C]."""
    spec, labels = bundle.spec, bundle.labels
    clip_logits = aggregate(logits, spec.aggregate, i_empty=labels.i_empty, multi=labels.multi)  # step 6, [C]
    rows = clip_logits[None]
    if labels.i_empty is not None:
        lengths = ClipLengths(np.array([kind], object), np.array([len(logits)]), labels.i_empty)
        rows = shift_presence(rows, spec.calibration.shift, lengths)
    probs = apply_calibration(rows, spec.calibration, multi=labels.multi)[0]  # step 7, [C]
    return probs, decide(probs, labels, spec.decide)  # step 8
