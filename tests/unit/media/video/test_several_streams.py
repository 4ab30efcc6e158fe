"""Containers with more than one picture track, and fragments that end too early."""

import io
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from leopardnet.core.tables import clip_id
from leopardnet.core.types import Clip
from leopardnet.media.decode import decode, probe

TIMES = np.array([0.0, 0.4])


def clip(name):
    return Clip(clip_id(name), (name,), "video")


def write_streams(path, *sizes):
    """A video of tracks of these sizes, of which track k has the grey value 40·(k + 1)."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=10) for _ in sizes]
        for stream, size in zip(streams, sizes, strict=True):
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for i in range(8):
            for k, stream in enumerate(streams):
                grey = np.full((stream.height, stream.width, 3), 40 * (k + 1), np.uint8)
                frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
                frame.pts, frame.time_base = i, Fraction(1, 10)
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode())


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_preview_before_the_video_is_not_taken_for_it(tmp_path, suffix):
    write_streams(tmp_path / f"a.{suffix}", (32, 24), (64, 48))
    frames = decode(clip(f"a.{suffix}"), tmp_path, times_s=TIMES)
    assert frames.pixels.shape == (2, 48, 64, 3) and abs(frames.pixels.mean() - 80) < 3 and not frames.warnings
    assert probe(clip(f"a.{suffix}"), tmp_path).width_px == 64


def test_two_lenses_are_told(tmp_path):
    write_streams(tmp_path / "a.mp4", (64, 48), (64, 48), (32, 24))
    (tmp_path / "a.mp4").rename(tmp_path / "a.360")
    frames = decode(clip("a.360"), tmp_path, times_s=TIMES)
    assert abs(frames.pixels.mean() - 40) < 3
    assert frames.warnings == ("the file has 2 videos, as of 2 lenses; only the first was read",)


def box(kind, body):
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def test_a_cover_picture_is_no_video(tmp_path):
    write_streams(tmp_path / "a.mp4", (64, 48))
    jpeg = io.BytesIO()
    Image.new("RGB", (640, 480), (255, 0, 0)).save(jpeg, "JPEG")
    cover = box(b"covr", box(b"data", (13).to_bytes(4, "big") + bytes(4) + jpeg.getvalue()))
    meta = bytes(4) + box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9)) + box(b"ilst", cover)
    data = (tmp_path / "a.mp4").read_bytes()
    at = data.index(b"moov") - 4
    assert at + int.from_bytes(data[at : at + 4], "big") == len(data), "the index is the last box"
    track = data.index(b"trak", at) - 4
    inside = data[at + 8 : track] + box(b"udta", box(b"meta", meta)) + data[track:]
    (tmp_path / "b.mp4").write_bytes(data[:at] + box(b"moov", inside))
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert container.streams.video[0].codec_context.name == "mjpeg", "the cover comes first"
    frames = decode(clip("b.mp4"), tmp_path, times_s=TIMES)
    assert frames.pixels.shape == (2, 48, 64, 3) and abs(frames.pixels.mean() - 40) < 3


def test_fragments_that_end_in_the_middle_are_told(tmp_path, write_video):
    whole = write_video("whole.mp4", n_frames=30, size=(160, 120)).read_bytes()
    with (
        av.open(io.BytesIO(whole)) as source,
        av.open(str(tmp_path / "a.mp4"), "w", options={"movflags": "frag_keyframe+empty_moov"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    assert decode(clip("a.mp4"), tmp_path, times_s=TIMES).warnings == ()
    data = (tmp_path / "a.mp4").read_bytes()
    last = data.rindex(b"mdat")
    (tmp_path / "b.mp4").write_bytes(data[: last + 20])
    warnings = decode(clip("b.mp4"), tmp_path, times_s=TIMES).warnings
    assert f"the file is cut short: {last + 20} of" in warnings[0]
