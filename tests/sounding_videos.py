"""Small videos with a sound track, and calls to put on it, for the tests of sound."""

import av
import numpy as np

RATE_HZ = 16_000


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
