"""The footage under a folder: listed completely and in natural order, or not at all."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from leopardnet.core.columns import MANIFEST
from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.footage_suffixes import UNREAD_SUFFIXES, is_system_file, kind_by_suffix
from leopardnet.core.tables import clip_id

_UNREAD = tuple(UNREAD_SUFFIXES)


@dataclass(frozen=True, slots=True)
class FootageFiles:
    """The footage under a root, and counts of everything else.

    `sizes` maps the path of each file (POSIX, relative, spelled as on disk) to its bytes, in natural order; a
    broken link has size None. `n_system_files` counts hidden and system files and folders, `n_links` links to
    footage that is listed under its own name, and `other_files` by suffix the files that are not footage, and raw
    pictures beside a picture of their name; `outside_links` names links that lead out of the root; `stamps` are
    texts that change with a file's size or modification time, by path, for files that are no links.
    """

    sizes: dict[str, int | None]
    n_system_files: int = 0
    n_links: int = 0
    other_files: dict[str, int] = field(default_factory=dict)
    outside_links: tuple[str, ...] = ()
    stamps: dict[str, str] = field(default_factory=dict)


def list_footage(root: Path, *, skip_outside_links: bool = False) -> FootageFiles:
    """List every video and still under `root`.

    Links inside the root are followed if their target is not listed otherwise. Raises ManifestError for a folder
    that cannot be read, a link out of the root (unless these are skipped), a root without footage, and a name that
    no table can hold.
    """
    root = Path(root)
    if not root.is_dir():
        raise ManifestError(
            "there is no such folder",
            where=root,
            found="a file" if root.exists() else "nothing",
            todo="give the folder that holds the footage",
        )
    listing = _Listing(root, skip_outside_links)
    listing.walk("")
    listing.follow_links()
    listing.drop_companions()
    if not listing.sizes:
        raise _no_footage_error(listing)
    _check_names(list(listing.sizes))
    paths = sort_naturally(list(listing.sizes))
    return FootageFiles(
        {p: listing.sizes[p] for p in paths},
        listing.n_system,
        listing.n_links,
        listing.other_by_count,
        tuple(sorted(map(_escape, listing.outside))),
        listing.stamps,
    )


class _Listing:
    """A walk over a tree that collects files, and keeps links for later."""

    def __init__(self, root: Path, skips_outside: bool) -> None:
        self.root, self.real_root, self.skips_outside = root, root.resolve(), skips_outside
        self.outside: list[str] = []  # links that lead out of the root
        self.sizes: dict[str, int | None] = {}
        self.stamps: dict[str, str] = {}
        self.other: Counter[str] = Counter()
        self.links: list[tuple[str, bool]] = []
        self.n_system = self.n_links = 0
        self.real_folders: set[Path] = set()

    def walk(self, folder: str) -> None:
        """Collect everything below `folder` (relative, '' for the root) without following links."""
        waiting = [folder]
        while waiting:
            here = waiting.pop()
            real = (self.real_root / here).resolve()
            if real in self.real_folders:
                continue  # an earlier link led here
            self.real_folders.add(real)
            for entry, path in self._scan_folder(here):
                if entry.is_symlink() or getattr(entry, "is_junction", bool)():
                    self.links.append((path, (self.root / path).is_dir()))
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif kind_by_suffix(entry.name) is None or not entry.is_file(follow_symlinks=False):
                    self.count_other(entry.name)
                else:
                    found = entry.stat(follow_symlinks=False)
                    self.sizes[path] = found.st_size
                    self.stamps[path] = f"{found.st_size}:{found.st_mtime_ns}"

    def drop_companions(self) -> None:
        """Leave out pictures that cannot be read where a picture of the same name that can be lies beside them."""
        unread = [p for p in self.sizes if p.lower().endswith(_UNREAD)]
        if not unread:
            return
        stems = {_stem(p) for p in self.sizes if kind_by_suffix(p) == "still" and not p.lower().endswith(_UNREAD)}
        for path in unread:
            if _stem(path) in stems:
                del self.sizes[path]
                self.count_other(path)

    def count_other(self, name: str) -> None:
        """Count a file that is not footage."""
        self.other[_escape(PurePosixPath(name).suffix.lower()) or "(none)"] += 1

    @property
    def other_by_count(self) -> dict[str, int]:
        """Counts of files that are not footage by suffix, most frequent first, equal counts by suffix."""
        return dict(sorted(self.other.items(), key=lambda item: (-item[1], item[0])))

    def _scan_folder(self, folder: str) -> Iterator[tuple[os.DirEntry[str], str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                found = list(entries)
        except OSError as error:
            raise ManifestError(
                "the scan stopped at a folder that cannot be read",
                where=_escape(folder or "."),
                found=error.strerror,
                todo="give read permission, check the disk or card, or scan another folder",
            ) from None
        for entry in found:
            if is_system_file(entry.name):
                self.n_system += 1
            else:
                yield entry, f"{folder}/{entry.name}" if folder else entry.name

    def follow_links(self) -> None:
        """Add the targets of the links inside the root, each real file once."""
        while self.links:
            links, self.links = sorted(self.links), []
            for path, _ in (x for x in links if x[1]):
                self._follow_folder(path)
            real_files = {(self.root / p).resolve() for p in self.sizes}
            for path, _ in (x for x in links if not x[1]):
                self._follow_file(path, real_files)

    def _follow_folder(self, path: str) -> None:
        target = self._target(path)
        if target in self.real_folders:
            self.n_links += 1
        elif target is not None:
            self.walk(path)

    def _follow_file(self, path: str, real_files: set[Path]) -> None:
        if kind_by_suffix(path) is None:
            self.count_other(path)
            return
        target = self._target(path)
        if target is None:
            return
        if target in real_files:
            self.n_links += 1
            return
        real_files.add(target)
        self.sizes[path] = target.stat().st_size if target.is_file() else None

    def _target(self, path: str) -> Path | None:
        """Return where a link leads; None out of the root, where such links are skipped."""
        try:
            target = (self.root / path).resolve()
        except (OSError, RuntimeError):  # a link to itself
            target = self.real_root / path
        if not target.is_relative_to(self.real_root):
            if self.skips_outside:
                self.outside.append(path)
                return None
            raise ManifestError(
                "a link leads out of the folder",
                where=_escape(path),
                expected="links to footage inside the folder",
                todo="copy the footage into the folder, scan a folder that contains both, or remove the link",
            )
        return target


def find_pairs(paths: Collection[str]) -> list[str]:
    """Return the videos beside which a picture of the same name lies, in any case of letters.

    >>> find_pairs(["a/IMG_1.JPG", "a/IMG_1.MOV", "b/IMG_1.MOV", "a/IMG_2.MP4"])
    ['a/IMG_1.MOV']
    """
    videos = {_stem(path): path for path in paths if kind_by_suffix(path) == "video"}
    stills = {_stem(path) for path in paths if kind_by_suffix(path) == "still"} if videos else set()
    return [path for stem, path in videos.items() if stem in stills]


def _stem(path: str) -> str:
    return path.rpartition(".")[0].lower()


def _no_footage_error(listing: _Listing) -> ManifestError:
    n_other = listing.other.total()
    most = ", ".join(f"{suffix} {n}" for suffix, n in list(listing.other_by_count.items())[:5])
    found = f"{n_other} other files ({most})" if n_other else "an empty folder"
    if listing.n_system:
        found += f", {listing.n_system} hidden or system entries"
    return ManifestError(
        "the folder holds no footage",
        where=listing.root,
        found=found,
        expected="videos or stills",
        todo="check the folder; wait until a card or network disk has finished connecting",
    )


def _check_names(paths: list[str]) -> None:
    column = next(c for c in MANIFEST if c.name == "path")
    assert column.check is not None
    written = pd.Series(paths, dtype=object)
    is_text = written.map(_is_utf8).astype(bool)
    bad = [*written[~is_text], *written[is_text][~column.check(written[is_text])]]
    if bad:
        raise ManifestError(
            "a file or folder name cannot be used",
            where=_escape(bad[0]),
            found=f"{len(bad)} such path{'s' * (len(bad) > 1)}",
            expected="names in UTF-8 without a backslash or a carriage return, and not beginning with a drive or ~",
            todo="rename them; a tool such as convmv repairs names from an old Russian or Chinese Windows",
        )
    seen: dict[str, str] = {}
    for path in paths:
        other = seen.setdefault(clip_id(path), path)
        if other != path:
            raise ManifestError(
                "two names differ only in how an accented letter is stored",
                where=_escape(path),
                todo="rename one of the two files",
            )


def _is_utf8(path: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in path) if not path.isascii() else True


def _escape(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def sort_naturally(paths: list[str]) -> list[str]:
    """Return paths folder by folder, with 2 before 10, in the same order on every file system.

    >>> sort_naturally(["b/1.avi", "a/10.avi", "a/2.avi"])
    ['a/2.avi', 'a/10.avi', 'b/1.avi']
    """
    from natsort import natsort_keygen

    natural = natsort_keygen()
    folders: dict[str, tuple[object, ...]] = {}

    def key(path: str) -> tuple[object, object, str]:
        folder, _, name = path.rpartition("/")
        if folder not in folders:
            folders[folder] = tuple(natural(part) for part in folder.split("/"))
        return folders[folder], natural(name), path

    return sorted(paths, key=key)
