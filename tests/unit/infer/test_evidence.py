import numpy as np

from leopardnet.bundle.runtime import Answers
from leopardnet.infer.evidence import ClipFrames


def test_answers_become_evidence_of_whole_frames_and_their_crops():
    looks = np.full((2, 4), 0.5, np.float32)
    frames = ClipFrames(np.array([0.0, 2.0]), np.zeros((3, 3, 8, 8), np.uint8), looks, ("cut", "cut"), crop_of=(1,))
    logits = np.array([[1, 0], [2, 0], [7, 8]], np.float32)  # two whole frames, and the crop of the second
    seen = frames.to_evidence(Answers(logits, logits / 10))
    assert len(seen) == 2 and seen.logits.tolist() == [[1, 0], [2, 0]]
    assert np.isnan(seen.crops[0]).all() and seen.crops[1].tolist() == [7, 8]
    assert seen.cosines.tolist() == (logits[:2] / 10).tolist() and seen.looks is looks
    assert seen.warnings == ("cut",) and seen.boxes == (None, None)
