"""The deployments table: where each camera stood, in which time zone, and how its clock must be corrected."""

from __future__ import annotations

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
    Column("deployment", STRING, False, "name of the deployment, as the folders or the manifest have it"),
    Column("site", STRING, True, "the place; tells deployments of one name apart, and fills in a missing site"),
    Column("latitude", FLOAT, True, "degrees north, WGS84", lambda s: s.between(-90, 90), "between -90 and 90"),
    Column("longitude", FLOAT, True, "degrees east, WGS84", lambda s: s.between(-180, 180), "between -180 and 180"),
    Column("time_zone", STRING, True, "IANA name such as Asia/Vladivostok, or an offset such as +10:00"),
    Column("start", TIME, True, "first day or moment, true local time"),
    Column("end", TIME, True, "last day (the whole of it) or moment, true local time"),
    Column("clock_correction_s", FLOAT, False, "seconds to add to the camera's time"),
)
_EXTRA = ("clock_correction", "camera_time", "true_time")


@dataclass(frozen=True, slots=True)
class AppliedDeployments:
    """A manifest table with the deployments table applied, and the deployments that the latter does not know."""

    table: pd.DataFrame
    unknown: dict[str, int]


def read_deployments(path: Path) -> pd.DataFrame:
    """The deployments in a CSV or Parquet file, checked; columns of DEPLOYMENTS, one row each.

    In the file the correction is `clock_correction` (seconds to add, or the pair `camera time, true time`) or the
    two columns `camera_time` and `true_time`; none means 0. Other columns are left out. Raises ManifestError with
    the row and column at fault.
    """
    path = Path(path)
    raw = read_table(path)
    if "deployment" not in raw.columns:
        raise ManifestError(
            "this is not a deployments table",
            where=path.name,
            found="columns " + ", ".join(map(str, raw.columns)),
            expected="a column deployment, and of "
            + ", ".join(c.name for c in DEPLOYMENTS[1:-1])
            + ", clock_correction what is known",
        )
    known = [c.name for c in DEPLOYMENTS if c.name in raw.columns and c.name != "clock_correction_s"]
    table = raw[known].copy()
    corrections = [_correction_s(row, f"{path.name}, row {i}") for i, row in _rows(raw)]
    for column in ("start", "end"):
        if column in table.columns:
            values = [
                _moment(v, f"{path.name}, row {i + 1}, column {column}", column)
                for i, v in enumerate(table[column])
            ]
            table[column] = pd.Series(values, index=table.index, dtype=TIME)
    for column in ("latitude", "longitude"):
        if column in table.columns:
            table[column] = [
                _number(v, f"{path.name}, row {i + 1}, column {column}") for i, v in enumerate(table[column])
            ]
    table["clock_correction_s"] = pd.Series(corrections, index=table.index, dtype=FLOAT)
    table = conform(table, DEPLOYMENTS, where=path.name)
    _check(table, path.name)
    return table


def apply_deployments(table: pd.DataFrame, deployments: pd.DataFrame) -> AppliedDeployments:
    """`table` with corrected clocks, zones and missing sites, and its deployments that are not in `deployments`.

    A row belongs to a deployment by its name, and by its site where both tables give one. Times that are marked as
    UTC (`time_zone` +00:00) are turned into local time of the deployment's zone. No row is added or taken away.
    """
    i_deployment = _match(table, deployments)
    unknown_rows = table[(i_deployment < 0) & table["deployment"].notna()]
    names = unknown_rows["site"].fillna("").add("/").str.lstrip("/") + unknown_rows["deployment"]
    table = table.copy()
    for i in sorted(set(i_deployment) - {-1}):
        row, mine = deployments.iloc[i], i_deployment == i
        times = table.loc[mine, "captured_at"] + pd.to_timedelta(row["clock_correction_s"], unit="s")
        zone = row["time_zone"]
        if pd.notna(zone):
            times = _localised(times, table.loc[mine, "time_zone"], str(zone))
            table.loc[mine & table["captured_at"].notna(), "time_zone"] = zone
        table.loc[mine, "captured_at"] = times.astype(TIME)
        if pd.notna(row["site"]):
            table.loc[mine & table["site"].isna(), "site"] = row["site"]
    return AppliedDeployments(table, {str(k): int(v) for k, v in names.value_counts(sort=False).items()})


def outside_period(table: pd.DataFrame, deployments: pd.DataFrame) -> pd.Series[bool]:
    """For each row: whether its time lies before the start or after the end of its deployment."""
    i_deployment = _match(table, deployments)
    known = i_deployment >= 0
    period = deployments[["start", "end"]].reindex(i_deployment.where(known)).set_index(table.index)
    times = table["captured_at"]
    return ((times < period["start"]) | (times > period["end"])) & known


def _match(table: pd.DataFrame, deployments: pd.DataFrame) -> pd.Series[int]:
    """The position in `deployments` of each row's deployment, -1 where there is none."""
    by_pair = {
        (d, s): i for i, (d, s) in enumerate(zip(deployments["deployment"], deployments["site"], strict=True))
    }
    by_name: dict[Any, list[int]] = {}
    for i, name in enumerate(deployments["deployment"]):
        by_name.setdefault(name, []).append(i)

    def one(name: Any, site: Any) -> int:
        same_name = by_name.get(name, [])
        if pd.notna(site):
            without_site = [i for i in same_name if pd.isna(deployments["site"].iloc[i])]
            return by_pair.get((name, site), without_site[0] if without_site else -1)
        return same_name[0] if len(same_name) == 1 else -1

    pairs = table[["deployment", "site"]].drop_duplicates()
    found = {_key(d, s): one(d, s) for d, s in zip(pairs["deployment"], pairs["site"], strict=True) if pd.notna(d)}
    values = [found.get(_key(d, s), -1) for d, s in zip(table["deployment"], table["site"], strict=True)]
    return pd.Series(values, index=table.index, dtype="int64")


def _key(deployment: Any, site: Any) -> tuple[Any, Any]:
    return deployment, site if pd.notna(site) else None


def _localised(times: pd.Series[Any], zones: pd.Series[Any], zone: str) -> pd.Series[Any]:
    is_utc = zones.eq("+00:00").fillna(False).astype(bool) & times.notna()
    if not is_utc.any():
        return times
    local = times[is_utc].dt.tz_localize("UTC").dt.tz_convert(parse_time_zone(zone)).dt.tz_localize(None)
    return times.where(~is_utc, local.reindex(times.index))


# --- cells ---


def _rows(raw: pd.DataFrame) -> list[tuple[int, dict[str, Any]]]:
    columns = [c for c in _EXTRA if c in raw.columns]
    return (
        [(i + 1, row) for i, row in enumerate(raw[columns].to_dict("records"))]
        if columns
        else [(i + 1, {}) for i in range(len(raw))]
    )


def _correction_s(row: dict[str, Any], where: str) -> float:
    cells = {k: str(v).strip() for k, v in row.items() if pd.notna(v) and str(v).strip()}
    pair = [cells.get("camera_time", ""), cells.get("true_time", "")]
    given = cells.get("clock_correction", "")
    if given and any(pair):
        raise ManifestError(
            "the clock is corrected twice", where=where, expected="clock_correction, or camera_time and true_time"
        )
    if "," in given or ";" in given:
        pair = [p.strip() for p in given.replace(";", ",").split(",", 1)]
    elif given:
        try:
            return float(given)
        except ValueError:
            raise _bad_correction(where, given) from None
    if not any(pair):
        return 0.0
    camera, true = (parse_time(p) for p in pair)
    if camera is None or true is None:
        raise _bad_correction(where, " and ".join(repr(p) for p in pair))
    return (true - camera).total_seconds()


def _bad_correction(where: str, found: str) -> ManifestError:
    return ManifestError(
        "a clock correction cannot be read",
        where=where,
        found=found,
        expected="seconds such as -3600, or camera time and true time such as 2015-01-01 00:03:00, 2024-05-03 14:30:00",
    )


def _moment(value: Any, where: str, column: str) -> datetime | None:
    if pd.isna(value):
        return None
    if isinstance(value, datetime):
        return value
    text = str(value).strip()
    moment = parse_time(text) or parse_time(f"{text} {'00:00:00' if column == 'start' else '23:59:59'}")
    if moment is None:
        raise ManifestError(
            "a date cannot be read",
            where=where,
            found=repr(value),
            expected="such as 2024-05-03 or 2024-05-03 14:30:00",
        )
    return moment


def _number(value: Any, where: str) -> float:
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
            "a deployment stands twice in the table",
            where=f"{name}, row {i + 1}",
            found=repr(table["deployment"].iloc[i]),
            expected="each deployment once, or once for each site",
            todo="give the deployments names of their own",
        )
