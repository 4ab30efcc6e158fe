"""Spectrograms: power over time and pitch, as numbers and as a picture."""

from __future__ import annotations

import io

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image
from scipy import fft

from leopardnet.sound.track import Track

WINDOW_S, HOP_S = 0.032, 0.008
MAX_HZ = 5000.0  # of pictures; the calls that are looked for are below
FLOOR = 1e-12  # of power, so that silence has a logarithm
RANGE_DB = 50.0  # from black to white in a picture, down from its loudest point
MAX_DRAWN_S = 60.0
AT_ONCE = 256  # windows whose numbers stay in the cache of a processor


def measure_power(
    samples: NDArray[np.float32], rate_hz: int, *, window_s: float, hop_s: float
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Return the power of each window: float32 [T, F], the pitch of each bin, Hz [F], and its middle, seconds [T].

    Sound shorter than one window gives no window at all.

    >>> power, hz, s = measure_power(np.zeros(800, np.float32), 8000, window_s=0.032, hop_s=0.008)
    >>> power.shape, float(hz[-1]), float(s[0])
    ((9, 129), 4000.0, 0.016)
    """
    n_window, n_hop = round(window_s * rate_hz), round(hop_s * rate_hz)
    hz = fft.rfftfreq(n_window, 1 / rate_hz)
    if len(samples) < n_window:
        return np.zeros((0, len(hz)), np.float32), hz, np.zeros(0)
    window = make_hann(n_window).astype(np.float32)
    windows, scale = sliding_window_view(samples, n_window)[::n_hop], np.float32(np.sum(window**2))  # [T, n_window]
    power = np.empty((len(windows), len(hz)), np.float32)
    for i in range(0, len(windows), AT_ONCE):
        spectrum = fft.rfft(windows[i : i + AT_ONCE] * window, axis=1)
        power[i : i + AT_ONCE] = (spectrum.real**2 + spectrum.imag**2) / scale
    return power, hz, (np.arange(len(power)) * n_hop + n_window / 2) / rate_hz


def make_hann(n: int) -> NDArray[np.float64]:
    """Return a periodic Hann window, float64 [n], as that of scipy.signal, which takes half a second to load."""
    return 0.5 + 0.5 * np.cos(np.linspace(-np.pi, np.pi, n + 1)[:-1])


def make_spectrogram(
    track: Track, start_s: float | None = None, end_s: float | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Return decibels, float32 [F, T], the pitch of each row in Hz [F], lowest first, and its times in s [T].

    start_s, end_s: the part of the clip, in seconds from its first picture; without them all of it, but at most
    the first minute. Times are those of the clip, too.

    >>> db, hz, s = make_spectrogram(Track(np.zeros(16000, np.float32), 16000, start_s=0.5))
    >>> db.shape, round(float(s[0]), 3)
    ((161, 122), 0.516)
    """
    begin_s = track.start_s if start_s is None else start_s
    part = track.cut(begin_s, begin_s + MAX_DRAWN_S if end_s is None else end_s)
    power, hz, s = measure_power(part.samples, part.rate_hz, window_s=WINDOW_S, hop_s=HOP_S)
    low = hz <= MAX_HZ
    return 10 * np.log10(power[:, low] + FLOOR).T, hz[low], s + part.start_s


def draw_spectrogram(
    track: Track, start_s: float | None = None, end_s: float | None = None, *, size_px: tuple[int, int] = (640, 200)
) -> bytes:
    """Return a PNG of the spectrogram: time to the right, pitch from 0 to 5 kHz upwards (or where the sound ends).

    The loudest point is black, and what is 50 dB below it white. size_px: width and height of the picture.

    >>> draw_spectrogram(Track(np.zeros(8000, np.float32), 8000))[1:4]
    b'PNG'
    """
    db, _, _ = make_spectrogram(track, start_s, end_s)
    if not db.size:
        db = np.full((1, 1), 10 * np.log10(FLOOR), np.float32)
    top = max(float(db.max()), 10 * np.log10(FLOOR) + RANGE_DB)
    grey = np.clip((top - db) / RANGE_DB, 0.0, 1.0) * 255
    picture = Image.fromarray(grey[::-1].astype(np.uint8)).resize(size_px, Image.Resampling.BILINEAR)
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
