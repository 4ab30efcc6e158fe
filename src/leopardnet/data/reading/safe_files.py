"""Safe reading of files from others: JSON, gzip, and packages in a folder or a zip, within fixed limits."""

from __future__ import annotations

import gzip
import io
import json
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

from leopardnet.core.errors import ManifestError
from leopardnet.core.processes.pause_gc import pause_gc

MAX_MEMBER_BYTES = 4 * 2**30  # of one unpacked file
MAX_RATIO = 200  # of unpacked to packed size; text tables stay below 60
RATIO_FROM_BYTES = 2**20  # smaller files may have a higher ratio
MAX_MEMBERS = 1_000_000
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_json(path: Path, *, expected: str) -> Any:
    """Read a JSON file. Raises ManifestError like `read_file` and `parse_json`, and for a missing file."""
    path = Path(path)
    try:
        data = read_file(path, where=path.name)
    except FileNotFoundError:
        raise ManifestError("there is no such file", where=path, expected=expected) from None
    except OSError as error:
        raise ManifestError(
            "the file cannot be read", where=path, found=error.strerror, expected=expected
        ) from None
    return parse_json(data, name=path.name, expected=expected)


def read_file(path: Path, *, where: str) -> bytes:
    """Read the bytes of a file. Raises ManifestError for one of more than MAX_MEMBER_BYTES, before reading it."""
    n_bytes = path.stat().st_size
    if n_bytes > MAX_MEMBER_BYTES:
        raise ManifestError(
            "the file is too large",
            where=where,
            found=f"{n_bytes} bytes",
            expected=f"at most {MAX_MEMBER_BYTES // 2**30} GiB",
            todo="split it into several",
        )
    return path.read_bytes()


def parse_json(data: bytes, *, name: str, expected: str) -> Any:
    """Parse JSON in UTF-8, with or without a byte-order mark.

    Raises ManifestError with line and column if it is cut off or not JSON, and for surrogate characters. Parsing
    needs about five times the size of the file in memory.

    >>> parse_json(b'{"a": [1, 2]}', name="x.json", expected="JSON")
    {'a': [1, 2]}
    """
    try:
        text = data.decode("utf-8-sig")
        del data
        with pause_gc():
            values = json.loads(text)
        if _ESCAPED_SURROGATE.search(text):
            _refuse_surrogates(values, name, expected)
        return values
    except json.JSONDecodeError as error:
        cut = (
            ": the file ends too early"
            if error.pos >= len(error.doc.rstrip()) or "Unterminated" in error.msg
            else ""
        )
        raise ManifestError(
            "this is not valid JSON",
            where=f"{name}, line {error.lineno}, column {error.colno}",
            found=error.msg + cut,
            expected=expected,
            todo="download or export the file again",
        ) from None
    except UnicodeDecodeError as error:
        raise ManifestError(
            "the file is not in UTF-8", where=f"{name}, byte {error.start}", expected=expected
        ) from None
    except (RecursionError, ValueError) as error:
        raise ManifestError(
            "the JSON cannot be read", where=name, found=str(error)[:120], expected=expected
        ) from None


def _refuse_surrogates(values: Any, name: str, expected: str) -> None:
    """Raise ManifestError for a text with a surrogate (half a character such as \\ud800)."""
    waiting: list[tuple[str, Any]] = [(f"{name}, ", values)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(place, key) for key in value]
            waiting += [(f"{place}{'' if place.endswith(', ') else '.'}{key}", v) for key, v in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{place}[{i}]", v) for i, v in enumerate(value)]
        elif isinstance(value, str) and re.search("[\ud800-\udfff]", value):
            raise ManifestError(
                "the file holds characters that are no text",
                where=ascii(place)[1:-1],
                found=ascii(value)[:120],
                expected=expected,
            )


# --- packages ---


class Package(Protocol):
    """A folder of files, on disk or in a zip."""

    @property
    def name(self) -> str:
        """The name of the package in messages."""
        ...

    def has(self, member: str) -> bool:
        """Return whether the package contains this file."""
        ...

    def read(self, member: str) -> bytes:
        """Return the unpacked bytes of a file."""
        ...


@dataclass(frozen=True)
class _Folder:
    root: Path
    name: str

    def has(self, member: str) -> bool:
        return (self.root / member).is_file()

    def read(self, member: str) -> bytes:
        file = self.root / member
        if not file.resolve().is_relative_to(self.root.resolve()):
            raise ManifestError(
                "a file of the package is a link that leads out of it", where=f"{self.name}, {member}"
            )
        return read_file(file, where=f"{self.name}, {member}")


@dataclass(frozen=True)
class _Zip:
    zip: zipfile.ZipFile
    name: str
    prefix: str

    def has(self, member: str) -> bool:
        return self.prefix + member in self.zip.namelist()

    def read(self, member: str) -> bytes:
        info = self.zip.getinfo(self.prefix + member)
        where = f"{self.name}, {member}"
        try:
            with self.zip.open(info) as file:
                return read_limited(file, n_packed_bytes=info.compress_size, where=where)
        except (zipfile.BadZipFile, EOFError, OSError, zlib.error, NotImplementedError, RuntimeError) as error:
            raise ManifestError(
                "a file in the zip is damaged",
                where=where,
                found=str(error)[:120],
                todo="download the package again",
            ) from None


@contextmanager
def open_package(source: Path, *, main: str) -> Iterator[Package]:
    """Open the package at `source`: a folder, a zip, or the main file (such as `datapackage.json`) in a folder.

    A zip may contain one folder with everything in it. Raises ManifestError for a missing main file, and for a zip
    with an unsafe member: an absolute path, '..', a link, a password, a repeated name, or too much data.
    """
    source = Path(source)
    if source.name == main and source.is_file():
        source = source.parent
    if source.is_dir():
        folder = _Folder(source, source.name or source.resolve().name)
        if not folder.has(main):
            raise _no_main_error(folder.name, main)
        yield folder
        return
    if not source.is_file() or not zipfile.is_zipfile(source):
        found = "another file" if source.is_file() else "nothing"
        raise ManifestError(
            "there is no such package", where=source, found=found, expected=f"a folder or zip with {main}"
        )
    with _open_zip(source) as archive:
        refuse_unsafe_members(archive, where=source.name)
        yield _Zip(archive, source.name, _find_prefix(archive, main, source.name))


def _open_zip(source: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise ManifestError(
            "the zip is damaged", where=source.name, found=str(error)[:120], todo="download the package again"
        ) from None


def _find_prefix(archive: zipfile.ZipFile, main: str, where: str) -> str:
    found = sorted(
        (n for n in archive.namelist() if n.rpartition("/")[2] == main and not n.startswith("__MACOSX/")),
        key=lambda n: n.count("/"),
    )
    if not found or found[0].count("/") > 1:
        raise _no_main_error(where, main)
    return found[0].removesuffix(main)


def _no_main_error(where: str, main: str) -> ManifestError:
    return ManifestError(
        "the package has no description", where=where, found=f"no {main}", expected=f"{main} beside the tables"
    )


def refuse_unsafe_members(archive: zipfile.ZipFile, *, where: str) -> None:
    """Raise ManifestError for the first member that a package must not have."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise _unsafe_error(where, "", f"{len(members)} files", f"at most {MAX_MEMBERS}")
    seen: set[str] = set()
    for m in members:
        name = m.orig_filename
        if (
            name.startswith(("/", "\\"))
            or re.match("[A-Za-z]:", name)
            or ".." in re.split(r"[/\\]", name)
            or "\x00" in name
        ):
            raise _unsafe_error(where, name, "a path that leads out of the package", "paths inside the package")
        if stat.S_ISLNK(m.external_attr >> 16):
            raise _unsafe_error(where, name, "a link", "plain files")
        if m.flag_bits & 1:
            raise _unsafe_error(where, name, "a file with a password", "files without one")
        if m.filename in seen:
            raise _unsafe_error(where, name, "the same name twice", "each name once")
        seen.add(m.filename)
        if m.file_size > MAX_MEMBER_BYTES or _exceeds_ratio(m.file_size, m.compress_size):
            raise _unsafe_error(
                where, name, f"{m.file_size} bytes packed into {m.compress_size}", _describe_limits()
            )


def _exceeds_ratio(n_bytes: int, n_packed_bytes: int) -> bool:
    return n_bytes > RATIO_FROM_BYTES and n_bytes > MAX_RATIO * max(n_packed_bytes, 1)


def _describe_limits() -> str:
    return f"at most {MAX_MEMBER_BYTES // 2**30} GiB, and at most {MAX_RATIO} times the packed size"


def _unsafe_error(where: str, name: str, found: str, expected: str) -> ManifestError:
    return ManifestError(
        "the zip is not safe to open", where=f"{where}, {name!r}" if name else where, found=found, expected=expected
    )


def read_limited(file: IO[bytes] | gzip.GzipFile, *, n_packed_bytes: int, where: str) -> bytes:
    """Read all bytes of an unpacking stream. Raises ManifestError as soon as it exceeds the limits."""
    out, n = io.BytesIO(), 0
    while chunk := file.read(2**20):
        n += out.write(chunk)
        if n > MAX_MEMBER_BYTES or _exceeds_ratio(n, n_packed_bytes):
            raise ManifestError(
                "a packed file contains too much data",
                where=where,
                found=f"more than {n} bytes",
                expected=_describe_limits(),
            )
    return out.getvalue()


def gunzip(data: bytes, *, where: str) -> bytes:
    """Unpack a gzip file. Raises ManifestError for a damaged one, and for one that exceeds the limits."""
    try:
        with gzip.open(io.BytesIO(data)) as file:
            return read_limited(file, n_packed_bytes=len(data), where=where)
    except (OSError, EOFError, zlib.error) as error:
        raise ManifestError(
            "a gzip file is damaged", where=where, found=str(error)[:120], todo="download it again"
        ) from None
