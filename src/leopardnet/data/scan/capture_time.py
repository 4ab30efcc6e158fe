"""Capture time of a file by the camera's clock, from its header, its name, or on request the file system."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, NamedTuple

from leopardnet.core.errors import ConfigError
from leopardnet.data.reading.tables.csv_cells import offset_text
from leopardnet.data.scan.exif_time import read_exif_time
from leopardnet.data.scan.header_time import HeaderTime, read_quicktime_time, read_riff_time

HEADERS: dict[str, Callable[[BinaryIO, bytes], HeaderTime]] = {
    "exif": read_exif_time,
    "quicktime": read_quicktime_time,
    "riff": read_riff_time,
}
SOURCES = (*HEADERS, "filename", "mtime", "banner")
HEAD_BYTES = 16
FILENAME_TIMES = {"ymdhms": "%Y?%m?%d?%H?%M?%S", "dmyhms": "%d?%m?%Y?%H?%M?%S", "mdyhms": "%m?%d?%Y?%H?%M?%S"}
_FIELDS = {"Y": r"(?P<Y>\d{4})", **{f: rf"(?P<{f}>\d\d)" for f in "ymdHMS"}}


class CaptureTime(NamedTuple):
    """A naive time by the camera's clock, its source, and the offset that the file states; or what is no time.

    `unread` is the text that stands where the time should be, for a file without a time from any source.
    `is_rendered`: a header that was read says that a program drew the file.
    """

    time: datetime | None = None
    source: str | None = None
    time_zone: str | None = None
    unread: str = ""
    is_rendered: bool = False


@dataclass(frozen=True, slots=True)
class CaptureTimeReader:
    """A reader of capture times from the sources in `time_from`, in that order.

    `filename_time` is a name of FILENAME_TIMES, or a pattern with %Y %y %m %d %H %M %S in which `?` stands for up
    to three characters that are not digits. It may be anywhere in the file name, but must match in one place only.
    `mtime`, the time of the last change, is often shifted or reset by copying, so it is used only if named. The
    source `banner` takes all files of a card and is not read here (see BannerTimeReader). Raises ConfigError for an
    unknown source and for a pattern that does not give a time.
    """

    time_from: Sequence[str] = ("exif", "quicktime", "riff")
    filename_time: str | None = None

    def __post_init__(self) -> None:
        unknown = [s for s in self.time_from if s not in SOURCES]
        if unknown:
            raise ConfigError(
                "unknown source of capture time", where="time_from", found=unknown[0], expected=", ".join(SOURCES)
            )
        if "filename" in self.time_from and self.filename_time is None:
            raise ConfigError(
                "time_from has filename, but no pattern for it is given",
                where="filename_time",
                expected=f"{', '.join(FILENAME_TIMES)}, or a pattern such as %Y%m%d_%H%M%S",
            )
        if self.filename_time is not None:
            compile_filename_time(self.filename_time)

    @property
    def order(self) -> tuple[str, ...]:
        """The sources in the order in which they are tried; the file name comes before mtime."""
        order = list(self.time_from)
        if self.filename_time is not None and "filename" not in order:
            order.insert(order.index("mtime") if "mtime" in order else len(order), "filename")
        return tuple(order)

    def split_at_banner(self) -> tuple[CaptureTimeReader, CaptureTimeReader]:
        """Return readers of the sources before and after the banner; without a banner the second has no source."""
        at = self.order.index("banner") if "banner" in self.order else len(self.order)
        first, second = (
            CaptureTimeReader(part, self.filename_time if "filename" in part else None)
            for part in (self.order[:at], self.order[at + 1 :])
        )
        return first, second

    def read(self, path: str) -> CaptureTime:
        """Return the time of a file from the first source that has one.

        path: of the file on disk. A file that cannot be read has no time. Only headers are read, so the size of the
        file does not matter. EXIF has the sources exif, maker_note and exif_changed (see read_exif_time), and the
        last of them gives way to every other source but mtime.
        """
        unread, changed, is_rendered = "", None, False
        try:
            with open(path, "rb") as file:  # noqa: PTH123  (Path.open is slower, and this runs once per file)
                head = file.read(HEAD_BYTES)
                for source in self.order:
                    if source == "mtime" and changed is not None:
                        break
                    found = self._read_source(source, path, file, head)
                    unread = unread or found.unread
                    is_rendered = is_rendered or found.is_rendered
                    if (time := found.time) is not None:
                        name, zone = found.source or source, offset_text(time)
                        read = CaptureTime(time.replace(tzinfo=None), name, zone, is_rendered=is_rendered)
                        if read.source != "exif_changed":
                            return read
                        changed = read
        except OSError:
            pass  # the row stays, and `check` reports the fault of the file
        return changed or CaptureTime(unread=unread, is_rendered=is_rendered)

    def _read_source(self, source: str, path: str, file: BinaryIO, head: bytes) -> HeaderTime:
        if source in HEADERS:
            return HEADERS[source](file, head) if head else HeaderTime()
        if source == "filename":
            assert self.filename_time is not None
            return HeaderTime(parse_filename_time(path, self.filename_time))
        try:
            return HeaderTime(datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime))
        except (OverflowError, ValueError):
            return HeaderTime()


def parse_filename_time(path: str, filename_time: str) -> datetime | None:
    """Return the time in a file's name; None if the pattern matches nowhere, twice, or gives an impossible date.

    >>> parse_filename_time("cam1/RC_2024-05-03_22.15.30.mp4", "ymdhms")
    datetime.datetime(2024, 5, 3, 22, 15, 30)
    >>> parse_filename_time("cam1/240503-2215.jpg", "%y%m%d-%H%M")
    datetime.datetime(2024, 5, 3, 22, 15)
    >>> parse_filename_time("cam1/20240503_251530.mp4", "ymdhms") is None
    True
    """
    name = path.replace("\\", "/").rpartition("/")[2]
    found = list(compile_filename_time(filename_time).finditer(name))
    if len(found) != 1:
        return None
    n = {k: int(v) for k, v in found[0].groupdict().items()}
    year = n["Y"] if "Y" in n else 2000 + n["y"]
    try:
        return datetime(year, n["m"], n["d"], n["H"], n["M"], n.get("S", 0))
    except ValueError:
        return None


def compile_filename_time(filename_time: str) -> re.Pattern[str]:
    """Return the regular expression of a file-name pattern. Raises ConfigError if it lacks a part of the date."""
    pattern = FILENAME_TIMES.get(filename_time, filename_time)
    pieces = re.split(r"(%.|\?)", pattern)
    fields = [p[1] for p in pieces if p.startswith("%")]
    complete = {"m", "d", "H", "M"} <= set(fields) and len({"Y", "y"} & set(fields)) == 1
    if not complete or len(set(fields)) < len(fields) or not set(fields) <= set(_FIELDS):
        raise ConfigError(
            "the file-name pattern does not give a time",
            where="filename_time",
            found=filename_time,
            expected=f"{', '.join(FILENAME_TIMES)}, or each of %Y %m %d %H %M once, such as %Y%m%d_%H%M%S",
        )
    body = "".join(_FIELDS[p[1]] if p.startswith("%") else r"\D{0,3}" if p == "?" else re.escape(p) for p in pieces)
    starts, ends = pieces[1] if not pieces[0] else "", pieces[-2] if not pieces[-1] else ""
    # A match between other digits is part of a counter, unless the pattern itself has text at that end.
    return re.compile((r"(?<!\d)" if starts else "") + body + (r"(?!\d)" if ends else ""))
