"""Reading of one file that the user asked for, from an https address or a disk, within a limit."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from leopardnet.core.errors import BackendError, BundleError, ConfigError

CHUNK_BYTES = 2**20
TIMEOUT_S = 30.0
THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


def is_url(source: str) -> bool:
    """Return whether the text is an address and not a name or a path."""
    return "://" in source


def is_safe_url(url: str) -> bool:
    """Return whether the address is https. Plain http is for this machine only, where no network is crossed.

    >>> [is_safe_url(x) for x in ("https://example.org/a.zip", "http://example.org/a.zip", "file:///etc/passwd")]
    [True, False, False]
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return (
        host.isascii()
        and bool(host)
        and (parts.scheme == "https" or (parts.scheme == "http" and host in THIS_MACHINE))
    )


def refuse_unsafe_url(url: str) -> None:
    """Raise ConfigError for an address that is not https."""
    if not is_safe_url(url):
        raise ConfigError(
            "this address cannot be used", found=ascii(url)[1:-1][:200], expected="an https:// address"
        )


class _SafeRedirects(HTTPRedirectHandler):
    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        refuse_unsafe_url(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@contextmanager
def open_source(source: str) -> Iterator[tuple[IO[bytes], int | None]]:
    """Open an address or a file; yield its bytes as a stream, and its size, None where the server states none.

    Raises ConfigError for an address that is not https, BackendError where nothing can be reached there, and
    BundleError where there is no such file.
    """
    if not is_url(source):
        path = Path(source)
        if not path.is_file():
            raise BundleError("there is no such file", where=source, expected="the archive of a bundle (.zip)")
        with path.open("rb") as file:
            yield file, path.stat().st_size
        return
    refuse_unsafe_url(source)
    try:
        response = build_opener(_SafeRedirects).open(
            Request(source, headers={"User-Agent": "leopardnet"}), timeout=TIMEOUT_S
        )
    except HTTPError as error:
        error.close()
        raise _unreachable(f"the server answers {error.code} {error.reason}") from None
    except (URLError, OSError, HTTPException, ValueError) as error:
        raise _unreachable(str(getattr(error, "reason", error)) or type(error).__name__) from None
    with response:
        stated = response.headers.get("Content-Length", "")
        yield response, int(stated) if stated.isdecimal() else None


def _unreachable(found: str) -> BackendError:
    return BackendError(
        "the model cannot be downloaded",
        found=found[:150],
        expected="an internet connection, and the file at this address",
        todo="check network and address, or download the file elsewhere and run "
        "`leopardnet bundle fetch FILE.zip --sha256 HASH`",
    )


def save(
    stream: IO[bytes],
    path: Path,
    *,
    n_stated: int | None,
    limit: int,
    on_progress: Callable[[int, int], None] = lambda n_done, n_total: None,
) -> str:
    """Write a stream to a file and return its SHA-256.

    n_stated: the size that its source states. Raises BundleError for more than `limit` bytes, before they are
    written, and BackendError if the disk has no room for them or the stream ends early.
    """
    if n_stated is not None:
        refuse_too_large(n_stated, limit)
        refuse_full_disk(path.parent, n_stated)
    digest, n = hashlib.sha256(), 0
    with path.open("xb") as file:
        while chunk := _read_chunk(stream):
            n += len(chunk)
            refuse_too_large(n, limit)
            digest.update(chunk)
            file.write(chunk)
            on_progress(n, max(n_stated or 0, n + 1))
    if n_stated is not None and n < n_stated:
        raise _broken(f"{n} of {n_stated} bytes came")
    on_progress(n, n)
    return digest.hexdigest()


def _read_chunk(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(CHUNK_BYTES)
    except (OSError, HTTPException) as error:
        raise _broken(str(error) or type(error).__name__) from None


def _broken(found: str) -> BackendError:
    return BackendError(
        "the download broke off", found=found[:150], todo="give the same command again; nothing was kept"
    )


def refuse_too_large(n_bytes: int, limit: int) -> None:
    """Raise BundleError for more bytes than may come."""
    if n_bytes > limit:
        raise BundleError(
            "the archive is too large",
            found=f"{n_bytes} bytes or more",
            expected=f"at most {limit}",
            todo="check the address; nothing was kept",
        )


def refuse_full_disk(folder: Path, n_bytes: int) -> None:
    """Raise BackendError where the disk of `folder` has no room for so many bytes."""
    n_free = shutil.disk_usage(folder).free
    if n_bytes > n_free:
        raise BackendError(
            "there is not enough room on the disk",
            found=f"{n_free / 1e6:.0f} MB free",
            expected=f"{n_bytes / 1e6:.0f} MB",
            todo="make room, or choose a folder on another disk with --out",
        )
