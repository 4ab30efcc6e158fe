"""One number per site: what the first clips of a site look like, and how later ones differ from the first.

A look at a site needs a fixed number of its readable clips, so that sites with few and with many clips compare. How
alike clips of a site are makes no difference: a site gives one number for each block and feature, and sites are
compared with sites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import logit

from leopardnet.core.columns import has_several_labels, table_labels
from leopardnet.core.labels import ANIMAL, EMPTY
from leopardnet.metrics.bootstrap import Floats
from leopardnet.score.decide import p_nothing

SURE = 1e-7  # probabilities closer to 0 and 1 are not told apart in float32
PIXELS, ENERGY, LIKENESS, EMPTINESS, CLEARNESS = "pixels", "energy", "likeness", "emptiness", "clearness"
FAMILIARITY = (ENERGY, LIKENESS, EMPTINESS, CLEARNESS)


@dataclass(frozen=True, slots=True)
class Block:
    """Which clips of a site make its number: the mean over the last `n` of its first `after` clips; and, where
    `is_change`, minus that over its first `n`. weight: its part of the chance of a false alarm."""

    after: int
    n: int
    is_change: bool
    weight: float


BLOCKS = {
    "first 8": Block(8, 8, False, 0.5),
    "first 3": Block(3, 3, False, 0.1),
    "first 24": Block(24, 24, False, 0.2),
    "change at 16": Block(16, 8, True, 0.1),
    "change at 32": Block(32, 8, True, 0.1),
}
MOST_CLIPS = max(b.after for b in BLOCKS.values())  # of a site; later ones make no difference


def measure_looks(
    table: pd.DataFrame, familiar: pd.DataFrame | None = None, *, labels: Sequence[str] = ()
) -> pd.DataFrame:
    """Return one row of features per clip, with the index of `table`; nan where something is not known.

    table: rows of a predictions table; familiar: `clip_familiarity`, by clip_id. labels: those whose log-odds
    count, of the promises; `animal`, that there is any animal at all, always does where the model knows empty clips.
    """
    names, looks = table_labels(table), pd.DataFrame(index=table.index)
    for label in dict.fromkeys((ANIMAL, *labels)):
        if label == ANIMAL and EMPTY in names:
            looks[ANIMAL] = -_log_odds(_find_p_empty(table, names))
        elif label in names:
            looks[label] = _log_odds(table[f"p_{label}"].to_numpy(np.float64))
    if familiar is not None:
        own = familiar.reindex(table["clip_id"])
        cosines = own[[f"cos_{x}" for x in names]].to_numpy(np.float64)
        mean = cosines.mean(axis=1)
        looks[ENERGY], looks[LIKENESS] = own[ENERGY].to_numpy(np.float64), mean
        looks[CLEARNESS] = cosines.max(axis=1, initial=-np.inf) - mean
        if EMPTY in names:
            looks[EMPTINESS] = own[f"cos_{EMPTY}"].to_numpy(np.float64) - mean
    if {"width_px", "height_px"} <= set(table.columns):
        area = table["width_px"].astype("float64") * table["height_px"].astype("float64")
        looks[PIXELS] = np.log2(area.where(area > 0))
    return looks.round(6)


def number_sites(looks: pd.DataFrame, sites: pd.Series[str], block: Block) -> pd.DataFrame:
    """Return the numbers of each site that has enough clips, in the order in which it had them.

    looks: features of clips in the order of time; sites: their sites, of the same index; clips without a site have
    no part. The index is the site; the column `at` holds the position of the clip that completed the block.
    """
    place = sites.groupby(sites).cumcount()  # nan for clips without a site
    at = pd.Series(np.arange(len(sites)), index=sites.index)
    is_complete = sites.notna() & (place == block.after - 1)
    order = pd.Series(at[is_complete].to_numpy(), index=sites[is_complete].to_numpy(object), name="at")
    is_last = sites.notna() & (place >= block.after - block.n) & (place < block.after)
    numbers = looks[is_last].groupby(sites[is_last]).mean()
    if block.is_change:
        is_first = sites.notna() & (place < block.n)
        numbers = numbers - looks[is_first].groupby(sites[is_first]).mean()
    return numbers.reindex(order.index).round(6).assign(at=order)


def _find_p_empty(table: pd.DataFrame, names: Sequence[str]) -> Floats:
    probs = table[[f"p_{x}" for x in names]].to_numpy(np.float64)
    i_empty = list(names).index(EMPTY)
    return np.asarray(p_nothing(probs, i_empty) if has_several_labels(table) else probs[:, i_empty], np.float64)


def _log_odds(p: Floats) -> Floats:
    return np.asarray(logit(np.clip(p, SURE, 1 - SURE)))
