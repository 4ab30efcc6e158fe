"""Stills: size and pixels, upright, whole or as much of them as is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from leopardnet.core.errors import MediaError
from leopardnet.core.types import Frames

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP")
MAX_PIXELS = 200_000_000  # a picture larger than this is an attack or a mistake
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
END_OF_JPEG = b"\xff\xd9"
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def size(path: Path) -> tuple[int, int]:
    """Width and height in px, upright, from the header. Raises MediaError where it is no picture."""
    with _open(path) as image:
        width, height = image.size
        turned = _turn(image) in (
            Image.Transpose.ROTATE_90,
            Image.Transpose.ROTATE_270,
            Image.Transpose.TRANSPOSE,
            Image.Transpose.TRANSVERSE,
        )
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
    except Exception as error:  # readers of pictures raise whatever a broken field leads them to
        raise MediaError("the picture cannot be read", where=path.name, found=_reason(error)) from None


def _pixels(path: Path, short_side_px: int | None) -> tuple[NDArray[np.uint8], bool]:
    """Pixels uint8 [H, W, 3], and whether the file ended too early."""
    image = _open(path)
    turn = _turn(image)
    try:
        return _loaded(image, turn, short_side_px), False
    except MediaError:
        raise
    except Exception as error:
        # Part of a picture is better than none, and the row says that it is a part. OpenCV shows what is there;
        # Pillow would need a switch that is shared by all threads and would hide every other cut file.
        data = np.append(np.fromfile(path, np.uint8), np.frombuffer(END_OF_JPEG, np.uint8))
        part = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        if part is None or "truncated" not in str(error):
            raise MediaError("the picture cannot be decoded", where=path.name, found=_reason(error)) from None
        return _loaded(Image.fromarray(part[..., ::-1]), turn, short_side_px), True


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What makes the picture upright, from its EXIF; None where nothing does, or where the EXIF is broken."""
    try:
        return TURNS.get(image.getexif().get(0x0112, 1))
    except Exception:  # a broken EXIF block says nothing; the pixels still count
        return None


def _loaded(image: Image.Image, turn: Image.Transpose | None, short_side_px: int | None) -> NDArray[np.uint8]:
    with image:
        scale = min(1.0, (short_side_px or min(image.size)) / min(image.size))
        if scale < 1:
            image.draft("RGB", _scaled(image.size, scale))  # a JPEG can be decoded at 1/2, 1/4, 1/8 of its size
        image.load()
        picture = _as_rgb(image)
    if scale < 1 and short_side_px is not None:
        scale = min(1.0, short_side_px / min(picture.size))
        picture = picture.resize(_scaled(picture.size, scale), Image.Resampling.BOX)
    return np.array(picture.transpose(turn) if turn is not None else picture, np.uint8)


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16"):  # Pillow would cut at 255 instead of scaling
        return Image.fromarray((np.asarray(image).astype(np.uint16) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("I", "F"):
        raise MediaError(
            "pictures with this kind of pixels have no known brightness",
            found=f"mode {image.mode}",
            expected="8 or 16 bits for each colour",
            todo="save it as JPEG or 8-bit PNG",
        )
    return image.convert("RGB")


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".split(" '")[0][:120]
