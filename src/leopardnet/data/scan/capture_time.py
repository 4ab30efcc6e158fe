"""When a file was recorded, by the camera's own clock: from its header, its name, or, if asked, the file system."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Literal

from leopardnet.core.errors import ConfigError
from leopardnet.data.scan.header_time import exif_time, quicktime_time, riff_time

TimeSource = Literal["exif", "quicktime", "riff", "filename", "mtime"]
HEADERS: dict[str, Callable[[BinaryIO, bytes], datetime | None]] = {
    "exif": exif_time,
    "quicktime": quicktime_time,
    "riff": riff_time,
}
SOURCES = (*HEADERS, "filename", "mtime")
HEAD_BYTES = 16
FILENAME_TIMES = {"ymdhms": "%Y?%m?%d?%H?%M?%S", "dmyhms": "%d?%m?%Y?%H?%M?%S", "mdyhms": "%m?%d?%Y?%H?%M?%S"}
_FIELDS = {"Y": r"(?P<Y>\d{4})", **{f: rf"(?P<{f}>\d\d)" for f in "ymdHMS"}}


@dataclass(frozen=True, slots=True)
class ClockReader:
    """Which sources of capture time are believed, in which order.

    `filename_time` is a name of FILENAME_TIMES or a pattern with %Y %y %m %d %H %M %S, where `?` stands for at most
    three characters that are not digits; it is looked for anywhere in the file name and must fit in one place only.
    `mtime`, the file's date of change, is often shifted or reset by copying and is used only when it is named.
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
                "time_from names filename, but not how the name is built",
                where="filename_time",
                expected="one of " + ", ".join(FILENAME_TIMES) + ", or a pattern such as %Y%m%d_%H%M%S",
            )
        if self.filename_time is not None:
            filename_regex(self.filename_time)

    @property
    def order(self) -> tuple[str, ...]:
        """The sources in the order in which they are asked; the file name stands before mtime."""
        order = list(self.time_from)
        if self.filename_time is not None and "filename" not in order:
            order.insert(order.index("mtime") if "mtime" in order else len(order), "filename")
        return tuple(order)

    def read(self, path: str) -> tuple[datetime | None, str | None]:
        """The camera's naive time and its source, or (None, None). A file that cannot be read has no time.

        path: on the disk. Only headers are read, however large the file is.
        """
        try:
            with open(path, "rb") as file:  # noqa: PTH123  (Path.open is slower, and this runs once per file)
                head = file.read(HEAD_BYTES)
                for source in self.order:
                    time = self._ask(source, path, file, head)
                    if time is not None:
                        return time, source
        except OSError:
            pass  # the row stays, and `check` says what is wrong with the file
        return None, None

    def _ask(self, source: str, path: str, file: BinaryIO, head: bytes) -> datetime | None:
        if source in HEADERS:
            return HEADERS[source](file, head) if head else None
        if source == "filename":
            assert self.filename_time is not None
            return time_in_name(path, self.filename_time)
        try:
            return datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime)
        except (OverflowError, ValueError):
            return None


def time_in_name(path: str, filename_time: str) -> datetime | None:
    """The time in a file's name, or None where the pattern fits nowhere, in two places, or to no possible date.

    >>> time_in_name("cam1/RC_2024-05-03_22.15.30.mp4", "ymdhms")
    datetime.datetime(2024, 5, 3, 22, 15, 30)
    >>> time_in_name("cam1/240503-2215.jpg", "%y%m%d-%H%M")
    datetime.datetime(2024, 5, 3, 22, 15)
    >>> time_in_name("cam1/20240503_251530.mp4", "ymdhms") is None
    True
    """
    name = path.replace("\\", "/").rpartition("/")[2]
    found = list(filename_regex(filename_time).finditer(name))
    if len(found) != 1:
        return None
    n = {k: int(v) for k, v in found[0].groupdict().items()}
    year = n["Y"] if "Y" in n else 2000 + n["y"]
    try:
        return datetime(year, n["m"], n["d"], n["H"], n["M"], n.get("S", 0))
    except ValueError:
        return None


def filename_regex(filename_time: str) -> re.Pattern[str]:
    """The regular expression of a file-name pattern. Raises ConfigError where it lacks a part of the date."""
    pattern = FILENAME_TIMES.get(filename_time, filename_time)
    pieces = re.split(r"(%.|\?)", pattern)
    fields = [p[1] for p in pieces if p.startswith("%")]
    complete = {"m", "d", "H", "M"} <= set(fields) and len({"Y", "y"} & set(fields)) == 1
    if not complete or len(set(fields)) < len(fields) or not set(fields) <= set(_FIELDS):
        raise ConfigError(
            "the file-name pattern does not give a time",
            where="filename_time",
            found=filename_time,
            expected="one of "
            + ", ".join(FILENAME_TIMES)
            + ", or each of %Y %m %d %H %M once, such as %Y%m%d_%H%M%S",
        )
    body = "".join(_FIELDS[p[1]] if p.startswith("%") else r"\D{0,3}" if p == "?" else re.escape(p) for p in pieces)
    starts, ends = pieces[1] if not pieces[0] else "", pieces[-2] if not pieces[-1] else ""
    # a date among other digits is a counter, unless the pattern itself says what stands before and after it
    return re.compile((r"(?<!\d)" if starts else "") + body + (r"(?!\d)" if ends else ""))
