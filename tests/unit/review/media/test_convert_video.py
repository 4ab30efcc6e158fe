"""What a browser cannot play becomes an MP4 with the same frames at the same times; what is lost is told."""

import av
import numpy as np
import pytest

from leopardnet.core.errors import MediaError
from leopardnet.review.media.convert_video import Limits, convert_video
from leopardnet.review.media.inspect_video import inspect_video
from made_videos import FPS, boxes_of, read_film, write_film

PLENTY = Limits(max_bytes=10**9)
MADE = {
    "AVI with H.264": (("a.avi", "libx264"), {"sound": "pcm_s16le"}, "copy"),
    "AVI with H.264, frames out of order": (("a.avi", "libx264"), {"b_frames": 2}, "encode"),
    "MOV": (("a.mov", "libx264"), {"sound": "pcm_s16le", "b_frames": 2}, "copy"),
    "MKV": (("a.mkv", "libx264"), {"sound": "libmp3lame", "b_frames": 2}, "copy"),
    "TS, whose clock begins at 1.4 s": (("a.ts", "libx264"), {"sound": "aac", "format": "mpegts"}, "copy"),
    "MJPEG": (("a.avi", "mjpeg", "yuvj422p"), {"sound": "pcm_s16le"}, "encode"),
    "MJPEG of odd size": (("a.avi", "mjpeg", "yuvj420p"), {"size": (161, 121)}, "encode"),
    "MPEG-4 part 2": (("a.mp4", "mpeg4"), {"sound": "aac"}, "encode"),
    "WMV in ASF": (("a.wmv", "wmv2"), {"format": "asf"}, "encode"),
    "H.264 of 4:2:2": (("a.mp4", "libx264", "yuv422p"), {}, "encode"),
    "one frame": (("a.avi", "mjpeg", "yuvj420p"), {"n": 1}, "encode"),
    "HEVC": (("a.mp4", "libx265"), {"sound": "aac"}, "encode"),
}


def convert(path, limits=PLENTY, **options):
    """The converted file and its warnings."""
    target = path.with_name("made.mp4")
    return target, convert_video(path, target, limits, **options)


@pytest.mark.parametrize("name", MADE)
def test_every_kind_plays_with_its_frames_at_their_times(tmp_path, name):
    (file, codec, *rest), options, way = MADE[name]
    if codec not in av.codecs_available:
        pytest.skip(f"this build of FFmpeg has no encoder {codec}")
    path = write_film(tmp_path / file, codec, *rest, **options)
    before = inspect_video(path)
    assert before.way == way
    made, warnings = convert(path)
    after, n = read_film(made), options.get("n", 50)
    assert warnings == () and inspect_video(made).way == "as_is"
    assert after["codecs"][:2] == ("h264", "yuv420p")
    assert after["codecs"][2:] == ({"libmp3lame": ("mp3",), None: ()}.get(options.get("sound"), ("aac",)))
    assert after["seconds"] == pytest.approx(n / FPS, abs=1.01 / FPS)
    assert all(abs(s - n / FPS) < 0.06 for s in after["sound_s"])
    assert np.abs(np.array(after["numbers"]) - np.arange(n)).max() <= 1 and len(after["numbers"]) == n
    steps = np.diff(after["times_s"])[1 if "out of order" in name else 0 :]  # there, AVI has no true first time
    assert steps == pytest.approx(1 / FPS, abs=1e-3)
    names = boxes_of(made)
    assert names.index("moov") < names.index("mdat")


@pytest.mark.parametrize(
    ("file", "codec", "sound", "media_type"),
    [
        ("a.mp4", "libx264", "aac", "video/mp4"),
        ("a.mp4", "libx264", None, "video/mp4"),
        ("a.webm", "libvpx", None, "video/webm"),
        ("a.webm", "libvpx-vp9", None, "video/webm"),
    ],
)
def test_what_browsers_play_is_left_as_it_is(tmp_path, file, codec, sound, media_type):
    found = inspect_video(write_film(tmp_path / file, codec, sound=sound))
    assert (found.way, found.media_type, found.warnings) == ("as_is", media_type, ())


def test_a_file_that_a_browser_refused_is_encoded_anew(tmp_path):
    made, _ = convert(write_film(tmp_path / "a.webm", "libvpx-vp9"), must_encode=True)
    after = read_film(made)
    assert after["codecs"] == ("h264", "yuv420p") and len(after["numbers"]) == 50


def test_a_large_picture_becomes_small_and_stays_in_shape(tmp_path):
    made, _ = convert(write_film(tmp_path / "a.avi", "mjpeg", "yuvj422p", n=3, size=(1920, 1080)))
    assert read_film(made)["size"] == (960, 540)


def test_a_turned_video_is_upright(tmp_path):
    made, _ = convert(write_film(tmp_path / "a.mp4", "mpeg4", turn=90, n=5))
    assert read_film(made)["size"] == (120, 160)


def test_a_place_in_the_file_is_not_handed_out(tmp_path):
    path = tmp_path / "a.mp4"
    with (
        av.open(str(write_film(tmp_path / "b.mp4"))) as old,
        av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as new,
    ):
        new.metadata["location"] = "+43.1000+131.9000/"
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    assert b"+131.9" in path.read_bytes() and inspect_video(path).way == "copy"
    made, _ = convert(path)
    assert b"+131.9" not in made.read_bytes() and len(read_film(made)["numbers"]) == 50


# --- damaged files ---


def test_a_file_that_was_cut_plays_as_far_as_it_goes_and_says_so(tmp_path):
    path = write_film(tmp_path / "a.avi", "mjpeg", "yuvj420p")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    made, warnings = convert(path)
    after = read_film(made)
    assert 10 < len(after["numbers"]) < 45 and after["numbers"] == list(range(len(after["numbers"])))
    assert any("ends at" in text or "missing" in text for text in warnings)


def test_a_cut_mp4_of_h264_is_not_handed_out_as_it_is(tmp_path):
    source = write_film(tmp_path / "b.mp4", sound="aac")
    with (
        av.open(str(source)) as old,
        av.open(str(tmp_path / "a.mp4"), "w", options={"movflags": "faststart"}) as new,
    ):
        streams = {s: new.add_stream_from_template(s) for s in old.streams}
        for packet in old.demux():
            if packet.size:
                packet.stream = streams[packet.stream]
                new.mux(packet)
    data = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[: len(data) * 7 // 10])
    assert inspect_video(tmp_path / "a.mp4").way == "encode"
    made, warnings = convert(tmp_path / "a.mp4")
    assert 0 < read_film(made)["seconds"] < 1.9 and warnings


def test_frames_that_a_decoder_leaves_out_in_silence_are_told(tmp_path):
    if "libx265" not in av.codecs_available:
        pytest.skip("this build of FFmpeg has no encoder libx265")
    path = write_film(tmp_path / "a.mp4", "libx265")
    data = bytearray(path.read_bytes())
    at = data.index(b"mdat")
    at += int.from_bytes(data[at - 4 : at], "big") * 3 // 10
    data[at : at + 16] = bytes(16)  # the decoder shows nothing until the next key frame, and there is none
    path.write_bytes(data)
    made, warnings = convert(path)
    n = len(read_film(made)["numbers"])
    assert n < 40 and f"only {n} of 50 frames could be decoded" in warnings


def test_sound_that_cannot_be_decoded_is_left_out_and_told(tmp_path):
    path = write_film(tmp_path / "a.avi", "mjpeg", "yuvj420p", sound="pcm_s16le")
    data = bytearray(path.read_bytes())
    at = data.index(b"strf", data.index(b"auds")) + 8
    data[at : at + 2] = (0x7FFE).to_bytes(2, "little")  # a sound format that nobody has
    path.write_bytes(data)
    made, warnings = convert(path)
    assert read_film(made)["sound_s"] == [] and len(read_film(made)["numbers"]) == 50
    assert len(warnings) == 1 and warnings[0].startswith("the sound (")


@pytest.mark.parametrize("content", [b"", b"RIFF\x00\x00\x00\x00AVI ", b"no video at all" * 100])
def test_what_holds_no_picture_is_one_error_and_leaves_nothing(tmp_path, content):
    path = tmp_path / "a.avi"
    path.write_bytes(content)
    with pytest.raises(MediaError) as caught:
        convert(path)
    assert str(tmp_path) not in str(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["a.avi"]


# --- limits ---


def test_a_long_video_ends_early_and_says_so(tmp_path):
    path = write_film(tmp_path / "a.avi", "mjpeg", "yuvj420p", n=100)
    made, warnings = convert(path, Limits(10**9, max_piece_s=1.0))
    assert read_film(made)["seconds"] == pytest.approx(1.0, abs=0.2)
    assert warnings == ("only the first 1 s of 4 s are played here",)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [(Limits(10**9, max_work_s=0.0), "too long to convert"), (Limits(0), "cache is too small")],
)
def test_work_without_end_is_ended(tmp_path, monkeypatch, limits, reason):
    monkeypatch.setattr("leopardnet.review.media.convert_video.LOOK_S", 0.0)
    path = write_film(tmp_path / "a.avi", "mjpeg", "yuvj420p", n=100)
    made, warnings = convert(path, limits)
    assert reason in warnings[0] and len(read_film(made)["numbers"]) < 100


def test_progress_and_notes_are_files_beside_the_video(tmp_path, monkeypatch):
    monkeypatch.setattr("leopardnet.review.media.convert_video.LOOK_S", 0.0)
    path = write_film(tmp_path / "a.avi", "mjpeg", "yuvj420p")
    convert(path, share=tmp_path / "share", notes=tmp_path / "notes.json")
    assert 0.9 <= float((tmp_path / "share").read_text()) < 1.0
    assert (tmp_path / "notes.json").read_text() == "[]"
