"""Bursts: stills that a camera took at one trigger, found by folder and time."""

from __future__ import annotations

import json

import pandas as pd

from leopardnet.core.columns import STRING
from leopardnet.data.reading.folder_pattern import camera_folder

BURST_GAP_S = 5.0


def find_bursts(table: pd.DataFrame, *, burst_gap_s: float = BURST_GAP_S) -> pd.Series[str]:
    """Return, for each still with a time, the `clip_id` of the first still of its burst; empty for every other row.

    A burst is a run of stills of one camera in which each follows the one before within `burst_gap_s` seconds.
    Folders that the card made do not count, so a burst may continue in the next one. A single still is a burst of
    one. Rows of equal time keep their order in the table.
    """
    stills = table[table["kind"].eq("still") & table["captured_at"].notna()]
    folders = stills["path"].map(camera_folder)
    order = stills.assign(_folder=folders).sort_values(["_folder", "captured_at"], kind="stable")
    gap_s = order.groupby("_folder", sort=False)["captured_at"].diff().dt.total_seconds()
    begins = gap_s.isna() | (gap_s > burst_gap_s)
    first_ids = order["clip_id"].where(begins).ffill()
    return pd.Series(first_ids.reindex(table.index), dtype=STRING)


def group_bursts(table: pd.DataFrame) -> pd.DataFrame:
    """Return `table` with one row of kind `burst` for the stills of each `sequence_id`; other rows do not change.

    A burst takes the position and the values of its earliest still and lists all its stills in `paths`, in order of
    time. A still that is alone in its sequence stays a still.
    """
    in_sequence = table["kind"].eq("still") & table["sequence_id"].notna()
    order = table[in_sequence].sort_values("captured_at", kind="stable")
    # A burst comes from one camera: the same sequence name in another folder is another burst.
    key = [order["path"].map(camera_folder), order["sequence_id"]]
    size = order.groupby(key)["path"].transform("size")
    many = order[size > 1]
    key = [k[size > 1] for k in key]
    paths = many.groupby(key)["path"].transform(lambda p: json.dumps(list(p), ensure_ascii=False))
    is_first = many.groupby(key).cumcount() == 0
    first = many[is_first].assign(kind="burst", paths=paths[is_first])
    kept = table.drop(index=many.index)
    return pd.concat([kept, first]).sort_index().reset_index(drop=True)[list(table.columns)]
