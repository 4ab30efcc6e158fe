"""Files that break other programs: each gives its frames, or one MediaError that says why. All are made here."""

import os
from fractions import Fraction

import av
import numpy as np
import pytest

from leopardnet.core.errors import MediaError
from leopardnet.core.settings.inference import AutoSampling, UniformSampling
from leopardnet.core.tables import clip_id
from leopardnet.core.types import Clip
from leopardnet.media.decode import decode, probe
from leopardnet.media.sampling import sample_times

GREY = 40


def clip(name, kind="video"):
    return Clip(clip_id(name), (name,), kind)


def look(root, name, sampling=None, short_side_px=32):
    """What the main path sees of a file under `root`."""
    times_s = sample_times(probe(clip(name), root), sampling or AutoSampling())
    return decode(clip(name), root, times_s=times_s, short_side_px=short_side_px)


def numbers(frames):
    return np.rint(frames.pixels.reshape(len(frames), -1).mean(axis=1) / 8).astype(int).tolist()


def write(path, pictures, *, codec="libx264", rate=10, pix_fmt="yuv420p", gop=8, options=None, **container_options):
    """A video of the pictures, uint8 [H, W, 3] each; a picture may be a pair of itself and its time stamp."""
    with av.open(str(path), "w", **container_options) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        height, width = (pictures[0][0] if isinstance(pictures[0], tuple) else pictures[0]).shape[:2]
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = width, height, pix_fmt, gop
        for i, picture in enumerate(pictures):
            pixels, pts = picture if isinstance(picture, tuple) else (picture, i)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = pts, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def greys(n=24, width=64, height=48):
    return [np.full((height, width, 3), 8 * (i % 32), np.uint8) for i in range(n)]


def noise(n=30, width=160, height=120):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(n)]


# --- nothing to see ---

NOTHING = {
    "zero.mp4": (b"", "empty"),
    "noise.mp4": (
        bytes(np.random.default_rng(1).integers(0, 256, 40_000, dtype=np.uint8)),
        "not a video of a known",
    ),
    "zeros.avi": (b"\0" * 4096, "not a video of a known"),
    "playlist.mp4": (
        b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n",
        "not a video",
    ),
    "concat.mp4": (b"ffconcat version 1.0\nfile /etc/hostname\n", "not a video"),
    "header.avi": (b"RIFF\x10\x00\x00\x00AVI LIST", "cannot be opened"),
}


@pytest.mark.parametrize("name", NOTHING)
def test_files_without_a_picture_say_why(tmp_path, name):
    data, why = NOTHING[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(MediaError, match=why):
        look(tmp_path, name)


def test_sound_alone_is_no_video(tmp_path):
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 8000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(MediaError, match="no video stream"):
        look(tmp_path, "sound.mp4")


def test_a_container_without_any_stream(tmp_path):
    (tmp_path / "bare.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\0\0isomiso2" + b"\0\0\0\x08moov")
    with pytest.raises(MediaError, match=r"no video stream|cannot be opened"):
        look(tmp_path, "bare.mp4")


def test_a_pipe_is_refused_without_reading_it(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")  # reading from it would wait for ever
    with pytest.raises(MediaError, match="not a file"):
        look(tmp_path, "pipe.mp4")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission(tmp_path):
    (tmp_path / "locked").mkdir()
    write(tmp_path / "locked" / "a.mp4", greys())
    (tmp_path / "locked").chmod(0)
    try:
        with pytest.raises(MediaError, match="cannot be reached"):
            look(tmp_path, "locked/a.mp4")
    finally:
        (tmp_path / "locked").chmod(0o700)


def test_a_link_out_of_the_root_is_not_followed(tmp_path):
    (tmp_path / "root").mkdir()
    write(tmp_path / "secret.mp4", greys())
    (tmp_path / "root" / "a.mp4").symlink_to(tmp_path / "secret.mp4")
    with pytest.raises(MediaError, match="leads out of the data root"):
        look(tmp_path / "root", "a.mp4")


def test_pictures_larger_than_the_limit_are_refused_before_there_is_memory_for_them(tmp_path):
    path = write(tmp_path / "large.avi", greys(3), codec="mjpeg", pix_fmt="yuvj420p")
    small = bytes.fromhex("ffc0001108") + (48).to_bytes(2, "big") + (64).to_bytes(2, "big")
    large = small[:5] + (60_000).to_bytes(2, "big") * 2
    data = path.read_bytes()
    assert data.count(small) == 3
    path.write_bytes(data.replace(small, large))
    with pytest.raises(MediaError, match=r"too large|can be decoded"):
        look(tmp_path, "large.avi")


# --- a part to see ---


def test_an_mp4_cut_behind_its_index_gives_the_part_that_is_there(tmp_path):
    path = write(tmp_path / "a.mp4", noise(60), options={"crf": "30"}, container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames = look(tmp_path, "a.mp4", UniformSampling(n_frames=8))
    assert len(frames) == 8 and 1.5 < frames.times_s[-1] < 3.5, (
        "spread over what is there, not over what was promised"
    )
    assert "cut short" in frames.warnings[0]


def test_an_mp4_that_lost_its_index_cannot_be_opened(tmp_path):
    path = write(tmp_path / "a.mp4", noise())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MediaError, match="cannot be opened"):
        look(tmp_path, "a.mp4")


def test_a_cut_fragmented_mp4(tmp_path):
    options = {"movflags": "frag_keyframe+empty_moov"}
    path = write(tmp_path / "a.mp4", noise(60), options={"crf": "30"}, container_options=options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames = look(tmp_path, "a.mp4", UniformSampling(n_frames=6))
    assert len(frames) >= 4 and 1.0 < frames.times_s[-1] < 3.5


@pytest.mark.parametrize("codec", ["mjpeg", "mpeg4"])
def test_an_avi_without_its_index(tmp_path, codec):
    path = write(tmp_path / "a.avi", noise(40), codec=codec, pix_fmt="yuvj420p" if codec == "mjpeg" else "yuv420p")
    whole = look(tmp_path, "a.avi")
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"idx1")])
    frames = look(tmp_path, "a.avi")
    assert (
        frames.times_s.tolist() == pytest.approx(whole.times_s.tolist()) and (frames.pixels == whole.pixels).all()
    )
    path.write_bytes(data[: len(data) // 2])
    frames = look(tmp_path, "a.avi")
    assert len(frames) >= 4 and 1.0 < frames.times_s[-1] < 2.2 and "cut short" in frames.warnings[0]


def test_a_damaged_key_frame_costs_itself_only(tmp_path):
    path = write(tmp_path / "a.avi", noise(40), codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    second = data.index(b"00dc", data.index(b"00dc", data.index(b"movi")) + 4)
    data[second + 8 : second + 2000] = b"\0" * 1992
    path.write_bytes(bytes(data))
    frames = decode(clip("a.avi"), tmp_path, times_s=np.array([0.0, 0.1, 0.2]), short_side_px=None)
    assert frames.times_s.tolist() == pytest.approx([0.0, 0.2]) and "damaged" in frames.warnings[0]


# --- odd, and whole ---


def test_a_container_with_a_wrong_suffix(tmp_path):
    write(tmp_path / "a.mp4", greys()).rename(tmp_path / "a.avi")
    frames = look(tmp_path, "a.avi", UniformSampling(n_frames=4))
    assert numbers(frames) == [3, 9, 15, 21] and frames.warnings == ()


def test_one_frame(tmp_path):
    for name, codec, pix_fmt in (
        ("a.mp4", "libx264", "yuv420p"),
        ("a.avi", "mjpeg", "yuvj420p"),
        ("a.mkv", "libx264", "yuv420p"),
    ):
        write(tmp_path / name, [np.full((48, 64, 3), GREY, np.uint8)], codec=codec, pix_fmt=pix_fmt)
        frames = look(tmp_path, name)
        assert frames.times_s.tolist() == [0.0] and numbers(frames) == [5] and frames.warnings == ()


def test_one_frame_a_second(tmp_path):
    write(tmp_path / "slow.mp4", greys(10), rate=1, gop=250)
    frames = look(tmp_path, "slow.mp4")
    assert 8 <= len(frames) <= 10 and np.diff([0.0, *frames.times_s, 10.0]).max() <= 2.0
    assert numbers(frames) == frames.times_s.round().astype(int).tolist()


def test_a_clip_of_thirty_hours(tmp_path):
    """One frame every five minutes: as long as the longest recordings, and quick to write."""
    write(tmp_path / "long.mp4", [(p, 300 * i) for i, p in enumerate(greys(360))], rate=1, gop=2)
    info = probe(clip("long.mp4"), tmp_path)
    assert info.duration_s == pytest.approx(30 * 3600)
    frames = look(tmp_path, "long.mp4")
    assert 64 <= len(frames) <= 128 and np.diff([0.0, *frames.times_s, info.duration_s]).max() <= 2400
    assert numbers(frames) == [int(t / 300) % 32 for t in frames.times_s]


def test_a_header_with_a_wrong_duration(tmp_path):
    path = write(tmp_path / "a.mp4", greys())
    data = bytearray(path.read_bytes())
    for box in (b"mvhd", b"tkhd", b"mdhd"):
        at = data.index(box) + 4
        field = at + (20 if box == b"tkhd" else 16)
        data[field : field + 4] = (90_000_000).to_bytes(4, "big")
    path.write_bytes(bytes(data))
    assert probe(clip("a.mp4"), tmp_path).duration_s == pytest.approx(2.4, abs=0.11)
    assert numbers(look(tmp_path, "a.mp4", UniformSampling(n_frames=4))) == [3, 9, 15, 21]
    path = write(tmp_path / "a.avi", greys(), codec="mjpeg", pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    at = data.index(b"strh") + 8 + 32  # dwLength, in frames
    data[at : at + 4] = (90_000).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    assert probe(clip("a.avi"), tmp_path).duration_s == pytest.approx(2.4, abs=0.11)
    assert numbers(look(tmp_path, "a.avi", UniformSampling(n_frames=4))) == [3, 9, 15, 21]


def test_frames_of_another_kind_from_the_second_on(tmp_path):
    """An MJPEG stream may change its pixel format and its size with every frame."""
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for i, (width, pix_fmt) in enumerate(((64, "yuvj420p"), (64, "yuvj444p"), (128, "yuvj422p"))):
            encoder = av.CodecContext.create("mjpeg", "w")
            encoder.width, encoder.height, encoder.pix_fmt = width, 48, pix_fmt
            encoder.time_base = Fraction(1, 10)
            picture = np.full((48, width, 3), 80 + 8 * i, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format=pix_fmt)
            frame.pts = i
            for packet in encoder.encode(frame) + encoder.encode(None):
                packet.stream, packet.pts, packet.dts, packet.time_base = stream, i, i, Fraction(1, 10)
                container.mux(packet)
    frames = decode(clip("a.avi"), tmp_path, times_s=np.array([0.0, 0.1, 0.2]), short_side_px=None)
    assert numbers(frames) == [10, 11, 12] and frames.pixels.shape == (3, 48, 64, 3)
    assert "picture size changes" in frames.warnings[0]


@pytest.mark.parametrize(("width", "height"), [(65, 49), (1, 1), (2, 400), (643, 3)])
def test_odd_sizes(tmp_path, width, height):
    write(tmp_path / "a.mkv", [np.full((height, width, 3), GREY, np.uint8)] * 3, codec="ffv1", pix_fmt="bgr0")
    frames = look(tmp_path, "a.mkv")
    assert frames.pixels.shape[1:3] == (
        round(height * min(1, 32 / min(width, height))),
        round(width * min(1, 32 / min(width, height))),
    )
    assert set(frames.pixels.ravel().tolist()) <= {GREY - 1, GREY, GREY + 1}


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "name"),
    [
        ("libx264", "yuv420p10le", "ten.mp4"),
        ("libx265", "yuv420p10le", "ten.mkv"),
        ("ffv1", "yuva420p", "alpha.mkv"),
        ("qtrle", "argb", "alpha.mov"),
        ("png", "rgba", "png.avi"),
        ("mjpeg", "yuvj444p", "full.avi"),
    ],
)
def test_pixel_formats_that_a_screen_does_not_know(tmp_path, codec, pix_fmt, name):
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    write(tmp_path / name, greys(12), codec=codec, pix_fmt=pix_fmt, options=options)
    frames = look(tmp_path, name, UniformSampling(n_frames=3))
    assert numbers(frames) == [2, 6, 10] and frames.warnings == ()


def test_cyrillic_and_spaces(tmp_path):
    (tmp_path / "Земля леопарда 1").mkdir()
    write(tmp_path / "Земля леопарда 1" / "видео 01.MP4", greys())
    assert len(look(tmp_path, "Земля леопарда 1/видео 01.MP4")) >= 3


ARROW = np.zeros((48, 64, 3), np.uint8)
ARROW[:24, :32] = 240  # the upper left quarter is bright
TURNS = {0: ARROW, 90: np.rot90(ARROW, 1), 180: np.rot90(ARROW, 2), 270: np.rot90(ARROW, 3)}


@pytest.mark.parametrize("degrees", TURNS)
@pytest.mark.parametrize("mirrored", [False, True])
def test_turned_and_mirrored_clips_are_seen_upright(tmp_path, degrees, mirrored):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.set_display_rotation(degrees, hflip=mirrored)
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(ARROW, format="rgb24")))
        container.mux(stream.encode())
    frames = look(tmp_path, "a.mp4")
    wanted = TURNS[degrees][:, ::-1] if mirrored else TURNS[degrees]
    assert frames.pixels.shape[1:3] == ((32, 43) if degrees % 180 == 0 else (43, 32))
    seen = decode(clip("a.mp4"), tmp_path, times_s=np.zeros(1)).pixels[0]
    assert np.abs(seen.astype(int) - wanted).mean() < 12
