"""First records: whether a confirmed record of the label was made before at the site, in the area, in N years.

What counts as earlier is confirmed records alone, also for a record that is only suspected. A record is `False` if
a confirmed one is certainly earlier, empty if that cannot be told (a time or a place is not known), and else
`True`; records that may be of the same time, as far as their clocks are known, share the first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.columns import STRING
from leopardnet.core.labels import JOINER
from leopardnet.records.ranges.geodesics import measure_distance_m
from leopardnet.records.ranges.uncertain_places import PLACE, find_uncertainty_m, list_places
from leopardnet.records.record_settings import NotableSettings, load_notable
from leopardnet.records.record_table import BEYOND, BOOLEAN, CANNOT_TELL, CONFIRMED, INSIDE, OUTSIDE, REFUTED

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

YEAR_S = 365.25 * 86_400.0
_FILLED = ("nearest_record_km", "nearest_record_id", "first_at_site", "first_in_area", "first_in_years")


def add_firsts(
    records: pd.DataFrame,
    *,
    earlier: pd.DataFrame | None = None,
    settings: NotableSettings | None = None,
    unchecked: Collection[str] = (),
) -> pd.DataFrame:
    """Return the records with nearest_record_*, first_*, rules, is_notable and unclear; after `add_ranges`.

    earlier: records of earlier seasons, with the columns RECORDS; their confirmed rows count as history. unchecked:
    clip_id of clips whose time nothing speaks for. A camera that starts in 2015 again after a change of batteries
    would make gaps of years, so `first_in_years` is empty where the record or the last one before is of these.
    Without any confirmed record of a label there is nothing to be first against, and what is suspected stays empty.
    Refuted records are never notable, and nothing about them is unclear.
    """
    settings = settings or load_notable()
    parts = [records] if earlier is None else [records, earlier[~earlier["record_id"].isin(records["record_id"])]]
    known = pd.concat(parts, ignore_index=True)
    confirmed = known[known["state"] == CONFIRMED]
    confirmed = confirmed.assign(is_checked=~confirmed["clip_id"].isin(unchecked))
    found = _list_nothing(records.index)
    for label in records["label"].unique():
        mine, history = records[records["label"] == label], confirmed[confirmed["label"] == label]
        if len(history):
            found.loc[mine.index] = _compare(mine, history, settings)
    found["first_in_years"] = found["first_in_years"].mask(records["clip_id"].isin(unchecked))
    records = records.assign(**{c: found[c] for c in _FILLED})
    return _add_rules(records, confirmed["label"].unique(), settings)


def _list_nothing(index: pd.Index[Any]) -> pd.DataFrame:
    types: Any = {"nearest_record_id": STRING, "first_at_site": BOOLEAN, "first_in_area": BOOLEAN}
    empty = {c: pd.Series(None, index=index, dtype=types.get(c, "float64")) for c in _FILLED}
    return pd.DataFrame(empty, index=index)


def _bound_moments(rows: pd.DataFrame, settings: NotableSettings) -> tuple[Floats, Floats]:
    """Return the earliest and the latest possible second of each row; -inf and inf where the time is unknown."""
    at = rows["at_utc"].to_numpy("datetime64[us]")
    seconds = np.where(np.isnat(at), np.nan, at.astype(np.int64) / 1e6)
    off = rows["clock_uncertainty_s"].fillna(settings.unknown_clock_s).to_numpy(np.float64)
    return np.nan_to_num(seconds - off, nan=-np.inf), np.nan_to_num(seconds + off, nan=np.inf)


@dataclass(frozen=True, eq=False)
class _History:
    """Confirmed records in G groups: the first latest moment of each, how many there are, how many without time."""

    first_high: Floats
    n: NDArray[np.int64]
    n_unknown: NDArray[np.int64]

    @classmethod
    def of(cls, group: NDArray[np.int64], high: Floats, n_groups: int) -> _History:
        first_high = np.full(n_groups, np.inf)
        np.minimum.at(first_high, group, high)
        n, n_unknown = (np.bincount(group[x], minlength=n_groups) for x in (high == high, np.isinf(high)))
        return cls(first_high, n, n_unknown)

    def join(self, groups: Bools) -> _History:
        """Return the history of several groups as one."""
        first_high = np.array([self.first_high[groups].min(initial=np.inf)])
        return _History(first_high, *(np.array([x[groups].sum()]) for x in (self.n, self.n_unknown)))

    def __add__(self, other: _History) -> _History:
        return _History(
            np.minimum(self.first_high, other.first_high), self.n + other.n, self.n_unknown + other.n_unknown
        )

    @classmethod
    def of_all(cls, high: Floats) -> _History:
        """Return the history of all these records as one group."""
        return cls.of(np.zeros(len(high), np.int64), high, 1)

    def take(self, i: NDArray[np.int64]) -> _History:
        """Return the group of each position, as one row each."""
        return _History(self.first_high[i], self.n[i], self.n_unknown[i])


def _judge(low: Floats, is_own: Bools, certain: _History, possible: _History) -> tuple[Bools, Bools]:
    """Return whether each record is the first, and whether that cannot be told.

    is_own: whether the record is itself in `certain`, with an unknown time if its own is unknown.
    """
    is_unknown = np.isneginf(low)
    is_later = certain.first_high < low
    n_maybe = np.where(is_unknown, certain.n - is_own, certain.n_unknown)
    may_be_later = (possible.first_high < low) | (possible.n_unknown > 0) | (is_unknown & (possible.n > 0))
    return ~is_later, ~is_later & ((n_maybe > 0) | may_be_later)


def _compare(mine: pd.DataFrame, history: pd.DataFrame, settings: NotableSettings) -> pd.DataFrame:
    """Return the columns _FILLED of the records of one label, against its confirmed records."""
    low, high = _bound_moments(mine, settings)[0], _bound_moments(history, settings)[1]
    is_own = mine["state"].eq(CONFIRMED).to_numpy(bool)
    found = _list_nothing(mine.index)
    has_site, had_site = (x["site"].notna().to_numpy(bool) for x in (mine, history))
    sites = pd.Index(history["site"].dropna().unique())
    # A site without history is at -1, the last group, which is empty.
    of_site = _History.of(sites.get_indexer(history["site"][had_site]), high[had_site], len(sites) + 1)
    i_site = sites.get_indexer(mine["site"][has_site])
    first = _judge(low[has_site], is_own[has_site], of_site.take(i_site), _History.of_all(high[~had_site]))
    found.loc[has_site, "first_at_site"] = pd.arrays.BooleanArray(*first)
    has_place, had_place = (x["latitude"].notna() & x["longitude"].notna() for x in (mine, history))
    if has_place.any():
        here, before = has_place.to_numpy(bool), had_place.to_numpy(bool)
        elsewhere = _History.of_all(high[~before])  # without a place, it may have been in any area
        parts = (mine[here], history[before], low[here], high[before], is_own[here], elsewhere, settings)
        for column, values in _compare_places(*parts).items():
            found.loc[here, column] = values
    return found


def _compare_places(
    mine: pd.DataFrame,
    history: pd.DataFrame,
    low: Floats,
    high: Floats,
    is_own: Bools,
    elsewhere: _History,
    settings: NotableSettings,
) -> dict[str, Any]:
    """Return the values of _FILLED but `first_at_site`, for records and history that all have a place.

    elsewhere: the history without a place.
    """
    places, i_place = list_places(mine[list(PLACE)])
    old_places, i_old = list_places(history[list(PLACE)])
    groups = _History.of(i_old, high, len(old_places))
    by_time = np.lexsort((high, i_old))
    starts = np.searchsorted(i_old[by_time], np.arange(len(old_places)))
    is_checked, first_id = history["is_checked"].to_numpy(bool), history["record_id"].to_numpy()[by_time[starts]]
    moments = np.split(np.stack([high, is_checked])[:, by_time], starts[1:], axis=1)
    off_m, old_off_m = find_uncertainty_m(places), find_uncertainty_m(old_places)
    old_lon, old_lat = (old_places[c].to_numpy(np.float64) for c in ("longitude", "latitude"))
    n, radius_m = len(mine), settings.area_km * 1000
    value, unknown = np.zeros(n, bool), np.zeros(n, bool)
    years, nearest_km, nearest_id = np.full(n, np.nan), np.full(n, np.nan), np.full(n, None, object)
    for k, rows in enumerate(_split_rows(i_place, len(places))):
        away_m = measure_distance_m(places["longitude"][k], places["latitude"][k], old_lon, old_lat)
        error_m = off_m[k] + old_off_m
        certain = away_m + error_m <= radius_m
        possible = (away_m - error_m <= radius_m) & ~certain
        own = is_own[rows] & (2 * off_m[k] <= radius_m)  # else its own place is only possibly in its area
        value[rows], unknown[rows] = _judge(low[rows], own, groups.join(certain), groups.join(possible) + elsewhere)
        years[rows] = _count_years(low[rows], [moments[j] for j in np.flatnonzero(certain)])
        order = np.argsort(away_m, kind="stable")
        near = _find_earlier(low[rows], groups.first_high[order])
        hit = near < len(order)
        nearest_km[rows[hit]] = away_m[order[near[hit]]] / 1000
        nearest_id[rows[hit]] = first_id[order[near[hit]]]
    return {
        "first_in_area": pd.arrays.BooleanArray(value, unknown),
        "first_in_years": years,
        "nearest_record_km": nearest_km,
        "nearest_record_id": nearest_id,
    }


def _split_rows(group: NDArray[np.int64], n_groups: int) -> list[NDArray[np.int64]]:
    """Return the positions of the rows of each group."""
    order = np.argsort(group, kind="stable")
    return np.split(order, np.searchsorted(group[order], np.arange(1, n_groups)))


def _count_years(low: Floats, moments: list[Floats]) -> Floats:
    """Return the years from the last moment before each record; nan if there is none, or nothing speaks for it.

    moments: of each place the moments, and whether something speaks for them, float64 [2, M].
    """
    times, is_checked = np.concatenate([np.empty((2, 0)), *moments], axis=1)
    order = np.argsort(times, kind="stable")
    last = np.concatenate([[np.nan], np.where(is_checked[order] > 0, times[order], np.nan)])
    years: Floats = (low - last[np.searchsorted(times[order], low, side="left")]) / YEAR_S
    return years


def _find_earlier(low: Floats, first_high: Floats) -> NDArray[np.int64]:
    """Return the first position whose moment is before each record; the number of positions if there is none."""
    so_far = np.minimum.accumulate(first_high)  # falls, so that a search finds the first that is below
    return np.searchsorted(-so_far, -low, side="right")


def _add_rules(records: pd.DataFrame, labels: Iterable[str], settings: NotableSettings) -> pd.DataFrame:
    """Return the records with rules, is_notable and unclear. labels: those with anything to compare with."""
    status, first = records["range_status"], records["first_in_area"]
    is_inside = status.eq(INSIDE)
    may_be = first.fillna(True).astype(bool) & records["latitude"].notna() & records["label"].isin(list(labels))
    is_open = first.isna() | status.eq(CANNOT_TELL)  # whether it is a first, or whether that would be news
    applies = {
        "beyond_barrier": status.eq(BEYOND),
        "outside_range": status.isin([OUTSIDE, BEYOND]),
        "range_cannot_tell": status.eq(CANNOT_TELL),
        "first_at_site": records["first_at_site"].fillna(False).astype(bool),
        "first_in_area": first.fillna(False).astype(bool) & ~is_inside & ~is_open,
        "first_cannot_tell": may_be & ~is_inside & is_open,
        "first_in_years": records["first_in_years"].ge(settings.min_years),
    }
    counts = records["state"].ne(REFUTED)
    counted = {rule: (applied & counts).to_numpy(bool) for rule, applied in applies.items()}
    rules, unclear = (_join_rules(counted, names, records.index) for names in (settings.notable, settings.to_check))
    return records.assign(rules=rules, is_notable=rules.notna(), unclear=unclear)


def _join_rules(applies: dict[str, Bools], rules: Sequence[str], index: pd.Index[Any]) -> pd.Series[str]:
    """Return the names of those of the rules that apply to each record, joined; empty where none does."""
    kind = np.zeros(len(index), np.int64)  # each set of rules has a number
    for i, rule in enumerate(rules):
        kind |= applies[rule].astype(np.int64) << i
    names = {k: JOINER.join(r for i, r in enumerate(rules) if k >> i & 1) or None for k in set(kind.tolist())}
    return pd.Series([names[k] for k in kind.tolist()], index=index, dtype=STRING)
