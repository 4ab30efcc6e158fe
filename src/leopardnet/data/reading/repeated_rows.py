"""Rows of one file: joined where they name its species, and refused where they are of two files."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import EMPTY
from leopardnet.data.reading.csv_cells import Cells
from leopardnet.data.reading.label_map import load_label_map, name_key, rows

# Parts of headers of columns whose cell is the same for every row of one file.
_OF_A_FILE = (
    "folder", "relativepath", "directory", "filepath", "deployment", "site", "station", "location", "camera",
    "place", "timestamp", "datetime", "imageid", "mediaid", "fileid", "captured", "папка", "место", "станция",
)  # fmt: skip


def find_repeats(keys: Sequence[Hashable]) -> dict[int, int]:
    """Return the position of the first equal key for every later one.

    >>> find_repeats(["a", "b", "a"])
    {2: 0}
    """
    if len(set(keys)) == len(keys):
        return {}
    first: dict[Hashable, int] = {}
    return {i: j for i, key in enumerate(keys) if (j := first.setdefault(key, i)) != i}


def join_repeats(
    names: Sequence[tuple[str, ...]],
    repeats: Mapping[int, int],
    *,
    table: Mapping[str, Sequence[Any]],
    cells: Cells,
    path: str,
) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Return the names of each row, at the first row of a file those of all its rows, and a note.

    names: of each row; repeats: for each later row of a file, the first one; table: the other values of each row;
    path: the column of paths, or those joined to one. Raises ManifestError where rows of one path must be of two
    files, and where a file would be both empty and not.
    """
    unread = [
        c for c in cells.header if _is_of_a_file(c) and c not in path.split("/") and cells.header.count(c) == 1
    ]
    columns = {c: cells.column(c) for c in unread} if repeats else {}
    for i, j in repeats.items():
        for column, texts in columns.items():
            if texts[i] != texts[j]:
                raise _two_files_error(i, j, column, table["path"][j], cells, path)
        for field, values in table.items():
            if field != "path" and values[i] != values[j] and not (pd.isna(values[i]) and pd.isna(values[j])):
                raise ManifestError(
                    "a file stands twice",
                    where=f"{cells.where(j)} and row {i + 1}",
                    found=f"{table['path'][j]!r} with another {field}",
                    expected="rows of one file that differ only in the species or the box",
                    todo="correct one of them",
                )
    joined = merge_repeats(names, repeats)
    files = set(repeats.values())
    _refuse_empty_and_more(joined, files, cells)
    n_several = sum(len(joined[j]) > 1 for j in files)
    said = f"{rows(len(repeats))} of a file that has a row already, joined with it; files of several names"
    return joined, (f"{said}: {n_several}",) if repeats else ()


def merge_repeats(names: Sequence[tuple[str, ...]], repeats: Mapping[int, int]) -> list[tuple[str, ...]]:
    """Return the names of each row, at the first row of a file those of all its rows.

    >>> merge_repeats([("leopard",), ("empty",), ("tiger",)], {2: 0})
    [('leopard', 'tiger'), ('empty',), ('tiger',)]
    """
    merged = list(names)
    for i, j in repeats.items():
        merged[j] = tuple(dict.fromkeys((*merged[j], *names[i])))
    return merged


def _is_of_a_file(header: str) -> bool:
    key = name_key(header)
    return any(part in key for part in _OF_A_FILE)


def _two_files_error(i: int, j: int, column: str, found: str, cells: Cells, path: str) -> ManifestError:
    return ManifestError(
        "one path stands for two files",
        where=f"{cells.where(j, path)} and row {i + 1}",
        found=f"{found!r}, with another {column}",
        expected="a different path for each file",
        todo=f"if folder and name are in two columns, join them, such as --path '{column}/{path}'",
    )


def _refuse_empty_and_more(names: Sequence[tuple[str, ...]], files: set[int], cells: Cells) -> None:
    amur = load_label_map("amur") if files else None
    for j in sorted(files):
        is_empty = [bool(amur and amur.knows(n) and amur.label(n) == EMPTY) for n in names[j]]
        if any(is_empty) and not all(is_empty):
            raise ManifestError(
                "a file stands twice, as empty and not",
                where=cells.where(j),
                found=" and ".join(names[j]),
                expected="one of the two",
                todo="correct one of the rows",
            )
