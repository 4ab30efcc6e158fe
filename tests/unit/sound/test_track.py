from fractions import Fraction

import av
import numpy as np
import pytest

from leopardnet.core.errors import MediaError
from leopardnet.sound.track import Track, read_track
from made_sounds import make_noise, make_tone, write_sounding
from made_videos import write_film


@pytest.mark.parametrize(
    ("suffix", "codec", "rate_hz", "read_hz", "n_channels"),
    [
        (".avi", "pcm_s16le", 8000, 8000, 1),
        (".avi", "pcm_u8", 11_025, 11_025, 1),
        (".avi", "adpcm_ima_wav", 16_000, 16_000, 1),
        (".avi", "libmp3lame", 44_100, 16_000, 2),
        (".mp4", "aac", 44_100, 16_000, 2),
        (".mov", "pcm_s16le", 48_000, 16_000, 1),
    ],
)
def test_the_tone_of_every_codec_comes_back_in_its_pitch_and_length(
    tmp_path, suffix, codec, rate_hz, read_hz, n_channels
):
    tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(2 * rate_hz) / rate_hz)
    track = read_track(write_sounding(tmp_path / f"a{suffix}", tone, rate_hz, codec=codec, n_channels=n_channels))
    assert track is not None and track.rate_hz == read_hz and track.samples.dtype == np.float32
    assert track.duration_s == pytest.approx(2.0, abs=0.15) and track.start_s == pytest.approx(0, abs=0.1)
    middle = track.samples[read_hz // 2 : read_hz // 2 + read_hz]
    assert np.abs(np.fft.rfft(middle)).argmax() == pytest.approx(1000, abs=1)  # one second: bins of 1 Hz
    assert middle.std() == pytest.approx(0.5 / np.sqrt(2) * np.sqrt(n_channels), rel=0.15)  # channels are added
    assert track.warnings == ()


def test_a_film_without_sound_has_none_and_one_that_is_silent_says_so(tmp_path):
    assert read_track(write_film(tmp_path / "a.mp4", n=5)) is None
    silent = read_track(write_sounding(tmp_path / "b.avi", np.zeros(16_000), 16_000))
    assert silent is not None and silent.warnings == ("the sound track is silent",)


def test_sound_that_is_shorter_or_later_than_the_picture_is_named_and_placed(tmp_path):
    path = write_sounding(tmp_path / "a.mp4", make_noise(1.0, 16_000), 16_000, codec="aac", picture_s=3.0)
    short = read_track(path)
    assert short is not None and "the picture 3.0 s" in short.warnings[0]
    path = write_sounding(tmp_path / "b.mov", make_noise(2.0, 16_000), 16_000, picture_s=2.5, delay_s=0.5)
    late = read_track(path)
    assert late is not None and late.start_s == pytest.approx(0.5, abs=0.02)


def test_broken_and_foreign_files_are_named_never_a_crash(tmp_path):
    noise = make_noise(2.0, 16_000)
    whole = write_sounding(tmp_path / "a.avi", noise, 16_000).read_bytes()
    (tmp_path / "text.avi").write_text("no film")
    with pytest.raises(MediaError, match="not a video of a known format"):
        read_track(tmp_path / "text.avi")
    headless = write_sounding(tmp_path / "b.mp4", noise, 16_000, codec="aac").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(headless[: len(headless) // 2])  # its index stood at the end
    with pytest.raises(MediaError, match="the sound cannot be read"):
        read_track(tmp_path / "cut.mp4")
    (tmp_path / "half.avi").write_bytes(whole[: len(whole) // 2])
    half = read_track(tmp_path / "half.avi")
    assert half is not None and 0.5 < half.duration_s < 1.6


def test_a_track_without_sound_is_named_in_plain_words(tmp_path):
    path = write_sounding(tmp_path / "a.avi", np.full(15, 0.1), 1)  # fifteen samples in fifteen seconds
    with pytest.raises(MediaError, match="15 s of sound with 1 samples a second") as error:
        read_track(path)
    assert "if you hear nothing, nothing is lost" in str(error.value)
    empty = tmp_path / "b.avi"
    with av.open(str(empty), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        container.add_stream("pcm_s16le", rate=8000)
        container.mux(video.encode(av.VideoFrame(64, 48, "yuv420p")))
        container.mux(video.encode())
    with pytest.raises(MediaError, match="an empty sound track"):
        read_track(empty)


def test_missing_packets_are_silence_and_later_sound_keeps_its_second(tmp_path):
    with av.open(str(tmp_path / "a.mkv"), "w") as container:
        sound = container.add_stream("pcm_u8", rate=8000)
        for second in (0, 1, 4):
            frame = av.AudioFrame.from_ndarray(np.full((1, 8000), 192, np.uint8), format="u8", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 8000, 8000 * second, Fraction(1, 8000)
            container.mux(sound.encode(frame))
        container.mux(sound.encode())
    track = read_track(tmp_path / "a.mkv")
    assert track is not None and track.duration_s == pytest.approx(5.0, abs=0.01)
    middles = track.samples[4000::8000]  # the middle of each second: half of full scale, and silence in between
    assert middles.tolist() == pytest.approx([0.5, 0.5, 0.0, 0.0, 0.5], abs=0.01)


def test_a_part_is_cut_by_the_times_of_the_clip():
    track = Track(np.arange(40, dtype=np.float32), 10, start_s=-1.0)
    part = track.cut(0.0, 1.0)  # the sound began a second before the picture
    assert part.samples.tolist() == list(range(10, 20)) and part.start_s == 0.0
    assert len(track.cut(50.0, 60.0).samples) == 0


def test_a_whistle_keeps_its_second(tmp_path):
    rate_hz = 44_100
    samples = np.zeros(3 * rate_hz, np.float32)
    samples[2 * rate_hz : 2 * rate_hz + round(0.3 * rate_hz)] = make_tone(rate_hz)
    track = read_track(write_sounding(tmp_path / "a.mp4", samples, rate_hz, codec="aac"))
    assert track is not None
    loud = np.flatnonzero(np.abs(track.samples) > 0.2) / track.rate_hz + track.start_s
    assert loud[0] == pytest.approx(2.0, abs=0.08) and loud[-1] == pytest.approx(2.3, abs=0.08)
