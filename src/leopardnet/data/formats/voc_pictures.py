"""The picture that belongs to a Pascal VOC file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.footage_suffixes import STILL_SUFFIXES
from leopardnet.data.scan.list_files import list_footage

XML_FOLDERS, PICTURE_FOLDERS = ("annotations", "annotation", "xml", "labels"), ("JPEGImages", "images", "Images")


class Pictures:
    """Finds the picture of an XML file under the root, and counts missing pictures and other names."""

    def __init__(self, root: Path, xml_files: Sequence[Path]) -> None:
        self.root = root.resolve()
        self.counts: Counter[str] = Counter()
        try:
            stills = [p for p in list_footage(root).sizes if PurePosixPath(p).suffix.lower() in STILL_SUFFIXES]
        except ManifestError:
            if not root.is_dir():
                raise
            stills = []  # labels without pictures make a manifest too; `check` finds the missing files
        self.paths = set(stills)
        # Names are compared without regard to case, as by the computers that most annotators use.
        self.by_stem: dict[str, list[str]] = defaultdict(list)
        self.by_name: dict[str, list[str]] = defaultdict(list)
        for p in stills:
            self.by_stem[PurePosixPath(p).stem.casefold()].append(p)
            self.by_name[PurePosixPath(p).name.casefold()].append(p)
        for file in xml_files[:1]:
            self._find_folder(file)  # raises at once for a source outside the root

    def find(self, file: Path, filename: str, where: str) -> str:
        """Return the relative path of the picture of an XML file. Raises ManifestError where several fit."""
        folders = self._list_folders(self._find_folder(file))
        stem, name = file.stem, PurePosixPath(filename)
        has_suffix = name.suffix.lower() in STILL_SUFFIXES
        with_stem = self.by_stem.get(stem.casefold(), [])
        for folder in folders:
            beside = _prefer([p for p in with_stem if str(PurePosixPath(p).parent) == folder], stem, filename)
            if len(beside) == 1:
                return self._check_name(beside[0], filename)
        named = self.by_name.get(filename.casefold(), [])
        with_its_stem = self.by_stem.get((name.stem if has_suffix else filename).casefold(), [])
        for group in (with_stem, named, with_its_stem):
            fitting = _prefer(group, stem, filename)
            if len(fitting) > 1:
                raise ManifestError(
                    "several pictures could belong to one XML file",
                    where=where,
                    found=", ".join(fitting[:3]),
                    expected="one",
                    todo="import each folder by itself, with its own --root",
                )
            if fitting:
                return self._check_name(fitting[0], filename)
        self.counts["rows with pictures that are not under the root"] += 1
        missing = stem + (name.suffix if has_suffix else ".jpg")
        return missing if folders[0] == "." else f"{folders[0]}/{missing}"

    def _check_name(self, path: str, filename: str) -> str:
        found = PurePosixPath(path)
        if filename and filename.casefold() not in (found.name.casefold(), found.stem.casefold()):
            self.counts["rows where the element filename names another file than the one found"] += 1
        return path

    def _find_folder(self, file: Path) -> PurePosixPath:
        folder = file.resolve().parent
        if not folder.is_relative_to(self.root):
            raise ManifestError(
                "the XML files are not under the root",
                where=file.name,
                expected="a root that holds both XML files and pictures",
                todo="give the folder above both as --root",
            )
        return PurePosixPath(folder.relative_to(self.root).as_posix())

    def _list_folders(self, folder: PurePosixPath) -> list[str]:
        """Return the folders to search: those of pictures beside this one, then the folder itself."""
        parts = folder.parts
        at = next((i for i in reversed(range(len(parts))) if parts[i].lower() in XML_FOLDERS), None)
        if at is None:
            return [str(folder)]
        swapped = [str(PurePosixPath(*parts[:at], p, *parts[at + 1 :])) for p in PICTURE_FOLDERS]
        existing = [f for f in swapped if (self.root / f).is_dir()]
        return [*existing, str(folder), swapped[0]] if existing else [swapped[0], str(folder)]


def _prefer(paths: list[str], stem: str, filename: str) -> list[str]:
    """Return those of several paths that agree best with the stem of the XML file, and then with its `filename`."""
    names = [PurePosixPath(p) for p in paths]
    for agrees in (
        [n.stem == stem for n in names],
        [n.name == filename for n in names],
        [n.name.casefold() == filename.casefold() for n in names],
    ):
        kept = {p for p, a in zip(names, agrees, strict=True) if a}
        paths = [p for p in paths if PurePosixPath(p) in kept] or paths
    return paths
