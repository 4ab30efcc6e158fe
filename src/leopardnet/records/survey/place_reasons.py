"""Why a place stands where it stands in the ranking, and what the ranking assumes, in words."""

from __future__ import annotations

from typing import Any

import pandas as pd

from leopardnet.records.survey.camera_places import CAMERA
from leopardnet.records.survey.survey_settings import SurveySettings

CELL = "cell"
_DAY = "%Y-%m-%d"


def give_reasons(places: pd.DataFrame, sigma_km: float) -> pd.DataFrame:
    """Return the places with the columns name and reasons. places: weighed, with the facts of their record."""
    rows: list[dict[Any, Any]] = places.to_dict("records")
    return places.assign(
        name=[_name(r) for r in rows], reasons=["; ".join(_list_reasons(r, sigma_km)) for r in rows]
    ).astype({"name": "str", "reasons": "str"})


def _name(row: dict[Any, Any]) -> str:
    if row["kind"] != CELL:
        return str(row["site"])
    return f"{row['distance_km']:.1f} km {row['direction']} of {_or_unknown(row['record_site'])}"


def _or_unknown(site: object) -> str:
    return site if isinstance(site, str) else "a site without a name"


def _list_reasons(row: dict[Any, Any], sigma_km: float) -> list[str]:
    at_record = row["kind"] != CELL and row["site"] == row["record_site"]
    record = f"the {_tell_state(row['state'], row['score'])} record {row['record_id']}"
    if at_record:
        reasons = [f"it made {record}, on {row['record_at']:{_DAY}}"]
    else:
        reasons = [
            f"{row['distance_km']:.1f} km {row['direction']} of {record} at "
            f"{_or_unknown(row['record_site'])}, {row['sigmas']:.1f} sigma"
        ]
        if isinstance(row["made"], str):
            reasons.append(f"it made the record {row['made']}")
    if row["record_age_days"] >= 1:
        reasons.append(f"that record is older than the latest one (days: {row['record_age_days']:.0f})")
    if row["is_beyond"]:
        if isinstance(row["barrier"], str):
            reasons.append(f"across {row['barrier']} from the record, so it comes later")
        elif not at_record:
            reasons.append("on the record's side of the barriers")
    elif isinstance(row["barrier"], str):
        reasons.append(f"{row['barrier']} lies between it and the record")
    if row["kind"] == CELL:
        known = pd.notna(row["nearest_camera_km"])
        reasons.append(f"no camera within {sigma_km:.1f} km")
        if known:
            reasons.append(f"the nearest camera is {row['nearest_camera_km']:.1f} km away")
    else:
        reasons += _tell_clips(row)
    if row["is_coarse"]:
        reasons.append("from a place that its owner does not show, so it is rough")
    return reasons


def _tell_state(state: str, score: float) -> str:
    """Return confirmed or suspected, with the probability that the model gave."""
    return f"{state} ({'no probability' if pd.isna(score) else f'probability {score:.2f}'})"


def _tell_clips(row: dict[Any, Any]) -> list[str]:
    """Return what is known of the clips of a camera, and no more: without a manifest that is little."""
    last, ended = row["last_clip_at"], row["ended_at"]
    if row["kind"] != CAMERA:
        return [f"a camera stood here until {ended:{_DAY}}: a known place for another"]
    if not row["is_archive_known"]:
        until = [] if pd.isna(ended) else [f"in the table until {ended:{_DAY}}"]
        if isinstance(row["made"], str):
            return [*until, "its clip of the record is in the archive, and later ones may be"]
        return [*until, "which of its clips are in the archive is not known"]
    if pd.isna(last):
        return ["none of its clips are in the archive"]
    if last >= row["record_at"]:
        return [f"its clips until {last:{_DAY}}, not before the record, are in the archive already"]
    days = (row["record_at"] - last).total_seconds() / 86_400
    return [f"its last clip in the archive is older than the record (days: {days:.0f}): later ones are on the card"]


def tell_left_out(label: str, *, n_unsure: int, n_lost: int, n: int) -> tuple[str, ...]:
    """Return notes on suspected records beside confirmed ones, and on those of `n` without place or time."""
    unsure = f"suspected records of {label} that do not count beside confirmed ones: {n_unsure}"
    lost = f"records of {label} without coordinates or time, which count nowhere: {n_lost} of {n}"
    return (*(unsure,) * bool(n_unsure), *(lost,) * bool(n_lost))


def list_assumptions(
    settings: SurveySettings, *, label: str, sigma_km: float, source: str, n_barriers: int, basis: str
) -> tuple[str, ...]:
    """Return what the ranking takes for granted, one sentence each. basis: the states of the records."""
    beyond = (
        f"an animal that was beyond a barrier is there rather than before it: places across count "
        f"{settings.across_barrier:g} times"
        if n_barriers
        else "no barrier is known, so distance alone says how likely a place is"
    )
    return (
        f"the records of {label} that count are {basis}",
        f"sigma of {label} is {sigma_km:.2f} km ({source})",
        "the animal's range is round, and the record is its middle: it may lie up to "
        f"{settings.reach_sigma:g} sigma away in any direction",
        beyond,
        f"a record that is {settings.half_life_days:g} days older than the latest one says half as much",
        f"a camera covers everything within one sigma, for {settings.covered_days:g} days after its end",
        "a camera without an end in the deployments table is still there",
        "terrain, forest, roads and who may go where are not known here",
    )
