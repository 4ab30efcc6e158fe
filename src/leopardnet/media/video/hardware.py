"""Decoders of graphics processors: which of them this machine has. FFmpeg knows more than open on one machine.

Intel's Quick Sync is reached through VAAPI on Linux and D3D11 on Windows, NVIDIA's NVDEC as `cuda`.
"""

from __future__ import annotations

import functools

import av
import av.error
from av.codec.hwaccel import HWAccel

from leopardnet.core.errors import BackendError
from leopardnet.core.settings.inference import RuntimeConfig

SOFTWARE = "software"
DEVICES = ("vaapi", "cuda", "videotoolbox", "d3d11va")  # the first that opens is taken


def choose_decoder(wanted: str) -> str:
    """Return `software`, or the device that decodes videos on this machine.

    wanted: `software`, a device, `hardware` (any device) or `auto` (any device, or else software). Raises
    BackendError where the wanted device cannot be opened.

    >>> choose_decoder("software")
    'software'
    """
    if wanted == SOFTWARE:
        return SOFTWARE
    problems = {}
    for device in (wanted,) if wanted in DEVICES else DEVICES:
        problems[device] = open_device(device)[1]
        if not problems[device]:
            return device
    if wanted == "auto":
        return SOFTWARE
    raise BackendError(
        "this machine has no hardware decoder that can be opened",
        where=f"decode {wanted}",
        found="; ".join(f"{device}: {problem}" for device, problem in problems.items()),
        expected=" or ".join(problems),
        todo="choose auto or software; the driver of the graphics processor may be missing",
    )


def settle_decoder(runtime: RuntimeConfig) -> RuntimeConfig:
    """Return the settings with what decodes videos on this machine in place of how to choose it.

    Raises BackendError like `choose_decoder`.
    """
    return runtime.model_copy(update={"decode": choose_decoder(runtime.decode)})


@functools.cache
def open_device(device: str) -> tuple[av.CodecContext | None, str]:
    """Return a decoder on a device, or None and why there is none. It keeps the device open for this process."""
    try:
        context = av.CodecContext.create("h264", "r", hwaccel=request_device(device))
    except (av.error.FFmpegError, OSError, ValueError, NotImplementedError) as error:
        return None, f"{type(error).__name__}: {error}".split(": '")[0][:160]
    return (context, "") if context.is_hwaccel else (None, "this FFmpeg was built without it")


def request_device(device: str) -> HWAccel | None:
    """Return what `av.open` needs to decode on a device; None for software. Nothing is opened yet."""
    if device == SOFTWARE:
        return None
    # All decoders of a process share one CUDA context, since a new one takes a tenth of a second and memory.
    options: dict[str, object] = {"primary_ctx": "1"} if device == "cuda" else {}
    return HWAccel(device, allow_software_fallback=False, options=options)
