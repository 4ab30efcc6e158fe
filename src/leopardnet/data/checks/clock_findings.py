"""Findings about clocks: reset, ahead, running backwards, not set to summer time, or outside of a deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from leopardnet.core.manifest import Manifest, parse_time_zone
from leopardnet.data.checks.finding import Finding
from leopardnet.data.scan.deployments import count_unknown, find_time_zones, is_outside_period, match_deployments

FIRST_YEAR = 2010
_SLACK = timedelta(days=1)  # because of time zones
_BACKWARDS = timedelta(minutes=1)
_WRAP_SHARE = 100  # a counter begins anew between the last and the first hundredth of its numbers
_MAX_PAUSE = timedelta(days=90)  # between the two; a clock that was reset is mostly years back
_NUMBER = re.compile(r"(.*?)(\d{1,12})\D*$")


def check_clocks(manifest: Manifest, *, now: datetime, deployments: pd.DataFrame | None) -> Iterator[Finding]:
    """Yield capture times that cannot be right, one finding per row or per jump of a clock."""
    t = manifest.table.drop_duplicates("clip_id")
    timed = t[t["captured_at"].notna()]
    if len(timed) < len(t):
        n, first = len(t) - len(timed), t[t["captured_at"].isna()].iloc[0]
        yield Finding(
            "info", "no_time", f"{n} of {len(t)} clips have no capture time", int(str(first.name)), first["path"]
        )
    for rows, rule, write in (
        (
            timed[timed["captured_at"] < datetime(FIRST_YEAR, 1, 1)],
            "clock_early",
            lambda at: f"recorded {at}, before {FIRST_YEAR}: the clock was probably reset; give a clock_correction",
        ),
        (
            timed[timed["captured_at"] > now + _SLACK],
            "clock_ahead",
            lambda at: f"recorded {at}, in the future: check the year and give a clock_correction",
        ),
    ):
        for i, path, time in zip(rows.index, rows["path"], rows["captured_at"], strict=True):
            yield Finding("warning", rule, write(f"{time:%Y-%m-%d %H:%M}"), i, path)
    yield from _find_backward_jumps(timed)
    yield from _find_skipped_hours(timed, deployments)
    if deployments is not None:
        yield from _find_unknown_deployments(t, deployments)
        for i in timed.index[is_outside_period(timed, deployments)]:
            row = timed.loc[i]
            message = f"recorded {row['captured_at']:%Y-%m-%d %H:%M}, outside of deployment {row['deployment']}"
            yield Finding("warning", "outside_deployment", message, i, row["path"])


def _find_unknown_deployments(clips: pd.DataFrame, deployments: pd.DataFrame) -> Iterator[Finding]:
    """Yield the deployments of clips that the table lacks: their clocks and zones stay as the camera had them."""
    if len(clips) and clips["deployment"].isna().all():
        yield Finding(
            "warning", "unknown_deployment", "no clip has a deployment, so no row of the deployments table is used"
        )
    for name, n in count_unknown(clips, match_deployments(clips, deployments)).items():
        yield Finding(
            "warning", "unknown_deployment", f"clips of deployment {name}: {n}; the table has no row for them"
        )


def _find_skipped_hours(timed: pd.DataFrame, deployments: pd.DataFrame | None) -> Iterator[Finding]:
    """Yield times that do not exist in their zone, because clocks go forward: the camera keeps standard time."""
    zones = timed["time_zone"]
    if deployments is not None:
        zones = zones.fillna(find_time_zones(timed, deployments))
    for zone in zones[~zones.str.startswith(("+", "-"), na=True)].unique():
        times = timed.loc[zones == zone, "captured_at"]
        # An hour that occurs twice in autumn is no fault: `ambiguous` takes it as summer time.
        exists = times.dt.tz_localize(
            parse_time_zone(zone), nonexistent="NaT", ambiguous=np.ones(len(times), dtype=bool)
        ).notna()
        for i, time in times[~exists].items():
            message = (
                f"recorded {time:%Y-%m-%d %H:%M}, which {zone} skips when summer time begins: the camera's clock "
                "does not change; give its offset, such as +01:00, as time_zone of the deployment"
            )
            yield Finding("warning", "skipped_hour", message, int(str(i)), str(timed.at[i, "path"]))


def _find_backward_jumps(timed: pd.DataFrame) -> Iterator[Finding]:
    """Yield times that go back although the file number rises, within one folder and one kind of name."""
    names = [p.rpartition("/") for p in timed["path"]]
    numbers = [_NUMBER.match(name.rpartition(".")[0]) for _, _, name in names]
    order = timed[["path", "captured_at"]].assign(
        folder=[folder for folder, _, _ in names],
        prefix=[n[1] if n else "" for n in numbers],
        number=pd.Series([float(n[2]) if n else None for n in numbers], index=timed.index, dtype="float64"),
        n_digits=[len(n[2]) if n else 0 for n in numbers],
    )
    order = order.dropna(subset="number").sort_values(["folder", "prefix", "number", "captured_at"], kind="stable")
    series = order.groupby(["folder", "prefix"], sort=False)
    step, before = series["captured_at"].diff(), series["path"].shift()
    falls = (step < -_BACKWARDS) & ~_begin_anew(order)
    n_falls = falls.groupby([order["folder"], order["prefix"]]).transform("sum")
    n_files = series["path"].transform("size")
    unordered = (n_falls >= 3) & (n_falls > 0.2 * n_files)  # these file names do not count up
    for i in order.index[falls & ~unordered]:
        hours = -step[i].total_seconds() / 3600
        earlier_file = before[i].rpartition("/")[2]
        message = f"recorded {hours:.1f} h before {earlier_file}, a lower number: the clock was changed or reset"
        yield Finding("warning", "clock_backwards", message, i, str(order.at[i, "path"]))
    for (folder, _), rows in order[unordered].groupby(["folder", "prefix"], sort=False):
        where = folder or "the root folder"
        message = f"file numbers do not follow the times in {where} (files: {len(rows)})"
        yield Finding("info", "numbers_not_in_order", message, rows.index[0], rows["path"].iloc[0])


def _begin_anew(order: pd.DataFrame) -> pd.Series[bool]:
    """Return for each row whether a counter ran over before the files with lower numbers, such as 9999 and then 1.

    `order` is sorted by number. The row is the earliest file, the first one with the higher numbers. Otherwise the
    clock was changed: without files at both ends of the counter and a gap before the row, and unless the file with
    the lowest number follows that with the highest one soon.
    """
    series = order.groupby(["folder", "prefix"], sort=False)
    time, number = series["captured_at"], series["number"]
    limit = 10.0 ** series["n_digits"].transform("last")
    margin = limit / _WRAP_SHARE
    at_both_ends = (number.transform("last") >= limit - margin - 1) & (number.transform("first") <= margin)
    pause = time.transform("first") - time.transform("last")
    is_earliest = order["captured_at"] == time.transform("min")
    return at_both_ends & pause.between(timedelta(), _MAX_PAUSE) & is_earliest & (number.diff() > 1)
