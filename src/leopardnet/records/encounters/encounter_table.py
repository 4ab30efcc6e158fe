"""Encounters: the records of a label that may be of one walk, across cameras and owners, one row each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.columns import FLOAT, INT, STRING, TIME, Column
from leopardnet.core.labels import JOINER
from leopardnet.core.tables import conform
from leopardnet.records.encounters.count_animals import count_animals
from leopardnet.records.encounters.encounter_settings import EncounterSettings, load_encounter_settings
from leopardnet.records.encounters.link_records import link_records
from leopardnet.records.encounters.posts import Indices, Posts, count_seconds, find_posts, measure_steps
from leopardnet.records.record_table import CONFIRMED, REFUTED, SUSPECTED

_LEAST = (
    Column("min_animals", INT, True, "least number of animals in the confirmed records; empty: cannot tell"),
    Column("min_animals_why", STRING, False, "why so many, or why it cannot be told"),
    Column("min_animals_ids", STRING, True, "JSON list of the records that prove it, each of another animal"),
)
ENCOUNTERS = (
    Column("encounter_id", STRING, False, "record_id of its first record"),
    Column("label", STRING, False, "the animal"),
    Column("state", STRING, False, "confirmed if at least one of its records is, else suspected"),
    Column("start", TIME, True, "local time of the first record"),
    Column("end", TIME, True, "local time of the last record"),
    Column("n_records", INT, False, "records, of which"),
    Column("n_confirmed", INT, False, "were confirmed by a person"),
    Column("n_suspected", INT, False, "are suspected by a model alone"),
    Column("n_sites", INT, False, "sites of the records"),
    Column("n_owners", INT, False, "owners of the cameras"),
    Column("owners", STRING, True, "their names in order of time, joined by ' + '"),
    Column("sites", STRING, True, "sites in order of time, joined by ' + '"),
    Column("path_km", FLOAT, True, "way through the places in order of time; empty if a place is unknown"),
    Column("confirmed_path_km", FLOAT, True, "the same through the places of the confirmed records alone"),
    *_LEAST,
    Column("min_animals_if_confirmed", INT, True, "the same, should all suspected records be confirmed"),
    Column("record_ids", STRING, False, "JSON list of its records in order of time"),
)
COUNTS = (
    Column("label", STRING, False, "the animal"),
    Column("n_confirmed", INT, False, "confirmed records"),
    *_LEAST,
)


def link_encounters(
    records: pd.DataFrame, settings: EncounterSettings | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the records with their `encounter_id`, and the encounters by label and start, columns ENCOUNTERS.

    records: columns record_id, label, state, site, station, owner, captured_at, at_utc, clock_uncertainty_s,
    latitude, longitude, coordinate_uncertainty_m. Rows and their order stay. Refuted records belong to no
    encounter, and a record that is linked to no other is an encounter of its own. Records link across stations if
    both times are UTC, or neither is.

    >>> records, encounters = ln.link_encounters(ln.read_records(Path("records")))  # doctest: +SKIP
    """
    settings = settings or load_encounter_settings()
    is_used = (records["state"] != REFUTED).to_numpy()
    used = records[is_used].reset_index(drop=True)
    time_s = count_seconds(used)
    posts = find_posts(used)
    group = _group_records(used["label"], time_s, posts, settings)
    order = np.lexsort((used["record_id"].to_numpy(object).astype(str), time_s, group))  # nan is last
    number = np.zeros(len(used), np.int64)
    number[order] = np.cumsum(np.diff(group[order], prepend=group[order][:1]) != 0)
    used, posts, time_s, number = (
        used.iloc[order].reset_index(drop=True),
        posts.take(order),
        time_s[order],
        number[order],
    )
    table = _describe(used, number, posts)
    n, speeds = len(table), settings.speeds
    is_sure = (used["state"] == CONFIRMED).to_numpy()
    least = count_animals(used[is_sure], number[is_sure], time_s[is_sure], posts.take(is_sure), n, speeds)
    # An encounter without suspected records need not be counted again.
    again = (table["n_suspected"].to_numpy() > 0)[number]
    at_best = count_animals(used[again], number[again], time_s[again], posts.take(again), n, speeds)["min_animals"]
    at_best = at_best.where(table["n_suspected"] > 0, least["min_animals"])
    table = table.assign(**least, min_animals_if_confirmed=at_best)
    ids = pd.Series(None, index=records.index, dtype=STRING)
    back = np.flatnonzero(is_used)[order]
    ids.iloc[back] = table["encounter_id"].to_numpy()[number]
    table = table.sort_values(["label", "start", "encounter_id"], kind="stable", na_position="last")
    return records.assign(encounter_id=ids), conform(table, ENCOUNTERS, where="encounters")


def count_by_label(records: pd.DataFrame, settings: EncounterSettings | None = None) -> pd.DataFrame:
    """Return the least number of animals in all confirmed records of each label, columns COUNTS.

    It may be larger than that of any encounter: two records that no animal can have made, and that no third one
    joins, are two encounters. records: see `link_encounters`.
    """
    settings = settings or load_encounter_settings()
    used = records[records["state"] == CONFIRMED].reset_index(drop=True)
    labels = np.sort(records["label"].unique())
    posts = find_posts(used)
    number = np.searchsorted(labels, used["label"].to_numpy(object)).astype(np.int64)
    counts = count_animals(used, number, count_seconds(used), posts, len(labels), settings.speeds)
    n_confirmed = np.bincount(number, minlength=len(labels))
    return conform(counts.assign(label=labels, n_confirmed=n_confirmed), COUNTS, where="animals by label")


def _group_records(
    labels: pd.Series[Any], time_s: NDArray[np.float64], posts: Posts, settings: EncounterSettings
) -> Indices:
    """Return the number of the encounter of each record, int64 [N]."""
    group = np.zeros(len(labels), np.int64)
    for label, rows in labels.groupby(labels, sort=False).indices.items():
        speed = settings.speeds.get(str(label))
        found = link_records(
            time_s[rows],
            posts.take(np.asarray(rows)),
            max_gap_s=settings.max_gap_h * 3600,
            max_km=settings.max_km,
            top_km_h=speed.top_km_h if speed else np.inf,
        )
        group[rows] = rows[found]
    return group


def _describe(used: pd.DataFrame, number: Indices, posts: Posts) -> pd.DataFrame:
    """Return what the table says of each encounter but the number of animals; records are sorted."""
    by = used.groupby(number)
    is_sure = (used["state"] == CONFIRMED).to_numpy()
    n_records, n_confirmed = by.size(), pd.Series(is_sure).groupby(number).sum()
    return pd.DataFrame(
        {
            "encounter_id": by["record_id"].first(),
            "label": by["label"].first(),
            "state": np.where(n_confirmed > 0, CONFIRMED, SUSPECTED),
            "start": by["captured_at"].first(),
            "end": by["captured_at"].last(),
            "n_records": n_records,
            "n_confirmed": n_confirmed,
            "n_suspected": n_records - n_confirmed,
            "n_sites": by["site"].nunique(),
            "n_owners": by["owner"].nunique(),
            "owners": _join_names(used["owner"], number),
            "sites": _join_names(used["site"], number),
            "path_km": _measure_ways(number, posts),
            "confirmed_path_km": _measure_ways(number[is_sure], posts.take(is_sure)).reindex(n_records.index),
            "record_ids": '["' + by["record_id"].agg('", "'.join) + '"]',
        }
    )


def _measure_ways(number: Indices, posts: Posts) -> pd.Series[Any]:
    """Return the way through the places of each encounter, km, by its number; nan if a place is unknown."""
    post = posts.of_record
    i = np.flatnonzero((np.diff(number) == 0) & (np.diff(post) != 0)) + 1
    step_km = np.zeros(len(number))
    step_km[i] = measure_steps(posts, post[i - 1], post[i])
    is_placed = pd.Series(posts.is_placed[post], dtype=bool).groupby(number).all()
    return pd.Series(step_km).groupby(number).sum().where(is_placed)


def _join_names(names: pd.Series[Any], number: Indices) -> pd.Series[Any]:
    """Return the names of each encounter in the order of their first record, joined."""
    once = pd.DataFrame({"number": number, "name": names.astype(object)}).dropna().drop_duplicates()
    joined = once.groupby("number")["name"].agg(JOINER.join)
    return joined.reindex(np.unique(number))
