"""A stretch of a sound track as a page holds it: its spectrogram, and the sound itself where it may be heard."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from leopardnet.sound.spectrogram import MAX_HZ, draw_spectrogram
from leopardnet.sound.stretch import cut_stretch, encode_wave
from leopardnet.sound.track import Track


@dataclass(frozen=True, slots=True)
class ShownStretch:
    """A spectrogram and the same seconds to be played, as data URIs.

    wave: '' where it may not be heard. start_s, end_s, top_hz: the ends of the axes. left, width: of the sound that
    it is about, in percent of the picture.
    """

    uri: str
    wave: str
    start_s: float
    end_s: float
    top_hz: float
    left: float
    width: float


def show_stretch(
    track: Track,
    start_s: float,
    end_s: float,
    sound_s: tuple[float, float],
    *,
    may_be_heard: bool,
    size_px: tuple[int, int] = (640, 200),
) -> ShownStretch:
    """Return a stretch of a track with the sound in it that begins and ends at `sound_s`.

    All times are seconds from the first picture of the clip. may_be_heard: False for a clip with people or voices.

    >>> shown = show_stretch(Track(np.zeros(16000, np.float32), 8000), 0.0, 2.0, (0.5, 1.0), may_be_heard=False)
    >>> shown.left, shown.width, shown.wave, shown.uri[:22]
    (25.0, 25.0, '', 'data:image/png;base64,')
    """
    part = cut_stretch(track, start_s, end_s)
    first, last = (100 * (min(max(at, start_s), end_s) - start_s) / (end_s - start_s) for at in sound_s)
    return ShownStretch(
        _embed("image/png", draw_spectrogram(part, start_s, end_s, size_px=size_px)),
        _embed("audio/wav", encode_wave(part)) if may_be_heard else "",
        start_s,
        end_s,
        min(MAX_HZ, track.rate_hz / 2),
        round(first, 2),
        round(last - first, 2),
    )


def _embed(kind: str, content: bytes) -> str:
    return f"data:{kind};base64," + base64.b64encode(content).decode()
