"""Small videos of every kind that a camera writes. Frame i has the grey value 4·i, so it says which one it is."""

from fractions import Fraction

import av
import numpy as np

FPS = 25
STEP = 4  # grey values from one frame to the next


def write_film(
    path, codec="libx264", pix_fmt="yuv420p", *, n=50, size=(160, 120), sound=None, b_frames=0, format=None, turn=0
):
    """Write a video of n frames and, if `sound` is a codec, of a tone as long as it; return the path."""
    with av.open(str(path), "w", format=format) as container:
        video = container.add_stream(codec, rate=FPS)
        video.width, video.height, video.pix_fmt = *size, pix_fmt
        video.codec_context.max_b_frames = b_frames
        if turn:
            video.set_display_rotation(turn)
        tone = container.add_stream(sound, rate=16_000, layout="mono") if sound else None
        if tone:
            n_samples = 16_000 * n // FPS
            wave = (8000 * np.sin(np.arange(n_samples) / 6)).astype(np.int16)[np.newaxis]
            for i in range(0, n_samples, 1600):
                part = av.AudioFrame.from_ndarray(wave[:, i : i + 1600], format="s16", layout="mono")
                part.rate, part.pts, part.time_base = 16_000, i, Fraction(1, 16_000)
                container.mux(tone.encode(part))
            container.mux(tone.encode())
        for i in range(n):
            pixels = np.full((size[1], size[0], 3), STEP * i % 256, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(video.encode())
    return path


def read_film(path):
    """What a player sees: size, seconds, the number that each frame shows, frame times, and the codecs."""
    with av.open(str(path)) as container:
        video, sounds = container.streams.video[0], container.streams.audio
        found = {
            "size": (video.width, video.height),
            "codecs": (
                video.codec_context.name,
                video.codec_context.pix_fmt,
                *[s.codec.canonical_name for s in sounds],
            ),
            "seconds": float(video.duration * video.time_base),
            "sound_s": [float(s.duration * s.time_base) for s in sounds],
        }
        frames = [(f.time, f.to_ndarray(format="rgb24").mean()) for f in container.decode(video)]
    found["times_s"] = [time for time, _ in frames]
    found["numbers"] = [round(level / STEP) for _, level in frames]
    return found


def boxes_of(path):
    """The names of the boxes of an MP4, in order."""
    data, at, names = path.read_bytes(), 0, []
    while at < len(data):
        names.append(data[at + 4 : at + 8].decode("latin-1"))
        at += int.from_bytes(data[at : at + 4], "big") or len(data)
    return names
