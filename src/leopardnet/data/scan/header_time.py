"""Recording time in the header of a video: QuickTime/MP4 and RIFF/AVI, with bounded reads.

Trail cameras write their wall clock everywhere, even where the MP4 standard requires UTC, so a time is naive unless
the file states its offset.

QuickTime and RIFF headers are read here and not with PyAV (18.1, FFmpeg 8), for two reasons. First, PyAV opens
every stream and reads the whole index: 1.7 ms per file against 0.1 ms here, 15 times as long (400 short clips, 2
cores). Second, it loses times in AVI files: `IDIT` with dashes or colons such as 2024-03-03 10:22:33, without a
weekday, and after the pictures; `ICRD` would then replace it. Where PyAV has a time, it is the same as here,
including 64-bit sizes, absent times (zero) and clocks that count from 1970; the tests compare the two.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO
from typing import BinaryIO, NamedTuple

from leopardnet.core.footage.rendered import MARK
from leopardnet.data.reading.tables.clock_time import parse_clock

MAX_BOXES = 512
_MAC_EPOCH = datetime(1904, 1, 1)
_MAC_TO_UNIX_S = 2_082_844_800
_CREATION_DATE = b"com.apple.quicktime.creationdate"
_MAX_META_BYTES, _MAX_COMMENT_BYTES = 64 * 1024, 1024


class HeaderTime(NamedTuple):
    """The time in a header, aware if the file states its offset.

    Without a time, `unread` is the text that stands in its place, '' if there is none. `source` is '' for the usual
    place of the format, else the name of another one. is_rendered: whether the header says that a program drew it.
    """

    time: datetime | None = None
    unread: str = ""
    source: str = ""
    is_rendered: bool = False


# --- QuickTime and MP4 ---


def read_quicktime_time(file: BinaryIO, head: bytes) -> HeaderTime:
    """Read the local creation date with its offset in `moov/meta`, or else the creation time in `moov/mvhd`.

    Both may be at any position in the file. Zero in `mvhd` means absent.
    """
    if head[4:8] not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):
        return HeaderTime()
    end = file.seek(0, 2)
    for kind, start, stop in _iterate_boxes(file, 0, end):
        if kind != b"moov":
            continue
        found = HeaderTime()
        for inner, inner_start, inner_stop in _iterate_boxes(file, start, stop):
            if inner == b"mvhd":
                file.seek(inner_start)
                time = _parse_mac_time(file.read(min(12, inner_stop - inner_start)))
                found = found._replace(time=time)
            elif inner == b"udta":
                found = found._replace(is_rendered=_has_mark(file, inner_start, inner_stop))
            elif inner == b"meta" and (text := _read_creation_date(file, inner_start, inner_stop)):
                stated = parse_clock(text)
                if stated is not None:
                    return HeaderTime(stated)
                found = HeaderTime(found.time, text)
        return found
    return HeaderTime()


def _has_mark(file: BinaryIO, start: int, stop: int) -> bool:
    file.seek(start)
    return MARK.encode() in file.read(min(_MAX_COMMENT_BYTES, stop - start))


def _read_creation_date(file: BinaryIO, start: int, stop: int) -> str:
    """Return the text of the creation date in a `meta` box: `keys` numbers the names, `ilst` has their values."""
    file.seek(start)
    body = file.read(min(_MAX_META_BYTES, stop - start))
    if _CREATION_DATE not in body:
        return ""
    meta = BytesIO(body)
    number = 0
    begins = 0 if body[4:8] == b"hdlr" else 4  # MP4 has a version here, QuickTime has not
    for kind, at, end in _iterate_boxes(meta, begins, len(body)):
        if kind == b"keys":
            names = (body[a:b] for _, a, b in _iterate_boxes(meta, at + 8, end))
            number = next((i for i, name in enumerate(names, start=1) if name == _CREATION_DATE), 0)
        elif kind == b"ilst" and number:
            for key, inner, inner_end in _iterate_boxes(meta, at, end):
                if int.from_bytes(key, "big") == number:  # `data`: kind and language, then text
                    return body[inner + 16 : inner_end].decode("utf-8", "replace")
    return ""


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


def read_riff_time(file: BinaryIO, head: bytes) -> HeaderTime:
    """Read the time in `IDIT`, or else in `ICRD`, of an AVI file; a date alone is no time."""
    if head[:4] != b"RIFF" or head[8:11] != b"AVI":
        return HeaderTime()
    found: dict[bytes, datetime] = {}
    unread, is_rendered = "", False
    end = file.seek(0, 2)
    for kind, start, stop in _iterate_told_chunks(file, 12, end):
        if kind == b"ICMT":
            is_rendered = _has_mark(file, start, stop)
            continue
        file.seek(start)
        text = file.read(min(64, stop - start)).decode("latin-1")
        time = parse_clock(text)
        if time is not None:
            found.setdefault(kind, time)
        unread = unread or text.strip(" \t\r\n\0")
    time = found.get(b"IDIT") or found.get(b"ICRD")
    return HeaderTime(time, "" if time else unread, is_rendered=is_rendered)


def _iterate_told_chunks(file: BinaryIO, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and end of times and comments, also inside `hdrl` and `INFO` lists; skip the pictures."""
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
        if kind in (b"IDIT", b"ICRD", b"ICMT"):
            yield kind, start + 8, stop
        start += 8 + size + size % 2
