import pickle

import numpy as np
import pytest

from leopardnet.core.errors import LeopardnetError, MediaError
from leopardnet.core.types import Clip, ClipPrediction, Decision, Frames


def test_an_error_says_what_where_found_expected_and_what_to_do():
    error = MediaError("cannot read", where="a.avi", found="0 bytes", expected="a video", todo="copy it again")
    assert str(error) == (
        "cannot read\n  where:    a.avi\n  found:    0 bytes\n  expected: a video\n  do:       copy it again"
    )
    assert error.one_line == "cannot read; found: 0 bytes; expected: a video; do: copy it again"


def test_an_error_survives_pickling():
    error = pickle.loads(pickle.dumps(MediaError("cannot read", where="a.avi", todo="copy")))
    assert isinstance(error, MediaError) and isinstance(error, LeopardnetError)
    assert str(error) == "cannot read\n  where:    a.avi\n  do:       copy"


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
    with pytest.raises(ValueError, match="does not go with"):
        ClipPrediction(clip, "unreadable", "", none, np.ones(2, np.float32), np.zeros(0), empty)
    with pytest.raises(ValueError, match="does not go with"):
        ClipPrediction(clip, "ok", "", none, None, np.zeros(0), empty)
