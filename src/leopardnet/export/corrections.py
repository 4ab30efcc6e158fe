"""What people said of clips: beside what the model said, never in its place."""

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
    Column("label", STRING, False, "what is in it, in the words of the label set or any others"),
    Column("by", STRING, True, "who said so; left out of every export unless asked for"),
    Column("at", STRING, True, "when, with a zone, such as 2024-05-01T10:00:00+10:00"),
    Column("comment", STRING, True, "anything else"),
)


def read_corrections(path: Path) -> pd.DataFrame:
    """The corrections in a CSV or Parquet file: `clip_id` or `path`, and `label`; also `by`, `at` and `comment`.

    Other columns are left out. Raises ManifestError for a file that lacks these, and for a clip that stands twice.
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
            expected="clip_id or path, and label; also by, at, comment",
        )
    known = [c.name for c in CORRECTIONS if c.name in table.columns]
    table = conform(table[known].dropna(subset=["label"]), CORRECTIONS, where=where, unique=("clip_id",))
    for i, text in table["at"].dropna().items():
        _check_time(text, f"{where}, row {int(str(i)) + 1}, column at")
    return table


def human_words(manifest: Manifest | None, corrections: pd.DataFrame | None) -> pd.DataFrame:
    """What people said, one row per clip: the corrections, and for other clips the labels of a manifest that are human."""
    empty = pd.DataFrame({c.name: pd.Series(dtype="str") for c in CORRECTIONS})
    said = (
        empty
        if corrections is None
        else conform(corrections, CORRECTIONS, where="corrections", unique=("clip_id",))
    )
    if manifest is None:
        return said
    human = manifest.table[manifest.table["label_source"] == "human"]
    labels = manifest.replace(human).clip_labels() if len(human) else pd.Series(dtype="str")
    labels = labels[~labels.index.isin(said["clip_id"])]
    rest = pd.DataFrame({"clip_id": labels.index.astype("str"), "label": labels.to_numpy()})
    return conform(pd.concat([said, rest], ignore_index=True) if len(rest) else said, CORRECTIONS, where="labels")


def _check_time(text: str, where: str) -> None:
    try:
        is_aware = local_time(text).tzinfo is not None
    except ValueError:
        is_aware = False
    if not is_aware:
        raise ManifestError(
            "a time cannot be read",
            where=where,
            found=repr(text),
            expected="a time with its zone such as 2024-05-01T10:00:00+10:00",
        )
