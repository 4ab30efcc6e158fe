"""The deployments table: site, coordinates, time zone and clock correction of each deployment of a camera."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.columns import FLOAT, STRING, TIME, Column
from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import parse_time_zone
from leopardnet.core.tables import conform, read_table
from leopardnet.data.scan.header_time import parse_time

DEPLOYMENTS = (
    Column("deployment", STRING, False, "name of the deployment, as in the folders or the manifest"),
    Column("site", STRING, True, "the place; distinguishes deployments of one name, and fills in a missing site"),
    Column("latitude", FLOAT, True, "degrees north, WGS84", lambda s: s.between(-90, 90), "between -90 and 90"),
    Column("longitude", FLOAT, True, "degrees east, WGS84", lambda s: s.between(-180, 180), "between -180 and 180"),
    Column("time_zone", STRING, True, "IANA name such as Asia/Vladivostok, or an offset such as +10:00"),
    Column("start", TIME, True, "first day or moment, true local time"),
    Column("end", TIME, True, "last day (the whole of it) or moment, true local time"),
    Column("clock_correction_s", FLOAT, False, "seconds to add to the camera's time"),
)
_CORRECTION = ("clock_correction", "camera_time", "true_time")


@dataclass(frozen=True, slots=True)
class AppliedDeployments:
    """A manifest table with deployments applied, and its rows per deployment that is not in their table."""

    table: pd.DataFrame
    unknown: dict[str, int]


def read_deployments(path: Path) -> pd.DataFrame:
    """Read and check the deployments in a CSV or Parquet file: one row each, with the columns DEPLOYMENTS.

    The file gives the clock correction as `clock_correction` (seconds to add, or a pair `camera time, true time`),
    or as two columns `camera_time` and `true_time`; an empty one means 0. Other columns are ignored. Raises
    ManifestError with the row and column at fault.
    """
    path = Path(path)
    raw = read_table(path)
    if "deployment" not in raw.columns:
        raise ManifestError(
            "this is not a deployments table",
            where=path.name,
            found="columns " + ", ".join(map(str, raw.columns)),
            expected="a column deployment, and any of "
            + ", ".join([*(c.name for c in DEPLOYMENTS[1:-1]), "clock_correction"]),
        )
    known = [c.name for c in DEPLOYMENTS if c.name in raw.columns and c.name != "clock_correction_s"]
    table = raw[known].copy()
    for column, parse, dtype in (
        ("start", _parse_start, TIME),
        ("end", _parse_end, TIME),
        ("latitude", _parse_degrees, FLOAT),
        ("longitude", _parse_degrees, FLOAT),
    ):
        if column in table.columns:
            values = [parse(v, f"{path.name}, row {i}, column {column}") for i, v in enumerate(table[column], 1)]
            table[column] = pd.Series(values, index=table.index, dtype=dtype)
    rows = raw.reindex(columns=_CORRECTION).to_dict("records")
    corrections = [_parse_correction(row, f"{path.name}, row {i}") for i, row in enumerate(rows, 1)]
    table["clock_correction_s"] = pd.Series(corrections, index=table.index, dtype=FLOAT)
    table = conform(table, DEPLOYMENTS, where=path.name)
    _check(table, path.name)
    return table


def apply_deployments(table: pd.DataFrame, deployments: pd.DataFrame) -> AppliedDeployments:
    """Correct the clocks of a manifest table, and fill in its time zones and missing sites.

    A row belongs to the deployment of its name, and of its site if both tables give one. Times marked as UTC
    (`time_zone` +00:00) become local time in the deployment's zone. The rows and their order do not change, and
    neither does the given table.
    """
    i_deployment = _match_deployments(table, deployments)
    unknown_rows = table[(i_deployment < 0) & table["deployment"].notna()]
    names = unknown_rows["site"].fillna("").add("/").str.lstrip("/") + unknown_rows["deployment"]
    table = table.copy()
    for i in sorted(set(i_deployment) - {-1}):
        row, mine = deployments.iloc[i], i_deployment == i
        times = table.loc[mine, "captured_at"] + pd.to_timedelta(row["clock_correction_s"], unit="s")
        zone = row["time_zone"]
        if pd.notna(zone):
            times = _convert_to_local(times, table.loc[mine, "time_zone"], str(zone))
            table.loc[mine & table["captured_at"].notna(), "time_zone"] = zone
        table.loc[mine, "captured_at"] = times.astype(TIME)
        if pd.notna(row["site"]):
            table.loc[mine & table["site"].isna(), "site"] = row["site"]
    return AppliedDeployments(table, {str(k): int(v) for k, v in names.value_counts(sort=False).items()})


def is_outside_period(table: pd.DataFrame, deployments: pd.DataFrame) -> pd.Series[bool]:
    """Return for each row whether its time is before the start or after the end of its deployment."""
    i_deployment = _match_deployments(table, deployments)
    known = i_deployment >= 0
    period = deployments[["start", "end"]].reindex(i_deployment.where(known)).set_index(table.index)
    times = table["captured_at"]
    return ((times < period["start"]) | (times > period["end"])) & known


def _match_deployments(table: pd.DataFrame, deployments: pd.DataFrame) -> pd.Series[int]:
    """Return the position in `deployments` of each row's deployment; -1 if there is none."""
    by_pair = {
        (d, s): i for i, (d, s) in enumerate(zip(deployments["deployment"], deployments["site"], strict=True))
    }
    by_name: dict[str, list[int]] = {}
    for i, name in enumerate(deployments["deployment"]):
        by_name.setdefault(name, []).append(i)

    def find(name: str, site: Any) -> int:
        same_name = by_name.get(name, [])
        if pd.notna(site):
            without_site = [i for i in same_name if pd.isna(deployments["site"].iloc[i])]
            return by_pair.get((name, site), without_site[0] if without_site else -1)
        return same_name[0] if len(same_name) == 1 else -1

    keys = [(d, s if pd.notna(s) else None) for d, s in zip(table["deployment"], table["site"], strict=True)]
    found = {key: find(*key) if pd.notna(key[0]) else -1 for key in dict.fromkeys(keys)}
    return pd.Series([found[key] for key in keys], index=table.index, dtype="int64")


def _convert_to_local(times: pd.Series[Any], zones: pd.Series[Any], zone: str) -> pd.Series[Any]:
    is_utc = zones.eq("+00:00").fillna(False).astype(bool) & times.notna()
    if not is_utc.any():
        return times
    local = times[is_utc].dt.tz_localize("UTC").dt.tz_convert(parse_time_zone(zone)).dt.tz_localize(None)
    return times.where(~is_utc, local.reindex(times.index))


# --- cells ---


def _parse_correction(row: Mapping[Hashable, Any], where: str) -> float:
    cells = {k: str(v).strip() for k, v in row.items() if pd.notna(v) and str(v).strip()}
    pair = [cells.get("camera_time", ""), cells.get("true_time", "")]
    given = cells.get("clock_correction", "")
    if given and any(pair):
        raise ManifestError(
            "a row has two clock corrections",
            where=where,
            expected="clock_correction, or camera_time and true_time",
        )
    if "," in given or ";" in given:
        pair = [p.strip() for p in given.replace(";", ",").split(",", 1)]
    elif given:
        try:
            return float(given)
        except ValueError:
            raise _correction_error(where, given) from None
    if not any(pair):
        return 0.0
    camera, true = (parse_time(p) for p in pair)
    if camera is None or true is None:
        raise _correction_error(where, " and ".join(repr(p) for p in pair))
    return (true - camera).total_seconds()


def _correction_error(where: str, found: str) -> ManifestError:
    return ManifestError(
        "a clock correction cannot be read",
        where=where,
        found=found,
        expected="seconds such as -3600, or camera and true time such as 2015-01-01 00:03:00, 2024-05-03 14:30:00",
    )


def _parse_start(value: Any, where: str) -> datetime | None:
    return _parse_moment(value, where, time_of_day="00:00:00")


def _parse_end(value: Any, where: str) -> datetime | None:
    return _parse_moment(value, where, time_of_day="23:59:59")


def _parse_moment(value: Any, where: str, *, time_of_day: str) -> datetime | None:
    """Parse a date with or without a time; `time_of_day` completes a date alone."""
    if pd.isna(value):
        return None
    if isinstance(value, datetime):
        return value
    text = str(value).strip()
    moment = parse_time(text) or parse_time(f"{text} {time_of_day}")
    if moment is None:
        raise ManifestError(
            "a date cannot be read",
            where=where,
            found=repr(value),
            expected="such as 2024-05-03 or 2024-05-03 14:30:00",
        )
    return moment


def _parse_degrees(value: Any, where: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ManifestError(
            "a coordinate cannot be read", where=where, expected="decimal degrees such as 43.1155"
        ) from None


def _check(table: pd.DataFrame, name: str) -> None:
    for i, row in enumerate(table.to_dict("records"), start=1):
        if pd.notna(row["time_zone"]):
            try:
                parse_time_zone(str(row["time_zone"]))
            except ManifestError as error:
                raise ManifestError(
                    error.what,
                    where=f"{name}, row {i}, column time_zone",
                    found=error.parts["found"],
                    expected=error.parts["expected"],
                ) from None
        if pd.notna(row["start"]) and pd.notna(row["end"]) and row["end"] < row["start"]:
            raise ManifestError(
                "a deployment ends before it starts",
                where=f"{name}, row {i}",
                found=f"{row['start']} to {row['end']}",
            )
    twice = table.duplicated(["deployment", "site"])
    if twice.any():
        i = int(twice.to_numpy().argmax())
        raise ManifestError(
            "the table has the same deployment twice",
            where=f"{name}, row {i + 1}",
            found=repr(table["deployment"].iloc[i]),
            expected="each deployment once, or once for each site",
            todo="give each deployment its own name",
        )
