import hashlib

import numpy as np
import openvino as ov
import pytest

from leopardnet.core.settings.sound import SoundConfig
from leopardnet.sound.track import Track
from leopardnet.sound.voice import MODEL, find_voices, measure_speech
from made_sounds import add_at, make_noise, make_speech, make_tone


@pytest.mark.parametrize("rate_hz", [8000, 11_025, 16_000])
def test_speech_is_flagged_with_its_seconds(rate_hz):
    samples = add_at(make_noise(5.0, rate_hz, level=0.003), make_speech(rate_hz), 2.0, rate_hz)
    voices = find_voices(Track(samples, rate_hz, start_s=0.5), SoundConfig())
    assert voices and {voice.kind for voice in voices} == {"voice"} and voices[0].peak_hz is None
    assert 2.3 < voices[0].start_s < 3.2 and 3.8 < voices[-1].end_s < 4.9 and voices[0].score > 0.9


def test_noise_whistles_and_silence_are_no_voice():
    noise = make_noise(5.0, 16_000)
    for samples in (noise, add_at(noise, make_tone(16_000), 2.0, 16_000), np.zeros(16_000, np.float32), noise[:0]):
        assert find_voices(Track(samples, 16_000), SoundConfig()) == []


def test_a_long_track_is_heard_as_a_whole():
    """40 s are more than one block of the network; its memory goes on from one to the next."""
    samples = add_at(make_noise(40.0, 16_000, level=0.003), make_speech(16_000, seconds=4.0, seed=1), 35.0, 16_000)
    speech = measure_speech(Track(samples, 16_000))
    assert len(speech) == 1250 and speech[:1000].max() < 0.5
    assert 34 < find_voices(Track(samples, 16_000), SoundConfig())[0].start_s < 37


def test_the_network_hears_what_it_would_hear_by_itself():
    """As published, it makes the spectrum of each step with a convolution; here an FFT makes it."""
    samples = add_at(make_noise(3.0, 16_000, level=0.003), make_speech(16_000), 0.5, 16_000)
    steps = np.pad(samples[: 90 * 512], (64, 0))
    heard = np.stack([steps[512 * i : 512 * i + 576] for i in range(90)])
    memory = np.zeros((1, 1, 128), np.float32)
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    whole = ov.Core().compile_model(MODEL, "CPU", options)({"input": heard, "h": memory, "c": memory})
    speech = measure_speech(Track(samples[: 90 * 512], 16_000))
    assert speech.max() > 0.9 and np.allclose(speech, whole["speech_probs"].reshape(-1), atol=1e-4)


def test_the_network_is_the_published_one():
    """The file of the wheel silero-vad 6.2.3, beside its licence."""
    digest = "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"
    assert hashlib.sha256(MODEL.read_bytes()).hexdigest() == digest
    assert "MIT License" in MODEL.with_name("LICENSE").read_text("utf-8")
