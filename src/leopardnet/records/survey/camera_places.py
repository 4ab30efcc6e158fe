"""The places of cameras for a survey: where one stands, where one stood, and how far its clips are known."""

from __future__ import annotations

from typing import Any

import pandas as pd

from leopardnet.records.effort import TABLE, find_periods
from leopardnet.records.ranges.coarse_places import round_places
from leopardnet.records.survey.survey_settings import SurveySettings

CAMERA, FORMER = "camera", "former camera"


def find_camera_places(
    deployments: pd.DataFrame, clips: pd.DataFrame | None, record_at: pd.Timestamp, settings: SurveySettings
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return one row per place with a camera, and notes on what could not be used.

    Columns: site, latitude, longitude, kind (a camera is there, or was taken down before `record_at`), last_clip_at
    (its last clip; NaT without clips), ended_at (the end in the table, NaT without), is_covering (it worked at most
    `covered_days` before the record), is_hidden (its owner does not show the place, which is rounded here).
    """
    table, periods = hide_exact_places(deployments.reset_index(drop=True)), find_periods(deployments, clips)
    ended = periods["end"].where(periods["end_from"] == TABLE)  # without an end in the table it still stands
    rows = pd.DataFrame(
        {
            "site": table["site"].fillna(table["deployment"]),
            "latitude": table["latitude"],
            "longitude": table["longitude"],
            "last_clip_at": periods["last_clip_at"],
            "ended_at": ended,
            "is_there": ended.isna() | (ended >= record_at),
            "is_covering": ended.isna() | (ended >= record_at - pd.Timedelta(days=settings.covered_days)),
            "is_hidden": table["is_hidden"],
        }
    )
    placed = rows[rows["latitude"].notna() & rows["longitude"].notna()]
    places = placed.groupby("site", sort=True).agg(
        latitude=("latitude", "first"),
        longitude=("longitude", "first"),
        last_clip_at=("last_clip_at", "max"),
        ended_at=("ended_at", "max"),
        is_there=("is_there", "any"),
        is_covering=("is_covering", "any"),
        is_hidden=("is_hidden", "any"),
    )
    places["kind"] = places.pop("is_there").map({True: CAMERA, False: FORMER})
    n_lost = len(rows) - len(placed)
    lost = (
        f"deployments without coordinates: {n_lost} of {len(rows)}; their cameras cover no place and are not listed"
    )
    blind = "which clips of each camera are in the archive is not known; give the manifest"
    return places.reset_index(), (*(lost,) * bool(n_lost), *(blind,) * (clips is None))


def hide_exact_places(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the places that their owner does not show (`exact_place` no) rounded to 0.1 degrees.

    Column is_hidden says which. What is computed from them then says how little is known.
    """
    none: pd.Series[Any] = pd.Series(None, index=table.index, dtype=object)
    hidden = table.get("exact_place", none).astype(object).eq("no")
    given = table.get("coordinate_uncertainty_m", none).astype("float64")
    table = table.assign(is_hidden=hidden, coordinate_uncertainty_m=given)
    return round_places(table, hidden.to_numpy(bool))
