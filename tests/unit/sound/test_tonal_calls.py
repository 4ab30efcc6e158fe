import numpy as np
import pytest

from leopardnet.core.settings.sound import SoundConfig
from leopardnet.sound.tonal_calls import find_calls, whiten
from leopardnet.sound.track import Track
from leopardnet.synth.story.noises import mix_sound
from made_sounds import add_at, make_noise, make_speech, make_tone

SETTINGS = SoundConfig()


def calls_of(samples, rate_hz=16_000, **settings):
    return find_calls(Track(samples, rate_hz), SETTINGS.model_copy(update=settings))


@pytest.mark.parametrize("rate_hz", [8000, 11_025, 16_000])
def test_a_falling_whistle_is_found_with_its_second_pitch_and_slope(rate_hz):
    samples = add_at(make_noise(8.0, rate_hz), make_tone(rate_hz, amplitude=0.1), 3.0, rate_hz)
    (call,) = calls_of(samples, rate_hz)
    assert call.kind == "tonal_call" and call.score > 0.8 and call.snr_db > 8
    assert call.start_s == pytest.approx(3.0, abs=0.05) and call.end_s == pytest.approx(3.3, abs=0.05)
    assert call.low_hz == pytest.approx(1800, abs=250) and call.high_hz == pytest.approx(3600, abs=250)
    assert call.slope_hz_s == pytest.approx(-6000, rel=0.15)


@pytest.mark.parametrize(
    ("from_hz", "to_hz", "length_s"), [(1000, 1000, 0.5), (1500, 2600, 0.25), (4400, 3000, 0.2), (4000, 4000, 0.16)]
)
def test_whistles_of_other_shapes_are_found_too(from_hz, to_hz, length_s):
    tone = make_tone(16_000, from_hz=from_hz, to_hz=to_hz, length_s=length_s, amplitude=0.1)
    (call,) = calls_of(add_at(make_noise(8.0, 16_000), tone, 4.0, 16_000))
    assert call.start_s < 4.1 and call.end_s > 4.0 + length_s - 0.1


def test_noise_has_no_call_whatever_its_colour_and_its_loudness():
    noise = make_noise(60.0, 16_000, seed=3)
    brown = np.cumsum(noise - noise.mean()).astype(np.float32)
    pumping = noise * (1 + 0.9 * np.sin(2 * np.pi * 0.5 * np.arange(len(noise)) / 16_000)).astype(np.float32)
    for samples in (noise, brown / np.abs(brown).max(), pumping, noise * 1e-4):
        assert calls_of(samples) == []


def test_clicks_and_tones_without_an_end_and_silence_are_no_calls():
    noise = make_noise(10.0, 16_000)
    clicks = noise.copy()
    clicks[[20_000, 20_050, 90_000]] = 1.0  # as of the infrared filter
    hum = noise + 0.1 * np.sin(2 * np.pi * 2500 * np.arange(len(noise)) / 16_000).astype(np.float32)
    long = add_at(noise, make_tone(16_000, length_s=2.0, from_hz=2000, to_hz=2100, amplitude=0.1), 4.0, 16_000)
    for samples in (clicks, hum, long, np.zeros(160_000, np.float32), noise[:100], noise[:0]):
        assert calls_of(samples) == []


def test_the_gain_changes_nothing_and_a_dropped_track_leaves_the_rest():
    samples = add_at(make_noise(8.0, 16_000), make_tone(16_000, amplitude=0.1), 3.0, 16_000)
    (loud,) = calls_of(samples)
    (faint,) = calls_of(samples * np.float32(0.01))
    assert faint == loud
    samples[80_000:] = 0.0  # the recorder stopped
    assert [call.start_s for call in calls_of(samples)] == pytest.approx([loud.start_s], abs=0.02)


def test_calls_that_are_seconds_apart_are_calls_and_notes_of_a_song_are_not():
    tone = make_tone(16_000, amplitude=0.1)
    alarm, song = make_noise(12.0, 16_000), make_noise(12.0, 16_000)
    for at_s in (1.0, 4.0, 7.5):
        alarm = add_at(alarm, tone, at_s, 16_000)
    for i in range(20):
        song = add_at(
            song, make_tone(16_000, length_s=0.2, from_hz=2500 + 300 * (i % 5), amplitude=0.1), 0.5 * i + 1, 16_000
        )
    assert sorted(call.start_s for call in calls_of(alarm)) == pytest.approx([1.0, 4.0, 7.5], abs=0.05)
    assert calls_of(song) == []


@pytest.mark.parametrize("from_hz", [2600, 1500])  # an overtone that is cut off at 5.3 kHz, and a whole one
def test_the_overtone_of_one_call_is_no_rival_of_the_other(from_hz):
    tone = make_tone(16_000, from_hz=from_hz, to_hz=1.3 * from_hz, amplitude=0.2)
    tone += make_tone(16_000, from_hz=2 * from_hz, to_hz=2.6 * from_hz, amplitude=0.05)
    samples = make_noise(10.0, 16_000, level=0.01)
    for at_s in (3.0, 4.2):
        samples = add_at(samples, tone, at_s, 16_000)
    calls = [call for call in calls_of(samples) if call.low_hz < 1.3 * from_hz]
    assert sorted(call.start_s for call in calls) == pytest.approx([3.0, 4.2], abs=0.05)
    assert min(call.score for call in calls) > 0.8


@pytest.mark.parametrize("seed", range(4))
def test_falling_whistles_with_overtones_are_found_a_second_apart(seed):
    samples = mix_sound("whistle 0.7; whistle 1.9", 4.5, np.random.default_rng(seed))
    assert sorted(call.start_s for call in calls_of(samples)) == pytest.approx([0.7, 1.9], abs=0.05)


@pytest.mark.parametrize("amplitude", [0.05, 0.3, 0.9])  # 12 to 37 dB above the noise of 1 kHz
def test_a_short_and_steep_whistle_is_found_however_loud_it_is(amplitude):
    tone = make_tone(16_000, from_hz=2000, to_hz=4400, length_s=0.25, amplitude=amplitude)
    (call,) = calls_of(add_at(make_noise(8.0, 16_000), tone, 4.0, 16_000))
    assert call.start_s == pytest.approx(4.0, abs=0.06) and call.score > 0.6


def test_a_voice_is_no_call():
    assert calls_of(add_at(make_noise(6.0, 16_000, level=0.003), make_speech(16_000), 2.0, 16_000)) == []


def test_the_settings_bound_pitch_length_number_and_score():
    samples = make_noise(12.0, 16_000)
    for at_s in (1.0, 4.0, 7.5):
        samples = add_at(samples, make_tone(16_000, amplitude=0.1), at_s, 16_000)
    assert len(calls_of(samples, max_calls=2)) == 2
    assert calls_of(samples, max_hz=3000.0) == [] and calls_of(samples, min_s=0.55) == []
    assert calls_of(samples, min_score=1.0) == []


def test_whitening_takes_away_what_lasts_over_time_or_pitch():
    rng = np.random.default_rng(0)
    hz = np.linspace(800, 5000, 85)
    noise = rng.normal(0, 1, (200, 85)).astype(np.float32)
    louder = (
        noise
        + 20 * np.sin(np.arange(200) / 9)[:, None].astype(np.float32)
        + np.linspace(0, 30, 85, dtype=np.float32)
    )
    assert np.abs(whiten(louder, hz) - whiten(noise, hz)).max() < 2.0
