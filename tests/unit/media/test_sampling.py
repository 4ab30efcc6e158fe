import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from leopardnet.core.settings.inference import (
    AutoSampling,
    EverySampling,
    KeyframesSampling,
    MotionSampling,
    TimesSampling,
    UniformSampling,
)
from leopardnet.core.types import MediaInfo
from leopardnet.media.sampling import longest_gap_s, sample_times


def info(duration_s, n_frames=None, fps=30.0, keys=()):
    return MediaInfo(640, 360, 0.0, duration_s, fps, n_frames, "h264", tuple(float(key) for key in keys))


def test_uniform_takes_the_middle_of_equal_parts():
    assert sample_times(info(8.0), UniformSampling(n_frames=4)).tolist() == [1.0, 3.0, 5.0, 7.0]


def test_a_clip_with_fewer_frames_gives_each_once():
    assert sample_times(info(0.3, n_frames=3, fps=10), UniformSampling(n_frames=8)).tolist() == pytest.approx(
        [0.05, 0.15, 0.25]
    )


def test_every_steps_in_seconds_until_there_are_too_many():
    assert sample_times(info(2.5), EverySampling(every_s=1.0)).tolist() == [0.0, 1.0, 2.0]
    assert sample_times(info(100.0), EverySampling(every_s=1.0, max_frames=2)).tolist() == [25.0, 75.0]


def test_times_are_sorted_once_each_and_within_the_clip():
    assert sample_times(info(4.0), TimesSampling(times_s=(9.0, 1.0, 1.0))).tolist() == [1.0, 4.0]


def test_an_unknown_length_gives_the_first_frame():
    assert sample_times(info(0.0), UniformSampling(n_frames=8)).tolist() == [0.0]


def auto(duration_s, *keys, fps=30.0, **settings):
    return sample_times(info(duration_s, fps=fps, keys=keys), AutoSampling(**settings)).tolist()


def test_auto_takes_key_frames_alone_where_they_lie_close_enough():
    assert auto(15.0, *range(15)) == [1, 3, 5, 7, 8, 10, 12, 14]
    assert auto(10.0, *np.arange(0, 10, 0.5)) == pytest.approx([0.5, 2, 3, 4.5, 5.5, 7, 8, 9.5], abs=0.51)
    assert auto(3.0, 0, 1, 2) == [0, 1, 2]


def test_auto_takes_more_of_a_long_clip_until_no_stretch_is_longer_than_allowed():
    assert auto(30.0, *range(30)) == list(range(1, 30, 2))
    assert len(auto(30.0, *range(30), max_gap_s=5.0)) == 8


def test_auto_fills_what_key_frames_leave_open_and_walks_no_further_than_it_must():
    # key frames at 0 and 12.5 s: between them six times, the last 2 s (and a frame) before the second key frame
    times = auto(20.0, 0, 12.5, fps=20.0)
    assert times[0] == 0 and 12.5 in times and len(times) == 11
    assert max(t for t in times if t < 12.5) == pytest.approx(12.5 - 2.05)
    assert times[-1] == pytest.approx(20 - 2.05)


def test_one_more_frame_than_the_gap_is_no_reason_to_walk():
    keys = np.arange(0, 28, 2.002)  # 60 frames of 29.97 fps
    assert set(auto(28.0, *keys, fps=29.97)) <= set(keys.tolist())


def test_a_single_key_frame_does_not_speak_for_a_clip():
    assert len(auto(1.9, 0)) == 8
    assert len(auto(5.0, 0)) == 8


def test_a_clip_of_few_frames_is_walked_through_since_that_costs_little():
    assert len(auto(3.0, 0, 1.5, fps=10.0)) == 8
    assert len(auto(3.0, 0, 1.5, fps=60.0)) == 2


def test_auto_covers_a_clip_of_thirty_hours_evenly():
    one = info(108_000.0, keys=range(0, 108_000, 5))
    times = sample_times(one, AutoSampling())
    assert 64 <= len(times) <= 128 and longest_gap_s(one, times) < 2 * 108_000 / 64
    assert set(times.tolist()) <= set(one.keyframes_s)


def test_keyframes_are_all_key_frames_or_as_many_as_allowed():
    one = info(10.0, keys=range(10))
    assert sample_times(one, KeyframesSampling()).tolist() == list(range(10))
    assert sample_times(one, KeyframesSampling(max_frames=4)).tolist() == [0, 3, 6, 9]
    assert sample_times(info(10.0), KeyframesSampling()).tolist() == [0.0]


def test_motion_scans_closer_than_it_keeps():
    one = info(20.0, keys=np.arange(0, 20, 0.5))
    times = sample_times(one, MotionSampling(n_frames=4, scan_gap_s=1.0))
    assert len(times) >= 20 and longest_gap_s(one, times) <= 1.04


def test_a_burst_is_looked_at_still_by_still():
    burst = MediaInfo(640, 480, 0.0, 12.0, 1.0, 12, "still", tuple(float(i) for i in range(12)))
    assert sample_times(burst, AutoSampling()).tolist() == list(range(12))
    assert len(sample_times(burst, AutoSampling(n_frames=4, max_frames=4))) == 4
    one = MediaInfo(640, 480, 0.0, 1.0, 1.0, 1, "still", (0.0,))
    assert sample_times(one, AutoSampling()).tolist() == [0.0]


def test_auto_wants_no_more_than_it_may_have():
    with pytest.raises(ValidationError, match="max_frames must be at least n_frames"):
        AutoSampling(n_frames=9, max_frames=8)


modes = st.one_of(
    st.builds(UniformSampling, n_frames=st.integers(1, 64)),
    st.builds(EverySampling, every_s=st.floats(0.05, 100), max_frames=st.integers(1, 64)),
)


@given(st.floats(0.01, 1e5), modes)
def test_times_always_increase_and_lie_within_the_clip(duration_s, mode):
    times = sample_times(info(duration_s), mode)
    assert len(times) >= 1 and times[0] >= 0 and times[-1] <= duration_s and (np.diff(times) > 0).all()
    assert len(times) <= getattr(mode, "n_frames", getattr(mode, "max_frames", 0))


@given(
    st.floats(0.05, 400),
    st.sets(st.integers(0, 4000), max_size=60),
    st.floats(0.1, 10),
    st.integers(1, 20),
    st.sampled_from([1.0, 5.0, 24.0, 60.0]),
)
def test_auto_keeps_its_promise_whatever_the_key_frames(duration_s, tenths, gap_s, n, fps):
    one = info(duration_s, fps=fps, keys=sorted({0.0} | {t / 10 for t in tenths if t / 10 < duration_s}))
    times = sample_times(one, AutoSampling(max_gap_s=gap_s, n_frames=n, max_frames=128))
    assert 1 <= len(times) <= 128 and (np.diff(times) > 0).all() and times[0] >= 0 and times[-1] <= duration_s
    if duration_s <= 60 * gap_s:
        assert longest_gap_s(one, times) <= gap_s + 1 / fps + 1e-6
