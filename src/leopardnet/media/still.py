"""Stills: size and pixels, upright. A damaged JPEG gives the part that it has."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from leopardnet.core.errors import MediaError
from leopardnet.core.footage.footage_suffixes import UNREAD_SUFFIXES
from leopardnet.core.types import Frames
from leopardnet.media.blank_frames import NO_CONTENT, SMEARED, find_blank_frames, find_smeared_frames
from leopardnet.media.file_content import advise, describe_content
from leopardnet.media.jpeg import MODES, decode_jpeg
from leopardnet.media.preprocess import shrink_size

FORMATS = ("JPEG", "PNG", "TIFF", "BMP", "WEBP", "AVIF")
PAGED = ("TIFF", "PNG", "WEBP", "AVIF")  # several pictures in a file; the second one of a JPEG is a preview
FEW_VALUES = 4096  # of 65536: read as they are, such pictures would be black or of one grey
DNG_VERSION = 0xC612  # a tag that only raw pictures have
MAX_PIXELS = 200_000_000  # a larger picture is an attack or a mistake
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
MAX_JPEG_BYTES = 200_000_000
ORIENTATIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SWAPS_SIDES = {ORIENTATIONS[i] for i in (5, 6, 7, 8)}


def read_size(path: Path) -> tuple[int, int]:
    """Return width and height in px, upright, from the header. Raises MediaError if the file is not a picture."""
    with _open(path) as image:
        width, height = image.size
        return (height, width) if _read_orientation(image) in SWAPS_SIDES else (width, height)


def read_stored_size(path: Path) -> tuple[tuple[int, int], int]:
    """Return width and height in px as stored, and the orientation of the EXIF, 1 (upright) to 8, from the header.

    Raises MediaError if the file is not a picture.
    """
    with _open(path) as image:
        turn = _read_orientation(image)
        return image.size, next((i for i, known in ORIENTATIONS.items() if known is turn), 1)


def decode(clip_id: str, paths: Sequence[Path], *, wanted: Sequence[int], short_side_px: int | None) -> Frames:
    """Return the wanted stills of a burst (or the one still) as frames; still i is at i seconds.

    All frames take the size of the first readable one. A still that cannot be read is a warning; MediaError if none
    can.
    """
    frames: list[NDArray[np.uint8]] = []
    times: list[float] = []
    warnings: list[str] = []
    damages: list[str] = []
    for i in wanted:
        try:
            pixels, note, damage = _read_pixels(paths[i], short_side_px)
            if find_blank_frames(pixels[np.newaxis])[0]:
                raise MediaError("the picture has no content", where=paths[i].name, found=NO_CONTENT)
        except MediaError as error:
            warnings.append(f"still {i}: {error.one_line}")
            continue
        if find_smeared_frames(pixels[np.newaxis])[0]:
            damage = "; ".join(filter(None, (damage, f"the picture is smeared: {SMEARED}")))
        if said := "; ".join(filter(None, (note, damage))):
            warnings.append(said if len(paths) == 1 else f"still {i}: {said}")
        if frames and pixels.shape != frames[0].shape:
            height, width = frames[0].shape[:2]
            pixels = np.asarray(Image.fromarray(pixels).resize((width, height)), np.uint8)
        frames.append(pixels)
        times.append(float(i))
        damages.append(damage)
    if not frames:
        raise MediaError(warnings[0].split(": ", 1)[1] if len(wanted) == 1 else "no still of the burst can be read")
    damage_of_each = tuple(damages) if any(damages) else ()
    return Frames(clip_id, np.stack(frames), np.asarray(times, np.float64), tuple(warnings), damage=damage_of_each)


def _open(path: Path) -> Image.Image:
    try:
        image = Image.open(path, formats=FORMATS)
    except UnidentifiedImageError:
        raise _not_a_picture_error(path, describe_content(path)) from None
    except Exception as error:  # a broken field may raise anything
        raise MediaError("the picture cannot be read", where=path.name, found=_describe_error(error)) from None
    # Raw pictures look like TIFF, but what can be read of them is a small preview, if anything.
    if image.format == "TIFF" and (path.suffix.lower() in UNREAD_SUFFIXES or DNG_VERSION in image.getexif()):
        image.close()
        raise _not_a_picture_error(path, "a raw picture")
    return image


def _not_a_picture_error(path: Path, found: str) -> MediaError:
    return MediaError(
        "the file is not a picture that can be read",
        where=path.name,
        found=found,
        expected=", ".join(FORMATS),
        todo=advise(found, wanted="picture"),
    )


def _read_pixels(path: Path, short_side_px: int | None) -> tuple[NDArray[np.uint8], str, str]:
    """Return pixels uint8 [H, W, 3], what is odd about a whole picture, and what is damaged; each may be empty."""
    with _open(path) as image:
        orientation = _read_orientation(image)
        try:
            if isinstance(image, JpegImageFile) and image.mode in MODES:
                with suppress(ValueError):  # Pillow may understand more, and says what is wrong
                    pixels, damage = _load_jpeg(path, image, orientation, short_side_px)
                    return pixels, "", damage
            pixels, note = _load(image, orientation, short_side_px)
            n_pages = getattr(image, "n_frames", 1) if image.format in PAGED else 1
            return pixels, f"the file has {n_pages} pictures; only the first was read" if n_pages > 1 else note, ""
        except MediaError:
            raise
        except Exception as error:
            raise MediaError(
                "the picture cannot be decoded", where=path.name, found=_describe_error(error)
            ) from None


def _load_jpeg(
    path: Path, image: JpegImageFile, orientation: Image.Transpose | None, short_side_px: int | None
) -> tuple[NDArray[np.uint8], str]:
    size = shrink_size(*image.size, short_side_px)
    if size != image.size:
        image.draft("RGB", size)  # sets the size to 1/2, 1/4 or 1/8, to which a JPEG can be decoded
    if path.stat().st_size > MAX_JPEG_BYTES:  # Pillow reads such a file in parts
        raise ValueError("too large")
    pixels, damage = decode_jpeg(
        path.read_bytes(), image.size, is_progressive="progressive" in image.info, name=path.name
    )
    picture = Image.frombuffer("RGBX", image.size, pixels, "raw", "RGBX", 0, 1)
    return _finish(picture, orientation, short_side_px), damage


def _read_orientation(image: Image.Image) -> Image.Transpose | None:
    """Return the operation that makes the picture upright, from its EXIF; None for none or a broken EXIF."""
    try:
        return ORIENTATIONS.get(image.getexif().get(0x0112, 1))
    except Exception:  # a broken field may raise anything; the pixels can still be used
        return None


def _load(
    image: Image.Image, orientation: Image.Transpose | None, short_side_px: int | None
) -> tuple[NDArray[np.uint8], str]:
    size = shrink_size(*image.size, short_side_px)
    if size != image.size:
        image.draft("RGB", size)  # a CMYK JPEG too can be decoded at 1/2, 1/4, 1/8 of its size
    image.load()
    picture, note = _convert_to_rgb(image)
    return _finish(picture, orientation, short_side_px), note


def _finish(
    picture: Image.Image, orientation: Image.Transpose | None, short_side_px: int | None
) -> NDArray[np.uint8]:
    """Return an RGB or RGBX picture at its final size and upright, uint8 [H, W, 3]."""
    picture = picture.resize(shrink_size(*picture.size, short_side_px), Image.Resampling.BOX)
    upright = np.asarray(picture.transpose(orientation) if orientation is not None else picture, np.uint8)
    return upright.copy() if upright.shape[2] == 3 else np.asarray(cv2.cvtColor(upright, cv2.COLOR_RGBA2RGB))


def _convert_to_rgb(image: Image.Image) -> tuple[Image.Image, str]:
    """Return a picture of 8 bits per channel, and a note if its values were stretched for that."""
    if image.mode.startswith("I;16"):  # Pillow would clip at 255 instead of scaling
        values = np.asarray(image).astype(np.uint16)
        low, high = int(values.min()), int(values.max())
        if high - low >= FEW_VALUES or high == low:
            return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB"), ""
        grey = (values - low).astype(np.float32) * np.float32(255 / (high - low))
        note = f"16-bit values between {low} and {high}, as of 12 bits or of heat, were stretched"
        return Image.fromarray(grey.round().astype(np.uint8)).convert("RGB"), note
    if image.mode in ("I", "F"):
        raise MediaError(
            "the pixel values of this picture have no defined range",
            found=f"mode {image.mode}",
            expected="8 or 16 bits per channel",
            todo="save it as JPEG or 8-bit PNG",
        )
    return image.convert("RGB"), ""


def _describe_error(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".split(" '")[0][:120]
