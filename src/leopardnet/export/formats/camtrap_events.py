"""Events of Camtrap DP: clips of one deployment, each less than half an hour after the one before."""

from __future__ import annotations

import pandas as pd

from leopardnet.score import events
from leopardnet.score.events import GAP_MINUTES


def event_ids(footage: pd.DataFrame, *, gap_minutes: float = GAP_MINUTES) -> pd.Series[str]:
    """Return the event of each clip, named after its first clip; missing for clips without a time.

    footage: one row per clip, with clip_id, site, deployment and captured_at. An event ends where the next clip
    follows after `gap_minutes` or more, so it may last longer than that. An event never spans two deployments,
    because the format has no event of two cameras. A clip without site and deployment is an event of its own.

    >>> t = pd.DataFrame({"clip_id": ["a", "b", "c"], "site": "s", "deployment": "d"})
    >>> t["captured_at"] = pd.to_datetime(["2024-05-01 10:00", "2024-05-01 10:29", "2024-05-01 10:59"])
    >>> event_ids(t).tolist()
    ['event-a', 'event-a', 'event-c']
    """
    is_placed = footage[["site", "deployment"]].notna().any(axis=1)
    place = footage["site"].fillna("").astype("str") + "\n" + footage["deployment"].fillna("").astype("str")
    ids = events.event_ids(footage.assign(site=place.where(is_placed)), gap_minutes=gap_minutes)
    return ("event-" + ids).astype("str").where(footage["captured_at"].notna())
