"""From a published archive to a bundle in a folder: found, downloaded, checked, and only then moved into place."""

from __future__ import annotations

import errno
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from leopardnet.bundle.bundle import Bundle
from leopardnet.bundle.release.archive_file import unpack_archive
from leopardnet.bundle.release.download import is_url, open_source, refuse_unsafe_url, save
from leopardnet.bundle.release.published import SHA256, PublishedModel, make_name
from leopardnet.core.errors import BackendError, BundleError, ConfigError

MAX_ARCHIVE_BYTES = 8_000_000_000


@dataclass(frozen=True)
class Release:
    """An archive to fetch: its address or path, its hash, a name for it, and its entry if it is in the list."""

    source: str
    sha256: str
    name: str
    model: PublishedModel | None = None


def find_release(source: str, sha256: str | None, models: Mapping[str, PublishedModel]) -> Release:
    """Return what to fetch: with a hash the archive at an address or path, without one the model of this name.

    Raises ConfigError for an unknown name, for an address that is not https, and for what is not a hash.

    >>> ln.find_release("https://example.org/amur.zip", "9f86…0a08", {})  # doctest: +SKIP
    """
    if sha256 is None and source in models:
        model = models[source]
        return Release(model.url, model.sha256, model.name, model)
    if sha256 is None and (is_url(source) or Path(source).exists()):
        raise ConfigError(
            "an archive from an address or a file needs its hash",
            found=ascii(source)[1:-1][:200],
            expected="--sha256 HASH, which those who published the model state",
        )
    if sha256 is None:
        raise ConfigError(
            "no published model has this name" if models else "no model is published yet",
            found=ascii(source)[1:-1][:64],
            expected=", ".join(models) or None,
            todo="train one on labels of your own (`leopardnet train --help`), or give the address or the file of "
            "an archive with --sha256 HASH",
        )
    if not re.fullmatch(SHA256, sha256.lower()):
        raise ConfigError(
            "this is not a SHA-256", where="--sha256", found=ascii(sha256)[1:-1][:80], expected="64 hex digits"
        )
    if is_url(source):
        refuse_unsafe_url(source)
    path = urlsplit(source).path if is_url(source) else Path(source).as_posix()
    return Release(source, sha256.lower(), make_name(PurePosixPath(path).stem))


def fetch_bundle(
    release: Release, out: Path, *, on_progress: Callable[[int, int], None] = lambda n_done, n_total: None
) -> Bundle:
    """Fetch an archive, check it, and put the bundle in it into the new folder `out`.

    Until it is complete and checked, everything lies in a temporary folder beside `out`, which is always removed.
    on_progress gets bytes. Raises BundleError for another hash, for an archive that is too large or holds no sound
    bundle, and for a place that is taken; BackendError if the archive cannot be reached or the disk is full.

    >>> ln.fetch_bundle(ln.find_release("model.zip", "9f86…0a08", {}), Path("models/amur"))  # doctest: +SKIP
    """
    out = Path(out)
    _refuse_taken(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    room = Path(tempfile.mkdtemp(prefix=f".{out.name[:40]}.", suffix=".part", dir=out.parent))
    try:
        archive, limit = room / "archive.zip", release.model.n_bytes if release.model else MAX_ARCHIVE_BYTES
        with open_source(release.source) as (stream, n_stated):
            found = save(stream, archive, n_stated=n_stated, limit=limit, on_progress=on_progress)
        if found != release.sha256:
            raise BundleError(
                "this is not the archive that was asked for",
                where=release.name,
                found=f"SHA-256 {found}",
                expected=release.sha256,
                todo="compare the hash with the one that those who published the model state; nothing was kept",
            )
        unpack_archive(archive, room / "bundle", where=release.name)
        bundle = Bundle.load(room / "bundle")
        _refuse_taken(out)
        (room / "bundle").rename(out)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise BackendError(
            "the disk is full", todo="make room, or choose a folder on another disk with --out; nothing was kept"
        ) from None
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return replace(bundle, folder=out)


def _refuse_taken(out: Path) -> None:
    if os.path.lexists(out):
        raise BundleError(
            "there is already something at this place",
            where=out.name,
            expected="a folder that does not exist yet",
            todo="choose another folder with --out, or move the old one away",
        )
