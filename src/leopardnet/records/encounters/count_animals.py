"""The least number of animals of each encounter, with the reason for it, or why it cannot be told."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.columns import INT, STRING
from leopardnet.records.encounters.encounter_settings import Speed
from leopardnet.records.encounters.least_number import find_records_apart
from leopardnet.records.encounters.posts import Indices, Posts

NOTHING = "no record is confirmed"
ONE_STATION = "all records are of one station"
ONE_WALK = "one animal could have made all records in turn"
APART = "no two of the records in min_animals_ids can be of one animal"
NO_SPEED = "no top speed is stated for the label"
NO_TIME = "the time of a record is not known"
NO_CLOCK = "the clock uncertainty of a record is not known"
NO_ZONE = "the time zone of a record is not known"
NO_PLACE = "the place of a record is not known"


def count_animals(
    used: pd.DataFrame,
    number: Indices,
    time_s: NDArray[np.float64],
    posts: Posts,
    n_encounters: int,
    speeds: dict[str, Speed],
) -> pd.DataFrame:
    """Return for each encounter min_animals (empty: cannot tell), min_animals_why and min_animals_ids.

    used: record_id and label of the records that count, number: int64 [N], their encounters, of n_encounters. An
    encounter without records has 0 animals. Two or more animals are certain whatever else is unknown. That one
    suffices is said only where every time, clock, zone and place is known. time_s: float64 [N], nan if unknown; a
    record without a time proves nothing.
    """
    facts = pd.DataFrame(
        {
            "station": posts.station[posts.of_record],
            NO_TIME: ~np.isfinite(time_s),
            NO_CLOCK: ~np.isfinite(posts.clock_s)[posts.of_record],
            NO_ZONE: ~posts.has_zone[posts.of_record],
            NO_PLACE: ~posts.is_placed[posts.of_record],
        }
    )
    by = facts.groupby(number)
    every = range(n_encounters)
    n_stations = by["station"].nunique().reindex(every, fill_value=0).to_numpy()
    unknown = by[[NO_TIME, NO_CLOCK, NO_ZONE, NO_PLACE]].any().reindex(every, fill_value=False)
    has_unknown, first_unknown = unknown.any(axis=1).to_numpy(), unknown.idxmax(axis=1).to_numpy()
    n = np.minimum(n_stations, 1).astype(object)
    why = np.array([NOTHING, ONE_STATION], dtype=object)[np.minimum(n_stations, 1)]
    ids = np.full(n_encounters, None, dtype=object)
    labels, names = used["label"].to_numpy(), used["record_id"].to_numpy()
    order = np.argsort(number, kind="stable")
    starts = np.searchsorted(number[order], np.arange(n_encounters + 1))
    for k in np.flatnonzero(n_stations > 1):
        rows = order[starts[k] : starts[k + 1]]
        speed = speeds.get(str(labels[rows[0]]))
        if speed is None:
            n[k], why[k] = pd.NA, NO_SPEED
            continue
        timed = rows[np.isfinite(time_s[rows])]
        found = timed[find_records_apart(time_s[timed], posts.of_record[timed], posts, top_km_h=speed.top_km_h)]
        if len(found) > 1:
            n[k], why[k], ids[k] = len(found), APART, json.dumps(names[found].tolist())
        elif has_unknown[k]:
            n[k], why[k] = pd.NA, first_unknown[k]
        else:
            why[k] = ONE_WALK
    return pd.DataFrame(
        {
            "min_animals": pd.Series(n, dtype=INT),
            "min_animals_why": pd.Series(why, dtype=STRING),
            "min_animals_ids": pd.Series(ids, dtype=STRING),
        }
    )
