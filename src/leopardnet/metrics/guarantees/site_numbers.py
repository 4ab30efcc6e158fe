"""One number per site: what the first clips of a site look like, and how later ones differ from the first.

A site's number needs a fixed number of its readable clips, so that sites with few and with many clips compare. How
alike clips of a site are makes no difference: a site gives one number for each block and feature, and sites are
compared with sites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logit

from leopardnet.core.columns import has_several_labels, table_labels
from leopardnet.core.labels import ANIMAL, EMPTY
from leopardnet.metrics.bootstrap import Floats
from leopardnet.score.decide import p_nothing

SURE = 1e-7  # probabilities closer to 0 and 1 are not told apart in float32
PIXELS, ENERGY, LIKENESS = "pixels", "energy", "likeness"
WATCHED_LOOKS = ("brightness", "colour", "sharpness")  # columns of the evidence table, as they are


@dataclass(frozen=True, slots=True)
class Block:
    """Which clips of a site make its number: the mean over the last `n` of its first `after` clips; and, where
    `is_change`, minus that over its first `n`. weight: its part of the chance of a false alarm."""

    after: int
    n: int
    is_change: bool
    weight: float


BLOCKS = {
    "first 2": Block(2, 2, False, 0.1),
    "first 5": Block(5, 5, False, 0.5),
    "first 20": Block(20, 20, False, 0.1),
    "change at 15": Block(15, 5, True, 0.15),
    "change at 25": Block(25, 5, True, 0.15),
}
MOST_CLIPS = max(b.after for b in BLOCKS.values())  # of a site; later ones make no difference


def measure_clips(table: pd.DataFrame, frames: pd.DataFrame, *, labels: Sequence[str] = ()) -> pd.DataFrame:
    """Return one row of features per clip, with the index of `table`; nan where something is not known.

    table: rows of a predictions table; frames: rows of the evidence table of these clips, or of some of them.
    labels: those whose log-odds count, of the promises; `animal`, that there is any animal at all, always does
    where the model knows empty clips.
    """
    names, features = table_labels(table), pd.DataFrame(index=table.index)
    for label in dict.fromkeys((ANIMAL, *labels)):
        if label == ANIMAL and EMPTY in names:
            features[ANIMAL] = -_log_odds(_find_p_empty(table, names))
        elif label in names:
            features[label] = _log_odds(table[f"p_{label}"].to_numpy(np.float64))
    means = _average_frames(frames, (ENERGY, *(f"cos_{x}" for x in names), *WATCHED_LOOKS)).reindex(
        table["clip_id"]
    )
    features[ENERGY] = means[ENERGY].to_numpy(np.float64)
    features[LIKENESS] = means[[f"cos_{x}" for x in names]].mean(axis=1, skipna=False).to_numpy(np.float64)
    for name in WATCHED_LOOKS:
        features[name] = means[name].to_numpy(np.float64)
    if {"width_px", "height_px"} <= set(table.columns):
        area = table["width_px"].astype("float64") * table["height_px"].astype("float64")
        features[PIXELS] = np.log2(area.where(area > 0))
    return features.round(6)


def _average_frames(frames: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return the means of columns over the frames of each clip, by clip_id; nan where older versions wrote none."""
    known = frames.reindex(columns=["clip_id", *columns])
    means: pd.DataFrame = known.groupby("clip_id")[list(columns)].mean()
    return means.astype("float64")


@dataclass(frozen=True, eq=False)
class SiteNumbers:
    """Numbers of J sites in the order in which they had enough clips.

    sites: their names, object [J]; values: float64 [J, F]; at: positions of the clips that completed them, int [J].
    """

    sites: NDArray[np.object_]
    values: Floats
    at: NDArray[np.intp]


def number_sites(features: pd.DataFrame, sites: pd.Series[str], block: Block) -> SiteNumbers:
    """Return the numbers of each site that has enough clips; nan where a clip of the block has none.

    features: of clips in the order of time, F columns; sites: of the same index. Clips without a site have no part.
    """
    codes, names = pd.factorize(sites.to_numpy(object))  # -1 without a site
    values = features.to_numpy(np.float64)
    place = pd.Series(codes).groupby(codes).cumcount().to_numpy()
    at = np.flatnonzero((codes >= 0) & (place == block.after - 1))
    order = np.full(len(names) + 1, -1)  # the last one is for clips without a site
    order[codes[at]] = np.arange(len(at))

    def average(first: int) -> Floats:
        rows = np.flatnonzero((order[codes] >= 0) & (place >= first) & (place < first + block.n))
        rows = rows[np.lexsort((place[rows], order[codes[rows]]))]
        return np.asarray(values[rows].reshape(len(at), block.n, values.shape[1]).mean(axis=1))

    numbers = average(block.after - block.n) - (average(0) if block.is_change else 0.0)
    return SiteNumbers(np.asarray(names, object)[codes[at]], numbers.round(6), at)


def _find_p_empty(table: pd.DataFrame, names: Sequence[str]) -> Floats:
    probs = table[[f"p_{x}" for x in names]].to_numpy(np.float64)
    i_empty = list(names).index(EMPTY)
    return np.asarray(p_nothing(probs, i_empty) if has_several_labels(table) else probs[:, i_empty], np.float64)


def _log_odds(p: Floats) -> Floats:
    return np.asarray(logit(np.clip(p, SURE, 1 - SURE)))
