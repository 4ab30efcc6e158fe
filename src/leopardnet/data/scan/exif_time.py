"""Recording time of a still: its EXIF tags, a maker note of Reconyx, and as a last resort the tag DateTime."""

from __future__ import annotations

import io
import struct
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, BinaryIO

from leopardnet.core.footage.rendered import MARK
from leopardnet.data.reading.tables.clock_time import parse_clock, parse_offset
from leopardnet.data.scan.header_time import HeaderTime

if TYPE_CHECKING:
    from PIL import Image

EXIF_BYTES = 72 * 1024  # an EXIF segment has at most 64 KiB and is one of the first
_EXIF_IFD, _MAKER_NOTE, _DATE_TIME, _OFFSET, _SOFTWARE = 0x8769, 0x927C, 0x0132, 0x9010, 0x0131
# DateTimeOriginal and DateTimeDigitized, each with its fraction of a second and its offset
_TIMES = ((0x9003, 0x9291, 0x9011), (0x9004, 0x9292, 0x9012))
_BROKEN = (OSError, EOFError, ValueError, SyntaxError, KeyError, IndexError, TypeError, struct.error)


def read_exif_time(file: BinaryIO, head: bytes) -> HeaderTime:
    """Read DateTimeOriginal of a still with its fraction and offset, or else DateTimeDigitized.

    Without both, the time of a Reconyx maker note (source maker_note) and then the tag DateTime (source
    exif_changed) stand in. DateTime comes last because programs that change a picture set it.
    """
    from PIL import Image

    try:
        if head.startswith(b"\xff\xd8") and (data := _read_exif_segment(file)):
            exif = Image.Exif()
            exif.load(data)
            return _find_time(exif, data[6:])._replace(is_rendered=_decode_tag(exif.get(_SOFTWARE)) == MARK)
        if head.startswith((b"\x89PNG", b"II*\0", b"MM\0*")) or head[8:12] in (b"WEBP", b"avif"):
            file.seek(0)
            with Image.open(file, formats=("PNG", "TIFF", "WEBP", "AVIF")) as image:
                return _find_time(image.getexif(), b"")
    except Exception:  # a damaged header may raise anything, and has no time
        pass
    return HeaderTime()


def _read_exif_segment(file: BinaryIO) -> bytes | None:
    file.seek(0)
    data = file.read(EXIF_BYTES)
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] not in (0xDA, 0xD9):
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + size]
        if data[at + 1] == 0xE1 and body.startswith(b"Exif\0\0"):
            return body
        at += 2 + max(size, 2)
    return None


def _find_time(exif: Image.Exif, tiff: bytes) -> HeaderTime:
    """Return the time in these tags; `tiff` is their block, for the maker note, which Pillow hides."""
    tags = exif.get_ifd(_EXIF_IFD)
    unread = ""
    for tag, fraction_tag, offset_tag in _TIMES:
        text = _decode_tag(tags.get(tag))
        time = parse_clock(text)
        if time is not None:
            digits = _decode_tag(tags.get(fraction_tag)).strip(" \0")
            fraction = float(f"0.{digits}") if digits.isascii() and digits.isdigit() else 0.0
            time += timedelta(milliseconds=round(fraction * 1000))
            return HeaderTime(time.replace(tzinfo=time.tzinfo or parse_offset(_decode_tag(tags.get(offset_tag)))))
        unread = unread or text.strip(" \0")
    time = _read_maker_note(tiff)
    if time is not None:
        return HeaderTime(time, source="maker_note")
    text = _decode_tag(exif.get(_DATE_TIME))
    time = parse_clock(text)
    if time is not None:
        time = time.replace(tzinfo=time.tzinfo or parse_offset(_decode_tag(tags.get(_OFFSET))))
        return HeaderTime(time, source="exif_changed")
    return HeaderTime(unread=unread or text.strip(" \0"))


def _decode_tag(value: object) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")


def _read_maker_note(tiff: bytes) -> datetime | None:
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    if b"\x01\xf1" not in tiff and b"RECONYX" not in tiff:
        return None
    file = io.BytesIO(tiff)
    try:
        at = ImageFileDirectory_v2(tiff[:8]).next
        for tag in (_EXIF_IFD, _MAKER_NOTE):
            file.seek(at)
            block = ImageFileDirectory_v2(tiff[:8])
            block.load(file)
            if tag == _MAKER_NOTE:
                return parse_reconyx_note(block[tag])
            at = block[tag]
    except _BROKEN:
        pass
    return None


def parse_reconyx_note(note: bytes) -> datetime | None:
    """Return the time in a maker note of Reconyx HyperFire, UltraFire or HyperFire 2; None for any other note."""
    try:
        if note.startswith(b"\x01\xf1"):  # HyperFire: 16-bit numbers from byte 22, some in the other byte order
            parts = struct.unpack_from("<6H", note, 22)
            if any(p > 0xFF for p in parts[:5]):
                parts = struct.unpack_from(">6H", note, 22)
            second, minute, hour, month, day, year = parts
        elif note.startswith(b"RECONYXUF\0"):
            second, minute, hour, day, month, year = struct.unpack_from("<5BH", note, 0x3B)
        elif note.startswith(b"RECONYXH2\0"):
            second, minute, hour, day, month, year = struct.unpack_from("<6H", note, 0x3E)
        else:
            return None
        return datetime(year, month, day, hour, minute, second)
    except (struct.error, ValueError):
        return None
