"""The tables that verbs hand to each other: their columns, and reading and writing them without loss.

A column has a name, a dtype, a meaning, and may or may not be empty. Every table goes through its schema when it is
read and when it is written, so a wrong file is refused with the row and the column at fault.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from leopardnet.core.types import ManifestError

if TYPE_CHECKING:
    import pandera.pandas as pa

CSV_TIME = "%Y-%m-%dT%H:%M:%S.%f"
STRING, FLOAT, INT, TIME = "str", "float64", "Int64", "datetime64[us]"
KINDS = ("video", "still", "burst", "frame")
SPLITS = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its dtype, whether it may be empty, what it means, and an optional check on its values.

    A check gets the values that are present and gives True where they are right; `rule` says it in words.
    """

    name: str
    dtype: str
    nullable: bool
    meaning: str
    check: Callable[[pd.Series[Any]], pd.Series[bool]] | None = None
    rule: str = ""


def _is_relative_posix(s: pd.Series[Any]) -> pd.Series[bool]:
    bad = s.str.contains(r"\\|^/|^~|^[A-Za-z]:|(?:^|/)\.\.(?:/|$)|\x00", regex=True)
    return ~bad & (s.str.len() > 0)


def _is_list_of_paths(s: pd.Series[Any]) -> pd.Series[bool]:
    def safe(text: str) -> bool:
        try:
            paths = json.loads(text)
        except (ValueError, RecursionError):
            return False
        if not (isinstance(paths, list) and paths and all(isinstance(p, str) for p in paths)):
            return False
        return bool(_is_relative_posix(pd.Series(paths, dtype="str")).all())

    return s.map(safe).astype(bool)


def _one_of(values: Sequence[str]) -> Callable[[pd.Series[Any]], pd.Series[bool]]:
    return lambda s: s.isin(list(values))


def _not_negative(s: pd.Series[Any]) -> pd.Series[bool]:
    return (s >= 0) & (s < np.inf)


def _finite(s: pd.Series[Any]) -> pd.Series[bool]:
    return s.abs() < np.inf


def _probability(s: pd.Series[Any]) -> pd.Series[bool]:
    return (s >= 0) & (s <= 1)


MANIFEST = (
    Column("clip_id", STRING, False, "hash of the path; joins every table"),
    Column("kind", STRING, False, "video, still, burst, or frame (a labelled frame of a video)", _one_of(KINDS), "one of " + ", ".join(KINDS)),
    Column("path", STRING, False, "POSIX path relative to the root; of a burst, its first still", _is_relative_posix, "a relative path with forward slashes and no '..'"),
    Column("paths", STRING, True, "all stills of a burst as a JSON list", _is_list_of_paths, "a JSON list of relative paths"),
    Column("time_s", FLOAT, True, "of a labelled frame: seconds from the start of the video", _not_negative, "0 or more"),
    Column("frame_number", INT, True, "of a labelled frame: its number in decode order, from 0", _not_negative, "0 or more"),
    Column("site", STRING, True, "the place; what a split keeps together"),
    Column("deployment", STRING, True, "one camera at one site for one period"),
    Column("sequence_id", STRING, True, "files of one trigger"),
    Column("captured_at", TIME, True, "local time of the camera, after clock correction, without a zone"),
    Column("time_zone", STRING, True, "IANA zone or fixed offset of captured_at; empty: not known"),
    Column("time_source", STRING, True, "where the time comes from: exif, quicktime, riff, filename, mtime, table"),
    Column("label", STRING, True, "what is in it, in the words of the label set"),
    Column("species", STRING, True, "what the source called it, before the label map"),
    Column("label_source", STRING, True, "human or machine", _one_of(("human", "machine")), "human or machine"),
    Column("boxes", STRING, True, "JSON list of {xyxy, label?, score?}"),
    Column("box_unit", STRING, True, "px or fraction: what xyxy is measured in", _one_of(("px", "fraction")), "px or fraction"),
    Column("width_px", INT, True, "of the picture", _not_negative, "0 or more"),
    Column("height_px", INT, True, "of the picture", _not_negative, "0 or more"),
    Column("split", STRING, True, "train, val, test or fold0, fold1, …"),
    Column("source", STRING, True, "the scan or import that made the row"),
)  # fmt: skip

PREDICTIONS_HEAD = (
    Column("clip_id", STRING, False, "hash of the path; joins every table"),
    Column("path", STRING, False, "POSIX path relative to the root", _is_relative_posix, "a relative path with forward slashes and no '..'"),
    Column("kind", STRING, False, "video, still or burst", _one_of(KINDS[:3]), "one of " + ", ".join(KINDS[:3])),
    Column("site", STRING, True, "from the manifest"),
    Column("captured_at", TIME, True, "from the manifest"),
    Column("status", STRING, False, "ok, partial (some frames could not be read) or unreadable", _one_of(("ok", "partial", "unreadable")), "ok, partial or unreadable"),
    Column("reason", STRING, True, "why the status is not ok"),
    Column("decision", STRING, False, "the label that is said, 'animal', 'unsure' or 'unreadable'"),
    Column("rule", STRING, False, "the rule that decided: species, rolled_up, abstained, empty, none"),
    Column("score", FLOAT, True, "probability of the decision", _probability, "between 0 and 1"),
    Column("alert", STRING, True, "the target label that a person should look at first"),
)  # fmt: skip

PREDICTIONS_TAIL = (
    Column("n_frames", INT, False, "frames that were decoded and judged", _not_negative, "0 or more"),
    Column(
        "best_time_s",
        FLOAT,
        True,
        "time of the frame that speaks most for the decision",
        _finite,
        "a finite number",
    ),
    Column("evidence_times_s", STRING, True, "times of the frames that carry the decision, strongest first"),
    Column(
        "duration_s", FLOAT, True, "length of the clip as its container says; a hint", _not_negative, "0 or more"
    ),
    Column("fps", FLOAT, True, "frames a second as its container says; a hint", _not_negative, "0 or more"),
    Column("width_px", INT, True, "of the picture as stored", _not_negative, "0 or more"),
    Column("height_px", INT, True, "of the picture as stored", _not_negative, "0 or more"),
    Column("bundle_id", STRING, False, "the model that judged"),
    Column("labels_id", STRING, False, "its label set"),
)

EVIDENCE_HEAD = (
    Column("clip_id", STRING, False, "hash of the path"),
    Column("i_frame", INT, False, "position among the judged frames", _not_negative, "0 or more"),
    Column("time_s", FLOAT, False, "presentation time as decoded", _finite, "a finite number"),
)

EVIDENCE_TAIL = (
    Column("boxes", STRING, True, "JSON list of {xyxy, score}, the best first; [] where a detector found nothing, empty where none looked"),
    Column("box_source", STRING, True, "what found the boxes"),
)  # fmt: skip

FINDINGS = (
    Column("severity", STRING, False, "error, warning or info", _one_of(("error", "warning", "info")), "error, warning or info"),
    Column("rule", STRING, False, "short name of the check"),
    Column("row", INT, True, "row of the manifest, counted from 1 below the header"),
    Column("path", STRING, True, "file"),
    Column("message", STRING, False, "what is wrong and what to do"),
)  # fmt: skip


def predictions_columns(labels: Sequence[str]) -> tuple[Column, ...]:
    """The columns of a predictions table for these labels: one `p_<label>` each.

    >>> [c.name for c in predictions_columns(["leopard", "empty"])][11:13]
    ['p_leopard', 'p_empty']
    """
    probs = (
        Column(f"p_{x}", FLOAT, True, f"calibrated probability of {x}", _probability, "between 0 and 1")
        for x in labels
    )
    return (*PREDICTIONS_HEAD, *probs, *PREDICTIONS_TAIL)


def evidence_columns(labels: Sequence[str]) -> tuple[Column, ...]:
    """The columns of an evidence table: one row per judged frame. Boxes are in fractions of the upright frame."""
    probs = (
        Column(f"p_{x}", FLOAT, True, f"of this frame alone: {x}", _probability, "between 0 and 1") for x in labels
    )
    return (*EVIDENCE_HEAD, *probs, *EVIDENCE_TAIL)


def labels_of(predictions: pd.DataFrame) -> tuple[str, ...]:
    """The labels of a predictions or evidence table, in class order."""
    return tuple(str(c)[2:] for c in predictions.columns if str(c).startswith("p_"))


def clip_id(path: str) -> str:
    """Sixteen hex digits from the NFC form of a relative POSIX path: the same on every system.

    >>> clip_id("site01/DCIM/IMAG0001.AVI")
    '8c843192c37ae731'
    """
    return hashlib.sha256(unicodedata.normalize("NFC", path).encode("utf-8", "surrogatepass")).hexdigest()[:16]


# --- schema ---


def schema(columns: Sequence[Column], *, unique: Sequence[str] = ()) -> pa.DataFrameSchema:
    """The pandera schema of these columns."""
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
    """`table` with exactly these columns, in this order, with their dtypes. Absent nullable columns become empty.

    Raises ManifestError with the first row and column at fault, counted from 1 below the header.
    """
    import pandera.errors

    known = [c.name for c in columns]
    unknown = [str(c) for c in table.columns if c not in known]
    missing = [c.name for c in columns if c.name not in table.columns and not c.nullable]
    if unknown or missing:
        raise ManifestError(
            "the table does not have the columns it should",
            where=where,
            found=f"unknown {unknown}" if unknown else f"missing {missing}",
            expected=", ".join(known),
            todo="make the table with `leopardnet scan` or `leopardnet import`, or rename the columns",
        )
    empty: dict[str, Any] = {
        c.name: empty_column(c.dtype, table.index) for c in columns if c.name not in table.columns
    }
    table = table.assign(**empty)[known].reset_index(drop=True)
    try:
        checked = schema(columns, unique=unique).validate(table, lazy=True)
    except pandera.errors.SchemaErrors as error:
        raise _table_error(error.failure_cases, columns, where) from None
    # pandera widens the unit of times; the table keeps microseconds
    return checked.astype({c.name: TIME for c in columns if c.dtype == TIME})


def _table_error(cases: pd.DataFrame, columns: Sequence[Column], where: str) -> ManifestError:
    case = cases.iloc[0]
    column = next((c for c in columns if c.name == case["column"]), None)
    row = f", row {int(case['index']) + 1}" if pd.notna(case["index"]) else ""
    more = f" (and {len(cases) - 1} more)" if len(cases) > 1 else ""
    if "unique" in str(case["check"]) or column is None:
        return ManifestError(
            "a row stands twice in the table", where=where + row, found=f"{case['column']} {case['failure_case']!r}{more}",
            expected="each row once", todo="take the second row out",
        )  # fmt: skip
    return ManifestError(
        "a value in the table cannot be used",
        where=f"{where}{row}, column {column.name}",
        found=f"{case['failure_case']!r}{more}",
        expected=column.rule or column.dtype + ("" if column.nullable else ", never empty"),
    )


def empty_column(dtype: str, index: pd.Index[Any]) -> pd.Series[Any]:
    """A column of missing values of this dtype."""
    value: Any = {FLOAT: np.nan, INT: pd.NA, TIME: np.datetime64("NaT", "us")}.get(dtype)
    return pd.Series([value] * len(index) if dtype == STRING else value, index=index, dtype=dtype)


# --- files ---


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that takes its place when the block ends well, and vanishes when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_table(table: pd.DataFrame, path: Path) -> Path:
    """`path`, after writing the table there as .csv or .parquet, whole or not at all."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".parquet"):
        raise ManifestError("this table format is not known", where=path.name, expected=".csv or .parquet")
    with atomic_path(path) as part:
        if suffix == ".parquet":
            table.to_parquet(part, index=False)
        else:
            append_csv(table, part)
    return path


def append_csv(table: pd.DataFrame, path: Path) -> None:
    """Write the rows at the end of a CSV file, below a header where there is none yet."""
    is_new = not path.exists() or path.stat().st_size == 0
    with path.open("a", encoding="utf-8", newline="") as file:
        table.to_csv(file, index=False, header=is_new, date_format=CSV_TIME)


def read_table(path: Path) -> pd.DataFrame:
    """The table in a .csv or .parquet file, text columns as text: 'NA' stays the name of a site."""
    path = Path(path)
    if not path.is_file():
        raise ManifestError(
            "there is no such table",
            where=path,
            todo="check the path; `leopardnet scan` and `import` make manifests",
        )
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        if path.suffix.lower() == ".csv":
            return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, NotImplementedError) as error:
        raise ManifestError(
            "the table cannot be read", where=path.name, found=f"{type(error).__name__}: {str(error)[:200]}",
            expected=f"a whole {path.suffix.lower()} file in UTF-8",
        ) from None  # fmt: skip
    raise ManifestError("this table format is not known", where=path.name, expected=".csv or .parquet")
