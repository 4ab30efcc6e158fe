"""Several species of one file: in one cell, in one column for each, or in one row for each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import EMPTY
from leopardnet.data.reading.label_map import MAX_NAMES, LabelMap, load_label_map, name_key
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.tables.column_reader import ColumnReader
from leopardnet.data.reading.tables.csv_cells import Cells

_CLEAR = re.compile(r"\s*[;|\n]\s*|\s+\+\s+")  # between species, whatever they are
_UNCLEAR = re.compile(r"\s*[,/&+]\s*")  # between species, or inside a name such as "deer, sika"
_LIST = re.compile(r"\s*(?:c?\((.*)\)|\[(.*)\]|\{(.*)\})\s*", re.DOTALL)  # of Python, JSON, R and databases
_QUOTED = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^,;]*))\s*(?:[,;]|$)""")
_YES = frozenset(("1", "1.0", "true", "TRUE", "True", "T", "yes", "Yes", "x", "X"))
_NO = frozenset(("0", "0.0", "false", "FALSE", "False", "F", "no", "No", "", "-"))
_OF_A_TIME = ("time_zone", "time_source")
# Parts of headers of columns whose cell is the same for every row of one file.
_OF_A_FILE = re.compile(
    "folder|relativepath|directory|filepath|deployment|site|station|location|camera|place|timestamp|datetime"
    "|imageid|mediaid|fileid|captured|папка|место|станция"
)


def split_names(
    texts: Sequence[str | None], label_map: LabelMap | None = None
) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Return the names in each cell, each once, and notes.

    Names are separated by `;`, `|`, ` + ` or a line break, or form a list such as `['leopard', 'tiger']`. At `,`,
    `/`, `&` and `+` a cell is divided only where every part is a name of another cell, of `label_map`, or of the
    built-in map, because `deer, sika` is one animal.

    >>> split_names(["leopard;tiger", "['leopard', 'tiger']", "deer, sika", "tiger", None])[0]
    [('leopard', 'tiger'), ('leopard', 'tiger'), ('deer, sika',), ('tiger',), ()]
    """
    counts = Counter(texts)
    clear = {t: _split_clear(t, label_map) if t else () for t in counts}
    unclear = {n for names in clear.values() for n in names if _UNCLEAR.search(n)}
    parts: dict[str, tuple[str, ...]] = {}
    if unclear:
        maps = [load_label_map("amur"), *([label_map] if label_map else [])]
        known = {name_key(n) for names in clear.values() for n in names if n not in unclear}
        known = known.union(*(m.name_keys for m in maps))
        whole = label_map.name_keys if label_map else frozenset()
        parts = {n: _split_unclear(n, known, whole) for n in unclear}
    names_of = {t: tuple(dict.fromkeys(p for n in names for p in parts.get(n, (n,)))) for t, names in clear.items()}
    kept = [n for n in sorted(unclear) if len(parts[n]) == 1]
    notes = (f"cells that may name several species, read as one name: {_list_first(kept)}",) if kept else ()
    return [names_of[t] for t in texts], notes


def _split_clear(text: str, label_map: LabelMap | None) -> tuple[str, ...]:
    if label_map is not None and label_map.knows(text):
        return (text,)
    if (found := _LIST.fullmatch(text)) and (text.strip()[0] in "[{" or text.strip().startswith("c(")):
        inside = next(g for g in found.groups() if g is not None)
        names = [a or b or c for a, b, c in _QUOTED.findall(inside)]
    else:
        names = _CLEAR.split(text)
    return tuple(n.strip() for n in names if n.strip())


def _split_unclear(name: str, known: Collection[str], whole: Collection[str]) -> tuple[str, ...]:
    parts = tuple(p for p in _UNCLEAR.split(name) if p)
    is_several = name_key(name) not in whole and len(parts) > 1 and all(name_key(p) in known for p in parts)
    return parts if is_several else (name,)


def _list_first(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(map(repr, names[:MAX_NAMES])) + more


# --- one column for each species ---


def join_columns(columns: Mapping[str, Sequence[str]], cells: Cells, problems: Problems) -> list[str]:
    """Return one cell for each row from columns of `cells` that are each named after a species, or each hold names.

    Where the cells are 0 and 1 (or no and yes, or counts), a row has the names of the columns with a 1. Zeros name
    nothing. A row with a cell of the other kind goes to `problems` and names nothing. Raises ManifestError for
    columns of both kinds.

    >>> cells = Cells("x.csv", ("leopard", "tiger"), [], ",")
    >>> join_columns({"leopard": ["1", "0"], "tiger": ["1", "0"]}, cells, Problems())
    ['leopard;tiger', '']
    >>> join_columns({"leopard": ["tiger", "boar"], "tiger": ["0", "tiger"]}, cells, Problems())
    ['tiger', 'boar;tiger']
    """
    n_marks = {c: sum(map(_is_mark, texts)) for c, texts in columns.items()}
    n_names = {c: sum(t not in _NO and not _is_mark(t) for t in texts) for c, texts in columns.items()}
    of_marks = [c for c in columns if n_marks[c] > n_names[c]]
    of_names = [c for c in columns if n_names[c] >= max(n_marks[c], 1)]
    if of_marks and of_names:
        texts = columns[of_marks[0]]
        i = next(i for i, t in enumerate(texts) if _is_mark(t))
        raise ManifestError(
            "columns of names and of marks cannot be joined",
            where=cells.where(i, of_marks[0]),
            found=repr(texts[i]),
            expected="0 or 1 in all of these columns, or a name in all of them",
        )
    joined: list[list[str]] = [[] for _ in next(iter(columns.values()))]
    wrong: set[int] = set()
    for column, texts in columns.items():
        for i, text in enumerate(texts):
            if text in _NO:
                continue
            if _is_mark(text) == bool(of_names):
                error = ManifestError(
                    "a cell cannot be read",
                    where=cells.where(i, column),
                    found=repr(text[:80]),
                    expected="a name, as in the other rows" if of_names else "0 or 1, as in the other rows",
                )
                problems.add(error, cells.name, cells.number(i), outcome="kept without a label")
                wrong.add(i)
            joined[i].append(text if of_names else column)
    return ["" if i in wrong else ";".join(names) for i, names in enumerate(joined)]


def refuse_marks(column: Sequence[str | None], where: Callable[[int, str], str], name: str) -> None:
    """Raise ManifestError for a column that holds only 0 and 1, which are marks and not names."""
    texts = {t for t in column if t}
    if texts and texts <= {"0", "1", "0.0", "1.0"}:
        raise ManifestError(
            "the labels are only 0 and 1",
            where=where(0, name),
            found=f"{name}: " + ", ".join(sorted(texts)),
            expected="names",
            todo="if each species has a column, name them all, such as --label leopard,tiger,empty; "
            "if 0 and 1 are codes, give a label map (--label-map)",
        )


def _is_mark(text: str) -> bool:
    """Return whether a cell says that a species is there: 1, yes, or a count."""
    return text in _YES or (text not in _NO and text.removesuffix(".0").isdecimal())


# --- one row for each species ---


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
    table: Mapping[str, list[Any]],
    reader: ColumnReader,
    path: str,
) -> tuple[list[tuple[str, ...]], tuple[str, ...]]:
    """Return the names of each row, at the first row of a file those of all its rows, and a note.

    names: of each row; repeats: for each later row of a file, the first one; table: the other values of each row;
    path: the column of paths, or those joined to one. Where rows of a file contradict each other, it keeps neither
    value; where it would be both empty and not, no name. Raises ManifestError where rows of one path must be of two
    files.
    """
    cells, conflicts = reader.cells, dict[tuple[int, str], int]()
    columns = {c: cells.column(c) for c in _list_columns_of_files(cells, path)} if repeats else {}
    values_of = {f: v for f, v in table.items() if f != "path"}
    for i, j in repeats.items():
        for column, texts in columns.items():
            if texts[i] != texts[j]:
                raise _two_files_error(i, j, column, table["path"][j], cells, path)
        for field, values in values_of.items():
            if values[i] != values[j] and not (pd.isna(values[i]) and pd.isna(values[j])):
                conflicts.setdefault((j, field), i)
    for (j, field), i in conflicts.items():
        reader.add(_contradiction(i, j, field, table["path"][j], cells), i, outcome=f"kept without its {field}")
        for name in (field, *_OF_A_TIME) if field == "captured_at" else (field,):
            table[name][j] = None
    joined = merge_repeats(names, repeats)
    files = set(repeats.values())
    for j in _find_empty_and_more(joined, files):
        error = ManifestError(
            "a file stands twice, as empty and not",
            where=cells.where(j),
            found=" and ".join(joined[j]),
            expected="one of the two",
            todo="correct one of the rows",
        )
        reader.add(error, j, outcome="kept without a label")
        joined[j] = ()
    n_several = sum(len(joined[j]) > 1 for j in files)
    note = (
        f"rows of a file that has a row already, joined with it: {len(repeats)}; "
        f"files of several names: {n_several}"
    )
    return joined, (note,) if repeats else ()


def _contradiction(i: int, j: int, field: str, path: str, cells: Cells) -> ManifestError:
    return ManifestError(
        "a file stands twice",
        where=f"{cells.where(j)} and row {cells.number(i)}",
        found=f"{path!r} with another {field}",
        expected="rows of one file that differ only in the species or the box",
        todo="correct one of them",
    )


def merge_repeats(names: Sequence[tuple[str, ...]], repeats: Mapping[int, int]) -> list[tuple[str, ...]]:
    """Return the names of each row, at the first row of a file those of all its rows.

    >>> merge_repeats([("leopard",), ("empty",), ("tiger",)], {2: 0})
    [('leopard', 'tiger'), ('empty',), ('tiger',)]
    """
    merged = list(names)
    for i, j in repeats.items():
        merged[j] = tuple(dict.fromkeys((*merged[j], *names[i])))
    return merged


def _list_columns_of_files(cells: Cells, path: str) -> list[str]:
    once = [c for c in cells.header if cells.header.count(c) == 1 and c not in path.split("/")]
    return [c for c in once if _OF_A_FILE.search(name_key(c))]


def _two_files_error(i: int, j: int, column: str, found: str, cells: Cells, path: str) -> ManifestError:
    return ManifestError(
        "one path stands for two files",
        where=f"{cells.where(j, path)} and row {cells.number(i)}",
        found=f"{found!r}, with another {column}",
        expected="a different path for each file",
        todo=f"if folder and name are in two columns, join them, such as --path '{column}/{path}'",
    )


def _find_empty_and_more(names: Sequence[tuple[str, ...]], files: set[int]) -> list[int]:
    amur = load_label_map("amur") if files else None
    is_empty = {j: [bool(amur and amur.knows(n) and amur.label(n) == EMPTY) for n in names[j]] for j in files}
    return [j for j in sorted(files) if any(is_empty[j]) and not all(is_empty[j])]
