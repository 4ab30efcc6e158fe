"""Which files under a folder are footage: listed completely, in natural order, or not at all."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from leopardnet.core.columns import MANIFEST
from leopardnet.core.errors import ManifestError
from leopardnet.core.footage_suffixes import is_system_file, kind_by_suffix
from leopardnet.core.tables import clip_id


@dataclass(frozen=True, slots=True)
class FootageFiles:
    """The footage under a root, and a count of everything that was left out.

    `sizes` maps the path of each file (POSIX, relative, spelled as on the disk) to its size in bytes, in natural
    order; a link that leads nowhere has size None. `n_system` counts hidden and system files and folders, `n_links`
    links to footage that is listed under its own name, and `other` the files that are no footage, by suffix.
    """

    sizes: dict[str, int | None]
    n_system: int = 0
    n_links: int = 0
    other: dict[str, int] = field(default_factory=dict)


def list_footage(root: Path) -> FootageFiles:
    """Every video and still under `root`. A folder that cannot be read stops the listing with its name.

    Links inside the root are followed where their target is not listed anyway; a link that leaves the root is
    refused. Raises ManifestError for these, for a root without footage, and for names that no table can hold.
    """
    root = Path(root)
    if not root.is_dir():
        raise ManifestError(
            "there is no such folder",
            where=root,
            found="a file" if root.exists() else "nothing",
            todo="give the folder that holds the footage",
        )
    listing = _Listing(root)
    listing.walk("")
    listing.follow_links()
    if not listing.sizes:
        raise _no_footage(listing)
    _check_names(list(listing.sizes))
    paths = _natural_order(list(listing.sizes))
    other = dict(listing.other.most_common())
    return FootageFiles({p: listing.sizes[p] for p in paths}, listing.n_system, listing.n_links, other)


class _Listing:
    """One walk over a tree, collecting files and remembering links for later."""

    def __init__(self, root: Path) -> None:
        self.root, self.real_root = root, root.resolve()
        self.sizes: dict[str, int | None] = {}
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
                continue  # an earlier link led here already
            self.real_folders.add(real)
            for entry, path in self._entries(here):
                if entry.is_symlink() or getattr(entry, "is_junction", bool)():
                    self.links.append((path, (self.root / path).is_dir()))
                elif entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                elif kind_by_suffix(entry.name) is None or not entry.is_file(follow_symlinks=False):
                    self.leave_out(entry.name)
                else:
                    self.sizes[path] = entry.stat(follow_symlinks=False).st_size

    def leave_out(self, name: str) -> None:
        """Count a file that is no footage."""
        self.other[_shown(PurePosixPath(name).suffix.lower()) or "(none)"] += 1

    def _entries(self, folder: str) -> Iterator[tuple[os.DirEntry[str], str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                found = list(entries)
        except OSError as error:
            raise ManifestError(
                "a folder cannot be read, so the scan stopped",
                where=_shown(folder or "."),
                found=error.strerror,
                todo="allow reading it, check the disk or card, or scan a folder that leaves it out",
            ) from None
        for entry in found:
            if is_system_file(entry.name):
                self.n_system += 1
            else:
                yield entry, f"{folder}/{entry.name}" if folder else entry.name

    def follow_links(self) -> None:
        """Add what the links inside the root lead to, each real file once."""
        while self.links:
            links, self.links = sorted(self.links), []
            for path, _ in (x for x in links if x[1]):
                self._follow_folder(path)
            real_files = {(self.root / p).resolve() for p in self.sizes}
            for path, _ in (x for x in links if not x[1]):
                self._follow_file(path, real_files)

    def _follow_folder(self, path: str) -> None:
        if self._target(path) in self.real_folders:
            self.n_links += 1
        else:
            self.walk(path)

    def _follow_file(self, path: str, real_files: set[Path]) -> None:
        if kind_by_suffix(path) is None:
            self.leave_out(path)
            return
        target = self._target(path)
        if target in real_files:
            self.n_links += 1
            return
        real_files.add(target)
        self.sizes[path] = target.stat().st_size if target.is_file() else None

    def _target(self, path: str) -> Path:
        try:
            target = (self.root / path).resolve()
        except (OSError, RuntimeError):  # a link that leads to itself
            target = self.real_root / path
        if not target.is_relative_to(self.real_root):
            raise ManifestError(
                "a link leads out of the folder",
                where=_shown(path),
                expected="links to footage inside the folder",
                todo="copy the footage in, scan the folder that holds both, or take the link away",
            )
        return target


def _no_footage(listing: _Listing) -> ManifestError:
    n_other = sum(listing.other.values())
    most = ", ".join(f"{suffix} {n}" for suffix, n in listing.other.most_common(5))
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
            where=_shown(bad[0]),
            found=f"{len(bad)} such path{'s' * (len(bad) > 1)}",
            expected="names in UTF-8 without a backslash, not starting like a drive or with ~",
            todo="rename them; names from an old Russian or Chinese Windows are put right by a tool such as convmv",
        )
    seen: dict[str, str] = {}
    for path in paths:
        other = seen.setdefault(clip_id(path), path)
        if other != path:
            raise ManifestError(
                "two names differ only in how an accented letter is stored",
                where=_shown(path),
                todo="rename one of the two files",
            )


def _is_utf8(path: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in path) if not path.isascii() else True


def _shown(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode("utf-8")


def _natural_order(paths: list[str]) -> list[str]:
    """Folder by folder, with 2 before 10, and always the same order whatever the file system gave."""
    from natsort import natsort_keygen

    natural = natsort_keygen()
    folders: dict[str, tuple[object, ...]] = {}

    def key(path: str) -> tuple[object, object, str]:
        folder, _, name = path.rpartition("/")
        if folder not in folders:
            folders[folder] = tuple(natural(part) for part in folder.split("/"))
        return folders[folder], natural(name), path

    return sorted(paths, key=key)
