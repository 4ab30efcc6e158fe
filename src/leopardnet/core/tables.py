"""Tables and files that commands exchange: check against `core.columns`, read, and write atomically."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.columns import FIRST_ROW, FLOAT, INT, STRING, TIME, Column
from leopardnet.core.errors import ManifestError

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

MAX_NAME = 40  # of the characters of a temporary name, so that what is added fits however long the name is
CSV_TIME = "%Y-%m-%dT%H:%M:%S.%f"
CSV_ROWS = 50_000  # as text in memory at a time


def clip_id(path: str) -> str:
    """Return sixteen hex digits from the NFC form of a relative POSIX path: the same on every system.

    >>> clip_id("site01/DCIM/IMAG0001.AVI")
    '8c843192c37ae731'
    """
    return hashlib.sha256(unicodedata.normalize("NFC", path).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def schema(columns: Sequence[Column], *, unique: Sequence[str] = ()) -> pa.DataFrameSchema:
    """Return the pandera schema of these columns."""
    import pandera.pandas as pa

    def one(c: Column) -> pa.Column:
        checks = [pa.Check(c.check, error=c.rule, ignore_na=True)] if c.check else []
        return pa.Column(c.dtype, checks=checks, nullable=c.nullable, coerce=True, description=c.meaning)

    return pa.DataFrameSchema(
        {c.name: one(c) for c in columns}, strict=True, ordered=False, unique=list(unique) or None
    )


def conform(
    table: pd.DataFrame, columns: Sequence[Column], *, where: str, unique: Sequence[str] = ()
) -> pd.DataFrame:
    """Return `table` with exactly these columns, in this order and dtype. Absent nullable columns become empty.

    Raises ManifestError for unknown or missing columns, and for the first invalid value; the header is
    row 1. `where` names the table in the error, `unique` the columns that together identify a row.
    """
    known = [c.name for c in columns]
    unknown = [str(c) for c in table.columns if c not in known]
    missing = [c.name for c in columns if c.name not in table.columns and not c.nullable]
    if unknown or missing:
        raise _column_error(columns, unknown, missing, where)
    empty: dict[str, Any] = {
        c.name: _empty_column(c.dtype, table.index) for c in columns if c.name not in table.columns
    }
    table = table.assign(**empty)[known].reset_index(drop=True)
    table = _cast_plain(table, columns)
    if _is_conform(table, columns, unique):
        return table
    import pandera.errors

    try:
        checked = schema(columns, unique=unique).validate(table, lazy=True)
    except pandera.errors.SchemaErrors as error:
        raise _table_error(error.failure_cases, columns, where) from None
    # pandera may change the unit of times
    return checked.astype({c.name: TIME for c in columns if c.dtype == TIME})


def _column_error(
    columns: Sequence[Column], unknown: Sequence[str], missing: Sequence[str], where: str
) -> ManifestError:
    """Return the error of missing columns, with what is needed at least, or else of unknown ones."""
    # Manifests make the clip_id of the path.
    needed = [c.name for c in columns if not c.nullable and (c.name != "clip_id" or "clip_id" in missing)]
    return ManifestError(
        "the table has the wrong columns",
        where=where,
        found=f"no column {', '.join(missing)}" if missing else f"unknown columns: {', '.join(unknown)}",
        expected=f"at least the columns {', '.join(needed)}" if missing else ", ".join(c.name for c in columns),
        todo="create the table with `leopardnet scan` or `leopardnet import`, or rename the columns",
    )


def _cast_plain(table: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Return the table with the dtypes of columns whose values stay as they are: texts, whole numbers, nothing."""
    import pandas as pd

    plain = {STRING: ("string", "empty"), INT: ("integer", "empty")}
    casts: dict[str, Any] = {}
    for c in columns:
        dtype = str(table[c.name].dtype)
        if dtype == c.dtype or dtype not in ("object", "int64"):
            continue
        if pd.api.types.infer_dtype(table[c.name], skipna=True) in plain.get(c.dtype, ("empty",)):
            casts[c.name] = c.dtype
    return table.astype(casts) if casts else table


def _is_conform(table: pd.DataFrame, columns: Sequence[Column], unique: Sequence[str]) -> bool:
    """Return whether nothing needs to be changed or explained, for which pandera would have to be loaded."""
    for c in columns:
        values = table[c.name]
        is_there = values.notna()
        if str(values.dtype) != c.dtype or not (c.nullable or is_there.all()):
            return False
        if c.check and not c.check(values[is_there]).all():
            return False
    return not (unique and table.duplicated(list(unique)).any())


def _table_error(cases: pd.DataFrame, columns: Sequence[Column], where: str) -> ManifestError:
    import pandas as pd

    case = cases.iloc[0]
    column = next((c for c in columns if c.name == case["column"]), None)
    row = f", row {int(case['index']) + FIRST_ROW}" if pd.notna(case["index"]) else ""
    more = f" (and {len(cases) - 1} more)" if len(cases) > 1 else ""
    if "unique" in str(case["check"]) or column is None:
        return ManifestError(
            "a row of the table is repeated",
            where=where + row,
            found=f"{case['column']} {case['failure_case']!r}{more}",
            expected="each row once",
            todo="remove the second row",
        )
    return ManifestError(
        "a value in the table cannot be used",
        where=f"{where}{row}, column {column.name}",
        found=f"{case['failure_case']!r}{more}",
        expected=column.rule or column.dtype + ("" if column.nullable else ", never empty"),
    )


def _empty_column(dtype: str, index: pd.Index[Any]) -> pd.Series[Any]:
    import pandas as pd

    value: Any = {FLOAT: np.nan, INT: pd.NA, TIME: np.datetime64("NaT", "us")}.get(dtype)
    return pd.Series([value] * len(index) if dtype == STRING else value, index=index, dtype=dtype)


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path that replaces `path` when the block succeeds and is deleted when it fails.

    An OSError about the temporary file names `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name[:MAX_NAME]}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.errno is None or temporary.name not in str(error):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from None
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder that takes the place of `path` when the block succeeds and is deleted when it fails.

    An older folder at `path` stays until then.
    """
    temporary = path.with_name(f".{path.name}.part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_table(table: pd.DataFrame, path: Path) -> Path:
    """Write a .csv or .parquet file atomically and return `path`. Raises ManifestError for another suffix."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise ManifestError("unknown table format", where=path.name, expected=".csv or .parquet")
    with atomic_path(path) as part:
        if suffix == ".parquet":
            table.to_parquet(part, index=False)
        else:
            append_csv(table, part)
    return path


def append_csv(table: pd.DataFrame, path: Path) -> None:
    """Append the rows to a CSV file; a new file begins with a header. The bytes are those of pandas.

    Cells with a comma, a quote or the end of a line are quoted. Columns are joined to lines by arrow, which takes a
    quarter of the time.
    """
    import pandas as pd

    is_new = not path.exists() or path.stat().st_size == 0
    header = pd.DataFrame([[str(name) for name in table.columns]], dtype=object)
    with path.open("ab") as file:
        for part in [header, *(table[i : i + CSV_ROWS] for i in range(0, len(table), CSV_ROWS))][not is_new :]:
            file.write(_join_cells(part))


def _join_cells(table: pd.DataFrame) -> bytes:
    """Return the rows as lines of CSV."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(table.columns):
        return b"\n" * len(table)
    columns = [_write_cells(column) for _, column in table.items()]
    if len(columns) == 1:  # a line without anything would be no row
        columns = [pc.if_else(pc.equal(columns[0], ""), '""', columns[0])]
    lines = pc.binary_join_element_wise(*columns, ",").cast(pa.binary())
    return bytes(pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), b"\n")[0].as_py() + b"\n")


def _write_cells(column: pd.Series[Any]) -> Any:
    """Return a column as an arrow array of the texts of its cells, empty for a missing one."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        times = pa.array(column.dt.tz_localize(None).astype(TIME)).cast(pa.string())  # with all six digits
        return pc.fill_null(pc.replace_substring(times, " ", "T"), "")
    if column.dtype == FLOAT:
        return _write_floats(column.to_numpy())
    if isinstance(column.dtype, pd.StringDtype):
        texts = pc.fill_null(pa.array(column, pa.string()), "")
    else:
        pairs = zip(column.array, column.notna().tolist(), strict=True)
        texts = pa.array([str(x) if is_there else "" for x, is_there in pairs], pa.string())
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    needs_quotes = pc.match_substring_regex(texts, '[",\r\n]')
    if not pc.any(needs_quotes).as_py():
        return texts
    quoted = pc.binary_join_element_wise('"', pc.replace_substring(texts, '"', '""'), '"', "")
    return pc.if_else(needs_quotes, quoted, texts)


def _write_floats(values: NDArray[np.float64]) -> Any:
    """Return numbers as an arrow array of texts, as Python writes them; nan is empty.

    Arrow writes the same digits, but 1.0 as 1, and has other limits for exponents.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    size = np.abs(values)
    is_other = ~((size >= 1e-4) & (size < 1e10)) | (values == np.rint(values))
    others = ["" if x != x else repr(x) for x in values[is_other].tolist()]
    return pc.replace_with_mask(pa.array(values).cast(pa.string()), is_other, pa.array(others, pa.string()))


def read_table(path: Path) -> pd.DataFrame:
    """Read a .csv or .parquet file. All columns of a CSV are text, and 'NA' is a name, not a missing value.

    Raises ManifestError for a file that is missing, unreadable or of another format.
    """
    import pandas as pd

    path, suffix = Path(path), Path(path).suffix.lower()
    refuse_missing_table(path)
    try:
        if suffix == ".parquet":
            return pd.read_parquet(path)
        if suffix == ".csv":
            return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, NotImplementedError) as error:
        said = f"{type(error).__name__}: {str(error)[:200]}"
        raise ManifestError(
            "the table cannot be read",
            where=path.name,
            found=said if path.stat().st_size else "an empty file (0 bytes)",
            expected="a complete .csv file in UTF-8" if suffix == ".csv" else "a complete .parquet file",
            todo="make it again, or copy it again: it was probably cut off",
        ) from None
    raise ManifestError("unknown table format", where=path.name, expected=".csv or .parquet")


def refuse_missing_table(path: Path) -> None:
    """Raise ManifestError where there is no file, or a folder in its place."""
    if path.is_dir():
        raise ManifestError(
            "this is a folder, and a table is needed",
            where=path,
            todo="make a manifest of it with `leopardnet scan`, or `import folders` where its folders are labels",
        )
    if not path.is_file():
        raise ManifestError(
            "there is no such table",
            where=path,
            todo="check the path; `leopardnet scan` and `import` make manifests, `predict` makes predictions",
        )


def write_json(value: object, path: Path) -> None:
    """Write a JSON file, indented, in UTF-8, atomically."""
    with atomic_path(path) as part:
        part.write_text(json.dumps(value, indent=2, ensure_ascii=False), "utf-8")
