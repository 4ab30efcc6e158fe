"""The shift of presence by kind and number of frames: by hand, undone, stored and described."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from leopardnet.core.errors import BundleError
from leopardnet.score.calibrate import Calibration
from leopardnet.score.presence_shift import ClipLengths, PresenceShift, shift_presence

SHIFT = PresenceShift(1.0, -0.5, (2, 32), {"still": 0.25})


def lengths_of(*clips, i_empty=2):
    return ClipLengths(np.array([k for k, _ in clips], object), np.array([n for _, n in clips]), i_empty)


def test_by_hand():
    """Video of 8: 1 - 0.5 · 3 = -0.5. Still: 0.25 - 0.5 · 1, as for 2 frames, the fewest seen. 64 as 32: -1.5."""
    lengths = lengths_of(("video", 8), ("still", 1), ("burst", 64))
    shifted = shift_presence(np.zeros((3, 3)), SHIFT, lengths)
    np.testing.assert_allclose(shifted, [[0, 0, 0.5], [0, 0, 0.25], [0, 0, 1.5]])


@given(
    st.lists(st.floats(-20, 20), min_size=3, max_size=3), st.sampled_from(["still", "video"]), st.integers(1, 99)
)
def test_species_keep_their_shares_and_the_shift_is_undone(row, kind, n_frames):
    logits, lengths = np.array([row]), lengths_of((kind, n_frames))
    shifted = shift_presence(logits, SHIFT, lengths)
    before, after = softmax(logits[:, :2], axis=1), softmax(shifted[:, :2], axis=1)
    np.testing.assert_allclose(before, after)
    np.testing.assert_allclose(shift_presence(shifted, SHIFT, lengths, undo=True), logits, atol=1e-9)


def test_without_a_shift_nothing_changes():
    logits = np.zeros((1, 3), np.float32)
    assert shift_presence(logits, None, lengths_of(("video", 8))) is logits
    assert shift_presence(logits, SHIFT, None) is logits
    assert shift_presence(logits, SHIFT, lengths_of(("video", 8))).dtype == np.float32


def test_stored_and_read_again_and_left_out_where_there_is_none():
    calibration = Calibration(1.5, 100, 12, "", shift=SHIFT)
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration
    assert "shift" not in Calibration(1.5, 100, 12, "").to_dict(), "bundles without it stay as they were"
    with pytest.raises(BundleError, match="cannot be read"):
        Calibration.from_dict({**calibration.to_dict(), "shift": {"base": 1.0}})


@pytest.mark.parametrize(
    "wrong",
    [
        *({"base": np.nan}, {"base": 1e300}, {"per_doubling": -1e300}, {"kinds": {"still": np.inf}}),
        *({"n_frames": x} for x in ((0, 8), (64, 1), (1, 0), (1, 10**30))),
    ],
)
def test_a_shift_that_cannot_be_is_refused(wrong):
    with pytest.raises(BundleError, match="no valid shift"):
        PresenceShift(**{"base": 1.0, "per_doubling": 0.1, "n_frames": (1, 8)} | wrong)


def test_lengths_of_a_table_follow_the_clips_and_unreadable_ones_count_as_one_frame():
    table = pd.DataFrame({"clip_id": ["a", "b", "c"], "kind": ["video", "still", "burst"], "n_frames": [8, 1, 0]})
    lengths = ClipLengths.of_table(table, ["c", "a"], 0)
    assert lengths.kinds.tolist() == ["burst", "video"] and lengths.n_frames.tolist() == [1, 8]
    one = lengths.select(np.array([False, True]))
    assert one.kinds.tolist() == ["video"] and one.n_frames.tolist() == [8] and one.i_empty == 0


def test_in_words():
    assert PresenceShift(-0.1, 0.5, (1, 8)).describe() == (
        "presence -0.10 in log-odds, +0.50 for each doubling of the number of frames from 1 to 8"
    )
