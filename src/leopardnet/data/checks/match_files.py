"""Labels that belong to the files of another card, noticed before a long run from the times in a few files."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.find_file import find_file
from leopardnet.core.footage.other_footage import MIN_SHIFTED, refuse_other_footage
from leopardnet.data.scan.capture_time import CaptureTimeReader

N_FILES = 100  # spread over the table; a header takes a tenth of a millisecond
IN_HEADERS = ("exif", "maker_note", "quicktime", "riff")  # sources of times that every reading finds again
DAY_S = 86_400.0  # people write times of events, round them, and leave clocks uncorrected


def refuse_other_files(table: pd.DataFrame, root: Path) -> None:
    """Raise ManifestError if the times of a table of labels do not fit the files under `root`.

    table: of a manifest. Only clips whose time came from a table are looked at. Half of them must be more than a
    day off, and by different spans; `check` also reports smaller and fewer differences.
    """
    rows = table[(table["time_source"] == "table") & table["captured_at"].notna() & (table["kind"] != "burst")]
    rows = rows.drop_duplicates("clip_id")
    if len(rows) < MIN_SHIFTED:
        return
    few, files = _read_times(rows, root)
    if len(files) >= MIN_SHIFTED:
        refuse_other_footage(few, files, names=("the manifest", "the files"), same_s=DAY_S, min_share=0.5)


def refuse_other_root(table: pd.DataFrame, root: Path, *, name: str = "the manifest") -> None:
    """Raise ManifestError if a table's times, read from the files it was made of, are not those of files in `root`.

    table: with clip_id, path, captured_at, and time_source where it is known: times from another source than a
    header are not looked at. name: of the table, for the message. Files without a time fit.
    """
    rows = table[table["captured_at"].notna()].drop_duplicates("clip_id")
    if "time_source" in rows.columns:
        rows = rows[rows["time_source"].isna() | rows["time_source"].isin(IN_HEADERS)]
    if not len(rows):
        return
    few, files = _read_times(rows, root)
    try:
        refuse_other_footage(few, files, names=(name, "the files under --root"))
    except ManifestError as error:
        parts = {k: v for k, v in error.parts.items() if k != "do"}
        raise ManifestError(
            error.what,
            **parts,
            todo="give the folder that was classified; where times were corrected, give --manifest without --root",
        ) from None


def has_any_file(table: pd.DataFrame, root: Path) -> bool:
    """Return whether one of a hundred clips, spread over a table with paths, is under `root`; True of no clip."""

    def is_there(path: str) -> bool:
        with suppress(OSError, ValueError):  # a disk that is gone; a path that no system allows
            return find_file(root, path).is_file()
        return False

    few = _spread(table)["path"].tolist()
    return not few or any(map(is_there, few))


def _read_times(rows: pd.DataFrame, root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a hundred rows spread over a table, and the times in the headers of their files, if any."""
    few = _spread(rows)[["clip_id", "path", "captured_at"]]
    reader = CaptureTimeReader()
    found = (reader.read(str(find_file(root, path))) for path in few["path"])
    times = [None if read.source == "exif_changed" else read.time for read in found]
    files = few[["clip_id", "path"]].assign(captured_at=pd.Series(times, index=few.index, dtype="datetime64[us]"))
    return few, files.dropna(subset="captured_at")


def _spread(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.iloc[np.unique(np.linspace(0, len(rows) - 1, N_FILES).round().astype(int))] if len(rows) else rows
