"""A stretch of a track of exactly the wanted length, as pictures, features and players need it."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import numpy as np

from leopardnet.core.errors import MediaError
from leopardnet.sound.spectrogram import draw_spectrogram
from leopardnet.sound.track import Track, read_track


def cut_stretch(track: Track, start_s: float, end_s: float) -> Track:
    """Return the part of a track between two times of the clip, with silence where it has no sound.

    >>> part = cut_stretch(Track(np.ones(10, np.float32), 10, start_s=0.5), 0.0, 1.0)
    >>> part.start_s, part.samples.tolist()
    (0.0, [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    """
    n = max(0, round((end_s - start_s) * track.rate_hz))
    found, first = np.zeros(n, np.float32), round((start_s - track.start_s) * track.rate_hz)
    inside = track.samples[max(0, first) : max(0, first + n)]
    found[max(0, -first) : max(0, -first) + len(inside)] = inside
    return Track(found, track.rate_hz, start_s)


def draw_stretch(path: Path, start_s: float, end_s: float, size_px: tuple[int, int] = (640, 200)) -> bytes:
    """Return a PNG of the sound of a video between two times, which are its left and its right edge.

    Raises MediaError where the video cannot be opened, and where it has no sound.
    """
    track = read_track(path)
    if track is None:
        raise MediaError("the video has no sound", where=Path(path).name)
    return draw_spectrogram(cut_stretch(track, start_s, end_s), start_s, end_s, size_px=size_px)


def encode_wave(track: Track) -> bytes:
    """Return a sound as a WAV file of 16 bits, so loud that its loudest sample is at the limit; silence stays so.

    >>> sound = encode_wave(Track(np.array([0.0, 0.01, -0.005], np.float32), 8000))
    >>> sound[:4], np.frombuffer(sound[44:], "<i2").tolist()
    (b'RIFF', [0, 32767, -16384])
    """
    loudest = float(np.abs(track.samples).max(initial=0.0))
    scaled = track.samples / np.float32(loudest or 1.0) * 32767
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(track.rate_hz)
        file.writeframes(np.round(scaled).astype("<i2").tobytes())
    return out.getvalue()
