"""Manifests as people keep them: as leopardnet wrote them, or as a spreadsheet program saved them again.

Such a program changes what it takes for numbers and dates. What the path of a row proves is put right, what is
certainly wrong is refused, and what was put right is said.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from leopardnet.core.columns import MANIFEST
from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id, read_table
from leopardnet.data.reading.tables.date_form import DateForm
from leopardnet.data.reading.tables.people_table import (
    SHEET_SUFFIXES,
    TEXT_SUFFIXES,
    PeopleTable,
    read_people_table,
)
from leopardnet.data.reading.tables.saved_table import parse_saved_cells
from leopardnet.data.reading.tables.text_encoding import CANDIDATES

TABLE_SUFFIXES = (".parquet", *TEXT_SUFFIXES, *SHEET_SUFFIXES)
CODES = ("site", "deployment")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?")
_OWN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}")
_OWN_HEAD = b"clip_id,"
_OFFSET = re.compile(r"([+-]?)(\d\d?:\d\d)(?::00)?")
_NO_SECONDS = re.compile(r".*[ T]\d\d?:\d\d")


def read_manifest(path: Path, *, root: Path | None = None) -> Manifest:
    """Read a manifest in .parquet, .csv, .tsv, .xlsx, .xls or .ods. `root` overrides the root that the file names.

    Encoding, separator, decimal sign and form of the dates may be those of any spreadsheet program. Ids that it has
    rounded, sites such as 007 that are 7 now, and offsets such as +10:00 are put right; `notes` of the manifest
    says what was done. Raises ManifestError for a table that is not a manifest, for paths that are not those of
    their ids, and as `read_saved_table`.

    >>> ln.read_manifest(Path("season.xlsx")).where(split="test")  # doctest: +SKIP
    """
    notes: list[str] = []
    manifest = Manifest.read(Path(path), root=root, read=partial(_read_rows, notes=notes))
    return replace(manifest, notes=tuple(notes))


def _read_rows(path: Path, notes: list[str]) -> pd.DataFrame:
    if path.suffix.lower() == ".parquet":
        return read_table(path)
    sheet = _read_texts(path)
    has_ids = "clip_id" in sheet.columns  # then the encoding is certain
    notes += [note for note in sheet.notes if not (has_ids and "--encoding" in note)]
    if "path" not in sheet.columns:
        raise ManifestError(
            "this table is not a manifest",
            where=sheet.name,
            found="columns " + ", ".join(sheet.headers),
            expected="at least the columns path and kind",
            todo="make one with `leopardnet scan`, or with `leopardnet import csv`, to which you name your columns",
        )
    zones = [_write_offset(text) for text in sheet.columns.get("time_zone", ())]
    sheet = replace(sheet, columns=sheet.columns | ({"time_zone": zones} if zones else {}))
    table = parse_saved_cells(sheet, MANIFEST)
    times = [text for text in sheet.columns.get("captured_at", ()) if text]
    if times and all(map(_NO_SECONDS.fullmatch, times)):
        notes.append(f"the times in {sheet.name} have no seconds; programs save only what a column shows")
    if not has_ids:
        return table
    with path.open("rb") as file:
        is_own = file.read(len(_OWN_HEAD)) == _OWN_HEAD and all(map(_OWN_TIME.fullmatch, times))
    for column in (c for c in CODES if c in table.columns):
        table[column] = _restore_codes(sheet, column, notes, is_own=is_own)
    return table.drop(columns="clip_id")


def _read_texts(path: Path) -> PeopleTable:
    """Return the texts of a table, in the encoding with which its paths are those of their ids."""
    sheet = read_people_table(path, keep_spaces=True)
    error = _find_wrong_path(sheet)
    if error is None:
        return sheet
    for encoding in CANDIDATES if path.suffix.lower() in TEXT_SUFFIXES else ():
        with suppress(ManifestError):
            other = read_people_table(path, encoding=encoding, keep_spaces=True)
            if _find_wrong_path(other) is None:
                return other
    raise error


def _write_offset(text: str) -> str:
    """Return the offset of a zone, such as +10:00, that was taken for a time of day; other texts as they are."""
    found = _OFFSET.fullmatch(text)
    return f"{found[1] or '+'}{found[2].zfill(5)}" if found else text


def _find_wrong_path(sheet: PeopleTable) -> ManifestError | None:
    """Return the error of the first id that is not that of its path, and no number that a program has rounded."""
    paths, given_ids = (sheet.columns.get(name, []) for name in ("path", "clip_id"))
    ids = {path: clip_id(path) for path in set(paths) if path}
    for i, (path, given) in enumerate(zip(paths, given_ids, strict=False)):
        if not path or not given or given == ids[path] or _is_rounded(given, ids[path]):
            continue
        return ManifestError(
            "a path is not the one that its clip_id was made of",
            where=sheet.where(i, "path"),
            found=path,
            expected=f"the path of {given}",
            todo="save the original manifest again as .xlsx or as CSV in UTF-8, because letters may be lost; where "
            "you have changed the paths yourself, delete the column clip_id",
        )
    return None


def _restore_codes(sheet: PeopleTable, column: str, notes: list[str], *, is_own: bool) -> pd.Series[str]:
    """Return the sites or deployments of a table; one that is no folder of its path becomes the folder it was.

    is_own: the table looks as leopardnet wrote it; then nothing is changed, but noted.
    """
    codes, changed = sheet.columns[column], {}
    for i, (path, code) in enumerate(zip(sheet.columns["path"], codes, strict=True)):
        folders = path.split("/")[:-1]
        if not code or code in folders:
            continue
        was = {folder for folder in folders if _is_same_number(code, folder) or _is_same_day(code, folder)}
        if len(was) == 1:
            changed[i] = was.pop()
    for code, folder in sorted({(codes[i], folder) for i, folder in changed.items()})[:3]:
        notes.append(
            f"column {column} of {sheet.name}: {code} may have been {folder}, as in the paths"
            if is_own
            else f"column {column} of {sheet.name}: {code} was read as {folder}, as in the paths"
        )
    changed = {} if is_own else changed
    return pd.Series([changed.get(i, code) or None for i, code in enumerate(codes)], dtype="str")


def _is_same_number(shown: str, text: str, *, share: float = 0.0) -> bool:
    """Return whether two texts are the same number, or differ by no more than a share of it."""
    if not (_NUMBER.fullmatch(shown) and _NUMBER.fullmatch(text)):
        return False
    now, before = (float(x.replace(",", ".")) for x in (shown, text))
    return now == before or abs(now - before) < share * before


def _is_rounded(shown: str, text: str) -> bool:
    """Return whether a program that takes `text` for a number may show it as `shown`, with fewer digits."""
    digits = re.sub(r"[eE].*|[.,]", "", shown)
    return _is_same_number(shown, text, share=10.0 ** (1 - min(len(digits), 15)))


def _is_same_day(shown: str, text: str) -> bool:
    """Return whether two texts are the same day, in whatever form."""
    days = [DateForm("dmy").read(x, "00:00:00") for x in (shown, text)]
    return days[0] is not None and days[0] == days[1]
