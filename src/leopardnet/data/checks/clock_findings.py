"""Findings about clocks: reset, running ahead, running backwards, or outside of their deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pandas as pd

from leopardnet.core.manifest import Manifest
from leopardnet.data.checks.file_findings import Finding, finding
from leopardnet.data.scan.deployments import is_outside_period

FIRST_YEAR = 2010
_SLACK = timedelta(days=1)  # zones: somewhere it is tomorrow already
_BACKWARDS = timedelta(minutes=1)
_NUMBER = re.compile(r"(.*?)(\d{1,12})\D*$")


def clock_findings(manifest: Manifest, *, now: datetime, deployments: pd.DataFrame | None) -> Iterator[Finding]:
    """Capture times that a camera's clock cannot have shown rightly; one finding per row or per jump."""
    t = manifest.table.drop_duplicates("clip_id")
    timed = t[t["captured_at"].notna()]
    if len(timed) < len(t):
        n, first = len(t) - len(timed), t[t["captured_at"].isna()].iloc[0]
        yield finding(
            "info", "no_time", f"{n} of {len(t)} clips have no capture time", i_row=first.name, path=first["path"]
        )
    for rows, rule, message in (
        (
            timed[timed["captured_at"] < datetime(FIRST_YEAR, 1, 1)],
            "clock_early",
            f"recorded {{}}, before {FIRST_YEAR}: the clock was probably reset; give a clock_correction",
        ),
        (
            timed[timed["captured_at"] > now + _SLACK],
            "clock_ahead",
            "recorded {}, in the future: check the year and give a clock_correction",
        ),
    ):
        for i, path, time in zip(rows.index, rows["path"], rows["captured_at"], strict=True):
            yield finding("warning", rule, message.format(f"{time:%Y-%m-%d %H:%M}"), i_row=i, path=path)
    yield from _backwards(timed)
    if deployments is not None:
        for i in timed.index[is_outside_period(timed, deployments)]:
            message = f"recorded {timed.at[i, 'captured_at']:%Y-%m-%d %H:%M}, outside of deployment {timed.at[i, 'deployment']}"
            yield finding("warning", "outside_deployment", message, i_row=i, path=timed.at[i, "path"])


def _backwards(timed: pd.DataFrame) -> Iterator[Finding]:
    """Times that fall although the file number rises, within one folder and one kind of name."""
    names = [p.rpartition("/") for p in timed["path"]]
    numbers = [_NUMBER.match(name.rpartition(".")[0]) for _, _, name in names]
    order = timed[["path", "captured_at"]].assign(
        folder=[folder for folder, _, _ in names],
        prefix=[n[1] if n else "" for n in numbers],
        number=pd.Series([float(n[2]) if n else None for n in numbers], index=timed.index, dtype="float64"),
    )
    order = order.dropna(subset="number").sort_values(["folder", "prefix", "number", "captured_at"], kind="stable")
    series = order.groupby(["folder", "prefix"], sort=False)
    step, before = series["captured_at"].diff(), series["path"].shift()
    falls = step < -_BACKWARDS
    n_falls = falls.groupby([order["folder"], order["prefix"]]).transform("sum")
    n_files = series["path"].transform("size")
    chaotic = (n_falls >= 3) & (n_falls > 0.2 * n_files)  # such names do not count upwards in the first place
    for i in order.index[falls & ~chaotic]:
        hours = -step[i].total_seconds() / 3600
        message = f"recorded {hours:.1f} h before {before[i].rpartition('/')[2]}, which has a lower number: the clock was changed or reset"
        yield finding("warning", "clock_backwards", message, i_row=i, path=order.at[i, "path"])
    for (folder, _), rows in order[chaotic].groupby(["folder", "prefix"], sort=False):
        message = f"file numbers and times do not run together in {folder or 'the root folder'} ({len(rows)} files)"
        yield finding("info", "numbers_not_in_order", message, i_row=rows.index[0], path=rows["path"].iloc[0])
