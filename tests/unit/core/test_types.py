import numpy as np
import pytest

from leopardnet.core.types import Clip, ClipPrediction, Decision, Frames


def test_frames_check_their_shapes_and_print_them():
    frames = Frames("x", np.zeros((2, 4, 6, 3), np.uint8), np.array([0.0, 1.5]))
    assert repr(frames) == "Frames(x, uint8[2,4,6,3], 0.00..1.50 s, 0 warnings)"
    with pytest.raises(ValueError, match=r"uint8\[2, 4, 6, 3\].*float64\[1\]"):
        Frames("x", np.zeros((2, 4, 6, 3), np.uint8), np.zeros(1))
    with pytest.raises(ValueError, match="float32"):
        Frames("x", np.zeros((2, 4, 6, 3), np.float32), np.zeros(2))


def test_an_unreadable_clip_cannot_carry_probabilities():
    clip, none = Clip("x", ("a.avi",), "video"), Decision("unreadable", float("nan"), "none")
    empty = np.zeros((0, 2), np.float32)
    with pytest.raises(ValueError, match="status 'unreadable' with probs present"):
        ClipPrediction(clip, "unreadable", "", none, np.ones(2, np.float32), np.zeros(0), empty)
    with pytest.raises(ValueError, match="status 'ok' with probs absent"):
        ClipPrediction(clip, "ok", "", none, None, np.zeros(0), empty)
