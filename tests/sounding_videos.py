"""Videos with a given sound, and sounds to put on them."""

from fractions import Fraction

import av
import numpy as np

FPS = 10
RATE_HZ = 16_000


def write_sounding(path, samples, rate_hz, *, codec="pcm_s16le", picture_s=None, delay_s=0.0, n_channels=1):
    """Write a small video with this sound, float [N], -1 to 1; the sound begins `delay_s` after the picture."""
    picture_s = len(samples) / rate_hz if picture_s is None else picture_s
    layout = {1: "mono", 2: "stereo"}[n_channels]
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=FPS)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        tone = container.add_stream(codec, rate=rate_hz, layout=layout)
        for i in range(max(1, round(picture_s * FPS))):
            pixels = np.random.default_rng(i).integers(0, 255, (48, 64, 3), dtype=np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode())
        whole = np.repeat((np.clip(samples, -1, 1) * 32_000).astype(np.int16), n_channels)[None]
        frame = av.AudioFrame.from_ndarray(whole, format="s16", layout=layout)
        frame.sample_rate = rate_hz
        size = tone.codec_context.frame_size or 1024
        resampler = av.AudioResampler(tone.codec_context.format, layout, rate_hz, frame_size=size)
        at = round(delay_s * rate_hz)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            part.pts, part.time_base = at, Fraction(1, rate_hz)
            at += part.samples
            container.mux(tone.encode(part))
        container.mux(tone.encode())
    return path


def make_tone(rate_hz, *, length_s=0.3, from_hz=3600.0, to_hz=1800.0, amplitude=0.5):
    """A tone whose pitch glides from one value to another."""
    u = np.arange(round(length_s * rate_hz)) / (length_s * rate_hz)
    phase = 2 * np.pi * length_s * (from_hz * u + (to_hz - from_hz) * u**2 / 2)
    return (amplitude * np.sin(np.pi * u) ** 0.5 * np.sin(phase)).astype(np.float32)


def make_noise(seconds, rate_hz, *, level=0.02, seed=0):
    """White noise, float32 [N]."""
    return (level * np.random.default_rng(seed).standard_normal(round(seconds * rate_hz))).astype(np.float32)


def add_at(noise, sound, at_s, rate_hz):
    """The noise with a sound in it from a second on."""
    mixed, first = noise.copy(), round(at_s * rate_hz)
    mixed[first : first + len(sound)] += sound
    return mixed


def make_speech(rate_hz, *, seconds=2.0, seed=0):
    """Syllables of a voice of 120 Hz: pulses through the resonances of changing vowels, with pauses and hisses."""
    rng, n = np.random.default_rng(seed), round(seconds * rate_hz)
    t = np.arange(n) / rate_hz
    pitch = 120 * (1 + 0.15 * np.sin(2 * np.pi * 0.7 * t) + 0.02 * np.sin(2 * np.pi * 5 * t))
    source = np.diff(np.floor(np.cumsum(pitch) / rate_hz), prepend=0.0) + 0.003 * rng.standard_normal(n)
    vowels = ((730, 1090, 2440), (270, 2290, 3010), (570, 840, 2410), (530, 1840, 2480), (300, 870, 2240))
    out, step = np.zeros(n), round(0.2 * rate_hz)
    for i in range(0, n, step):
        part = source[i : i + step]
        spectrum, hz = np.fft.rfft(part), np.fft.rfftfreq(len(part), 1 / rate_hz)
        gain = sum(
            a / (1 + ((hz - f) / (60 + f / 20)) ** 2)
            for f, a in zip(vowels[rng.integers(len(vowels))], (1, 0.5, 0.2), strict=True)
        )
        shape = np.sin(np.pi * np.linspace(0, 1, len(part))) ** 0.6
        out[i : i + step] = np.fft.irfft(spectrum * gain / (1 + (hz / 800) ** 1.2), len(part)) * shape
    return (0.3 * out / np.abs(out).max()).astype(np.float32)


def make_call(samples, start_s, *, from_hz=1000.0, to_hz=2000.0, length_s=0.3, level=0.3, rate_hz=RATE_HZ):
    """Add a tone that goes from one pitch to another, with soft ends, to samples float32 [N]."""
    t = np.arange(round(length_s * rate_hz)) / rate_hz
    phase = 2 * np.pi * (from_hz * t + (to_hz - from_hz) * t**2 / (2 * length_s))
    tone = level * np.sin(phase) * np.sin(np.pi * t / length_s)
    first = round(start_s * rate_hz)
    samples[first : first + len(tone)] += tone.astype(np.float32)


def write_sound(path, samples, *, rate_hz=RATE_HZ):
    """Write an AVI of a few dark frames with this sound, float32 [N], as 16-bit PCM."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format="avi") as out:
        video = out.add_stream("mpeg4", rate=5)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        sound = out.add_stream("pcm_s16le", rate=rate_hz, layout="mono")
        for i in range(max(1, round(5 * len(samples) / rate_hz))):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 30 + i % 2, np.uint8), format="rgb24")
            out.mux(video.encode(frame.reformat(format="yuv420p")))
        out.mux(video.encode())
        pcm = (np.clip(samples, -1, 1) * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        frame.sample_rate = rate_hz
        out.mux(sound.encode(frame))
        out.mux(sound.encode())
    return path
