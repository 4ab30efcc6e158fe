import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from leopardnet.core.settings.inference import AutoSampling, MotionSampling
from leopardnet.core.types import Frames
from leopardnet.media.motion_scores import (
    change_scores,
    pick_changed_frames,
    pick_most_changed,
    select_frames,
    shrink_to_grey,
)


def frames(*bright_at, n=12):
    """Grey frames of 256 x 144 px with sensor noise; in those named a bright patch of 1/16 of the width."""
    rng = np.random.default_rng(0)
    pixels = rng.normal(100, 3, (n, 144, 256, 3)).clip(0, 255).astype(np.uint8)
    for i in bright_at:
        pixels[i, 60:84, 20 + 6 * i : 60 + 6 * i] = 170
    return Frames("x", pixels, np.arange(n, dtype=np.float64))


def test_frames_with_something_in_them_are_kept_before_others():
    seen = select_frames(frames(4, 5), MotionSampling(n_frames=4))
    assert len(seen) == 4 and {4.0, 5.0} <= set(seen.times_s.tolist())
    assert (seen.pixels[seen.times_s == 4.0][0] == frames(4, 5).pixels[4]).all()


def test_something_in_every_frame_of_one_half_leaves_the_other_half_seen():
    times = select_frames(frames(0, 1, 2, 3, 4, 5), MotionSampling(n_frames=4)).times_s
    assert (times >= 6).any() and (times < 6).sum() >= 2


def test_other_samplings_and_short_clips_keep_everything():
    assert len(select_frames(frames(4), AutoSampling())) == 12
    assert len(select_frames(frames(1, n=3), MotionSampling(n_frames=4))) == 3


def test_as_many_positions_as_asked_for():
    assert (
        pick_changed_frames(frames(4), 99).tolist() == list(range(12))
        and len(pick_changed_frames(frames(4), 2)) == 2
    )
    assert 4 in pick_changed_frames(frames(4), 2)


def test_a_step_of_the_exposure_and_a_running_clock_are_no_motion():
    plain = frames()
    plain.pixels[3:] += 40
    plain.pixels[::2, -8:, :120] = 255
    scores = change_scores(shrink_to_grey(plain.pixels))
    assert scores.max() < 5
    assert change_scores(shrink_to_grey(frames(4).pixels))[4] > 40


def test_one_frame_has_nothing_to_differ_from():
    assert change_scores(shrink_to_grey(frames(0, n=1).pixels)).tolist() == [0.0]


@given(st.lists(st.floats(0, 255), min_size=1, max_size=60), st.integers(2, 20))
def test_as_many_as_asked_for_each_once_and_in_order(scores, n):
    positions = pick_most_changed(np.asarray(scores), n)
    assert len(positions) == min(n, len(scores)) and (np.diff(positions) > 0).all()
    assert int(np.argmax(scores)) in positions
