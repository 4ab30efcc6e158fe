"""Clips that give no frame: the errors that cost one clip and never a run, and the prediction of such a clip."""

from __future__ import annotations

import numpy as np

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.errors import MediaError
from leopardnet.core.types import Clip, ClipPrediction
from leopardnet.infer.job import Job
from leopardnet.score.decide import decide


def unreadable_prediction(clip: Clip, reason: str, bundle: Bundle) -> ClipPrediction:
    """Return the prediction of a clip without a frame: no probabilities, and the reason."""
    labels = bundle.labels
    no_probs = np.zeros((0, len(labels)), np.float32)
    decision = decide(None, labels, bundle.spec.decide)
    return ClipPrediction(clip, "unreadable", reason, decision, None, np.zeros(0, np.float64), no_probs)


def out_of_memory_error(clip: Clip, job: Job) -> MediaError:
    """Return the error of a clip that needed more memory than a worker has."""
    return MediaError(f"it needed more than {job.runtime.memory_limit_mb} MB of memory", where=clip.path)


def decoder_error(clip: Clip, error: Exception) -> MediaError:
    """Return the error of a clip whose decoder failed in an unknown way, without the path in system errors."""
    text = error.strerror if isinstance(error, OSError) else error
    return MediaError("the file cannot be decoded", where=clip.path, found=f"{type(error).__name__}: {text}"[:200])
