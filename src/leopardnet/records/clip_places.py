"""Where and when each clip was taken: predictions and manifest joined with the deployments table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.columns import FLOAT, STRING, TIME
from leopardnet.core.manifest import Manifest, parse_time_zone
from leopardnet.core.predictions import Predictions
from leopardnet.data.scan.deployments import DEPLOYMENTS, match_deployments
from leopardnet.score.events import event_ids

_OF_MANIFEST = ("site", "deployment", "captured_at", "time_zone", "time_source")
_TEXTS = ("station", "owner", "exact_place")
_NUMBERS = ("latitude", "longitude", "coordinate_uncertainty_m", "clock_uncertainty_s")


def place_clips(
    predictions: Predictions, *, manifest: Manifest | None = None, deployments: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return one row per clip, of predictions and of the manifest, with what is known of its place and time.

    Columns: clip_id, path, site, station, deployment, owner, captured_at (local), time_zone, at_utc (NaT where the
    zone is unknown, the hour occurs twice or never, or the time lies outside the deployment, so that the clock or
    the table is wrong), time_source, clock_uncertainty_s, latitude, longitude,
    coordinate_uncertainty_m, exact_place, event_id, i_deployment (row of `deployments`, -1 if there is none),
    is_outside_period, is_clock_checked (whether a stated period or clock uncertainty speaks for the time). A clip
    belongs to the deployment of its name; one without a name to the only deployment of its site, or to the only one
    whose period holds its time. Clocks are taken as corrected, which `scan` does.
    """
    clips = _join_clips(predictions, manifest)
    i = _find_deployment(clips, deployments)
    clips["i_deployment"] = i
    of_clip = _take_deployments(deployments, i)
    for column in (*_TEXTS, *_NUMBERS):
        clips[column] = pd.Series(of_clip[column].to_numpy(), index=clips.index, dtype=of_clip[column].dtype)
    for column in ("deployment", "site", "time_zone"):
        clips[column] = clips[column].fillna(pd.Series(of_clip[column].to_numpy(), index=clips.index))
    clips["station"] = clips["station"].fillna(clips["site"])
    start, end = (pd.to_datetime(of_clip[c]).to_numpy("datetime64[us]") for c in ("start", "end"))
    at = clips["captured_at"].to_numpy("datetime64[us]")
    clips["is_outside_period"] = (at < start) | (at > end)  # False where one of them is NaT
    has_period = ~(np.isnat(start) | np.isnat(end)) & ~clips["is_outside_period"].to_numpy()
    clips["is_clock_checked"] = has_period | clips["clock_uncertainty_s"].notna()
    clips["at_utc"] = _convert_to_utc(clips["captured_at"].mask(clips["is_outside_period"]), clips["time_zone"])
    clips["event_id"] = event_ids(clips)
    return clips.astype({c: STRING for c in ("deployment", "site", "time_zone", "station", "event_id")})


def _join_clips(predictions: Predictions, manifest: Manifest | None) -> pd.DataFrame:
    """Return the clips of both tables; what the manifest says of site and time stands."""
    known = predictions.table[["clip_id", "path", "site", "captured_at"]]
    if manifest is None:
        return known.assign(**{c: _empty(STRING, len(known)) for c in ("deployment", "time_zone", "time_source")})
    rows = manifest.table.assign(_is_frame=manifest.table["kind"].eq("frame"))
    first = rows.sort_values("_is_frame", kind="stable").drop_duplicates("clip_id")
    more = first.loc[~first["clip_id"].isin(known["clip_id"]), ["clip_id", "path"]]
    nothing = {"site": _empty(STRING, len(more)), "captured_at": _empty(TIME, len(more))}
    clips: pd.DataFrame = pd.concat([known, more.reset_index(drop=True).assign(**nothing)], ignore_index=True)
    facts = first.set_index("clip_id")[list(_OF_MANIFEST)].reindex(clips["clip_id"]).reset_index(drop=True)
    own = {c: facts[c].fillna(clips[c]) if c in clips else facts[c] for c in _OF_MANIFEST}
    return clips.assign(**own)


def _find_deployment(clips: pd.DataFrame, deployments: pd.DataFrame | None) -> np.ndarray[Any, Any]:
    """Return the row of each clip's deployment in their table, int64 [N]; -1 if there is none or several fit."""
    if deployments is None or deployments.empty:
        return np.full(len(clips), -1, np.int64)
    found = match_deployments(clips, deployments).to_numpy(np.int64).copy()
    nameless = (clips["deployment"].isna() & clips["site"].notna()).to_numpy()
    sites = clips["site"].where(nameless)
    for site, rows in deployments.reset_index(drop=True).groupby("site"):
        mine = np.flatnonzero(sites.eq(site).fillna(False).to_numpy(bool))
        if not len(mine):
            continue
        if len(rows) == 1:
            found[mine] = rows.index[0]
            continue
        at = clips["captured_at"].to_numpy("datetime64[us]")[mine, None]
        start, end = (rows[c].to_numpy("datetime64[us]")[None, :] for c in ("start", "end"))
        fits = (at >= start) & (at <= end)  # [M, D]
        found[mine] = np.where(fits.sum(axis=1) == 1, rows.index.to_numpy()[fits.argmax(axis=1)], -1)
    return found


def _take_deployments(deployments: pd.DataFrame | None, i: np.ndarray[Any, Any]) -> pd.DataFrame:
    if deployments is None:
        deployments = pd.DataFrame({c.name: _empty(c.dtype, 0) for c in DEPLOYMENTS})
    table: pd.DataFrame = deployments.reset_index(drop=True).reindex(i)
    return table


def _convert_to_utc(times: pd.Series[Any], zones: pd.Series[Any]) -> pd.Series[Any]:
    """Return local times as naive UTC; NaT without a zone, and where the clock shows the hour twice or never."""
    utc = _empty(TIME, len(times)).set_axis(times.index)
    for zone in zones[times.notna()].dropna().unique():
        mine = zones.eq(zone).fillna(False).to_numpy(bool) & times.notna().to_numpy()
        aware = times[mine].dt.tz_localize(parse_time_zone(str(zone)), ambiguous="NaT", nonexistent="NaT")
        utc[mine] = aware.dt.tz_convert("UTC").dt.tz_localize(None).astype(TIME)
    return utc


def _empty(dtype: str, n: int) -> pd.Series[Any]:
    value: Any = np.nan if dtype == FLOAT else np.datetime64("NaT", "us") if dtype == TIME else None
    return pd.Series([value] * n, dtype=dtype)
