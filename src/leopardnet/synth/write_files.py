"""Write rendered clips as cameras do: H.264 in MP4 with AAC, MJPEG in AVI with PCM, JPEG with EXIF."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from leopardnet.synth.audio import SAMPLE_RATE_HZ

_EXIF_IFD, _DATE_TIME, _DATE_TIME_ORIGINAL, _MAKE, _MODEL = 0x8769, 0x0132, 0x9003, 0x010F, 0x0110
_SOFTWARE = 0x0131


def write_still(
    path: Path, pixels: NDArray[np.uint8], captured_at: datetime, camera: str, *, mark: str = ""
) -> None:
    """Write uint8 [H, W, 3] as JPEG with the time of the camera in its EXIF. mark: what wrote it."""
    exif = Image.Exif()
    clock = captured_at.strftime("%Y:%m:%d %H:%M:%S")
    exif[_MAKE], exif[_MODEL], exif[_DATE_TIME] = camera.split()[0], camera, clock
    exif.get_ifd(_EXIF_IFD)[_DATE_TIME_ORIGINAL] = clock
    if mark:
        exif[_SOFTWARE] = mark
    Image.fromarray(pixels).save(path, "JPEG", quality=82, exif=exif)


def write_video(
    path: Path,
    pixels: NDArray[np.uint8],
    sound: NDArray[np.float32],
    *,
    rate: Fraction,
    captured_at: datetime,
    mark: str = "",
) -> None:
    """Write uint8 [N, H, W, 3] and float32 sound; the suffix, .MP4 or .AVI, chooses the codecs.

    A video without a sample of sound has no sound track. mark: a comment on what wrote it.
    The time is written into `creation_time` as local time marked Z, as cameras without a time zone do.
    """
    mp4 = path.suffix.upper() == ".MP4"
    with av.open(str(path), "w", format="mp4" if mp4 else "avi") as container:
        container.metadata["creation_time"] = captured_at.strftime("%Y-%m-%dT%H:%M:%S.000000Z")
        container.metadata["date"] = captured_at.strftime("%Y-%m-%d %H:%M:%S")
        if mark:
            container.metadata["comment"] = mark
        video = _add_video(container, pixels.shape, rate, mp4=mp4)
        audio = _add_audio(container, mp4=mp4) if len(sound) else None
        blocks = _sound_blocks(sound, len(pixels))
        done = 0
        for i, picture in enumerate(pixels):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = i, 1 / rate
            container.mux(video.encode(frame))
            if audio is not None:
                container.mux(audio.encode(_audio_frame(blocks[i], done, mp4=mp4)))
                done += len(blocks[i])
        container.mux(video.encode(None))
        if audio is not None:
            container.mux(audio.encode(None))


def _add_video(container: Any, shape: tuple[int, ...], rate: Fraction, *, mp4: bool) -> Any:
    video = container.add_stream("libx264" if mp4 else "mjpeg", rate=rate)
    video.height, video.width = shape[1:3]
    video.pix_fmt = "yuv420p" if mp4 else "yuvj420p"
    video.thread_count = 1
    video.codec_context.time_base = 1 / rate
    if mp4:
        video.options = {"preset": "veryfast", "crf": "25", "bf": "0"}
    else:
        video.options = {"qmin": "4", "qmax": "6"}
    return video


def _add_audio(container: Any, *, mp4: bool) -> Any:
    return container.add_stream("aac" if mp4 else "pcm_s16le", rate=SAMPLE_RATE_HZ, layout="mono")


def _sound_blocks(sound: NDArray[np.float32], n: int) -> list[NDArray[np.float32]]:
    """Return the sound in one block for each frame."""
    edges = np.linspace(0, len(sound), n + 1).round().astype(int)
    return [sound[a:b] for a, b in pairwise(edges)]


def _audio_frame(block: NDArray[np.float32], start: int, *, mp4: bool) -> av.AudioFrame:
    samples = block[None] if mp4 else np.round(block[None] * 32767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(samples, format="fltp" if mp4 else "s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, start, Fraction(1, SAMPLE_RATE_HZ)
    return frame
