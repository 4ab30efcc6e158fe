"""Clips that belong to one visit: of one deployment, each less than half an hour after the one before."""

from __future__ import annotations

import pandas as pd

GAP_MINUTES = 30.0


def event_ids(footage: pd.DataFrame, *, gap_minutes: float = GAP_MINUTES) -> pd.Series[str]:
    """The event of each clip, named after its first clip; empty for clips without a time.

    footage: clip_id, site, deployment, captured_at, one row per clip. A chain ends where the next clip comes `gap_minutes`
    or more after the one before, so an event may last longer than that. It ends at its deployment, too: the format knows
    no event of two cameras. Where neither site nor deployment is known, a clip is an event of its own.

    >>> t = pd.DataFrame({"clip_id": ["a", "b", "c"], "site": "s", "deployment": "d"})
    >>> t["captured_at"] = pd.to_datetime(["2024-05-01 10:00", "2024-05-01 10:29", "2024-05-01 10:59"])
    >>> event_ids(t).tolist()
    ['event-a', 'event-a', 'event-c']
    """
    known = footage.dropna(subset=["captured_at"])
    is_placed = known[["site", "deployment"]].notna().any(axis=1)
    place = {f"_{c}": known[c].fillna("") for c in ("site", "deployment")}
    keyed = known.assign(**place, _alone=known["clip_id"].where(~is_placed, ""))
    keys = ["_site", "_deployment", "_alone"]
    ordered = keyed.sort_values([*keys, "captured_at", "clip_id"])
    is_elsewhere = (ordered[keys] != ordered[keys].shift()).any(axis=1)
    is_late = ordered["captured_at"].diff() >= pd.Timedelta(minutes=gap_minutes)
    first = ordered["clip_id"].where(is_elsewhere | is_late).ffill()
    return ("event-" + first.astype("str")).astype("str").reindex(footage.index)
