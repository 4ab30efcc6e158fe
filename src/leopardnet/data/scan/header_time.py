"""Recording time in the header of a file: EXIF, QuickTime/MP4 and RIFF/AVI, with bounded reads.

Trail cameras write their wall clock everywhere, even where the MP4 standard requires UTC, so every time here is
naive.

QuickTime and RIFF headers are read here and not with PyAV (18.1, FFmpeg 8), for two reasons. First, PyAV opens
every stream and reads the whole index: 1.7 ms per file against 0.1 ms here, 15 times as long (400 short clips, 2
cores). Second, it loses times in AVI files: `IDIT` with dashes or colons such as 2024-03-03 10:22:33, without a
weekday, and after the pictures; `ICRD` would then replace it. Where PyAV has a time, it is the same as here,
including 64-bit sizes, absent times (zero) and clocks that count from 1970; the tests compare the two.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import BinaryIO

EXIF_BYTES = 72 * 1024  # an EXIF segment has at most 64 KiB and is one of the first
MAX_BOXES = 512
_MAC_EPOCH = datetime(1904, 1, 1)
_MAC_TO_UNIX_S = 2_082_844_800
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NUMERIC = re.compile(r"(\d{4})[:/.-](\d\d?)[:/.-](\d\d?)[ T]+(\d\d?):(\d\d)(?::(\d\d))?")
_VERBAL = re.compile(r"(?:[a-z]{3},? +)?([a-z]{3}) +(\d\d?) +(\d\d?):(\d\d):(\d\d) +(\d{4})", re.IGNORECASE)
_BROKEN = (OSError, EOFError, ValueError, SyntaxError, KeyError, IndexError, TypeError, struct.error)


def parse_time(text: str) -> datetime | None:
    """Parse a naive time as cameras write it; None for zeros, blanks, impossible dates and dates without a time.

    >>> parse_time("2024:03:03 10:22:33"), parse_time("MON MAR 03 10:22:33 2024")
    (datetime.datetime(2024, 3, 3, 10, 22, 33), datetime.datetime(2024, 3, 3, 10, 22, 33))
    >>> parse_time("0000:00:00 00:00:00") is None, parse_time("2024-03-03") is None
    (True, True)
    """
    text = text.strip(" \t\r\n\0")
    try:
        if found := _NUMERIC.match(text):
            year, month, day, hour, minute, second = (int(x or 0) for x in found.groups())
            return datetime(year, month, day, hour, minute, second)
        if found := _VERBAL.match(text):
            day, hour, minute, second, year = map(int, found.groups()[1:])
            return datetime(year, _MONTHS.index(found[1].lower()) + 1, day, hour, minute, second)
    except ValueError:
        pass  # an impossible date, such as all zeros after re-encoding
    return None


# --- EXIF ---


def read_exif_time(file: BinaryIO, head: bytes) -> datetime | None:
    """Read DateTimeOriginal of a still with its fraction of a second, or else DateTimeDigitized."""
    from PIL import Image

    try:
        if head.startswith(b"\xff\xd8") and (data := _read_exif_segment(file)):
            exif = Image.Exif()
            exif.load(data)
            return _parse_exif_tags(exif.get_ifd(0x8769))
        if head.startswith((b"\x89PNG", b"II*\0", b"MM\0*")) or head[8:12] == b"WEBP":
            file.seek(0)
            with Image.open(file, formats=("PNG", "TIFF", "WEBP")) as image:
                return _parse_exif_tags(image.getexif().get_ifd(0x8769))
    except (*_BROKEN, Image.DecompressionBombError, ZeroDivisionError, OverflowError):
        pass  # a damaged header has no time
    return None


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


def _parse_exif_tags(tags: dict[int, object]) -> datetime | None:
    for tag, fraction_tag in ((0x9003, 0x9291), (0x9004, 0x9292)):
        time = parse_time(_decode_tag(tags.get(tag)))
        if time is not None:
            digits = _decode_tag(tags.get(fraction_tag)).strip(" \0")
            fraction = float(f"0.{digits}") if digits.isascii() and digits.isdigit() else 0.0
            return time + timedelta(milliseconds=round(fraction * 1000))
    return None


def _decode_tag(value: object) -> str:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")


# --- QuickTime and MP4 ---


def read_quicktime_time(file: BinaryIO, head: bytes) -> datetime | None:
    """Read the creation time in `moov/mvhd`, at any position in the file; None for zero, which means absent."""
    if head[4:8] not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):
        return None
    end = file.seek(0, 2)
    for kind, start, stop in _iterate_boxes(file, 0, end):
        if kind != b"moov":
            continue
        for inner, inner_start, inner_stop in _iterate_boxes(file, start, stop):
            if inner == b"mvhd":
                file.seek(inner_start)
                return _parse_mac_time(file.read(min(12, inner_stop - inner_start)))
    return None


def _iterate_boxes(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and end of the content of each box up to `end`, at most MAX_BOXES of them."""
    for _ in range(MAX_BOXES):
        file.seek(start)
        header = file.read(16)
        if start + 8 > end or len(header) < 8:
            return
        size, kind, offset = int.from_bytes(header[:4], "big"), header[4:8], 8
        if size == 1:
            size, offset = int.from_bytes(header[8:16], "big"), 16
        elif size == 0:  # the last box extends to the end
            size = end - start
        if size < offset:
            return
        yield kind, start + offset, min(start + size, end)
        start += size


def _parse_mac_time(body: bytes) -> datetime | None:
    if len(body) < 12:
        return None
    seconds = int.from_bytes(body[4:12] if body[0] == 1 else body[4:8], "big")
    if seconds == 0 or seconds > 2**40:
        return None
    # Some firmware counts from 1970 instead of 1904. No camera with this header existed before 1970.
    return _MAC_EPOCH + timedelta(seconds=seconds if seconds >= _MAC_TO_UNIX_S else seconds + _MAC_TO_UNIX_S)


# --- RIFF ---


def read_riff_time(file: BinaryIO, head: bytes) -> datetime | None:
    """Read the time in `IDIT`, or else in `ICRD`, of an AVI file; None without one, and for a date alone."""
    if head[:4] != b"RIFF" or head[8:11] != b"AVI":
        return None
    found: dict[bytes, datetime] = {}
    end = file.seek(0, 2)
    for kind, start, stop in _iterate_time_chunks(file, 12, end):
        file.seek(start)
        time = parse_time(file.read(min(64, stop - start)).decode("latin-1"))
        if time is not None:
            found.setdefault(kind, time)
    return found.get(b"IDIT") or found.get(b"ICRD")


def _iterate_time_chunks(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and end of IDIT and ICRD chunks, also inside `hdrl` and `INFO` lists; skip the pictures."""
    ends = [end]
    for _ in range(MAX_BOXES):
        while ends and start + 8 > ends[-1]:
            start = max(start, ends.pop())
            start += start % 2
        if not ends:
            return
        file.seek(start)
        header = file.read(12)
        if len(header) < 8:
            return
        kind, size = header[:4], int.from_bytes(header[4:8], "little")
        stop = min(start + 8 + size, ends[-1])
        if kind == b"LIST" and header[8:12] in (b"hdrl", b"INFO"):
            ends.append(stop)
            start += 12
            continue
        if kind in (b"IDIT", b"ICRD"):
            yield kind, start + 8, stop
        start += 8 + size + size % 2
