import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leopardnet.core.config import EverySampling, TimesSampling, UniformSampling
from leopardnet.core.types import MediaInfo
from leopardnet.media.sampling import sample_times


def info(duration_s, n_frames=None, fps=30.0):
    return MediaInfo(640, 360, 0.0, duration_s, fps, n_frames, "h264")


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


modes = st.one_of(
    st.builds(UniformSampling, n_frames=st.integers(1, 64)),
    st.builds(EverySampling, every_s=st.floats(0.05, 100), max_frames=st.integers(1, 64)),
)


@given(st.floats(0.01, 1e5), modes)
def test_times_always_increase_and_lie_within_the_clip(duration_s, mode):
    times = sample_times(info(duration_s), mode)
    assert len(times) >= 1 and times[0] >= 0 and times[-1] <= duration_s and (np.diff(times) > 0).all()
    assert len(times) <= getattr(mode, "n_frames", getattr(mode, "max_frames", 0))
