"""The clips of a report in files beside its page.

A page that was opened from disk may not read files; it may only run scripts. So each file is a script with one
call, which hands over JSON as a text. `list-N.js` holds what filters, search and orders need of 10,000 clips each;
`page-N.js` holds pictures, frames and facts of 100 clips each, from page-1 on, because the page itself holds the
first. Each names the report that it belongs to.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from leopardnet.core.errors import LeopardnetError
from leopardnet.core.tables import MAX_NAME
from leopardnet.pages.table_rows import encode_json
from leopardnet.report.paging.clip_rows import ClipRows
from leopardnet.report.paging.paging_settings import FIRST_CLIPS, PagingSettings

LIST_ROWS, PAGE_ROWS = 10_000, FIRST_CLIPS
LISTED = ("clip_id", "path", "captured", "score", "best", "given", "place", "suspicion", "top")
CODED = ("kind", "site", "status", "decision", "rule", "truth", "verdict", "alerts")  # columns of few values
DETAILS = ("reason", "n_frames", "probs", "times")
OF_SOME = ("frames", "boxes", "thumbs")  # by row number
NAMES = re.compile(r"(list|page)-\d+\.js")
Boxes = dict[str, Sequence[Any]]
"""By clip_id the boxes on the picture, the best first."""


def place_clips(rows: ClipRows, page: Path, made: Path, *, paging: PagingSettings) -> tuple[dict[str, Any], Boxes]:
    """Return the data of the clips as the page holds them, and the boxes of all clips.

    Where `paging` does not allow one file, the page holds the first 100, and the others are written to files in the
    new folder `made`; `files` then says where the page finds them, and is None otherwise.
    """
    n, boxes = len(rows), Boxes()
    facts: dict[str, Any] = {"n_clips": n, "files": None}
    if paging.is_one_file(n):
        whole = rows.read(0, n)
        return facts | whole, _boxes_by_clip(whole)
    made.mkdir()
    starts = range(0, n, LIST_ROWS)
    for i_list, first in enumerate(starts):
        block = rows.read(first, min(first + LIST_ROWS, n))
        boxes |= _boxes_by_clip(block)
        _write(made, rows.key, f"list-{i_list}", _list_columns(block))
        for start in range(0, len(block["clip_id"]), PAGE_ROWS):
            part = _cut(block, start, start + PAGE_ROWS)
            if first == start == 0:
                facts |= part
                continue
            details = {name: part[name] for name in (*DETAILS, *OF_SOME, "hidden")}
            _write(made, rows.key, f"page-{(first + start) // PAGE_ROWS}", details)
    folder = find_clip_folder(page).name
    files = {"folder": folder, "url": quote(os.fsencode(folder)), "key": rows.key}
    return facts | {"files": files | {"n_lists": len(starts), "page_rows": PAGE_ROWS}}, boxes


def find_clip_folder(page: Path) -> Path:
    """Return where the files of a page are.

    >>> find_clip_folder(Path("report.html")).name
    'report_files'
    """
    return page.with_name(f"{page.stem}_files")


@contextmanager
def replace_clip_files(page: Path) -> Iterator[Path]:
    """Yield a path for a new folder, whose files replace those of an earlier report when the block succeeds.

    Other files in the folder of the page stay. Where the block makes no folder, none is left. Raises
    LeopardnetError where a file has the name of the folder.
    """
    folder = find_clip_folder(page)
    if folder.exists() and not folder.is_dir():
        raise LeopardnetError(
            "the files of the report have no place",
            where=folder.name,
            found="a file of this name",
            expected="nothing, or a folder",
            todo="move that file, or choose another --out",
        )
    page.parent.mkdir(parents=True, exist_ok=True)
    made = folder.with_name(f".{folder.name[:MAX_NAME]}.{os.getpid()}.part")
    try:
        yield made
        olds = list(folder.iterdir()) if folder.is_dir() else []
        for old in olds:
            if NAMES.fullmatch(old.name):
                old.unlink()
        if made.is_dir():
            folder.mkdir(exist_ok=True)
            for new in made.iterdir():
                new.replace(folder / new.name)
        elif olds and not any(folder.iterdir()):
            folder.rmdir()
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _write(folder: Path, key: str, name: str, value: object) -> None:
    """Write a script that hands over a value. Its JSON is ASCII and stands between single quotes."""
    words = encode_json(value).replace("\\", "\\\\").replace("'", "\\'")
    (folder / f"{name}.js").write_text(f"leopardnetReport('{key}','{name}','{words}');\n", "ascii")


def _list_columns(rows: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of the list; those of few values as {"names": each value once, "codes": their places}."""
    coded = {}
    for column in CODED:
        places: dict[Any, int] = {}
        keys = [tuple(v) if isinstance(v, list) else v for v in rows[column]]
        codes = [places.setdefault(key, len(places)) for key in keys]
        coded[column] = {"names": list(places), "codes": codes}
    return {column: rows[column] for column in LISTED} | coded


def _cut(rows: Mapping[str, Any], first: int, last: int) -> dict[str, Any]:
    """Return some rows of all columns, counted from `first`."""
    cut = {name: rows[name][first:last] for name in (*LISTED, *CODED, *DETAILS)}
    ids = range(first, min(last, len(rows["clip_id"])))
    some = {name: {str(i - first): rows[name][str(i)] for i in ids if str(i) in rows[name]} for name in OF_SOME}
    return cut | some | {"hidden": [i - first for i in rows["hidden"] if first <= i < last]}


def _boxes_by_clip(rows: Mapping[str, Any]) -> Boxes:
    return {rows["clip_id"][int(i)]: found for i, found in rows["boxes"].items()}
