"""Stills: size and pixels, upright, whole or as much of them as is there."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps, UnidentifiedImageError

from leopardnet.core.types import Frames, MediaError

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP")
MAX_PIXELS = 200_000_000  # a picture larger than this is an attack or a mistake
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


def size(path: Path) -> tuple[int, int]:
    """Width and height in px, upright, from the header. Raises MediaError where it is no picture."""
    with _open(path) as image:
        width, height = image.size
        turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (height, width) if turned else (width, height)


def decode(clip_id: str, paths: Sequence[Path], *, wanted: Sequence[int], short_side_px: int | None) -> Frames:
    """The wanted stills of a burst (or the one still) as frames; still i is at i seconds.

    All frames take the size of the first that could be read. A still that cannot be read is a warning, unless none can.
    """
    frames: list[NDArray[np.uint8]] = []
    times: list[float] = []
    warnings: list[str] = []
    for i in wanted:
        try:
            pixels, cut_short = _pixels(paths[i], short_side_px)
        except MediaError as error:
            warnings.append(f"still {i}: {error.one_line}")
            continue
        if cut_short:
            warnings.append("the picture is cut short; its missing part is grey")
        if frames and pixels.shape != frames[0].shape:
            height, width = frames[0].shape[:2]
            pixels = np.asarray(Image.fromarray(pixels).resize((width, height)), np.uint8)
        frames.append(pixels)
        times.append(float(i))
    if not frames:
        raise MediaError(warnings[0].split(": ", 1)[1] if len(wanted) == 1 else "no still of the burst can be read")
    return Frames(clip_id, np.stack(frames), np.asarray(times, np.float64), tuple(warnings))


def _open(path: Path) -> Image.Image:
    try:
        return Image.open(path, formats=FORMATS)
    except UnidentifiedImageError:
        raise MediaError("the file is not a picture", where=path.name, expected=", ".join(FORMATS)) from None
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise MediaError("the picture cannot be read", where=path.name, found=_reason(error)) from None


def _pixels(path: Path, short_side_px: int | None) -> tuple[NDArray[np.uint8], bool]:
    """Pixels uint8 [H, W, 3], and whether the file ended too early."""
    try:
        return _load(_open(path), short_side_px), False
    except OSError as error:
        if "truncated" not in str(error):
            raise MediaError("the picture cannot be decoded", where=path.name, found=_reason(error)) from None
    except (ValueError, SyntaxError) as error:
        raise MediaError("the picture cannot be decoded", where=path.name, found=_reason(error)) from None
    # Part of the picture is better than none, and the row says that it is a part. Pillow pads a cut JPEG when its
    # end marker is appended, without the library-wide switch that would hide every other cut file.
    try:
        whole = io.BytesIO(path.read_bytes() + b"\xff\xd9" * 2)
        return _load(Image.open(whole, formats=("JPEG",)), short_side_px), True
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError):
        return _load_truncated(path, short_side_px), True


def _load_truncated(path: Path, short_side_px: int | None) -> NDArray[np.uint8]:
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        return _load(_open(path), short_side_px)
    except (OSError, ValueError, SyntaxError) as error:
        raise MediaError("the picture is cut short", where=path.name, found=_reason(error)) from None
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _load(image: Image.Image, short_side_px: int | None) -> NDArray[np.uint8]:
    with image:
        if short_side_px is not None and min(image.size) > short_side_px:
            scale = short_side_px / min(image.size)
            target = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
            image.draft("RGB", target)  # a JPEG can be decoded at 1/2, 1/4, 1/8 of its size
            image.load()
            upright = ImageOps.exif_transpose(image).convert("RGB")
            scale = short_side_px / min(upright.size)
            target = (max(1, round(upright.width * scale)), max(1, round(upright.height * scale)))
            return np.array(upright.resize(target, Image.Resampling.BOX), np.uint8)
        image.load()
        return np.array(ImageOps.exif_transpose(image).convert("RGB"), np.uint8)


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".split(" '")[0][:120]
