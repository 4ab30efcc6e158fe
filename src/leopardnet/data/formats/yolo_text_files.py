"""The text files of boxes in YOLO, and lists of paths."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from leopardnet.core.boxes import center_to_xyxy
from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.csv_cells import number
from leopardnet.data.reading.problems import Problems


def read_lines(file: Path) -> list[tuple[int, str]]:
    """Return the lines that are not empty, each with its number. Raises ManifestError for another encoding."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ManifestError("a text file is not in UTF-8", where=f"{file.name}, byte {error.start}") from None
    return [(n, line.strip()) for n, line in enumerate(lines, start=1) if line.strip()]


def label_path(path: str) -> str:
    """Return the path of the boxes of a picture: the last folder `images` becomes `labels`, and the suffix .txt.

    >>> label_path("train/images/a/1.jpg"), label_path("a/1.jpg")
    ('train/labels/a/1.txt', 'a/1.txt')
    """
    parts = list(PurePosixPath(path).with_suffix(".txt").parts)
    at = [i for i, p in enumerate(parts[:-1]) if p == "images"]
    if at:
        parts[at[-1]] = "labels"
    return "/".join(parts)


class TextFiles:
    """Reads the boxes of pictures, and remembers the pictures with lines that cannot be used."""

    def __init__(self, root: Path, problems: Problems) -> None:
        self.root, self.problems = root, problems
        self.unsure: set[str] = set()

    def read(self, path: str, names: Mapping[int, str]) -> list[dict[str, Any]] | None:
        """Return the boxes of a picture; None where it has no text file."""
        where = label_path(path)
        file = self.root / where
        if not file.is_file():
            return None
        boxes = []
        try:
            lines = read_lines(file)
        except ManifestError as error:
            self._note(path, error, where, "")
            return []
        for n, line in lines:
            try:
                boxes.append(_read_box(line, f"{where}, line {n}", names))
            except ManifestError as error:
                self._note(path, error, where, n)
        return boxes

    def _note(self, path: str, error: ManifestError, where: str, n: int | str) -> None:
        self.problems.add(error, where, n, outcome="left out, and its picture has no label")
        self.unsure.add(path)


def _read_box(line: str, where: str, names: Mapping[int, str]) -> dict[str, Any]:
    """Read a box from its line; for an outline, the box around it."""
    words = line.split()
    try:
        i_class, values = int(words[0]), [number(w) for w in words[1:]]
    except ValueError:
        raise ManifestError(
            "a line of boxes cannot be read",
            where=where,
            found=repr(line[:80]),
            expected="class x y width height, as finite numbers",
        ) from None
    if i_class not in names:
        raise ManifestError(
            "a box has a class that data.yaml does not name",
            where=where,
            found=i_class,
            expected=f"one of {', '.join(map(str, names))}",
        )
    if len(values) in (4, 5):
        score = {"score": values[4]} if len(values) == 5 else {}
        return {"xyxy": center_to_xyxy(values[:4]), "label": names[i_class], **score}
    if len(values) < 6 or len(values) % 2:
        raise ManifestError(
            "a line of boxes cannot be read",
            where=where,
            found=f"{len(words)} numbers",
            expected="5, or an outline of at least 3 points",
        )
    xs, ys = values[::2], values[1::2]
    return {"xyxy": [min(xs), min(ys), max(xs), max(ys)], "label": names[i_class]}
