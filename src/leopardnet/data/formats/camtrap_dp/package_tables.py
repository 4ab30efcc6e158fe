"""The three tables of a Camtrap DP package as cells, and the version of the format that the package names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.camtrap_dp.spec import MAIN, MISSING, TABLES
from leopardnet.data.reading.csv_cells import Cells, read_cells
from leopardnet.data.reading.safe_files import Package, gunzip, parse_json

# Columns that only versions from 1.0 on have, or that are useless to miss.
NEEDED = {
    "deployments": ("deploymentID",),
    "media": ("mediaID", "deploymentID", "timestamp", "filePath"),
    "observations": ("observationLevel", "observationType", "eventStart", "eventEnd"),
}
_VERSION = re.compile(r"camtrap-dp/v?(\d[\w.-]*)/")


def read_tables(package: Package) -> dict[str, Cells]:
    """Return the cells of each table; cells that the format takes for missing, such as NA, are empty.

    Raises ManifestError for a package of another kind or version, and for a table that is no CSV inside it.
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
    tables = {
        t: _read_table(package, t, by_name[t].get("path"), str(by_name[t].get("encoding") or "utf-8"))
        for t in TABLES
    }
    for table, cells in tables.items():
        lacking = [c for c in NEEDED[table] if c not in cells.header]
        if lacking:
            found = f"{version or 'no version'}, and no column {', '.join(lacking)}"
            raise _version_error(cells.name, found)
    return tables


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


def _read_table(package: Package, table: str, path: Any, encoding: str) -> Cells:
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
    cells = read_cells(data, name=where, encoding=encoding, separator=",")
    if re.search(rb"\b(?:NA|NaN|nan)\b", data):  # rare, and every cell must be looked at then
        blank = dict.fromkeys(MISSING, "")
        rows = [[blank.get(c.strip(), c) for c in row] for row in cells.rows]
        return Cells(cells.name, cells.header, rows, cells.separator, cells.notes)
    return cells
