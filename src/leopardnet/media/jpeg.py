"""JPEG files: decoding that tells whether the picture is whole, and what is left of a damaged one.

Pillow and OpenCV use the same library, but drop its warnings or print them. simplejpeg decodes to the same pixels,
raises the warning as an error, and is faster.
"""

from __future__ import annotations

import re

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError

END = b"\xff\xd9"
SCAN = b"\xff\xda"
HOLE = bytes(64)
USUAL_TABLE = bytes.fromhex(
    "0002010303020403050504040000017d"
)  # lengths of the codes of luminance, by the standard
GREY = 128  # what the library shows where it has no data
MODES = ("RGB", "L")  # of Pillow; other pictures, such as CMYK, are rare and left to it
MAX_BLOCK_PX = 256  # the library makes up one block where there is no data at all
MIN_SHARE = 0.005
# Warnings about odd headers, which some cameras write. Behind them, only an early end is noticed.
CUT_SHORT = "remature end"  # in what libjpeg says; its first letter is large or small
HARMLESS = ("Warning: unknown JFIF", "Unknown Adobe", "Invalid SOS", "Inconsistent progression")
FILL_BYTES = 8  # some cameras fill up the data with a few bytes before the end marker
Pixels = NDArray[np.uint8]


def decode_jpeg(data: bytes, size: tuple[int, int], *, is_progressive: bool, name: str) -> tuple[Pixels, str]:
    """Return pixels uint8 [H, W, 4], RGB and a filling byte, and what is damaged, or an empty text.

    Pillow takes pixels of four bytes without copying them. size: (width, height) of the result, the picture's own
    or 1/2, 1/4, 1/8 of it, rounded up; name: of the file, for messages. Bytes behind the end marker are ignored, as
    is a missing end marker of a picture that is whole. Raises MediaError if the file has nothing of the picture,
    and ValueError if this library cannot decode it.
    """
    width, height = size
    try:
        pixels = _decode(data, width, height)
        return pixels, "the picture is damaged: a part of the file is empty" if _has_hole(data) else ""
    except ValueError as error:
        problem = str(error)  # the first one; decoding stops there
    tidy = _tidy(data)
    if not is_progressive:  # which would be blurred without its last part, and give no warning
        try:
            return _decode(tidy, width, height), ""
        except ValueError:
            pass
    pixels = _decode_part(tidy, width, height)
    has_content = (pixels[..., :3] != GREY).any(axis=2)
    if has_content.sum() <= MAX_BLOCK_PX:
        raise MediaError("the file has nothing of the picture", where=name, todo="copy it from the card again")
    share = 1 - (int(np.flatnonzero(has_content.any(axis=1))[-1]) + 1) / height
    return pixels, _describe_damage(problem, share, is_progressive=is_progressive)


def _decode(data: bytes, width: int, height: int) -> Pixels:
    pixels = simplejpeg.decode_jpeg(data, "RGBX", min_width=width, min_height=height)
    if pixels.shape[:2] != (height, width):
        raise ValueError(f"size {pixels.shape[1]} x {pixels.shape[0]}, not {width} x {height}")
    return np.asarray(pixels, np.uint8)


def _decode_part(data: bytes, width: int, height: int) -> Pixels:
    pixels = np.full((height, width, 4), GREY, np.uint8)
    part = simplejpeg.decode_jpeg(
        data, "RGBX", min_width=width, min_height=height, buffer=pixels.reshape(-1), strict=False
    )
    if part.shape != pixels.shape:
        raise ValueError(f"size {part.shape[1]} x {part.shape[0]}, not {width} x {height}")
    return np.asarray(part, np.uint8)


def _has_hole(data: bytes) -> bool:
    """Whether the picture data have a run of zeros, at which decoding goes on as if nothing were missing.

    With the usual Huffman tables, no picture is coded so; with tables made for one picture, a flat area may be.
    """
    at = 2
    while data[at : at + 2] != SCAN:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at] != 0xFF or length < 2:
            return False
        at += 2 + length
    hole = data.find(HOLE, at)
    return hole >= 0 and USUAL_TABLE in data[:at] and hole < data.find(END, at)


def _tidy(data: bytes) -> bytes:
    """Return the file without what fills the place of lost data, which would be decoded to garbage.

    An unknown revision of the header, at which the library stops, is replaced by the usual one.
    """
    data = data.rstrip(b"\0\xff").removesuffix(END).rstrip(b"\0\xff") + END
    at = data.find(b"JFIF\0", 0, 64) + 5
    return data if at < 5 else data[:at] + b"\1" + data[at + 1 :]


def _is_harmless(problem: str) -> bool:
    filling = re.search(r": (\d+) extraneous bytes before marker 0xd9", problem)
    return problem.startswith(HARMLESS) or (filling is not None and int(filling[1]) <= FILL_BYTES)


def _describe_damage(problem: str, share: float, *, is_progressive: bool) -> str:
    """Return what is wrong with a picture, or an empty text. share: of its height that is missing at its end."""
    missing = f"its lower {share:.0%} is missing and grey" if share >= MIN_SHARE else ""
    if _is_harmless(problem):
        return f"the picture is cut short: {missing}" if missing else ""
    if CUT_SHORT in problem:
        rest = "it is blurred" if is_progressive else "its end is missing or wrong"
        return f"the picture is cut short: {missing or rest}"
    wrong = "a part of it is shifted or wrong"
    return f"the picture is damaged: {f'{missing}, and above that ' if missing else ''}{wrong}"
