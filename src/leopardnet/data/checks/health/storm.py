"""Days on which a camera fired without end: grass and branches in the wind, or the sun on them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from leopardnet.data.checks.finding import Finding
from leopardnet.data.checks.health.camera_unit import CameraUnit

DAY_HOURS = range(6, 21)
MIN_CLIPS = 100  # on such a day
MIN_RATIO = 10  # of its clips to those of a usual day with clips
PER_HOUR = 10
MIN_HOURS = 5  # with so many clips each
MIN_EMPTY = 0.7  # of the clips that anybody or a model has looked at


def find_storms(unit: CameraUnit) -> Iterator[Finding]:
    """Yield a camera with days of very many clips over many hours of daylight, most of them empty as far as known.

    One finding tells all its days. Where nothing is known of the content, an animal that stayed looks the same.
    """
    clips = unit.clips
    at = clips["captured_at"]
    by_day = at.dt.normalize()
    usual = by_day.value_counts().median()
    bright = clips[at.dt.hour.isin(DAY_HOURS)]
    day = bright["captured_at"].dt.normalize()
    n = day.value_counts()
    per_hour = bright.groupby([day, bright["captured_at"].dt.hour]).size()
    n_hours = (per_hour >= PER_HOUR).groupby(level=0).sum()
    empty = bright["is_empty"].astype("Float64").groupby(day).mean().reindex(n.index).astype("float64")
    is_storm = (n >= MIN_CLIPS) & (n >= MIN_RATIO * usual) & (n_hours.reindex(n.index) >= MIN_HOURS)
    found = n.index[is_storm & ~(empty < MIN_EMPTY)].sort_values()
    if not len(found):
        return
    n_clips = int(n[found].sum())
    known = bool(empty[found].notna().all())
    advice = (
        "nearly all empty: cut back the grass and branches that wind and sun move, or turn the camera"
        if known
        else "perhaps grass or branches in wind and sun, or an animal that stayed"
    )
    yield unit.warn(
        "trigger_storm",
        f"{n_clips} clips on {len(found)} days, first on {pd.Timestamp(found[0]).date()}, where {usual:.0f} a day "
        f"are usual, {advice}",
        int((by_day == found[0]).to_numpy().argmax()),
    )
