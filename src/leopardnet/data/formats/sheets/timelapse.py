"""A table that Timelapse imports: `File`, `RelativePath`, and one column for each data label of a template.

Timelapse finds the row of a file by folder and name, and refuses a table with any column that is not a data label.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from leopardnet.core.errors import ConfigError
from leopardnet.core.tables import atomic_path
from leopardnet.data.formats.sheets.spreadsheet import harmless_text, runs_as_formula
from leopardnet.data.formats.write_result import WriteResult

FILE_COLUMNS = ("File", "RelativePath")
UNSAFE = "a name that a spreadsheet would run as a formula, and that Timelapse would not find after a change"


def write_timelapse(rows: Iterable[Mapping[str, Any]], out: Path, *, columns: Mapping[str, str]) -> WriteResult:
    """Write one row for each file to `out`.

    rows: values by field, including `path`. columns: the field that fills each data label, such as
    {"Species": "decision"}. Raises ConfigError for names that cannot be data labels of Timelapse.
    """
    _check_labels(columns)
    text, n, reasons = io.StringIO(newline=""), 0, Counter[str]()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([*FILE_COLUMNS, *columns])
    for row in rows:
        folder, _, name = row["path"].rpartition("/")
        place = [name, folder.replace("/", "\\")]
        if any(map(runs_as_formula, place)):
            reasons[UNSAFE] += 1
            continue
        writer.writerow([*place, *(_format_cell(row[field]) for field in columns.values())])
        n += 1
    with atomic_path(Path(out)) as part:
        part.write_text(text.getvalue(), "utf-8", newline="")
    return WriteResult(Path(out), n, sum(reasons.values()), dict(reasons))


def _check_labels(columns: Mapping[str, str]) -> None:
    wrong: Sequence[str] = [c for c in columns if not c.isidentifier() or not c.isascii() or c in FILE_COLUMNS]
    if wrong or not columns:
        raise ConfigError(
            "Timelapse has no such data label",
            where="columns",
            found=wrong[0] if wrong else "none",
            expected="names as in the template: letters, digits and _, such as Species",
        )


def _format_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bool):
        return str(value).lower()
    return harmless_text(value) if isinstance(value, str) else str(value)
