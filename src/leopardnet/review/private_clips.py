"""Which clips of a review show people or vehicles, by what is known before anybody looks."""

from __future__ import annotations

import pandas as pd

from leopardnet.core.people import clips_with_people
from leopardnet.core.predictions import Predictions, no_sounds
from leopardnet.review.clip_index import ClipIndex
from leopardnet.review.frame_evidence import FrameEvidence
from leopardnet.review.review_source import ReviewSource


def find_people(source: ReviewSource, evidence: FrameEvidence, index: ClipIndex) -> frozenset[str]:
    """Return the clips that show people or vehicles by what the model, the detector or the manifest says."""
    none = pd.DataFrame({"clip_id": [], "decision": []}, dtype="str")
    known = source.predictions
    table, sounds = (none, no_sounds()) if known is None else (known.table, known.sounds)
    return clips_with_people(Predictions(table, evidence.find_named_boxes(index), sounds), source.manifest)
