"""Effort: for how long each camera worked, from the deployments table and the clips."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.columns import FLOAT, INT, STRING, TIME, Column
from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import conform
from leopardnet.data.scan.deployments import match_deployments

EFFORT = (
    Column("deployment", STRING, False, "name of the deployment"),
    Column("site", STRING, True, "the place"),
    Column("station", STRING, True, "cameras that stand opposite each other; the site where none is given"),
    Column("camera", STRING, True, "the camera, if the table names it"),
    Column("start", TIME, True, "begin of the period, local time"),
    Column("end", TIME, True, "end of the period, local time"),
    Column("start_from", STRING, False, "table, first clip, or unknown"),
    Column("end_from", STRING, False, "table, last clip, or unknown"),
    Column("problem_days", FLOAT, True, "days of the period in which the camera did not work, each once"),
    Column("camera_days", FLOAT, True, "days of the period without those; empty if the period is unknown"),
    Column("n_clips", INT, False, "clips of the deployment"),
    Column("overlaps", STRING, True, "other deployments of the same camera at the same time, joined by ' + '"),
)
PERIODS = (
    Column("deployment", STRING, False, "name of the deployment"),
    Column("site", STRING, True, "the place"),
    Column("station", STRING, True, "cameras that stand opposite each other; the site where none is given"),
    Column("owner", STRING, True, "who owns the camera"),
    Column("start", TIME, False, "begin of a time in which the camera worked, local time"),
    Column("end", TIME, False, "its end, exclusive"),
)
TABLE, FIRST_CLIP, LAST_CLIP, UNKNOWN = "table", "first clip", "last clip", "unknown"
_DAY_S = 86_400.0
_SECOND = pd.Timedelta(seconds=1)


def count_effort(deployments: pd.DataFrame, clips: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the camera-days of each deployment: one row each in the order of the table, columns EFFORT.

    deployments: of `read_deployments`. clips: with deployment, site and captured_at, such as the table of a
    manifest; where a start or an end is missing, the first or the last clip stands for it, and start_from or
    end_from says so. Problem periods that overlap count once, and only inside the period. Deployments of one camera
    (column `camera`) that overlap are named in `overlaps`; their days count as the table gives them, because one of
    them must be wrong. Raises ManifestError for problems that cannot be read.

    >>> ln.count_effort(ln.read_deployments(Path("deployments.csv")), manifest.table)  # doctest: +SKIP
    """
    periods, table = find_periods(deployments, clips), deployments.reset_index(drop=True)
    problems = merge_problems(table, periods)
    length = (problems["end"] - problems["start"]).dt.total_seconds() / _DAY_S
    lost = length.groupby(problems["i"]).sum().reindex(table.index, fill_value=0.0)
    days = (periods["end"] - periods["start"]).dt.total_seconds() / _DAY_S
    effort = pd.DataFrame(
        {
            "deployment": table["deployment"],
            "site": _texts(table, "site"),
            "station": _texts(table, "station").fillna(_texts(table, "site")),
            "camera": _texts(table, "camera"),
            **{name: periods[name] for name in ("start", "end", "start_from", "end_from")},
            "problem_days": lost.where(days.notna()),
            "camera_days": days - lost,
            "n_clips": periods["n_clips"],
            "overlaps": _name_overlaps(table, periods),
        }
    )
    return conform(effort, EFFORT, where="effort")


def find_active_periods(deployments: pd.DataFrame, clips: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the times in which each camera worked, columns PERIODS: its period without its problem periods.

    Deployments of an unknown period have no row. Arguments: see `count_effort`.
    """
    table, periods = deployments.reset_index(drop=True), find_periods(deployments, clips)
    known = periods[["start", "end"]].dropna()
    known = known[known["end"] > known["start"]]
    problems = merge_problems(table, periods)
    starts = pd.concat([known["start"], problems.set_index("i")["end"]])
    ends = pd.concat([problems.set_index("i")["start"], known["end"]])
    # Sorted, the k-th begin of work belongs to the k-th end, because problems of a deployment are disjoint.
    both = [x.rename(name).rename_axis("i").reset_index() for x, name in ((starts, "start"), (ends, "end"))]
    starts, ends = (
        x.sort_values(["i", name], kind="stable") for x, name in zip(both, ("start", "end"), strict=True)
    )
    active = pd.DataFrame(
        {"i": starts["i"].to_numpy(), "start": starts["start"].to_numpy(), "end": ends["end"].to_numpy()}
    )
    active = active[active["end"] > active["start"]]
    texts = {name: _texts(table, name) for name in ("deployment", "site", "station", "owner")}
    texts["station"] = texts["station"].fillna(texts["site"])
    names = pd.DataFrame(texts).loc[active["i"]]
    return conform(
        names.reset_index(drop=True).assign(start=active["start"].to_numpy(), end=active["end"].to_numpy()),
        PERIODS,
        where="periods of work",
    )


def find_periods(deployments: pd.DataFrame, clips: pd.DataFrame | None) -> pd.DataFrame:
    """Return start, end (exclusive), start_from, end_from, n_clips and last_clip_at of each deployment, in order.

    A last second such as 23:59:59 counts whole, because a date alone means the whole day.
    """
    table = deployments.reset_index(drop=True)
    first: Any = pd.Series(pd.NaT, index=table.index, dtype=TIME)
    last = first
    n_clips = pd.Series(0, index=table.index)
    if clips is not None:
        i = match_deployments(clips, table)
        of_table = clips.loc[i >= 0, "captured_at"].groupby(i[i >= 0])
        first, last = of_table.min().reindex(table.index), of_table.max().reindex(table.index)
        n_clips = of_table.size().reindex(table.index, fill_value=0)
    start, end = (_times(table, name) for name in ("start", "end"))
    return pd.DataFrame(
        {
            "start": start.fillna(first).astype(TIME),
            "end": _end_whole(end).fillna(last).astype(TIME),
            "start_from": _name_source(start, first, FIRST_CLIP),
            "end_from": _name_source(end, last, LAST_CLIP),
            "n_clips": n_clips,
            "last_clip_at": last.astype(TIME),
        }
    )


def merge_problems(deployments: pd.DataFrame, periods: pd.DataFrame) -> pd.DataFrame:
    """Return the problem periods inside the periods, united where they meet: i (position), start, end.

    periods: from `find_periods`. Raises ManifestError for a text that holds no period.
    """
    rows = parse_problems(deployments)
    start, end = (periods[name].reindex(rows["i"]).set_axis(rows.index) for name in ("start", "end"))
    rows["start"] = np.maximum(rows["start"], start)
    rows["end"] = np.minimum(rows["end"].fillna(end), end)
    rows = rows[rows["end"] > rows["start"]].sort_values(["i", "start"], kind="stable")  # unknown periods fall out
    latest = rows.groupby("i")["end"].cummax().groupby(rows["i"]).shift()
    number = (latest.isna() | (rows["start"] > latest)).cumsum()
    return rows.groupby(number).agg(i=("i", "first"), start=("start", "min"), end=("end", "max"))


def parse_problems(deployments: pd.DataFrame) -> pd.DataFrame:
    """Return one row per problem period of the column `problems`: i (position of the deployment), start, end.

    The text is "from/to; from/to", as `read_deployments` writes it. A period without `to` has no end here; it lasts
    until that of the deployment. Raises ManifestError for another text.

    >>> parse_problems(pd.DataFrame({"deployment": ["a"], "problems": ["2021-12-01 00:00:00/2021-12-01 23:59:59"]}))
       i      start        end
    0  0 2021-12-01 2021-12-02
    """
    texts = _texts(deployments.reset_index(drop=True), "problems").dropna().str.split(";").explode().str.strip()
    texts = texts[texts != ""]
    parts = texts.str.split("/", n=1, expand=True).reindex(columns=[0, 1])
    start, end = (pd.to_datetime(parts[k], format="ISO8601", errors="coerce") for k in (0, 1))
    wrong = start.isna() | (end.isna() & (parts[1] != "")) | (end < start)
    if wrong.any():
        at = int(wrong.to_numpy().argmax())
        raise ManifestError(
            "a problem period cannot be read",
            where=f"deployment {deployments['deployment'].iloc[int(texts.index[at])]}, column problems",
            found=repr(texts.iloc[at]),
            expected="begin/end such as 2021-12-01 00:00:00/2021-12-05 23:59:59, the end not before the begin",
        )
    return pd.DataFrame(
        {"i": texts.index.to_numpy(np.int64), "start": start.to_numpy(), "end": _end_whole(end).to_numpy()}
    ).astype({"start": TIME, "end": TIME})


def _end_whole(ends: pd.Series[Any]) -> Any:
    whole: Any = ends.where((ends.dt.second != 59) | ends.isna(), ends + _SECOND)
    return whole.astype(TIME)


def _name_overlaps(table: pd.DataFrame, periods: pd.DataFrame) -> pd.Series[Any]:
    """Return the names of the other deployments of the same camera that overlap with each one."""
    named = periods.assign(camera=_texts(table, "camera")).dropna(subset=["camera", "start", "end"])
    named = named[named.groupby("camera")["start"].transform("size") > 1].reset_index(names="i")
    pairs = named.merge(named, on="camera", suffixes=("", "_2"))
    meet = (pairs["i"] != pairs["i_2"]) & (pairs["start"] < pairs["end_2"]) & (pairs["start_2"] < pairs["end"])
    found = pairs[meet].sort_values(["i", "i_2"])
    names = table["deployment"].reindex(found["i_2"]).to_numpy()
    joined = pd.Series(names, index=found["i"].to_numpy(), dtype=object).groupby(level=0).agg(" + ".join)
    return joined.reindex(table.index)


def _name_source(given: pd.Series[Any], of_clips: pd.Series[Any], name: str) -> pd.Series[Any]:
    return pd.Series(np.select([given.notna(), of_clips.notna()], [TABLE, name], UNKNOWN), index=given.index)


def _texts(table: pd.DataFrame, column: str) -> pd.Series[Any]:
    return table.get(column, pd.Series(None, index=table.index)).astype(object)


def _times(table: pd.DataFrame, column: str) -> Any:
    found: Any = table.get(column, pd.Series(pd.NaT, index=table.index))
    return found.astype(TIME)
