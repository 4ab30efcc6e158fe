"""Paths that another program listed, and the files that are here: which of them belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.to_manifest import nfc

N_TRIED = 2000  # listed paths from which a prefix is guessed


class ListedPaths:
    """The paths of a list, found by the path of a file: as they are, or else in another case.

    A difference of case counts only where one listed path and one file have this name in any case. twins: the names
    in small letters that several files share, from `find_twins`.

    >>> listed = ListedPaths(["CAM/1.JPG", "CAM/2.JPG", "cam/2.jpg"])
    >>> listed.find("cam/1.jpg"), listed.find("cam/2.jpg"), listed.find("Cam/2.jpg")
    (0, 2, None)
    """

    def __init__(self, paths: Iterable[str], twins: frozenset[str] = frozenset()) -> None:
        self._exact = {nfc(path): i for i, path in enumerate(paths)}
        self._twins = twins
        self._folded: dict[str, int] | None = None

    def has(self, path: str) -> bool:
        """Whether this very path is listed."""
        return nfc(path) in self._exact

    def find(self, path: str) -> int | None:
        """Return the position of the listed path of a file; None if it is not listed, or not certain."""
        exact = self._exact.get(nfc(path))
        if exact is not None:
            return exact
        if self._folded is None:  # made only if it is needed
            several = find_twins(self._exact) | self._twins
            folded = ((_fold(p), i) for p, i in self._exact.items())
            self._folded = {name: i for name, i in folded if name not in several}
        return self._folded.get(_fold(path))


def find_twins(paths: Iterable[str]) -> frozenset[str]:
    """Return the names, in small letters, that several different paths share.

    >>> find_twins(["a/1.jpg", "a/1.JPG", "b/1.jpg"])
    frozenset({'a/1.jpg'})
    """
    counts = Counter(map(_fold, dict.fromkeys(map(nfc, paths))))
    return frozenset(name for name, n in counts.items() if n > 1)


def _fold(path: str) -> str:
    return nfc(path.casefold())


@dataclass(frozen=True)
class PathFit:
    """How many listed paths and how many clips belong together.

    twins: for `ListedPaths`; unused: the first listed path that belongs to no clip.
    """

    name: str
    n_listed: int
    n_used: int
    n_clips: int
    n_found: int
    twins: frozenset[str] = frozenset()
    unused: str | None = None

    @property
    def text(self) -> str:
        """The counts in a sentence."""
        of_clips = f"{self.n_found} of {self.n_clips} clips"
        text = f"{self.name}: {self.n_used} of {self.n_listed} entries belong to {of_clips}"
        n_missing = self.n_clips - self.n_found
        if n_missing:
            text += f"; clips that are not listed, so that the detector has not looked at them: {n_missing}"
        return text + (f"; the first entry that fits no clip: {self.unused}" if self.unused else "")


def match_paths(listed: Sequence[str], clips: Sequence[Sequence[str]], *, name: str) -> PathFit:
    """Return how the listed paths fit the files of the clips. Raises ManifestError if none does.

    The error shows a path of each side, and a prefix that would make them fit. name: of the list, for messages.
    """
    files = [path for paths in clips for path in paths]
    known = ListedPaths(listed)
    twins = frozenset() if all(map(known.has, files)) else find_twins(files)
    known = ListedPaths(listed, twins) if twins else known
    found = [[known.find(path) for path in paths] for paths in clips]
    used = {i for part in found for i in part if i is not None}
    if not used and clips:
        raise _no_fit(listed, files, name)
    unused = next((path for i, path in enumerate(listed) if i not in used), None)
    n_found = sum(any(i is not None for i in part) for part in found)
    return PathFit(name, len(listed), len(used), len(clips), n_found, twins, unused)


def _no_fit(listed: Sequence[str], files: Sequence[str], name: str) -> ManifestError:
    if not listed:
        return ManifestError(
            "this file lists no clip", where=name, found="no entries", expected="one for each clip"
        )
    found = find_prefixes(listed, files)
    if found is None:
        return ManifestError(
            "no entry of this file belongs to a clip",
            where=name,
            found=f"{listed[0]}, the first of {len(listed)}",
            expected=f"paths such as {files[0]}",
            todo="check that it was made for this footage",
        )
    theirs, ours, n, i, file = found
    if ours and theirs:
        todo = f"in the file, replace {theirs} at the beginning of the paths by {ours}"
    elif theirs:
        todo = f"in the file, remove {theirs} from the beginning of the paths"
        is_relative = not theirs.startswith("/") and ":" not in theirs
        todo += f", or give the folder that holds {theirs}, if there is one" * is_relative
    else:
        todo = f"in the file, put {ours} before each path, or give the folder {ours.rstrip('/')} itself"
    return ManifestError(
        "no entry of this file belongs to a clip",
        where=name,
        found=f"{listed[i]}, one of {len(listed)}",
        expected=f"paths such as {file}",
        todo=f"{todo}; then {n} of {len(listed)} would fit",
    )


def find_prefixes(listed: Sequence[str], files: Sequence[str]) -> tuple[str, str, int, int, str] | None:
    """Return the beginning of the listed paths, that of the files instead of it, and how many would then fit.

    The last values are the position of a listed path that would, and its file. None if fewer than half of the
    smaller side would, or if the same paths fit two folders equally well.

    >>> find_prefixes(["D:/card/cam/1.jpg", "D:/card/cam/2.jpg"], ["cam/1.jpg", "cam/2.jpg"])
    ('D:/card/', '', 2, 0, 'cam/1.jpg')
    """
    by_name: dict[str, list[str]] = {}
    for file in files:
        by_name.setdefault(_fold(file.rpartition("/")[2]), []).append(file)
    step = max(1, len(listed) // N_TRIED)
    pairs: Counter[tuple[str, str]] = Counter()
    for path in listed[::step]:
        same = by_name.get(_fold(path.rpartition("/")[2]), [])
        pairs.update({_split_prefixes(path, file) for file in same[:200]})
    known = ListedPaths(files)
    best: tuple[str, str, int, int, str] | None = None
    is_clear = True
    for (theirs, ours), _ in pairs.most_common(5):
        places = {i: known.find(ours + p[len(theirs) :]) for i, p in enumerate(listed) if p.startswith(theirs)}
        fit = [(i, j) for i, j in places.items() if j is not None]
        if fit and (best is None or len(fit) > best[2]):
            best, is_clear = (theirs, ours, len(fit), fit[0][0], files[fit[0][1]]), True
        elif best and (theirs, len(fit)) == (best[0], best[2]):
            is_clear = False
    return best if best and is_clear and 2 * best[2] >= min(len(listed), len(files)) else None


def _split_prefixes(path: str, file: str) -> tuple[str, str]:
    """Return what is before the longest end that both have, in whole folders and in any case."""
    a, b = path.split("/"), file.split("/")
    n = 0
    while n < min(len(a), len(b)) and _fold(a[-1 - n]) == _fold(b[-1 - n]):
        n += 1
    return "".join(part + "/" for part in a[: len(a) - n]), "".join(part + "/" for part in b[: len(b) - n])
