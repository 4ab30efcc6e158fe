"""The plan: the records that would change which species was seen where and when, the most doubtful first.

A table of species at sites has one cell per site, week and species. The likeliest clip of a cell decides it: the
species was there if that clip shows it. A cell is doubtful where this probability is neither near 0 nor near 1. One
look at that clip settles it, so a person looks at one clip per cell in place of hundreds.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.labels import EMPTY, UNKNOWN
from leopardnet.review.clip_index import ClipIndex
from leopardnet.review.queues.queue_rows import QueueRows
from leopardnet.review.spoken_labels import SpokenLabels

MIN_DOUBT = 0.05  # a cell below it is settled: the model is wrong about it in fewer than 1 of 20 cases
SETTLED = 1 - MIN_DOUBT
DECIMALS = 6
DAYS = 7


def plan_looks(index: ClipIndex, said: SpokenLabels) -> QueueRows:
    """Return the clips that decide doubtful cells, in rounds: of each site and week first its most doubtful record.

    Doubt is min(p, 1 - p) of the likeliest clip of the cell. Within a round, records that would add a species to a
    site, or take its only one away, come before those of a species that is certain there in another week. What
    people said counts as certain. Clips without a time are of one more week.
    """
    cells = pd.concat(
        [_cells_of(index, said, k) for k, x in enumerate(index.labels) if x != EMPTY], ignore_index=True
    )
    cells = cells[cells["doubt"] >= MIN_DOUBT - 10**-DECIMALS]
    cells = cells.sort_values(["is_settled", "doubt", "row"], ascending=[True, False, True], kind="stable")
    cells = cells.drop_duplicates("row")
    turn = cells.groupby(["site", "week"]).cumcount()
    return QueueRows(cells.assign(turn=turn).sort_values("turn", kind="stable")["row"].to_numpy(np.int64))


def _cells_of(index: ClipIndex, said: SpokenLabels, k: int) -> pd.DataFrame:
    """Return the cells of one species: site, week, row of the likeliest clip, doubt, is_settled in another week."""
    p = _certain_where_said(index, said, k)
    known = np.flatnonzero(np.isfinite(p))
    clips = pd.DataFrame(
        {"row": known, "site": index.site_codes[known], "week": index.days[known] // DAYS, "p": p[known]}
    )
    clips["p"] = clips["p"].round(DECIMALS)
    cells = clips.sort_values("p", ascending=False, kind="stable").drop_duplicates(["site", "week"])
    n_certain = (cells["p"] >= SETTLED).groupby(cells["site"]).transform("sum")
    is_settled = n_certain - (cells["p"] >= SETTLED) > 0
    doubt = np.minimum(cells["p"], 1 - cells["p"]).round(DECIMALS)
    return cells.assign(doubt=doubt, is_settled=is_settled)


def _certain_where_said(index: ClipIndex, said: SpokenLabels, k: int) -> NDArray[np.float64]:
    """Return the probabilities of a species, float64 [N]: 0 or 1 where people agree on the clip.

    A clip of which they cannot tell what it shows decides nothing: nan.
    """
    p, name = index.probs[:, k].astype(np.float64), index.labels[k]
    for row in np.flatnonzero(said.is_done & ~said.is_disputed):
        labels = next(iter(said.all_labels(index.clip_ids[row]).values()))
        p[row] = float(name in labels) if labels != (UNKNOWN,) else np.nan
    return p
