"""Labels that people gave to clips. They are written beside the predictions and never replace them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from leopardnet.core.columns import STRING, Column
from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id, conform, read_table
from leopardnet.data.reading.csv_cells import local_time

CORRECTIONS = (
    Column("clip_id", STRING, False, "the clip"),
    Column("label", STRING, False, "what it shows: a label of the label set, or any other name"),
    Column("by", STRING, True, "who labelled it; exported only on request"),
    Column("at", STRING, True, "time of labelling with its zone, such as 2024-05-01T10:00:00+10:00"),
    Column("comment", STRING, True, "free text"),
)


def read_corrections(path: Path) -> pd.DataFrame:
    """Read a CSV or Parquet file with `clip_id` or `path`, and `label`; optionally `by`, `at` and `comment`.

    Other columns are ignored. Raises ManifestError for a file without a required column, for a clip that occurs
    twice, and for a time without a zone.
    """
    table = read_table(Path(path))
    where = Path(path).name
    if "clip_id" not in table.columns and "path" in table.columns:
        table = table.assign(clip_id=[clip_id(str(p)) for p in table["path"]])
    if not {"clip_id", "label"} <= set(table.columns):
        raise ManifestError(
            "this is not a table of corrections",
            where=where,
            found="columns " + ", ".join(map(str, table.columns)),
            expected="clip_id or path, and label; optionally by, at, comment",
        )
    known = [c.name for c in CORRECTIONS if c.name in table.columns]
    table = conform(table[known].dropna(subset=["label"]), CORRECTIONS, where=where, unique=("clip_id",))
    for i, text in table["at"].dropna().items():
        _check_time(text, f"{where}, row {int(str(i)) + 1}, column at")
    return table


def collect_human_labels(manifest: Manifest | None, corrections: pd.DataFrame | None) -> pd.DataFrame:
    """Return the labels that people gave, one row per clip, with the columns CORRECTIONS.

    Corrections come first; the other clips take the human labels of the manifest.
    """
    empty = pd.DataFrame({c.name: pd.Series(dtype="str") for c in CORRECTIONS})
    corrected = empty
    if corrections is not None:
        corrected = conform(corrections, CORRECTIONS, where="corrections", unique=("clip_id",))
    if manifest is None:
        return corrected
    human = manifest.table[manifest.table["label_source"] == "human"]
    labels = manifest.replace(human).clip_labels() if len(human) else pd.Series(dtype="str")
    labels = labels[~labels.index.isin(corrected["clip_id"])]
    rest = pd.DataFrame({"clip_id": labels.index.astype("str"), "label": labels.to_numpy()})
    both = pd.concat([corrected, rest], ignore_index=True) if len(rest) else corrected
    return conform(both, CORRECTIONS, where="labels")


def _check_time(text: str, where: str) -> None:
    try:
        has_zone = local_time(text).tzinfo is not None
    except ValueError:
        has_zone = False
    if not has_zone:
        raise ManifestError(
            "a time cannot be read",
            where=where,
            found=repr(text),
            expected="a time with its zone, such as 2024-05-01T10:00:00+10:00",
        )
