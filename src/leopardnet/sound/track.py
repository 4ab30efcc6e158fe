"""The sound track of a video as samples: any codec, one channel, at most 16 kHz."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import av.error
import numpy as np
from av.audio.fifo import AudioFifo
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Discard
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError
from leopardnet.media.video.open import HEADER_ONLY, OPTIONS, describe_error, detect_format, list_videos

MIN_RATE_HZ, MAX_RATE_HZ = 8000, 16_000  # the higher one holds everything up to 8 kHz
MAX_S = 900.0  # the sound behind that is left out, with a warning
MAX_GAP_S = 0.1  # a longer gap between two packets is filled with silence, so that times stay true
MAX_DAMAGED = 100
BATCH_S = 2.0  # that are resampled at once: few calls, and samples that stay in the cache
PROBED = ("mpegts", "mpeg", "flv")  # containers whose streams are known only after some packets, not pictures


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """The sound of a clip.

    samples: float32 [N], one channel, mostly between -1 and 1; rate_hz: samples per second; start_s: seconds from
    the first picture to the first sample, negative where the sound begins earlier; warnings: what is odd about it.
    """

    samples: NDArray[np.float32]
    rate_hz: int
    start_s: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def duration_s(self) -> float:
        """The length of the sound in seconds."""
        return len(self.samples) / self.rate_hz

    def cut(self, start_s: float, end_s: float) -> Track:
        """Return the part between two times of the clip, in seconds from its first picture.

        >>> Track(np.zeros(100, np.float32), 10, start_s=2.0).cut(3.0, 4.0).samples.shape
        (10,)
        """
        first = max(0, round((start_s - self.start_s) * self.rate_hz))
        last = max(first, round((end_s - self.start_s) * self.rate_hz))
        return Track(self.samples[first:last], self.rate_hz, self.start_s + first / self.rate_hz)


def read_track(path: Path, *, max_rate_hz: int = MAX_RATE_HZ) -> Track | None:
    """Return the sound track of a video, or None where the file has none.

    The first sound stream is taken and its channels are mixed. Rates become 8 to 16 kHz; max_rate_hz: another
    highest rate, for a network that hears more. Raises MediaError where the file cannot be opened and where no
    sound can be decoded.

    >>> track = read_track("IMAG0001.AVI")  # doctest: +SKIP
    """
    path = Path(path)
    with _open(path) as container:
        sound = next(iter(container.streams.audio), None)
        if sound is None:
            return None
        if sound.codec_context is None:
            raise MediaError(
                "the sound is in a format that cannot be decoded",
                where=path.name,
                todo="convert the file with a program of the camera's maker, for example to MP4",
            )
        for stream in container.streams:
            if stream is not sound:
                stream.discard = Discard.all  # skipped, not read
        picture_s = _picture_span_s(container)
        reader = _SoundReader(container, sound, max_rate_hz)
        samples = reader.read()
    if not len(samples):
        raise MediaError(
            "no sound can be decoded",
            where=path.name,
            found=reader.stop_reason or reader.describe_emptiness(),
            todo="play the clip: if you hear nothing, nothing is lost",
        )
    start_s = round(reader.start_s - picture_s[0], 3)
    track = Track(samples, reader.rate_hz, start_s)
    return Track(samples, reader.rate_hz, start_s, tuple(_warnings(track, reader, picture_s[1])))


@contextmanager
def _open(path: Path) -> Iterator[InputContainer]:
    name = detect_format(path)
    options = OPTIONS if name in PROBED else OPTIONS | HEADER_ONLY
    try:
        with av.open(str(path), format=name, options=options, metadata_errors="replace") as container:
            yield container
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise MediaError("the sound cannot be read", where=path.name, found=describe_error(error)) from None


def _picture_span_s(container: InputContainer) -> tuple[float, float | None]:
    """Return when the picture begins, and its length if the header states it, in seconds."""
    video = next(iter(list_videos(container)), None)
    if video is None or video.time_base is None:
        return 0.0, None
    begins = video.start_time or 0
    return float(begins * video.time_base), float(video.duration * video.time_base) if video.duration else None


class _SoundReader:
    """Decodes a sound stream. n_damaged: packets left out; stop_reason: why reading ended before the end.

    Frames wait in FFmpeg's own queue and are resampled together: a call for each, and arrays of each, take longer
    than the work itself.
    """

    def __init__(self, container: InputContainer, sound: AudioStream, max_rate_hz: int) -> None:
        self.container, self.sound, self.max_rate_hz = container, sound, max_rate_hz
        self.rate_hz, self.start_s, self.n_damaged, self.stop_reason = 0, 0.0, 0, ""
        self._parts: list[NDArray[np.float32]] = []
        self._waiting = AudioFifo()
        self._heard_s = 0.0
        self._form: tuple[str, str, int] | None = None
        self._resampler: AudioResampler | None = None

    def read(self) -> NDArray[np.float32]:
        """Return all samples, float32 [N], with silence where packets are missing."""
        for frame in self._decode():
            self._add(frame)
            if self._heard_s > MAX_S:
                self.stop_reason = f"only the first {MAX_S:.0f} s were searched"
                break
        self._resample(is_last=True)
        samples = np.concatenate(self._parts) if self._parts else np.zeros(0, np.float32)
        return np.nan_to_num(samples, copy=False, posinf=0.0, neginf=0.0)

    def describe_emptiness(self) -> str:
        """Return in words why there are no samples."""
        if self._form is not None:
            return f"{self._heard_s:g} s of sound with {self._form[2]} samples a second"
        return f"{self.n_damaged} damaged packets and no others" if self.n_damaged else "an empty sound track"

    def _decode(self) -> Iterator[AudioFrame]:
        try:
            for packet in self.container.demux(self.sound):
                try:
                    yield from self.sound.codec_context.decode(packet)
                except av.error.EOFError:
                    return
                except (av.error.FFmpegError, ValueError):
                    self.n_damaged += 1
                    if self.n_damaged > MAX_DAMAGED:
                        self.stop_reason = f"more than {MAX_DAMAGED} damaged packets"
                        return
        except (av.error.FFmpegError, OSError) as error:
            self.stop_reason = f"reading stopped early: {describe_error(error)}"

    def _add(self, frame: AudioFrame) -> None:
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._form:  # the first frame, or a stream that changes
            self._resample(is_last=True)
            if self._form is None:
                self.rate_hz = min(max(frame.sample_rate, MIN_RATE_HZ), self.max_rate_hz)
                self.start_s = frame.time or 0.0
            self._form = form
            self._resampler = AudioResampler(format="flt", layout="mono", rate=self.rate_hz)
        if (time_s := frame.time) is not None:
            gap_s = time_s - self.start_s - self._heard_s
            if MAX_GAP_S < gap_s < MAX_S:
                self._waiting.write(_make_silence(frame, gap_s))
                self._heard_s += gap_s
        frame.pts = None  # the queue would refuse a time that does not follow on the one before
        self._waiting.write(frame)
        self._heard_s += frame.samples / frame.sample_rate
        if self._waiting.samples > BATCH_S * frame.sample_rate:
            self._resample()

    def _resample(self, *, is_last: bool = False) -> None:
        """Turn what is waiting into one channel at the rate of the track; `is_last`: and what the filter holds."""
        if self._resampler is None:
            return
        joined = self._waiting.read()
        frames = self._resampler.resample(joined) if joined is not None else []
        if is_last:
            frames += self._resampler.resample(None)
            self._waiting = AudioFifo()  # of the next form
        self._parts += [x.to_ndarray().reshape(-1).astype(np.float32, copy=False) for x in frames]


def _make_silence(like: AudioFrame, length_s: float) -> AudioFrame:
    """Return silence in the form of another frame."""
    samples = like.to_ndarray()  # of all channels in one row, or a row for each
    n = round(length_s * like.sample_rate) * (samples.shape[1] // like.samples)
    silence = np.full((len(samples), n), 128 if samples.dtype == np.uint8 else 0, samples.dtype)
    frame = AudioFrame.from_ndarray(silence, format=like.format.name, layout=like.layout.name)
    frame.sample_rate = like.sample_rate
    return frame


def _warnings(track: Track, reader: _SoundReader, picture_s: float | None) -> list[str]:
    warnings = []
    if reader.n_damaged:
        warnings.append(f"{reader.n_damaged} damaged packets of sound")
    if reader.stop_reason:
        warnings.append(reader.stop_reason)
    sound_s = track.duration_s
    if picture_s and abs(sound_s - picture_s) > max(0.5, 0.05 * picture_s) and sound_s < MAX_S:
        warnings.append(f"the sound is {sound_s:.1f} s long, the picture {picture_s:.1f} s")
    if not track.samples.any():
        warnings.append("the sound track is silent")
    return warnings
