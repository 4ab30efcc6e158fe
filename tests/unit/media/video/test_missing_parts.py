"""Videos whose end or middle is gone say what is missing against their header; odd headers are no damage."""

import re
import struct

import av
import numpy as np
import pytest

from leopardnet.core.errors import MediaError
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import AutoSampling
from leopardnet.core.tables import clip_id
from leopardnet.core.types import Clip
from leopardnet.data.checks.file_facts import read_file_facts
from leopardnet.media.blank_frames import find_blank_frames, find_smeared_frames
from leopardnet.media.decode import decode, probe
from leopardnet.media.sampling import sample_times

N, FPS = 40, 10
ENDS = re.compile(r"the clip ends at ([0-9.]+) s, the header says 4\.[01] s")


def film(path, codec="mjpeg", **options):
    """Four seconds of noise; the rate control makes the first pictures somewhat larger than the later ones."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=FPS)
        stream.width, stream.height, stream.gop_size = 160, 120, 1
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for _ in range(N):
            pixels = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return bytearray(path.read_bytes())


def look(path):
    clip = Clip(clip_id(path.name), (path.name,), "video")
    info = probe(clip, path.parent)
    return decode(clip, path.parent, times_s=sample_times(info, AutoSampling()), short_side_px=60)


def check_status(path, manifest_of):
    facts = read_file_facts(Manifest(manifest_of(path=[path.name], kind="video").table, path.parent))
    return facts["status"][0], facts["reason"][0]


def frames_of(data, name):
    """First and last byte of the pictures in the file."""
    if name.endswith("avi"):
        return data.index(b"movi"), data.rindex(b"idx1")
    return (data.index(b"mdat") + 4, len(data)) if name.endswith(("mp4", "mov")) else (2048, len(data))


KINDS = [("a.avi", "mjpeg"), ("a.avi", "mpeg4"), ("a.mov", "mjpeg"), ("a.mp4", "libx264"), ("a.asf", "msmpeg4v3")]
KINDS += [("a.mkv", "libx264"), ("a.flv", "flv1")]


@pytest.mark.parametrize("filling", [b"\0", b"\xff"], ids=["zeros", "ff"])
@pytest.mark.parametrize("has_index", [True, False], ids=["index", "no index"])
@pytest.mark.parametrize(("name", "codec"), KINDS)
def test_an_end_that_is_gone(tmp_path, capfd, manifest_of, name, codec, has_index, filling):
    options = {"movflags": "faststart"} if name.endswith(("mp4", "mov")) else {}
    data = film(tmp_path / name, codec, **options)
    first, last = frames_of(data, name)
    middle, end = (first + last) // 2, last if has_index else len(data)
    data[middle:end] = filling * (end - middle)
    (tmp_path / name).write_bytes(bytes(data))
    capfd.readouterr()
    frames = look(tmp_path / name)
    found = ENDS.fullmatch(frames.warnings[0])
    assert found is not None and 1.1 <= float(found[1]) <= 2.2, frames.warnings
    assert len(frames) >= 6 and 0 <= float(found[1]) - frames.times_s[-1] <= 0.4
    status, reason = check_status(tmp_path / name, manifest_of)
    assert status == "partial" and reason.split("; ")[0] == frames.warnings[0]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("name", "codec"), KINDS[:5])
def test_a_hole_in_the_middle(tmp_path, capfd, manifest_of, name, codec):
    data = film(tmp_path / name, codec)
    first, last = frames_of(data, name)
    a, b = first + (last - first) // 4, first + 3 * (last - first) // 4
    data[a:b] = bytes(b - a)
    (tmp_path / name).write_bytes(bytes(data))
    capfd.readouterr()
    frames = look(tmp_path / name)
    assert len(frames) >= 2 and frames.warnings, frames
    assert re.search(r"(are lost,|no frames) between (0\.[2-9]|1\.\d) s and [23]\.\d s", frames.warnings[0])
    assert check_status(tmp_path / name, manifest_of)[0] == "partial"
    assert capfd.readouterr() == ("", "")


def put(data, chunk, offset, *values):
    struct.pack_into(f"<{len(values)}I", data, data.index(chunk) + 8 + offset, *values)


ODD = {
    "no counts": lambda d: (put(d, b"avih", 16, 0), put(d, b"strh", 32, 0)),
    "no rate": lambda d: put(d, b"strh", 20, 0, 0),
    "a count far too high": lambda d: put(d, b"strh", 32, 90_000),
    "padded": lambda d: d.extend(bytes(300_000)),
    "padded without counts": lambda d: (put(d, b"strh", 32, 0), d.extend(bytes(300_000))),
    "no index": lambda d: d.__delitem__(slice(d.rindex(b"idx1"), None)),
    "no index and no counts": lambda d: (put(d, b"strh", 32, 0), d.__delitem__(slice(d.rindex(b"idx1"), None))),
    "never closed": lambda d: (
        struct.pack_into("<I", d, 4, 0),
        struct.pack_into("<I", d, d.index(b"movi") - 4, 0),
        d.__delitem__(slice(d.rindex(b"idx1"), None)),
    ),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_header_is_no_damage_where_all_frames_are_there(tmp_path, odd):
    data = film(tmp_path / "a.avi")
    whole = look(tmp_path / "a.avi")
    ODD[odd](data)
    (tmp_path / "a.avi").write_bytes(bytes(data))
    info = probe(Clip("a", ("a.avi",), "video"), tmp_path)
    frames = look(tmp_path / "a.avi")
    if odd == "no index and no counts":  # the size in its header is all that there is
        assert len(frames) == len(whole)
        return
    assert info.n_frames == N and frames.warnings == () and len(frames) == len(whole)


@pytest.mark.parametrize(("name", "codec", "code"), [("a.avi", "mjpeg", b"MJPG"), ("a.mov", "mjpeg", b"jpeg")])
def test_an_unknown_codec_is_named(tmp_path, manifest_of, name, codec, code):
    data = film(tmp_path / name, codec)
    (tmp_path / name).write_bytes(bytes(data).replace(code, b"XyZ9"))
    with pytest.raises(MediaError, match="codec XyZ9"):
        probe(Clip("a", (name,), "video"), tmp_path)
    status, reason = check_status(tmp_path / name, manifest_of)
    assert status == "unreadable" and "XyZ9" in reason


def test_frames_of_one_colour_are_left_out_of_a_clip_that_has_others(tmp_path):
    rng = np.random.default_rng(0)
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for i in range(12):
            pixels = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
            if i in (4, 5):
                pixels[:] = (0, 135, 0) if i == 4 else 128
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    frames = decode(Clip("a", ("a.avi",), "video"), tmp_path, times_s=np.arange(12) / FPS)
    assert len(frames) == 10 and "2 frames of one colour" in frames.warnings[0]
    assert not {0.4, 0.5} & set(frames.times_s.round(3).tolist())


@pytest.mark.parametrize(
    ("colour", "is_lost"),
    [((128, 128, 128), True), ((0, 135, 0), True), ((90, 90, 90), False), ((0, 200, 60), True)],
)
def test_a_video_of_nothing_but_the_filling_of_a_decoder_is_no_empty_clip(tmp_path, colour, is_lost):
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for _ in range(12):
            pixels = np.full((48, 64, 3), colour, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    clip = Clip("a", ("a.avi",), "video")
    for times_s in (np.arange(12) / FPS, np.zeros(1)):
        if not is_lost:
            assert len(decode(clip, tmp_path, times_s=times_s)) == len(times_s)
            continue
        with pytest.raises(MediaError, match="no frame of the video has content"):
            decode(clip, tmp_path, times_s=times_s)


def test_dark_and_white_frames_are_real():
    clip = np.random.default_rng(0).integers(0, 256, (5, 48, 64, 3), dtype=np.uint8)
    clip[0], clip[1], clip[2] = 3, 255, 200
    clip[2, 5, 7] = 90  # a speck is content
    assert not find_blank_frames(clip).any() and not find_blank_frames(clip[:0]).any()


def test_smeared_frames_are_damage_and_never_the_only_evidence(tmp_path):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)
    drawn_out, filled, bars, sky = (noise.copy() for _ in range(4))
    drawn_out[20:], filled[20:] = drawn_out[19], (0, 135, 0)
    bars[:16], bars[32:], sky[:30] = 0, 0, 255
    assert find_smeared_frames(np.stack([noise, drawn_out, filled, bars, sky])).tolist() == [
        False,
        True,
        True,
        *[False] * 2,
    ]
    assert find_smeared_frames(np.zeros((0, 48, 64, 3), np.uint8)).tolist() == []
    assert find_smeared_frames(np.zeros((1, 1, 1, 3), np.uint8)).tolist() == [False]

    def decode_frames(name, *frames):
        with av.open(str(tmp_path / name), "w") as container:
            stream = container.add_stream("ffv1", rate=FPS)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
            for pixels in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode())
        return decode(Clip("a", (name,), "video"), tmp_path, times_s=np.arange(len(frames)) / FPS)

    mixed = decode_frames("mixed.avi", noise, drawn_out, noise)
    assert len(mixed) == 2 and "1 smeared frames were left out" in mixed.warnings[0]
    only = decode_frames("only.avi", drawn_out, drawn_out)
    assert len(only) == 2 and only.warnings[0].startswith("all 2 frames are smeared"), "seen, and not ok"
    sound = decode_frames("sound.avi", noise, bars)
    assert len(sound) == 2 and not sound.warnings
