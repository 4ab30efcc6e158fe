"""Flank pairs: two cameras of one station that fire together show the left and the right side of one animal."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.columns import FLOAT, STRING, TIME, Column
from leopardnet.core.tables import conform
from leopardnet.records.encounters.encounter_settings import EncounterSettings, load_encounter_settings
from leopardnet.records.encounters.posts import Indices, number_stations
from leopardnet.records.record_table import CONFIRMED, REFUTED, SUSPECTED

YES, CANNOT_TELL = "yes", "cannot_tell"
_BOTH = ("record_id", "clip_id", "path", "deployment", "captured_at")
FLANKS = (
    Column("station", STRING, True, "where two cameras stand opposite each other"),
    Column("owner", STRING, True, "who owns them"),
    Column("label", STRING, False, "the animal"),
    Column("state", STRING, False, "confirmed if both records are, else suspected"),
    *(
        Column(
            f"{name}_{k}", TIME if name == "captured_at" else STRING, name == "captured_at", f"{name} of record {k}"
        )
        for k in (1, 2)
        for name in _BOTH
    ),
    Column("apart_s", FLOAT, False, "seconds between the two, as the clocks say"),
    Column("clock_uncertainty_s", FLOAT, True, "by how much that may be wrong; empty if unknown"),
    Column("is_together", STRING, False, "yes, or cannot_tell where the clocks may be off by more"),
)


def find_flank_pairs(records: pd.DataFrame, settings: EncounterSettings | None = None) -> pd.DataFrame:
    """Return pairs of records of one label from two cameras of one station within `flank_pair_s`, columns FLANKS.

    records: columns record_id, clip_id, path, label, state, station, owner, deployment, captured_at,
    clock_uncertainty_s; each deployment is taken for a camera. A record is in one pair at most;
    the closest in time come first. Where the two clocks may be wrong by so much that the
    limit is met or not, `is_together` is cannot_tell; so it is where an uncertainty is unknown. Which side is left
    is not known. Refuted records are in no pair.
    """
    limit_s = (settings or load_encounter_settings()).flank_pair_s
    known = (records["state"] != REFUTED) & records[["captured_at", "station", "deployment"]].notna().all(axis=1)
    used = records[known].reset_index(drop=True)
    time_s = used["captured_at"].to_numpy("datetime64[us]").astype(np.int64) / 1e6
    group = pd.DataFrame({"station": number_stations(used), "label": used["label"]})
    key = np.asarray(group.groupby(["station", "label"]).ngroup(), np.int64)
    order = np.lexsort((used["record_id"].to_numpy(object).astype(str), time_s, key))
    used, time_s, key = used.iloc[order].reset_index(drop=True), time_s[order], key[order]
    clock_s = used["clock_uncertainty_s"].to_numpy(np.float64)
    a, b = _list_close(key, used["deployment"], time_s, np.nan_to_num(clock_s), limit_s)
    apart_s, slack_s = time_s[b] - time_s[a], clock_s[a] + clock_s[b]
    keep = _choose_pairs(a, b, apart_s)
    a, b, apart_s, slack_s = a[keep], b[keep], apart_s[keep], slack_s[keep]
    first, second = (used.iloc[i].reset_index(drop=True) for i in (a, b))
    is_sure = (first["state"] == CONFIRMED) & (second["state"] == CONFIRMED)
    table = first[["station", "owner", "label"]].assign(
        state=np.where(is_sure, CONFIRMED, SUSPECTED),
        **{f"{name}_1": first[name] for name in _BOTH},
        **{f"{name}_2": second[name] for name in _BOTH},
        apart_s=apart_s,
        clock_uncertainty_s=slack_s,
        is_together=np.where(apart_s + slack_s <= limit_s, YES, CANNOT_TELL),  # nan is not below
    )
    return conform(table, FLANKS, where="flank pairs")


def _list_close(
    key: Indices,
    deployment: pd.Series[str],
    time_s: NDArray[np.float64],
    clock_s: NDArray[np.float64],
    limit_s: float,
) -> tuple[Indices, Indices]:
    """Return pairs of rows of one key and two deployments that may be within the limit; rows are sorted."""
    camera = pd.factorize(deployment)[0]
    widest = limit_s + 2 * clock_s.max(initial=0.0)
    found_a, found_b = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    a = np.arange(len(key))
    step = 1
    while len(a := a[a + step < len(key)]):
        b = a + step
        a = a[(key[a] == key[b]) & (time_s[b] - time_s[a] <= widest)]
        b = a + step
        close = (camera[a] != camera[b]) & (time_s[b] - time_s[a] - clock_s[a] - clock_s[b] <= limit_s)
        found_a.append(a[close])
        found_b.append(b[close])
        step += 1
    return np.concatenate(found_a), np.concatenate(found_b)


def _choose_pairs(a: Indices, b: Indices, apart_s: NDArray[np.float64]) -> Indices:
    """Return pairs of which no two share a row, in order of row: the closest first, the earlier of equals.

    Pairs whose both rows have no closer one are taken at once, until none is left.
    """
    rank = np.empty(len(a), np.int64)
    rank[np.lexsort((b, a, apart_s))] = np.arange(len(a))
    left, chosen = np.arange(len(a)), [np.zeros(0, np.int64)]
    best = np.full(max(b.max(initial=-1), a.max(initial=-1)) + 1, len(a))
    while len(left):
        best[:] = len(a)
        for rows in (a, b):
            np.minimum.at(best, rows[left], rank[left])
        is_best = (best[a[left]] == rank[left]) & (best[b[left]] == rank[left])
        chosen.append(left[is_best])
        taken = np.concatenate([a[left[is_best]], b[left[is_best]]])
        left = left[~np.isin(a[left], taken) & ~np.isin(b[left], taken)]
    pairs = np.concatenate(chosen)
    return pairs[np.argsort(a[pairs], kind="stable")]
