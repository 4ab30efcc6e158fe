"""The three tables of a Camtrap DP package as cells, and the version of the format that the package names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.camtrap_dp.spec import MAIN, TABLES
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.safe_files import Package, gunzip, parse_json
from leopardnet.data.reading.tables.csv_cells import MISSING, Cells, read_cells, shorten_codes

# Columns that only versions from 1.0 on have, or that are useless to miss.
NEEDED = {
    "deployments": ("deploymentID",),
    "media": ("mediaID", "deploymentID", "timestamp", "filePath"),
    "observations": ("observationLevel", "observationType", "eventStart", "eventEnd"),
}
IDS = ("deploymentID", "locationID", "mediaID", "eventID")
_MISSING_BYTES = tuple(text.encode() for text in MISSING)
_VERSION = re.compile(r"camtrap-dp/v?(\d[\w.-]*)/")


def read_tables(package: Package, problems: Problems) -> tuple[dict[str, Cells], list[str]]:
    """Return the cells of each table, and notes on how they were read.

    Cells such as NA are empty, and ids such as `12.0` lose the point that other programs add where one is missing.
    Rows of another length than the header go to `problems`. Raises ManifestError for a package of another kind or
    version, and for a table that is no CSV inside it.
    """
    where = f"{package.name}, {MAIN}"
    data = parse_json(package.read(MAIN), name=where, expected="a Camtrap DP description")
    resources = data.get("resources") if isinstance(data, dict) else None
    if not isinstance(resources, list) or not all(isinstance(r, dict) for r in resources):
        raise ManifestError("the package describes no tables", where=where, expected="a list `resources`")
    version = find_version([data, *resources])
    if version and version.startswith("0"):
        raise _version_error(where, version)
    by_name = {str(r.get("name")): r for r in resources}
    missing = [t for t in TABLES if t not in by_name]
    if missing:
        raise ManifestError(
            "the package lacks a table",
            where=where,
            found="resources " + ", ".join(by_name),
            expected=", ".join(TABLES),
            todo="this may be another kind of data package",
        )
    tables, notes = dict[str, Cells](), list[str]()
    for t in TABLES:
        encoding = str(by_name[t].get("encoding") or "utf-8")
        tables[t], table_notes = _read_table(package, t, by_name[t].get("path"), encoding, problems)
        notes += table_notes
    for table, cells in tables.items():
        lacking = [c for c in NEEDED[table] if c not in cells.header]
        if lacking:
            found = f"{version or 'no version'}, and no column {', '.join(lacking)}"
            raise _version_error(cells.name, found)
    return tables, notes


def find_version(parts: Iterable[Mapping[str, Any]]) -> str | None:
    """Return the version of the format that an address of a profile or a schema names; None where none does.

    >>> find_version([{"profile": "https://raw.githubusercontent.com/tdwg/camtrap-dp/0.1.6/camtrap-dp-profile.json"}])
    '0.1.6'
    """
    texts = [part.get(key) for part in parts for key in ("profile", "$schema", "schema")]
    found = [m[1] for t in texts if isinstance(t, str) and (m := _VERSION.search(t))]
    return found[0] if found else None


def _version_error(where: str, found: str) -> ManifestError:
    return ManifestError(
        "the package is in another version of Camtrap DP",
        where=where,
        found=found,
        expected="1.0",
        todo="export it again as Camtrap DP 1.0, or convert it",
    )


def _read_table(
    package: Package, table: str, path: Any, encoding: str, problems: Problems
) -> tuple[Cells, tuple[str, ...]]:
    paths = path if isinstance(path, list) else [path]
    if len(paths) != 1 or not isinstance(paths[0], str):
        raise ManifestError(
            "a table must be one file of the package",
            where=f"{package.name}, {table}",
            found=repr(path)[:120],
            expected="a path",
        )
    member = paths[0].removeprefix("./")
    where = f"{package.name}, {member}"
    if re.search(r"^/|^[A-Za-z]:|\\|(^|/)\.\.(/|$)|://", member):
        raise ManifestError("a table lies outside the package", where=where, expected="a path inside the package")
    if not package.has(member):
        raise ManifestError("a table of the package is missing", where=where, expected=f"the {table} as CSV")
    data = package.read(member)
    if member.endswith(".gz"):
        data = gunzip(data, where=where)
    if data.startswith(b"PAR1"):
        raise ManifestError("a table is in Parquet", where=where, expected="CSV", todo="export the package as CSV")
    encoding = "utf-8-sig" if encoding.lower().replace("-", "") == "utf8" else encoding
    cells = read_cells(data, name=where, encoding=encoding, separator=",", problems=problems)
    is_rare = not any(text in data for text in _MISSING_BYTES)  # every cell must be looked at otherwise
    return cells, (*([] if is_rare else _empty_missing(cells)), *_shorten_ids(cells))


def _empty_missing(cells: Cells) -> list[str]:
    """Empty the missing cells of a table in place; return a note."""
    n_missing = 0
    for row in cells.rows:
        for k in [k for k, text in enumerate(row) if text.strip() in MISSING]:
            row[k], n_missing = "", n_missing + 1
    return [f"cells of {cells.name} such as NA and nan, read as missing: {n_missing}"] * bool(n_missing)


def _shorten_ids(cells: Cells) -> list[str]:
    """Shorten ids such as `12.0` in place; return a note for each column."""
    notes = []
    for k, name in enumerate(cells.header):
        texts = [row[k] or None for row in cells.rows] if name in IDS else []
        if (shortened := shorten_codes(texts)) is not texts:
            notes.append(f"column {name} of {cells.name} holds whole numbers written with .0, which was left out")
            for row, text in zip(cells.rows, shortened, strict=True):
                row[k] = text or ""
    return notes
