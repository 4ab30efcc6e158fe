"""Each frame of the test videos is grey 8·i, so pixels say which frame was really decoded."""

import numpy as np
import pytest

from leopardnet.core.errors import MediaError
from leopardnet.core.tables import clip_id
from leopardnet.core.types import Clip
from leopardnet.media.decode import decode, probe, read_frame_times


def clip(*names, kind="video"):
    return Clip(clip_id(names[0]), tuple(names), kind)


def frame_numbers(frames):
    return np.rint(frames.pixels.reshape(len(frames), -1).mean(axis=1) / 8).astype(int).tolist()


CONTAINERS = [
    ("a.mp4", "libx264", 8),
    ("a.avi", "mjpeg", 1),
    ("a.mkv", "libx264", 24),
    ("a.avi", "mpeg4", 12),
    ("a.asf", "msmpeg4v3", 12),
]


@pytest.mark.parametrize(("name", "codec", "gop"), CONTAINERS)
def test_the_frame_is_the_one_at_that_time(write_video, tmp_path, name, codec, gop):
    write_video(name, codec=codec, gop=gop, n_frames=24, fps=10)
    info = probe(clip(name), tmp_path)
    assert (info.width_px, info.height_px) == (64, 48) and info.duration_s == pytest.approx(2.4, abs=0.11)
    frames = decode(clip(name), tmp_path, times_s=np.array([0.0, 0.3, 1.1, 1.22, 2.3]))
    assert frames.times_s.tolist() == pytest.approx([0.0, 0.3, 1.1, 1.2, 2.3], abs=0.02) and frames.warnings == ()
    assert frame_numbers(frames) == [0, 3, 11, 12, 23]


def test_seeking_gives_what_walking_gives(write_video, tmp_path):
    write_video("long.mp4", n_frames=30, gop=5)
    for times in ([2.0], [0.4, 2.8], [2.9]):
        frames = decode(clip("long.mp4"), tmp_path, times_s=np.array(times))
        assert frame_numbers(frames) == [round(t * 10) for t in times]


def test_more_times_than_frames_give_each_frame_once(write_video, tmp_path):
    write_video("short.mp4", n_frames=3)
    frames = decode(clip("short.mp4"), tmp_path, times_s=np.linspace(0, 0.29, 20))
    assert frame_numbers(frames) == [0, 1, 2]


def test_one_frame(write_video, tmp_path):
    write_video("one.mp4", n_frames=1)
    assert len(decode(clip("one.mp4"), tmp_path, times_s=np.array([0.0, 5.0]))) == 1


def test_the_short_side_is_scaled_and_small_frames_stay(write_video, tmp_path):
    write_video("a.mp4", size=(64, 48))
    assert decode(clip("a.mp4"), tmp_path, times_s=np.zeros(1), short_side_px=24).pixels.shape == (1, 24, 32, 3)
    assert decode(clip("a.mp4"), tmp_path, times_s=np.zeros(1), short_side_px=480).pixels.shape == (1, 48, 64, 3)


def test_a_cut_avi_is_partial_and_says_so(write_video, tmp_path):
    path = write_video("cut.avi", codec="mjpeg", n_frames=30, size=(160, 120))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames = decode(clip("cut.avi"), tmp_path, times_s=np.linspace(0.05, 2.9, 8))
    assert 1 <= len(frames) < 8 and frames.times_s[-1] < 2.0
    assert "cut short" in frames.warnings[0]


def test_a_damaged_middle_costs_its_frames_only(write_video, tmp_path):
    path = write_video("damaged.avi", codec="mjpeg", n_frames=30, size=(160, 120))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = b"\x00" * 3000
    path.write_bytes(bytes(data))
    frames = decode(clip("damaged.avi"), tmp_path, times_s=np.arange(0, 2.95, 0.1))
    numbers = frame_numbers(frames)
    assert {0, 29} <= set(numbers) and 20 <= len(numbers) <= 29 and "frames are lost" in frames.warnings[0]


def test_the_nearest_frame_is_taken_at_a_varying_rate(tmp_path):
    import av

    with av.open(str(tmp_path / "v.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i, ticks in enumerate([*range(12), *range(90, 102)]):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 8 * i, np.uint8), format="rgb24")
            frame.pts = ticks
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    frames = decode(clip("v.mp4"), tmp_path, times_s=np.array([1.9, 8.0]))
    assert frames.times_s.tolist() == pytest.approx([1.1, 9.0])
    assert read_frame_times(clip("v.mp4"), tmp_path)[[0, 11, 12]].tolist() == pytest.approx([0.0, 1.1, 9.0])


@pytest.mark.parametrize("name", ["whole.flv", "whole.mkv"])
def test_containers_without_a_trusted_index_are_seen_to_their_end(write_video, tmp_path, name):
    write_video(name, n_frames=240, codec="flv1" if name.endswith("flv") else "libx264", gop=12)
    assert probe(clip(name), tmp_path).duration_s == pytest.approx(24.0, abs=0.3)
    assert decode(clip(name), tmp_path, times_s=np.array([23.5])).times_s.tolist() == pytest.approx(
        [23.5], abs=0.01
    )


BROKEN = {
    "zero.mp4": (b"", "empty"),
    "noise.avi": (bytes(range(256)) * 40, "not a video"),
    "zeros.mp4": (b"\x00" * 4096, "not a video"),
    "playlist.mp4": (b"#EXTM3U\nother.mp4\n", "not a video"),
    "head.mp4": (b"\x00\x00\x00\x20ftypisom" + b"\x00" * 200, "cannot be opened|cannot be decoded|no video"),
    "riff.avi": (b"RIFF\x10\x00\x00\x00AVI LIST", "cannot be opened|cannot be decoded|no video"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_video_is_one_clear_error(tmp_path, name):
    data, text = BROKEN[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(MediaError, match=text):
        probe(clip(name), tmp_path)
    with pytest.raises(MediaError, match=text):
        decode(clip(name), tmp_path, times_s=np.zeros(1))


def test_a_cut_mp4_whose_index_is_lost_cannot_be_opened(write_video, tmp_path):
    path = write_video("lost.mp4", n_frames=30)
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(MediaError, match=r"cannot be opened|cannot be decoded"):
        decode(clip("lost.mp4"), tmp_path, times_s=np.zeros(1))


def test_the_suffix_proves_nothing(write_video, tmp_path):
    write_video("true.mp4").rename(tmp_path / "renamed.avi")
    assert frame_numbers(decode(clip("renamed.avi"), tmp_path, times_s=np.array([0.5]))) == [5]


def test_paths_that_are_not_there_or_lead_outside(tmp_path):
    with pytest.raises(MediaError, match="cannot be found"):
        probe(clip("gone.mp4"), tmp_path)
    with pytest.raises(MediaError, match="leads out of the data root"):
        probe(clip("../outside.mp4"), tmp_path / "root")
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(MediaError, match="folder"):
        probe(clip("folder.mp4"), tmp_path)
