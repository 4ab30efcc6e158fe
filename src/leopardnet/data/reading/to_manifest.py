"""Steps that all imports share: safe relative paths, duplicates, labels, sites, and a manifest with notes."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.columns import FIRST_ROW
from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.footage_suffixes import kind_by_suffix
from leopardnet.core.manifest import Manifest
from leopardnet.data.reading.folder_pattern import FolderPattern
from leopardnet.data.reading.label_map import JOINER, LabelMap, OnUnknown
from leopardnet.data.reading.map_labels import join_several, map_labels
from leopardnet.data.reading.problems import Problem, Problems

# A path without any of these is already in the form of a manifest.
_UNUSUAL = re.compile(r"[\\:\x00\ud800-\udfff]|^[/~.]|/\.{0,2}(?:/|$)|^\s*$")
_DRIVE = re.compile(r"[A-Za-z]:")
_LONG_PATH = re.compile(r"^//[?.]/(UNC/)?", re.IGNORECASE)  # how Windows writes paths of more than 260 characters


@dataclass(frozen=True)
class ImportResult:
    """An imported manifest, notes on the import, one sentence each, and every part that could not be used."""

    manifest: Manifest
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class LabelRules:
    """Rules by which names of a source become labels, and folders become sites.

    `site_from` is a folder pattern such as `{site}/{deployment}/*`, which fills cells that are empty in the source.
    """

    label_map: LabelMap | None = None
    on_unknown: OnUnknown = "refuse"
    site_from: str | None = None


# --- paths ---


class RelativePaths:
    """A converter of the paths in a source to POSIX paths relative to the root.

    It converts Windows separators and absolute paths inside the root, also on a network share. It refuses web
    addresses, `..` and paths outside the root.

    >>> RelativePaths(Path("/data"))("/data/site\\\\DCIM/1.JPG", where="x.csv, row 1")
    'site/DCIM/1.JPG'
    """

    def __init__(self, root: Path) -> None:
        roots = dict.fromkeys((Path(root).absolute().as_posix(), Path(root).resolve().as_posix()))
        self.roots = [r.rstrip("/") + "/" for r in roots]

    def __call__(self, text: Any, *, where: str) -> str:
        """Return the path as in a manifest. Raises ManifestError with `where`."""
        if not isinstance(text, str):
            raise _path_error("this is not a path", text, where, "text")
        return self._convert(text, where) if _UNUSUAL.search(text) else text

    def all(self, paths: Sequence[Any], place: Callable[[int], str]) -> list[str]:
        """Convert all paths; `place(i)` is the place of the path at position `i` in messages."""
        return [
            p if type(p) is str and not _UNUSUAL.search(p) else self(p, where=place(i)) for i, p in enumerate(paths)
        ]

    def _convert(self, text: str, where: str) -> str:
        if re.search("[\ud800-\udfff\x00]", text):
            raise _path_error("a path contains characters that are no text", ascii(text), where, "text in UTF-8")
        if "://" in text:
            raise _path_error("a path is a web address", text, where, "a file under the root, downloaded first")
        path = _LONG_PATH.sub(lambda found: "//" if found[1] else "", text.replace("\\", "/"))
        if path.startswith("/") or _DRIVE.match(path):
            path = self._strip_root(path, text, where)
        parts = [p for p in path.split("/") if p not in ("", ".")]
        if ".." in parts or not parts or parts[0].startswith("~") or not path.strip():
            raise _path_error(
                "a path cannot be used", repr(text), where, "a path relative to the root, without '..'"
            )
        return "/".join(parts)

    def _strip_root(self, path: str, text: str, where: str) -> str:
        for root in self.roots:
            fold = str.casefold if root.startswith("//") or _DRIVE.match(root) else str  # Windows
            if fold(path).startswith(fold(root)):
                return path[len(root) :]
        raise _path_error(
            "a path is outside the root",
            text,
            where,
            "a path relative to the root, or inside it",
            todo="give the folder of the footage as --root, or make the paths relative to it",
        )


def _path_error(what: str, found: Any, where: str, expected: str, *, todo: str | None = None) -> ManifestError:
    return ManifestError(what, where=where, found=found, expected=expected, todo=todo)


def footage_kind(path: str, *, where: str) -> str:
    """Return 'video' or 'still'. Raises ManifestError for a file with another suffix."""
    kind = kind_by_suffix(path)
    if kind is None:
        raise ManifestError(
            "this file is neither a video nor a still by its suffix",
            where=where,
            found=path or "an empty cell",
            expected="a suffix such as .jpg, .avi or .mp4",
        )
    return kind


def footage_kinds(paths: Sequence[str], place: Callable[[int], str]) -> list[str]:
    """Return 'video' or 'still' for each path; `place(i)` is the place of the path at position `i` in messages."""
    return [kind_by_suffix(p) or footage_kind(p, where=place(i)) for i, p in enumerate(paths)]


def refuse_twice(keys: Sequence[Any], where: Callable[[int], str], *, what: str) -> None:
    """Raise ManifestError for the first repeated key; `where(i)` is the place of position `i` in messages."""
    if len(set(keys)) == len(keys):
        return
    first: dict[Any, int] = {}
    for i, key in enumerate(keys):
        j = first.setdefault(key, i)
        if j != i:
            n_more = len(keys) - len(set(keys)) - 1
            raise ManifestError(
                f"{what} stands twice",
                where=f"{where(j)} and {where(i)}",
                found=f"{key!r}" + (f" (and {n_more} more)" if n_more else ""),
                expected="each once",
                todo="remove one of the two",
            )


def nfc(path: str) -> str:
    """Return the composed Unicode form (NFC), in which two spellings of an accented name are equal."""
    return path if path.isascii() else unicodedata.normalize("NFC", path)


# --- from columns to a manifest ---


def assemble(
    columns: dict[str, Any],
    names: Sequence[tuple[str, ...]],
    *,
    root: Path,
    rules: LabelRules,
    source: str,
    where: str,
    species: Sequence[str | None] | None = None,
    notes: Sequence[str] = (),
    problems: Problems | None = None,
) -> ImportResult:
    """Make a manifest of columns, fill in label, species, site and source, and collect all notes and problems.

    columns: manifest columns of equal length, with `path` and `kind`. names: the names of each row in the source.
    species: the column species; by default the joined names. where: the source's name in messages.
    """
    labels, label_notes = map_labels(names, rules.label_map, on_unknown=rules.on_unknown, where=where)
    columns["label"], columns["labels"] = labels, join_several(names, rules.label_map, where=where)
    columns["species"] = list(species) if species is not None else [JOINER.join(n) or None for n in names]
    columns["source"] = [source] * len(names)
    pattern_notes = _fill_from_folders(columns, rules.site_from) if rules.site_from else []
    frame = pd.DataFrame({k: _make_column(v) for k, v in columns.items()})
    manifest = Manifest.from_rows(frame, root, where=where)
    n_without = sum(x is None for x in labels)
    unlabelled = [f"rows without a label: {n_without} of {len(labels)}"] if n_without else []
    problems = problems or Problems()
    all_notes = (*notes, *label_notes, *unlabelled, *pattern_notes, *problems.notes())
    return ImportResult(manifest, all_notes, tuple(problems.found))


def _make_column(values: Any) -> Any:
    """Return text as a string column, even if every cell is empty."""
    is_text = isinstance(values, list) and all(v is None or isinstance(v, str) for v in values)
    return pd.array(values, dtype="str") if is_text else values


def _fill_from_folders(columns: dict[str, Any], site_from: str) -> list[str]:
    pattern = FolderPattern.parse(site_from)
    found: list[Mapping[str, str]] = [pattern.match(p) or {} for p in columns["path"]]
    n = len(found)
    for column, key in (("site", "site"), ("deployment", "deployment"), ("sequence_id", "sequence")):
        if any(key in f for f in found):
            given = columns.get(column) or [None] * n
            columns[column] = [g if g is not None else f.get(key) for g, f in zip(given, found, strict=True)]
    n_other = sum(not f for f in found)
    return [f"rows with paths that do not match {site_from}: {n_other}"] if n_other else []


# --- from a manifest to other formats ---


def single_files(manifest: Manifest, *, kinds: Sequence[str], format_name: str) -> list[dict[str, Any]]:
    """Return the rows of a manifest as plain values (None if empty), a burst as its stills with one sequence.

    Raises ManifestError for a kind that the format does not support, so no row is dropped silently.
    """
    import json

    out: list[dict[str, Any]] = []
    records: Any = manifest.table.astype(object).where(manifest.table.notna(), None).to_dict("records")
    for i, row in enumerate(records):
        if row["kind"] == "burst":
            sequence = row["sequence_id"] or row["clip_id"]
            out += [{**row, "kind": "still", "path": p, "sequence_id": sequence} for p in json.loads(row["paths"])]
            continue
        if row["kind"] not in kinds:
            raise ManifestError(
                f"{format_name} does not support rows of this kind",
                where=f"row {i + FIRST_ROW}, {row['path']}",
                found=row["kind"],
                expected=" or ".join(kinds),
                todo="write these rows in another format",
            )
        out.append(row)
    return out


def names_of(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of what a row shows: its label, or else the species of its source."""
    if row["label"]:
        return (row["label"],)
    return tuple(row["species"].split(JOINER)) if row["species"] else ()


def list_counts(counts: Counter[str]) -> str:
    """Return counts by name, most frequent first, at most twelve.

    >>> list_counts(Counter(a=2, b=1))
    'a 2, b 1'
    """
    return ", ".join(f"{name} {n}" for name, n in counts.most_common(12))
