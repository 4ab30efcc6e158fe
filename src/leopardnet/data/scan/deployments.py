"""The deployments table: site, coordinates, time zone and clock correction of each deployment of a camera."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.columns import FLOAT, STRING, TIME, Column
from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import parse_time_zone
from leopardnet.core.tables import conform
from leopardnet.data.reading.tables.clock_time import (
    DateOrder,
    find_date_orders,
    is_ambiguous_date,
    settle_date_order,
)
from leopardnet.data.reading.tables.csv_cells import MISSING, shorten_codes
from leopardnet.data.reading.tables.date_form import DateForm
from leopardnet.data.reading.tables.people_table import PeopleTable, read_people_table
from leopardnet.data.scan.deployment_cells import (
    join_problems,
    parse_correction,
    parse_degrees,
    parse_moment,
    parse_size,
    parse_yes_no,
)

DEPLOYMENTS = (
    Column("deployment", STRING, False, "name of the deployment, as in the folders or the manifest"),
    Column("site", STRING, True, "the place; distinguishes deployments of one name, and fills in a missing site"),
    Column("latitude", FLOAT, True, "degrees north, WGS84", lambda s: s.between(-90, 90), "between -90 and 90"),
    Column("longitude", FLOAT, True, "degrees east, WGS84", lambda s: s.between(-180, 180), "between -180 and 180"),
    Column("time_zone", STRING, True, "IANA name such as Asia/Vladivostok, or an offset such as +10:00"),
    Column("start", TIME, True, "first day or moment, true local time"),
    Column("end", TIME, True, "last day (the whole of it) or moment, true local time"),
    Column("clock_correction_s", FLOAT, False, "seconds to add to the camera's time"),
    Column("station", STRING, True, "cameras that face each other have one; empty: the site is the station"),
    Column("camera", STRING, True, "name or serial number of the camera"),
    Column("owner", STRING, True, "organisation or project whose camera it is"),
    Column("coordinate_uncertainty_m", FLOAT, True, "radius around the coordinates that holds the place"),
    Column("clock_uncertainty_s", FLOAT, True, "largest error of the corrected time; empty: unknown"),
    Column("exact_place", STRING, True, "no: the exact place is never shown, whatever is asked for"),
    Column("problems", STRING, True, "periods in which the camera did not work: from/to, joined by '; '"),
)
SIZES = ("coordinate_uncertainty_m", "clock_uncertainty_s")
_CORRECTION = ("clock_correction", "camera_time", "true_time")
_CODES = ("deployment", "site", "station", "camera")
_PROBLEM = re.compile(r"problem(\d+)_(from|to)")
_TOGETHER = ("clock_correction", "problem1_from", "problem1_to")
_MADE = ("clock_correction_s", "problems")  # of other columns


@dataclass(frozen=True, slots=True)
class AppliedDeployments:
    """A manifest table with deployments applied, and its rows per deployment that is not in their table."""

    table: pd.DataFrame
    unknown: dict[str, int]


def read_deployments(path: Path, *, encoding: str | None = None, date_format: str | None = None) -> pd.DataFrame:
    """Read and check the deployments in a table: one row each, with the columns DEPLOYMENTS.

    The file is text, Excel, OpenDocument or Parquet (see read_people_table). It gives the clock correction as
    `clock_correction` (seconds to add, or a pair `camera time, true time`), or as two columns `camera_time` and
    `true_time`; an empty one means 0. Capitals and spaces in the header do not matter, and other columns are
    ignored. encoding: of a text table, detected by default; date_format: see DateForm.parse. Raises ManifestError
    with the line and column at fault.

    >>> ln.read_deployments(Path("deployments.xlsx"), date_format="dmy")  # doctest: +SKIP
    """
    return read_deployments_table(path, encoding=encoding, date_format=date_format)[0]


def read_deployments_table(
    path: Path, *, encoding: str | None = None, date_format: str | None = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Read like `read_deployments`; return the table, and notes on how the file was read."""
    raw = read_people_table(Path(path), encoding=encoding)
    columns, notes = _name_columns(raw)
    n = len(raw)
    known = [c.name for c in DEPLOYMENTS if c.name in columns and c.name not in _MADE]
    table: dict[str, Any] = {c: pd.Series([t or None for t in columns[c]], dtype=STRING) for c in known}
    _check_zones(columns.get("time_zone", []), raw)
    dates = DateForm.parse(date_format) if date_format else DateForm(_find_date_order(columns, raw))
    for column in ("start", "end"):
        if column in table:
            table[column] = pd.Series(_read_moments(columns, column, raw, dates), dtype=TIME)
    for column, limit in (("latitude", 90), ("longitude", 180)):
        if column in table:
            degrees = [parse_degrees(t, raw.where(i, column), limit) for i, t in enumerate(columns[column])]
            table[column] = pd.Series(degrees, dtype=FLOAT)
    for column in (c for c in SIZES if c in table):
        sizes = [parse_size(text, raw.where(i, column)) for i, text in enumerate(columns[column])]
        table[column] = pd.Series(sizes, dtype=FLOAT)
    if "exact_place" in table:
        cells = columns["exact_place"]
        answers = [parse_yes_no(text, raw.where(i, "exact_place")) for i, text in enumerate(cells)]
        table["exact_place"] = pd.Series(answers, dtype=STRING)
    table["problems"] = pd.Series(_read_problems(columns, raw, dates), dtype=STRING)
    given = [columns.get(c, [""] * n) for c in _CORRECTION]
    seconds = [parse_correction(*(c[i] for c in given), where=raw.where(i), dates=dates) for i in range(n)]
    table["clock_correction_s"] = pd.Series(seconds, dtype=FLOAT)
    _check(table, raw)
    return conform(pd.DataFrame(table), DEPLOYMENTS, where=raw.name), (*raw.notes, *notes)


def find_deployments(given: Path | str | pd.DataFrame | None) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
    """Return the table that is given, or that of its file, and notes on how the file was read."""
    return read_deployments_table(Path(given)) if isinstance(given, (str, Path)) else (given, ())


def apply_deployments(table: pd.DataFrame, deployments: pd.DataFrame) -> AppliedDeployments:
    """Correct the clocks of a manifest table, and fill in its time zones and missing sites.

    A row belongs to the deployment of its name, and of its site if both tables give one. Times with an offset of
    their own (`time_zone`) become local time in the deployment's zone. The rows and their order do not change, and
    neither does the given table.
    """
    i_deployment = match_deployments(table, deployments)
    unknown = count_unknown(table, i_deployment)
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
    return AppliedDeployments(table, unknown)


def count_unknown(table: pd.DataFrame, i_deployment: pd.Series[int]) -> dict[str, int]:
    """Return the rows of each deployment that has no row in the deployments table, as of `match_deployments`."""
    rows = table[(i_deployment < 0) & table["deployment"].notna()]
    names = rows["site"].fillna("").add("/").str.lstrip("/") + rows["deployment"]
    return {str(k): int(v) for k, v in names.value_counts(sort=False).items()}


def find_time_zones(table: pd.DataFrame, deployments: pd.DataFrame) -> pd.Series[str]:
    """Return for each row the time zone of its deployment; empty if unknown."""
    i_deployment = match_deployments(table, deployments)
    zones = deployments["time_zone"].reindex(i_deployment.where(i_deployment >= 0))
    return pd.Series(zones.to_numpy(), index=table.index, dtype=STRING)


def is_outside_period(table: pd.DataFrame, deployments: pd.DataFrame) -> pd.Series[bool]:
    """Return for each row whether its time is before the start or after the end of its deployment."""
    i_deployment = match_deployments(table, deployments)
    known = i_deployment >= 0
    period = deployments[["start", "end"]].reindex(i_deployment.where(known)).set_index(table.index)
    times = table["captured_at"]
    return ((times < period["start"]) | (times > period["end"])) & known


def match_deployments(table: pd.DataFrame, deployments: pd.DataFrame) -> pd.Series[int]:
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
    """Convert the times whose own offset is known; the others are taken as local time in `zone`."""
    for stated in [z for z in zones[times.notna()].dropna().unique() if z[0] in "+-"]:
        mine = zones.eq(stated).fillna(False).astype(bool) & times.notna()
        aware = times[mine].dt.tz_localize(parse_time_zone(stated))
        local = aware.dt.tz_convert(parse_time_zone(zone)).dt.tz_localize(None)
        times = times.where(~mine, local.reindex(times.index))
    return times


# --- columns and cells ---


def _read_moments(
    columns: Mapping[str, Sequence[str]], column: str, raw: PeopleTable, dates: DateForm
) -> list[datetime | None]:
    """Return the moments of a column; a date alone is the beginning of its day, as an end the end of its day."""
    is_end = column == "end" or column.endswith("_to")
    zones = columns.get("time_zone", [""] * len(raw))
    return [
        parse_moment(text, zone, raw.where(i, column), "23:59:59" if is_end else "00:00:00", dates)
        for i, (text, zone) in enumerate(zip(columns[column], zones, strict=True))
    ]


def _read_problems(columns: Mapping[str, Sequence[str]], raw: PeopleTable, dates: DateForm) -> list[str | None]:
    """Return for each row its periods of problems, from the columns problem1_from, problem1_to, problem2_from …"""
    numbers = sorted({int(found[1]) for c in columns if (found := _PROBLEM.fullmatch(c))})
    nothing: list[datetime | None] = [None] * len(raw)
    names = [(f"problem{k}_from", f"problem{k}_to") for k in numbers]
    ends = [[_read_moments(columns, c, raw, dates) if c in columns else nothing for c in pair] for pair in names]
    return [join_problems([(a[i], b[i]) for a, b in ends], raw.where(i)) for i in range(len(raw))]


def _name_columns(raw: PeopleTable) -> tuple[dict[str, list[str]], list[str]]:
    """Return the columns with `_` for spaces in their names, and notes on cells emptied or shortened.

    Raises ManifestError without a column deployment.
    """
    columns = {"_".join(re.split(r"[\s_-]+", name)): cells for name, cells in raw.columns.items()}
    if "deployment" not in columns:
        raise ManifestError(
            "this is not a deployments table",
            where=raw.name,
            found="columns " + ", ".join(raw.columns),
            expected="a column deployment, and any of "
            + ", ".join([*(c.name for c in DEPLOYMENTS[1:] if c.name not in _MADE), *_TOGETHER]),
        )
    n_missing, notes = 0, list[str]()
    problems = {c for c in columns if _PROBLEM.fullmatch(c)}
    for name in sorted(({*(c.name for c in DEPLOYMENTS), *_CORRECTION} & columns.keys()) | problems):
        cells = ["" if cell in MISSING else cell for cell in columns[name]]
        n_missing += sum(a != b for a, b in zip(cells, columns[name], strict=True))
        columns[name] = cells
        if name in _CODES and (shortened := shorten_codes([c or None for c in cells])) != [
            c or None for c in cells
        ]:
            columns[name] = [c or "" for c in shortened]
            notes.append(f"column {name} of {raw.name} holds whole numbers written with .0, which was left out")
    missing = f"{n_missing} cells of {raw.name} such as NA were read as empty"
    return columns, [missing] * bool(n_missing) + notes


def _find_date_order(columns: Mapping[str, Sequence[str]], raw: PeopleTable) -> DateOrder:
    """Return the order of day and month in dates such as 5/31/2023. Raises ManifestError if it is not certain."""
    places = [
        (part, raw.where(i, column))
        for column in ("start", "end", *_CORRECTION, *(c for c in columns if _PROBLEM.fullmatch(c)))
        for i, text in enumerate(columns.get(column, []))
        for part in re.split("[,;] *", text)
    ]
    texts = [part for part, _ in places]
    order = settle_date_order(texts)
    if order is not None:
        return order
    part, place = next(p for p in places if is_ambiguous_date(p[0]) or len(find_date_orders([p[0]])) == 1)
    orders = find_date_orders(texts)
    raise ManifestError(
        "day and month can be mistaken" if orders else "some dates begin with the day and others with the month",
        where=place,
        found=repr(part),
        expected="year, month and day such as 2023-05-01 10:00, or day, month and year with dots: 01.05.2023 10:00",
        todo="write the dates of the table so, or give --date-format dmy or mdy",
    )


def _check_zones(zones: Sequence[str], raw: PeopleTable) -> None:
    for i, zone in enumerate(zones):
        try:
            parse_time_zone(zone) if zone else None
        except ManifestError as error:
            raise ManifestError(
                error.what, where=raw.where(i, "time_zone"), found=repr(zone), expected=error.parts["expected"]
            ) from None


def _check(table: Mapping[str, pd.Series[Any]], raw: PeopleTable) -> None:
    names = table["deployment"]
    if names.isna().any():
        i = int(names.isna().to_numpy().argmax())
        raise ManifestError("a row names no deployment", where=raw.where(i, "deployment"), expected="its name")
    if "start" in table and "end" in table and (wrong := table["end"] < table["start"]).any():
        i = int(wrong.to_numpy().argmax())
        raise ManifestError(
            "a deployment ends before it starts",
            where=raw.where(i),
            found=f"{table['start'][i]} to {table['end'][i]}",
        )
    twice = pd.DataFrame({c: table[c] for c in ("deployment", "site") if c in table}).duplicated()
    if twice.any():
        i = int(twice.to_numpy().argmax())
        raise ManifestError(
            "the table has the same deployment twice",
            where=raw.where(i),
            found=repr(names[i]),
            expected="each deployment once, or once for each site",
            todo="give each deployment its own name",
        )
