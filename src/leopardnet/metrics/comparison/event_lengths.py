"""How far the names of an event can be trusted, by the number of its clips.

An event names every animal that one of its clips names, so each clip is one more chance of a wrong name: if 2 % of
empty clips are taken for an animal, 6 % of the events of three empty clips are, and 45 % of those of thirty.
"""

from __future__ import annotations

import json
from itertools import chain

import numpy as np
import pandas as pd

from leopardnet.core.labels import EMPTY
from leopardnet.metrics.bootstrap import SiteDraws, encode_sites, estimate_row
from leopardnet.metrics.measures import ratio
from leopardnet.score.event_names.rank_names import split_cells

LENGTHS = {"1": (1, 1), "2-3": (2, 3), "4-10": (4, 10), "over 10": (11, np.inf)}
"""Numbers of clips, from and to, by what they are called."""


def measure_lengths(events: pd.DataFrame, truth: pd.Series[str], *, n_boot: int, seed: int) -> pd.DataFrame:
    """Return one row per length that occurs: index `clips`, with intervals over sites.

    events: as `score.events.join_events` returns them; truth: by clip_id, several labels of a clip joined. Events
    with a clip without a label have no part. n_events; n_names: names of animals in them; right: the share of these
    that a clip of the event truly shows; n_empty: events without an animal; false: the share of these that are said
    to hold one.
    """
    clips, names = (_list_items(events[x]) for x in ("clip_ids", "seen"))
    shown = clips["item"].map(truth)
    is_known = ~np.isin(np.arange(len(events)), clips["row"][shown.isna().to_numpy()])
    true = split_cells(shown.where(shown != EMPTY))
    pairs = pd.DataFrame({"row": clips["row"].loc[true.index].to_numpy(), "item": true.to_numpy(object)})
    pairs = pairs[pairs["item"] != EMPTY].drop_duplicates()
    right = names.drop_duplicates().merge(pairs)
    n_names, n_right, n_true = (
        np.bincount(x["row"], minlength=len(events))[is_known].astype(np.float64) for x in (names, right, pairs)
    )
    known, is_empty = events[is_known], n_true == 0
    is_false = is_empty & known["rule"].isin(["species", "rolled_up"]).to_numpy(bool)
    draws = SiteDraws.of(encode_sites(known["site"])[0], n_boot=n_boot, seed=seed)
    rows = {}
    for length, (low, high) in LENGTHS.items():
        is_it = known["n_clips"].between(low, high).to_numpy(bool)
        if not is_it.any():
            continue
        total, drawn = draws.sum_columns(
            is_it, is_it * n_names, is_it * n_right, is_it & is_empty, is_it & is_false
        )
        estimates = {
            name: draws.estimate_share(
                float(ratio(total[[a]], total[[of]])[0]),
                ratio(drawn[:, a], drawn[:, of]),
                sizes=draws.count_clips(is_it * each),
            )
            for name, a, of, each in (("right", 2, 1, n_names), ("false", 4, 3, is_empty))
        }
        counts = {"n_events": int(total[0]), "n_names": int(total[1]), "n_empty": int(total[3])}
        rows[length] = counts | estimate_row(estimates)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("clips")


def _list_items(cells: pd.Series[str]) -> pd.DataFrame:
    """Return the items of lists in JSON, one per row: columns `row`, the position of its cell, and `item`."""
    lists = json.loads(f"[{','.join(cells)}]")
    rows = np.repeat(np.arange(len(lists)), [len(x) for x in lists])
    return pd.DataFrame({"row": rows, "item": pd.Series(list(chain.from_iterable(lists)), dtype=object)})
