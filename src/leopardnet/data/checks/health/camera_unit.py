"""One camera at one place for one period, with its clips in order of time: what all rules of health look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.columns import FLOAT, STRING, TIME
from leopardnet.data.checks.finding import Finding
from leopardnet.data.checks.health.sun import convert_to_utc, sun_altitude
from leopardnet.data.checks.health.visits import Days, find_visits

DAY = pd.Timedelta(days=1)
OF_CLIP = {  # columns of the clips of a unit; those that are not known are empty
    "i_row": "Int64",
    "path": STRING,
    "captured_at": TIME,
    "light": "object",
    "is_dark": "boolean",
    "is_empty": "boolean",
    "phash": "UInt64",
}
OF_UNIT = {
    "latitude": FLOAT,
    "longitude": FLOAT,
    "time_zone": STRING,
    "start": TIME,
    "end": TIME,
    "problems": STRING,
}


@dataclass(frozen=True, eq=False)
class CameraUnit:
    """The clips of a deployment, or of a site where no deployment is known, with the columns OF_CLIP, by time."""

    name: str
    clips: pd.DataFrame
    now: datetime
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def has_place(self) -> bool:
        """Whether coordinates and time zone are known, so that the sun is."""
        return all(pd.notna(self.facts.get(x)) for x in ("latitude", "longitude", "time_zone"))

    @cached_property
    def first(self) -> pd.Timestamp:
        """The time of the first clip."""
        return pd.Timestamp(self.clips["captured_at"].iloc[0])

    @cached_property
    def days(self) -> Days:
        """The times of the clips in days since the first one, float64 [N]."""
        return self.to_days(self.clips["captured_at"])

    @cached_property
    def visits(self) -> Days:
        """The begin of each visit in days since the first clip."""
        return find_visits(self.days)

    @cached_property
    def sun(self) -> NDArray[np.float64]:
        """The altitude of the sun at each clip, float64 [N]; only with `has_place`."""
        return self.find_sun(self.clips["captured_at"])

    def find_sun(self, times: pd.Series[Any]) -> NDArray[np.float64]:
        """Return the altitude of the sun at these local times; only with `has_place`."""
        at_utc = convert_to_utc(times, str(self.facts["time_zone"]))
        return sun_altitude(at_utc, float(self.facts["latitude"]), float(self.facts["longitude"]))

    def to_days(self, times: Any) -> Days:
        """Return times in days since the first clip."""
        return np.asarray((pd.Series(times) - self.first) / DAY, np.float64)

    def moment(self, name: str) -> float:
        """Return the start or the end of the deployment in days since the first clip; nan if unknown."""
        value = self.facts.get(name)
        return float("nan") if value is None or pd.isna(value) else float((pd.Timestamp(value) - self.first) / DAY)

    def warn(self, rule: str, message: str, i: int = 0) -> Finding:
        """Return a warning about this camera, which points at its clip at position `i`."""
        row = self.clips.iloc[i]
        i_row = None if pd.isna(row["i_row"]) else int(row["i_row"])
        return Finding("warning", rule, f"{self.name}: {message}", i_row, str(row["path"]))


def list_units(clips: pd.DataFrame, now: datetime) -> Iterator[CameraUnit]:
    """Yield the cameras of a table of clips with `unit`, and any of the columns OF_CLIP and OF_UNIT.

    Clips without a time fall out, and so do those in the future and before 2000: other rules name them.
    """
    missing = {n: dtype for n, dtype in (OF_CLIP | OF_UNIT).items() if n not in clips}
    empty: dict[str, Any] = {n: pd.Series([None] * len(clips), clips.index, dtype) for n, dtype in missing.items()}
    table = clips.assign(**empty)
    is_timed = table["captured_at"].notna() & table["unit"].notna()
    timed = table[is_timed & (table["captured_at"] <= now + DAY) & (table["captured_at"] >= datetime(2000, 1, 1))]
    for name, rows in timed.sort_values(["unit", "captured_at", "path"], kind="stable").groupby("unit", sort=True):
        facts = {str(k): v for k, v in rows.iloc[0][list(OF_UNIT)].items()}
        yield CameraUnit(str(name), rows[list(OF_CLIP)].reset_index(drop=True), now, facts)
