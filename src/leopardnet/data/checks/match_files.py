"""Labels that belong to the files of another card, noticed before a long run from the times in a few files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from leopardnet.core.footage.find_file import find_file
from leopardnet.core.footage.other_footage import MIN_SHIFTED, refuse_other_footage
from leopardnet.data.scan.capture_time import CaptureTimeReader

N_FILES = 100  # spread over the table; a header takes a tenth of a millisecond
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
    few = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, N_FILES).round().astype(int))]
    reader = CaptureTimeReader()
    times = [reader.read(str(find_file(root, path))).time for path in few["path"]]
    files = few[["clip_id", "path"]].assign(captured_at=pd.Series(times, index=few.index, dtype="datetime64[us]"))
    files = files.dropna(subset="captured_at")
    if len(files) >= MIN_SHIFTED:
        few = few[["clip_id", "path", "captured_at"]]
        refuse_other_footage(few, files, names=("the manifest", "the files"), same_s=DAY_S, min_share=0.5)
