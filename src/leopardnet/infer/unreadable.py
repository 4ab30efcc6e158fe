"""The prediction of a clip that gives no frame."""

from __future__ import annotations

import numpy as np

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.types import Clip, ClipPrediction
from leopardnet.score.decide import decide


def unreadable_prediction(clip: Clip, reason: str, bundle: Bundle) -> ClipPrediction:
    """Return the prediction of a clip without a frame: no probabilities, and the reason."""
    labels = bundle.labels
    no_probs = np.zeros((0, len(labels)), np.float32)
    decision = decide(None, labels, bundle.spec.decide)
    return ClipPrediction(clip, "unreadable", reason, decision, None, np.zeros(0, np.float64), no_probs)
