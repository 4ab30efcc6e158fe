"""Clips that belong to one visit: of one deployment, each at most so many minutes after the one before."""

from __future__ import annotations

import pandas as pd

GAP_MINUTES = 30.0


def event_ids(footage: pd.DataFrame, *, gap_minutes: float = GAP_MINUTES) -> pd.Series[str]:
    """The event of each clip, named after its first clip; empty for clips without a time.

    footage: clip_id, site, deployment, captured_at, one row per clip. A chain ends where the next clip comes more than
    `gap_minutes` after the one before, so an event may last longer than that.

    >>> t = pd.DataFrame({"clip_id": ["a", "b", "c"], "site": "s", "deployment": "d"})
    >>> t["captured_at"] = pd.to_datetime(["2024-05-01 10:00", "2024-05-01 10:30", "2024-05-01 11:01"])
    >>> event_ids(t).tolist()
    ['event-a', 'event-a', 'event-c']
    """
    known = footage.dropna(subset=["captured_at"])
    keys = [known[c].fillna("") for c in ("site", "deployment")]
    ordered = known.assign(_site=keys[0], _deployment=keys[1]).sort_values(["_site", "_deployment", "captured_at", "clip_id"])  # fmt: skip
    places = ordered[["_site", "_deployment"]]
    is_new = (places != places.shift()).any(axis=1) | (
        ordered["captured_at"].diff() > pd.Timedelta(minutes=gap_minutes)
    )
    first = ordered["clip_id"].where(is_new).ffill()
    return ("event-" + first.astype("str")).astype("str").reindex(footage.index)
