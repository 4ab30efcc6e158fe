"""Repeated captures: stations where an animal was taken more often in a short time than its history there explains.

A hint says "worth a visit" and no more: what kept the animal there is not known. Captures are events, not clips.
Alarm calls and prey are counted beside a hint and do not enter its p-value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.columns import FLOAT, INT, STRING, TIME, Column
from leopardnet.core.tables import conform
from leopardnet.records.encounters.encounter_settings import (
    EncounterSettings,
    RepeatSettings,
    load_encounter_settings,
)
from leopardnet.records.encounters.scan_statistic import Crowd, History, find_crowds, unite_periods
from leopardnet.records.record_table import CONFIRMED, REFUTED, SUSPECTED
from leopardnet.score.events import GAP_MINUTES, event_ids

VISIT = "worth a visit"
NO_PERIOD = "no period of work is known of the station"
TOO_FEW = "too few captures"
BY_CHANCE = "chance explains it"
SCANS = (
    Column("station", STRING, False, "the place"),
    Column("owner", STRING, True, "who owns its cameras"),
    Column("label", STRING, False, "the animal"),
    Column("state", STRING, False, "confirmed: of confirmed records alone; suspected: with suspected ones"),
    Column("words", STRING, False, "worth a visit, or why not"),
    Column("start", TIME, True, "local time of the first of the most crowded captures; empty if none crowd"),
    Column("end", TIME, True, "local time of the last one"),
    Column("span_days", FLOAT, True, "days from the first to the last"),
    Column("n_captures", INT, False, "captures in that time, of which"),
    Column("n_confirmed", INT, False, "have a confirmed record"),
    Column("n_suspected", INT, False, "rest on suspected records alone"),
    Column("n_history", INT, False, "captures at the station in its periods of work, these included"),
    Column("n_outside", INT, False, "captures outside the periods of work, which do not count"),
    Column("camera_days", FLOAT, True, "days in which a camera of the station worked"),
    Column("expected", FLOAT, True, "captures that the rest of the history leads to expect in so many days"),
    Column("p_value", FLOAT, True, "probability that chance crowds any station and label so much"),
    Column("n_looked_at", INT, False, "stations, labels and states that were looked at together"),
    Column("n_alarm_calls", INT, True, "clips with an alarm call around that time, confirmed; empty: not searched"),
    Column("n_alarm_calls_suspected", INT, True, "clips with a candidate around that time that nobody named"),
    Column("n_prey", INT, True, "events of prey around that time, confirmed; empty: no record of prey is known"),
    Column("n_prey_suspected", INT, True, "events of prey around that time that only a model suspects"),
    Column("record_ids", STRING, False, "JSON list of the records of these captures"),
)
_KEYS = ["station", "owner", "label", "state"]
_DAY_US = 86_400e6


def find_repeated_captures(
    records: pd.DataFrame,
    periods: pd.DataFrame,
    settings: EncounterSettings | None = None,
    *,
    calls: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the stations that are worth a visit, the surest first, columns SCANS.

    Arguments: see `scan_stations`. Where confirmed records alone suffice, the row with suspected ones is left out.
    """
    hints = scan_stations(records, periods, settings, calls=calls)
    hints = hints[hints["words"] == VISIT].sort_values(["p_value", "state", "station", "label"], kind="stable")
    return hints.drop_duplicates(["station", "owner", "label"]).reset_index(drop=True)


def scan_stations(
    records: pd.DataFrame,
    periods: pd.DataFrame,
    settings: EncounterSettings | None = None,
    *,
    calls: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return what was found of each station and label, columns SCANS: one row for confirmed records, one with all.

    records: columns record_id, label, state, station, owner, captured_at. periods: times in which a camera worked,
    columns start, end (local time, exclusive), station or else site, and owner if stations of two owners share a
    name. calls: one row per clip with an alarm call or a candidate, columns station, owner, captured_at,
    is_confirmed; None: sounds were not searched. Refuted records, those of
    prey, and those without station or time are not looked at. The row with all records is there only if some are
    suspected.
    """
    how = (settings or load_encounter_settings()).repeated
    captures = _list_captures(records[~records["label"].isin(how.prey)])
    works = _list_periods(periods)
    rows, histories = list[dict[str, Any]](), list[History]()
    for key, mine in captures.groupby(_KEYS, sort=True):
        row = dict(zip(_KEYS, map(str, key), strict=True))
        begins, ends = works.get((row["owner"], row["station"])) or works.get(("", row["station"])) or _NO_PERIODS
        days = mine["at"].to_numpy("datetime64[us]").astype(np.int64) / _DAY_US
        i = np.searchsorted(begins, days, side="right") - 1
        inside = (i >= 0) & (days < ends[i]) if len(begins) else np.zeros(len(days), bool)
        mine = mine[inside]
        histories.append(History("/".join(map(str, key)), days[inside], begins, ends))
        rows.append({**row, "mine": mine, "n_outside": int((~inside).sum())})
    crowds = find_crowds(
        histories,
        max_days=how.max_days,
        min_captures=how.min_captures,
        n_shuffles=how.n_shuffles,
        level=how.level,
        seed=how.seed,
        gap_days=GAP_MINUTES / 1440,
    )
    table = pd.DataFrame(
        [_describe(row, h, crowd, how) for row, h, crowd in zip(rows, histories, crowds, strict=True)],
        columns=[c.name for c in SCANS],
    ).assign(n_looked_at=len(rows))
    beside = _count_beside(table[table["words"] == VISIT], records, calls, how)
    table = table.assign(**beside.reindex(table.index), owner=table["owner"].replace("", None))
    return conform(table, SCANS, where="repeated captures")


_NO_PERIODS = (np.zeros(0), np.zeros(0))


def _list_captures(records: pd.DataFrame) -> pd.DataFrame:
    """Return the captures: _KEYS, at, is_confirmed, record_ids (list); those of confirmed records, and of all."""
    known = (records["state"] != REFUTED) & records[["captured_at", "station"]].notna().all(axis=1)
    used = records.loc[known, ["record_id", "label", "state", "station", "owner", "captured_at"]]
    used["owner"] = _name_owners(used)
    sure = used["state"] == CONFIRMED
    place = ["station", "owner", "label"]
    open_places = used.loc[~sure, place].drop_duplicates()
    both = pd.concat([used[sure], used.merge(open_places, on=place)], ignore_index=True)
    both["is_confirmed"] = both["state"] == CONFIRMED
    both["state"] = np.where(np.arange(len(both)) < sure.sum(), CONFIRMED, SUSPECTED)
    number = both.groupby(_KEYS).ngroup().astype(str)
    clips = pd.DataFrame({"clip_id": both["record_id"], "site": number, "captured_at": both["captured_at"]})
    both["event"] = event_ids(clips).to_numpy()
    both = both.sort_values(["captured_at", "record_id"], kind="stable")
    by = both.groupby([*_KEYS, "event"], sort=False)
    found = by.agg(at=("captured_at", "min"), is_confirmed=("is_confirmed", "any"), record_ids=("record_id", list))
    return found.reset_index().sort_values("at", kind="stable")


def _list_periods(periods: pd.DataFrame) -> dict[tuple[str, str], tuple[Any, Any]]:
    """Return begins and ends in days, united, by owner ("" if the table names none) and station."""
    station = periods["station"] if "station" in periods else periods["site"]
    days = {c: periods[c].to_numpy("datetime64[us]").astype(np.int64) / _DAY_US for c in ("start", "end")}
    table = pd.DataFrame({"owner": _name_owners(periods), "station": station.astype(object), **days})
    return {
        (str(owner), str(station)): unite_periods(rows["start"].to_numpy(), rows["end"].to_numpy())
        for (owner, station), rows in table.dropna().groupby(["owner", "station"])
    }


def _name_owners(table: pd.DataFrame) -> pd.Series[Any]:
    """Return the owner of each row, "" if unknown."""
    return table["owner"].astype(object).fillna("") if "owner" in table else pd.Series("", index=table.index)


def _describe(row: dict[str, Any], history: History, crowd: Crowd, how: RepeatSettings) -> dict[str, Any]:
    """Return the row of a station, but for what stands beside it."""
    mine: pd.DataFrame = row["mine"]
    few = len(mine) < how.min_captures
    words = NO_PERIOD if not len(history.begins) else TOO_FEW if few else BY_CHANCE
    inside = mine.iloc[crowd.first : crowd.first + crowd.n]
    n_confirmed = int(inside["is_confirmed"].sum())
    span_days = float(np.ptp(history.times[crowd.first : crowd.first + crowd.n])) if crowd.n else np.nan
    rest_days = history.days - span_days
    return {
        **{c: row[c] for c in (*_KEYS, "n_outside")},
        "words": VISIT if not few and crowd.p_value <= how.level else words,
        "start": inside["at"].min(),
        "end": inside["at"].max(),
        "span_days": span_days,
        "n_captures": crowd.n,
        "n_confirmed": n_confirmed,
        "n_suspected": crowd.n - n_confirmed,
        "n_history": len(mine),
        "camera_days": history.days if len(history.begins) else np.nan,
        "expected": (len(mine) - crowd.n) * span_days / rest_days if rest_days > 0 else np.nan,
        "p_value": np.nan if few else crowd.p_value,
        "record_ids": json.dumps([x for ids in inside["record_ids"] for x in ids]),
    }


def _count_beside(
    hints: pd.DataFrame, records: pd.DataFrame, calls: pd.DataFrame | None, how: RepeatSettings
) -> pd.DataFrame:
    """Return the confirmed and the suspected calls and prey of each hint, by its index."""
    is_prey = records["label"].isin(how.prey)
    prey = _list_captures(records[is_prey & records["station"].isin(hints["station"])])
    margin = pd.Timedelta(hours=how.beside_h)
    rows = []
    for hint in hints.to_dict("records"):
        first, last = hint["start"] - margin, hint["end"] + margin
        events = _take_place(prey, hint)
        events = events[events["at"].between(first, last)]
        events = events.sort_values("state", ascending=False).drop_duplicates(["label", "at"])
        n_sure = int(events["is_confirmed"].sum())
        n_prey = (n_sure, len(events) - n_sure) if is_prey.any() else (pd.NA, pd.NA)
        n_calls: tuple[Any, Any] = (pd.NA, pd.NA)
        if calls is not None:
            heard = _take_place(calls, hint)
            is_sure = heard.loc[heard["captured_at"].between(first, last), "is_confirmed"]
            n_calls = (int(is_sure.sum()), int((~is_sure).sum()))
        rows.append((*n_calls, *n_prey))
    columns = ["n_alarm_calls", "n_alarm_calls_suspected", "n_prey", "n_prey_suspected"]
    return pd.DataFrame(rows, index=hints.index, columns=columns).astype("Int64")


def _take_place(table: pd.DataFrame, hint: Mapping[Any, Any]) -> pd.DataFrame:
    """Return the rows of the hint's station; a table without owners has one station of a name."""
    is_here = table["station"] == hint["station"]
    if "owner" in table:
        is_here &= _name_owners(table) == hint["owner"]
    found: pd.DataFrame = table[is_here]
    return found
