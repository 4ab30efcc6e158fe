"""What is decoded by jumping and walking equals what is found by decoding a whole file from its beginning."""

from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leopardnet.core.settings.inference import AutoSampling, KeyframesSampling, UniformSampling
from leopardnet.core.tables import clip_id
from leopardnet.core.types import Clip, MediaInfo
from leopardnet.media.decode import decode, open_clip, probe
from leopardnet.media.sampling import sample_times
from leopardnet.media.video.index import Track
from leopardnet.media.video.seek import plan_steps

SIZE = (64, 48)
N, FPS = 70, 20


def clip(name):
    return Clip(clip_id(name), (name,), "video")


def film(path, codec, *, gop=20, b_frames=2, rate=FPS, stamps=None, options=None, **container_options):
    """A pattern that moves on with every frame, so that no two frames are alike."""
    pattern = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    with av.open(str(path), "w", **container_options) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.gop_size = gop
        if codec in ("libx264", "mpeg2video"):
            stream.codec_context.max_b_frames = b_frames
        if codec == "libx264":
            stream.options = {"sc_threshold": "0", **(options or {})}
        for i in range(N):
            frame = av.VideoFrame.from_ndarray(np.roll(pattern, (i, i // 8), axis=(1, 0)), format="rgb24")
            frame.pts, frame.time_base = i if stamps is None else stamps[i], Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def all_frames(path):
    """Times from the start, float64 [N], and pixels, of a plain decode from the beginning."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        start = video.start_time or 0
        frames = sorted(container.decode(video), key=lambda frame: frame.pts)
        times = np.array([float((frame.pts - start) * video.time_base) for frame in frames])
        return times, np.stack([f.reformat(format="rgb24", interpolation="AREA").to_ndarray() for f in frames])


def check(path, times_s):
    """Every wanted time has the frame that lies nearest to it, with the time and the pixels that it really has."""
    times, pixels = all_frames(path)
    seen = decode(clip(path.name), path.parent, times_s=times_s)
    apart = np.abs(times[:, None] - times_s[None, :])
    for t, picture in zip(seen.times_s, seen.pixels, strict=True):
        i = int(np.abs(times - t).argmin())
        assert abs(times[i] - t) < 1e-6 and (pixels[i] == picture).all()
    nearest = np.abs(seen.times_s[:, None] - times_s[None, :]).min(axis=0)
    assert nearest == pytest.approx(apart.min(axis=0), abs=1e-6)
    assert seen.warnings == ()
    return seen


CONTAINERS = [
    ("b.mp4", "libx264", {}),
    ("no_b.mp4", "libx264", {"b_frames": 0}),
    ("long.mp4", "libx264", {"gop": 250, "b_frames": 3}),
    ("open.mp4", "libx264", {"options": {"x264-params": "open-gop=1"}}),
    ("fragments.mp4", "libx264", {"container_options": {"movflags": "frag_keyframe+empty_moov"}}),
    ("hevc.mp4", "libx265", {"options": {"x265-params": "log-level=none:keyint=20:bframes=4"}}),
    ("jpeg.avi", "mjpeg", {}),
    ("mpeg4.avi", "mpeg4", {}),
    ("b.mkv", "libx264", {}),
    ("long.mkv", "libx264", {"gop": 250}),
    ("b.ts", "libx264", {}),
    ("sorenson.flv", "flv1", {}),
    ("windows.asf", "msmpeg4v3", {}),
    ("system.mpg", "mpeg2video", {"rate": 25}),
]


@pytest.mark.parametrize(("name", "codec", "options"), CONTAINERS, ids=[c[0] for c in CONTAINERS])
def test_every_way_through_a_file_gives_the_same_frames(tmp_path, name, codec, options):
    film(tmp_path / name, codec, **options)
    info = probe(clip(name), tmp_path)
    assert info.duration_s == pytest.approx(N / options.get("rate", FPS), abs=0.09)
    for times_s in (
        np.sort(np.random.default_rng(2).uniform(0, info.duration_s, 12)),
        np.linspace(0, info.duration_s, 40),
        sample_times(info, UniformSampling(n_frames=5)),
        np.array([info.duration_s]),
        np.array([0.0, 2.03, 2.05, 2.07, 3.0]),
    ):
        check(tmp_path / name, times_s)
    for sampling in (AutoSampling(max_gap_s=0.5), AutoSampling(max_gap_s=1.5), KeyframesSampling()):
        seen = decode(clip(name), tmp_path, times_s=sample_times(info, sampling))
        times, pixels = all_frames(tmp_path / name)
        assert [int(np.abs(times - t).argmin()) for t in seen.times_s] == [
            int(np.abs(pixels.astype(int) - picture).sum(axis=(1, 2, 3)).argmin()) for picture in seen.pixels
        ]


def test_a_varying_frame_rate(tmp_path):
    stamps = np.cumsum(np.random.default_rng(3).integers(1, 40, N)).tolist()
    film(tmp_path / "v.mp4", "libx264", stamps=stamps)
    check(tmp_path / "v.mp4", np.sort(np.random.default_rng(4).uniform(0, stamps[-1] / FPS, 15)))


def test_a_start_that_an_edit_list_hides(tmp_path):
    """The first half second is in the file but not to be shown: times count from the first frame that is."""
    film(tmp_path / "a.mp4", "libx264", gop=20, b_frames=0)
    data = bytearray((tmp_path / "a.mp4").read_bytes())
    at = data.index(b"elst") + 4
    assert int.from_bytes(data[at + 4 : at + 8], "big") == 1, "one edit"
    scale = data.index(b"mdhd") + 16
    hidden = int.from_bytes(data[scale : scale + 4], "big") // 2
    data[at + 12 : at + 16] = hidden.to_bytes(4, "big")
    (tmp_path / "a.mp4").write_bytes(bytes(data))
    times, _ = all_frames(tmp_path / "a.mp4")
    assert len(times) == N - FPS // 2 and times[0] == 0.0
    seen = check(tmp_path / "a.mp4", np.array([0.0, 0.3, 0.5, 1.2, 2.9]))
    assert seen.times_s.tolist() == pytest.approx([0.0, 0.3, 0.5, 1.2, 2.9])


def test_a_clock_that_does_not_begin_at_zero(tmp_path):
    film(tmp_path / "late.ts", "libx264", stamps=list(range(7200, 7200 + N)))
    assert probe(clip("late.ts"), tmp_path).start_s > 300
    assert check(tmp_path / "late.ts", np.array([0.0, 3.0])).times_s.tolist() == pytest.approx([0.0, 3.0])


def track(keys_s, *, steady=True):
    info = MediaInfo(64, 48, 0.0, 10.0, 10.0, 100, "h264", tuple(keys_s))
    return Track(info, np.asarray(keys_s, np.float64), 0.1, is_indexed=True, is_steady=steady)


def test_a_key_frame_is_taken_by_itself_where_one_is_near_enough():
    assert [tuple(step) for step in plan_steps(np.array([0.0, 2.04, 3.0]), track([0.0, 2.0, 4.0]))] == [
        (0.0, 0.0, True),
        (2.04, 2.0, False),
        (3.0, 2.0, False),
    ]
    assert [step.is_key for step in plan_steps(np.array([0.0, 2.04, 4.0]), track([0.0, 2.0, 4.0]))] == [
        True,
        True,
        True,
    ]
    assert [step.is_key for step in plan_steps(np.array([2.04]), track([0.0, 2.0], steady=False))] == [False]


def test_two_times_at_one_key_frame_are_one_step():
    assert [step.wanted_s for step in plan_steps(np.array([1.97, 2.0, 2.02]), track([0.0, 2.0]))] == [1.97]


def test_before_the_first_key_frame_and_without_any():
    assert plan_steps(np.array([0.5]), track([2.0]))[0].key_s == 2.0
    assert plan_steps(np.array([0.5]), track([]))[0].key_s is None


@given(st.lists(st.floats(0, 10), min_size=1, max_size=20, unique=True), st.sets(st.integers(0, 9), min_size=1))
def test_no_step_begins_after_its_time_or_goes_back(times, keys):
    steps = plan_steps(np.sort(times), track(sorted(float(k) for k in keys)))
    first = min(keys)
    assert all(step.key_s <= max(step.wanted_s + 0.05, first) for step in steps)
    assert [step.key_s for step in steps] == sorted(step.key_s for step in steps)
    for a, b in pairwise(steps):
        assert not (a.is_key and a.key_s == b.key_s), "a key frame from which one walks on is not decoded by itself"


def test_without_the_loop_filter_only_key_frames_change_and_hardly(tmp_path):
    """A key frame alone may lose it; a frame that others lead to must not, or their errors would add up."""
    film(tmp_path / "a.mp4", "libx264", gop=10, b_frames=0, options={"crf": "35"})
    times_s = {"keys": np.array([0.0, 0.5, 1.0, 1.5]), "walked": np.array([0.0, 0.5, 1.0, 1.55])}
    seen = {}
    for name, wanted in times_s.items():
        seen[name] = []
        for has_filter in (True, False):
            with open_clip(clip("a.mp4"), tmp_path) as opened:
                seen[name].append(opened.decode(wanted, short_side_px=None, loop_filter=has_filter))
        assert seen[name][0].times_s.tolist() == seen[name][1].times_s.tolist() == wanted.tolist()
    apart = {name: np.abs(a.pixels.astype(int) - b.pixels).mean() for name, (a, b) in seen.items()}
    assert 0 < apart["keys"] < 8 and apart["walked"] == 0
