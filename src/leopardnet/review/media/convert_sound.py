"""The sound of a video on its way into an MP4: copied where browsers play it, else encoded as AAC."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av.error
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from leopardnet.media.video.index import packet_stamp

RATE_HZ = 48_000
BITS_PER_S = 96_000
COPIED = ("aac", "mp3")
MAX_DAMAGED = 100


class CopiedSound:
    """Packets of AAC or MP3 in a new container, later one after the other. n_damaged: packets left out."""

    def __init__(self, out: OutputContainer, sound: AudioStream, start_s: float) -> None:
        self.out, self.n_damaged = out, 0
        self.stream = out.add_stream_from_template(sound)
        self.start = round(start_s / (sound.time_base or Fraction(1, 1000)))
        self.last = -1

    def add(self, packet: Packet[Any]) -> None:
        """Take the next packet; sound before the first picture is left out."""
        stamp = packet_stamp(packet)
        if packet.is_corrupt or stamp is None:
            self.n_damaged += 1
            return
        if stamp < self.start:
            return
        self.last = max(stamp - self.start, self.last + 1)
        packet.dts = packet.pts = self.last
        packet.stream = self.stream
        self.out.mux(packet)

    def finish(self) -> None:
        """Nothing is held back."""


class EncodedSound:
    """Sound encoded as AAC, without gaps from its beginning on. n_damaged: packets left out."""

    def __init__(self, out: OutputContainer, sound: AudioStream, start_s: float) -> None:
        self.out, self.context, self.start_s, self.n_damaged = out, sound.codec_context, start_s, 0
        layout = "mono" if self.context.channels == 1 else "stereo"
        self.stream: AudioStream = out.add_stream("aac", rate=RATE_HZ, layout=layout, bit_rate=BITS_PER_S)
        self.resampler = AudioResampler(format="fltp", layout=layout, rate=RATE_HZ)
        self.n_samples: int | None = None

    def add(self, packet: Packet[Any] | None) -> None:
        """Take the next packet, or None behind the last one. Damaged ones are counted; after many, nothing more."""
        if self.n_damaged > MAX_DAMAGED:
            return
        try:
            for frame in self.context.decode(packet):
                if self.n_samples is None:
                    begins_s = (frame.time or 0.0) - self.start_s
                    if begins_s < 0:  # before the first picture
                        continue
                    self.n_samples = round(begins_s * RATE_HZ)
                frame.pts = None
                for part in self.resampler.resample(frame):
                    part.pts, part.time_base = self.n_samples, Fraction(1, RATE_HZ)
                    self.n_samples += part.samples
                    self.out.mux(self.stream.encode(part))
        except av.error.EOFError:
            return
        except (av.error.FFmpegError, ValueError):
            self.n_damaged += 1

    def finish(self) -> None:
        """Write what the decoder and the encoder still hold."""
        self.add(None)
        if self.n_samples is not None:
            self.out.mux(self.stream.encode())


def open_sound(
    out: OutputContainer, sound: AudioStream, *, start_s: float, must_encode: bool
) -> CopiedSound | EncodedSound:
    """Return the sound of the new file. start_s: of the pictures, on the clock of the old file."""
    context, name = sound.codec_context, sound.codec_context.codec.canonical_name
    is_copied = not must_encode and name in COPIED and (name == "mp3" or context.extradata)
    return (CopiedSound if is_copied else EncodedSound)(out, sound, start_s)
