"""Predictions of a model: one row per clip and one per classified frame, read and written."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pandas as pd

from leopardnet.core.columns import (
    HELD_OUT,
    SOUNDS,
    evidence_columns,
    has_several_labels,
    join_alerts,
    predictions_columns,
    table_labels,
)
from leopardnet.core.errors import BundleError, ManifestError
from leopardnet.core.footage.id_sets import is_among
from leopardnet.core.interactive.html_summary import count_values, summarise_as_html
from leopardnet.core.labels import JOINER
from leopardnet.core.tables import conform, read_table, write_table

SOUND_TABLE = "sounds.parquet"
_WORKBOOKS = (".xlsx", ".xls", ".ods")


def no_sounds() -> pd.DataFrame:
    """Return a table of sounds without a row."""
    return _no_sounds().copy()


@cache
def _no_sounds() -> pd.DataFrame:
    return conform(pd.DataFrame(columns=[c.name for c in SOUNDS]), SOUNDS, where="sounds")


def read_sounds(path: Path) -> pd.DataFrame:
    """Return the table sounds.parquet of a folder of results, or the file itself; empty where there is none.

    Raises ManifestError for a table of another kind.
    """
    path = Path(path) / SOUND_TABLE if Path(path).is_dir() else Path(path)
    return conform(read_table(path), SOUNDS, where=path.name) if path.is_file() else no_sounds()


@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions of a model.

    table: one row per clip, with the columns of `core.columns.predictions_columns`; evidence: one row per
    classified frame, with the columns of `evidence_columns`: the probabilities are of that frame alone; sounds: one
    row per sound that was found, with the columns SOUNDS.

    >>> ln.Predictions.read(Path("results")).table["decision"].value_counts()  # doctest: +SKIP
    """

    table: pd.DataFrame
    evidence: pd.DataFrame
    sounds: pd.DataFrame = field(default_factory=no_sounds)

    @classmethod
    def read(cls, path: Path, *, with_evidence: bool = True) -> Predictions:
        """Read predictions.parquet or .csv, or a folder with the former, and evidence.parquet beside it, if any.

        with_evidence: False leaves the table of frames empty, which in large archives saves most of the time.
        Of a training run these are its predictions for labelled clips by networks that had not seen their sites.
        Raises ManifestError for a table of another kind.
        """
        path = Path(path)
        if path.is_dir():
            held_out = path / HELD_OUT
            if (path / "bundle").is_dir() and not held_out.is_dir():
                raise ManifestError(
                    "this training run holds no predictions that may judge its model",
                    where=path.name,
                    found="a run whose validation clips come from fewer than three sites, or of an older version",
                    todo="give the folder that `leopardnet predict` wrote, with clips of other sites",
                )
            path = (held_out if held_out.is_dir() else path) / "predictions.parquet"
        table = _read_own(path)
        names = table_labels(table)
        if not names or "decision" not in table.columns:
            raise ManifestError(
                "this table holds no predictions",
                where=path.name,
                found="columns " + ", ".join(map(str, table.columns)),
                expected="decision, and p_<label> for every label",
                todo="make it with `leopardnet predict`",
            )
        beside = path.with_name("evidence.parquet")
        columns = evidence_columns(names)
        is_wanted = with_evidence and beside.is_file()
        evidence = read_table(beside) if is_wanted else pd.DataFrame(columns=[c.name for c in columns])
        return cls(
            _conform_own(table, names, path),
            conform(evidence, columns, where=beside.name),
            read_sounds(path.with_name(SOUND_TABLE)),
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the model, in class order."""
        return table_labels(self.table)

    @property
    def n_unreadable(self) -> int:
        """Number of clips of which no frame could be decoded."""
        return int((self.table["status"] == "unreadable").sum())

    def require_model(self, bundle_id: str) -> None:
        """Raise BundleError where a row was made by another model than the one with this id."""
        made_by = sorted(self.table["bundle_id"].astype(str).unique())
        if made_by != [bundle_id]:
            raise BundleError(
                "these predictions were made by another model",
                where="predictions, column bundle_id",
                found=", ".join(made_by) or "no row",
                expected=bundle_id,
                todo="give the bundle that made them, or predict the clips with this one; scores of two models "
                "cannot be compared",
            )

    def read_frames(self, clip_ids: Iterable[str]) -> pd.DataFrame:
        """Return the rows of the evidence table that belong to these clips."""
        return self.evidence[is_among(self.evidence["clip_id"], set(clip_ids))]

    def write(self, folder: Path) -> Path:
        """Write predictions.parquet, predictions.csv and evidence.parquet, and return the folder.

        sounds.parquet is written where there are sounds.
        """
        folder = Path(folder)
        if len(self.sounds):
            write_table(self.sounds, folder / SOUND_TABLE)
        else:
            (folder / SOUND_TABLE).unlink(missing_ok=True)
        write_table(self.evidence, folder / "evidence.parquet")
        write_table(self.table, folder / "predictions.csv")
        write_table(self.table, folder / "predictions.parquet")
        return folder

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        counts = ", ".join(f"{k} {v}" for k, v in self.table["decision"].value_counts().items())
        return f"Predictions({len(self)} clips: {counts}; labels {', '.join(self.labels)})"

    def _repr_html_(self) -> str:
        t = self.table
        facts = {
            "not readable": self.n_unreadable,
            "suspected": count_values(t["alerts"].dropna().str.split(JOINER).explode()) or "no clip",
            "labels of the model": ", ".join(self.labels),
            "model": ", ".join(sorted(t["bundle_id"].dropna().astype(str).unique())),
        }
        decisions = t.groupby("decision").agg(clips=("clip_id", "size"), sites=("site", "nunique"))
        title = f"Predictions of {len(t)} clips"
        return summarise_as_html(title, facts, decisions.sort_values("clips", ascending=False, kind="stable"))


def _read_own(path: Path) -> pd.DataFrame:
    """Read a table that `predict` wrote. Raises ManifestError, in plain words for one that a spreadsheet saved."""
    suffix = path.suffix.lower()
    if suffix in _WORKBOOKS and path.is_file():
        error = ManifestError(
            "this is not the CSV file that `predict` wrote",
            where=path.name,
            found=path.suffix,
            expected="predictions.csv or predictions.parquet, as `predict` wrote it",
        )
        raise _explain_spreadsheet(error)
    try:
        table = read_table(path)
    except ManifestError:
        if suffix != ".csv" or not path.is_file():
            raise
        table = None
    if suffix != ".csv" and table is not None:
        return table
    if table is None or (len(table.columns) == 1 and re.search("[;\t]", str(table.columns[0]))):
        error = ManifestError(
            "this is not the CSV file that `predict` wrote",
            where=path.name,
            found=_quote_start(path),
            expected="commas between columns, in UTF-8",
        )
        raise _explain_spreadsheet(error) from None
    _refuse_other_times(table, path)
    return table


def _explain_spreadsheet(error: ManifestError) -> ManifestError:
    """Return the error with what to do where a spreadsheet saved the table again."""
    where, found, expected, _ = error.parts.values()
    return ManifestError(
        error.what,
        where=where,
        found=found,
        expected=expected,
        todo="if a spreadsheet saved it again: give the folder of the results, or predictions.parquet in it",
    )


def _quote_start(path: Path) -> str:
    """Return how a text begins, whatever its encoding."""
    with path.open("rb") as file:
        start = file.read(200)
    is_utf_16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = start.decode("utf-16" if is_utf_16 else "utf-8-sig", errors="replace")
    return repr(text.split("\n")[0].rstrip("\r")[:40]) + " …"


def _refuse_other_times(table: pd.DataFrame, path: Path) -> None:
    """Raise ManifestError for a time such as 04.05.2021 10:00: which number is the month is open."""
    times = table["captured_at"].dropna() if "captured_at" in table else pd.Series(dtype="str")
    others = times[~times.str.match(r"\d{4}-\d\d-\d\d(?!\d)")]
    if len(others):
        more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
        error = ManifestError(
            "a value in the table cannot be used",
            where=f"{path.name}, row {int(others.index[0]) + 1}, column captured_at",
            found=f"{others.iloc[0]!r}{more}",
            expected="a time such as 2021-03-15 10:00:00",
        )
        raise _explain_spreadsheet(error)


def _conform_own(table: pd.DataFrame, names: tuple[str, ...], path: Path) -> pd.DataFrame:
    """Return the table with its types. Raises ManifestError; of a CSV file it says what to do."""
    columns = predictions_columns(names, multi=has_several_labels(table))
    try:
        return conform(table.assign(alerts=join_alerts(table)), columns, where=path.name, unique=("clip_id",))
    except ManifestError as error:
        if path.suffix.lower() != ".csv":
            raise
        raise _explain_spreadsheet(error) from None
