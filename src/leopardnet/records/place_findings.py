"""What is wrong or not known of places and times: deployments and clips, each named, none dropped."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from leopardnet.data.checks.finding import Finding
from leopardnet.records.ranges.geodesics import measure_distance_m
from leopardnet.records.ranges.range_map import RangeMap
from leopardnet.records.ranges.uncertain_places import PLACE, find_uncertainty_m
from leopardnet.records.record_table import REFUTED

FAR_M = 1_000_000.0  # from a range or the other cameras, where one looks whether coordinates are swapped
ROUNDED_M = 100.0  # of rounding, from which on it is named


def check_places(deployments: pd.DataFrame | None, ranges: RangeMap) -> Iterator[Finding]:
    """Yield the findings of a deployments table, or that there is none; `i_row` is that of the table."""
    if deployments is None or not len(deployments):
        text = "no deployments table was given (--deployments), so no record has a place"
        yield Finding("warning", "no_deployments", text)
        return
    table = deployments.reset_index(drop=True)
    has_place = table["latitude"].notna() & table["longitude"].notna()
    for i in np.flatnonzero(~has_place).tolist():
        text = f"deployment {_name(table, i)} has no coordinates: its records have no place; fill in both columns"
        yield Finding("warning", "no_coordinates", text, i)
    yield from _check_order(table[has_place], ranges)
    yield from _check_rounding(table[has_place])
    yield from _check_overlaps(table)
    if n := int(table["clock_correction_s"].ne(0).sum()):
        text = (
            f"deployments with a clock correction: {n}; it is taken as applied, as `leopardnet scan --deployments` "
            "does, and is not applied again"
        )
        yield Finding("info", "clock_correction", text)


def _name(table: pd.DataFrame, i: int) -> str:
    site = table["site"].iloc[i]
    return f"{table['deployment'].iloc[i]}" + (f" ({site})" if isinstance(site, str) else "")


def _check_order(table: pd.DataFrame, ranges: RangeMap) -> Iterator[Finding]:
    """Find places far from the range, or else from the other cameras, that swapped coordinates would bring near."""
    lat, lon = table["latitude"].to_numpy(np.float64), table["longitude"].to_numpy(np.float64)
    edges = [np.asarray(r.polygon.exterior.coords)[:, :2] for r in ranges.ranges]
    middle = np.median(np.concatenate(edges), axis=0) if edges else np.array([np.median(lon), np.median(lat)])
    of_what = "the range" if edges else "the other cameras"
    for k in np.flatnonzero(np.abs(lon) <= 90).tolist():
        given_m, swapped_m = (
            float(measure_distance_m(*xy, *middle)) for xy in ((lon[k], lat[k]), (lat[k], lon[k]))
        )
        if given_m > FAR_M and swapped_m < given_m / 5:
            text = (
                f"deployment {_name(table, k)} lies {given_m / 1000:,.0f} km from {of_what}, and with latitude and "
                f"longitude exchanged {swapped_m / 1000:,.0f} km: are they swapped, there or in the range?"
            )
            yield Finding("error", "swapped_coordinates", text, int(table.index[k]))


def _check_rounding(table: pd.DataFrame) -> Iterator[Finding]:
    off_m = find_uncertainty_m(table[list(PLACE)])
    unstated = table["coordinate_uncertainty_m"].isna().to_numpy()
    for k in np.flatnonzero(unstated & (off_m > ROUNDED_M)).tolist():
        text = (
            f"the coordinates of deployment {_name(table, k)} are rounded: they are taken as right to "
            f"{off_m[k] / 1000:.1f} km; write all digits, or coordinate_uncertainty_m"
        )
        yield Finding("info", "rounded_coordinates", text, int(table.index[k]))
    if n := int((unstated & (off_m <= ROUNDED_M)).sum()):
        text = f"deployments without coordinate_uncertainty_m: {n}; taken as right to about 30 m and their digits"
        yield Finding("info", "exact_coordinates", text)


def _check_overlaps(table: pd.DataFrame) -> Iterator[Finding]:
    """Find deployments of one camera at one time."""
    known = table[table["camera"].notna() & table["start"].notna() & table["end"].notna()]
    for camera, rows in known.sort_values("start", kind="stable").groupby("camera"):
        longest = 0
        for k in range(1, len(rows)):
            if rows["start"].iloc[k] <= rows["end"].iloc[longest]:
                text = (
                    f"camera {camera} is in two deployments at once: {_name(rows, k)} begins "
                    f"{rows['start'].iloc[k]:%Y-%m-%d %H:%M}, before {_name(rows, longest)} ends "
                    f"{rows['end'].iloc[longest]:%Y-%m-%d %H:%M}; correct the periods or the camera"
                )
                yield Finding("warning", "overlapping_deployments", text, int(rows.index[k]))
            longest = k if rows["end"].iloc[k] > rows["end"].iloc[longest] else longest


def check_clips(clips: pd.DataFrame, records: pd.DataFrame, deployments: pd.DataFrame | None) -> Iterator[Finding]:
    """Yield the findings of the table of `place_clips`: by deployment, and by name for clips of records.

    `i_row` is left empty: the rows of these findings are clips, named by `path`. That there is no deployments table
    is a finding of `check_places`, and not one of every clip.
    """
    has_table = deployments is not None and len(deployments) > 0
    kept = set(records["clip_id"])
    unknown, outside = clips["i_deployment"].lt(0) & has_table, clips["is_outside_period"]
    untimed = clips["at_utc"].isna() & ~outside
    groups = (
        ("unknown_deployment", unknown, "the deployments table has no row for them, so they have no place"),
        ("outside_deployment", outside, "they were taken outside its period, so their moment counts as unknown"),
        ("unknown_moment", untimed, "time or time zone are not known, so what was earlier cannot be told"),
    )
    for rule, is_so, why in groups:
        names = clips.loc[is_so, ["site", "deployment"]].fillna("")
        for (site, deployment), rows in clips[is_so].groupby([names["site"], names["deployment"]], sort=True):
            first = rows["path"].iloc[0]
            text = f"{_count(str(site), str(deployment), len(rows))}; {why}; the first is {first}"
            yield Finding("warning", rule, text, path=first)
        for path in clips.loc[is_so & clips["clip_id"].isin(kept), "path"]:
            yield Finding("warning", rule, f"a record is among these clips: {why}", path=path)
    timeless = records.loc[records["captured_at"].isna() & records["state"].ne(REFUTED), "path"]
    if len(timeless):
        text = (
            f"records without a time, which link with no other and prove no number of animals: {len(timeless)}; "
            f"the first is {timeless.iloc[0]}"
        )
        yield Finding("warning", "no_time", text, path=timeless.iloc[0])


def _count(site: str, deployment: str, n: int) -> str:
    """Return the number of clips of a place, which may have no names ('')."""
    if deployment and site:
        return f"clips of deployment {deployment}, site {site}: {n}"
    if deployment:
        return f"clips of deployment {deployment}, without a site: {n}"
    if site:
        return f"clips of site {site}, without a deployment: {n}"
    return f"clips without a deployment and a site: {n}"
