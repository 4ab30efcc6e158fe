"""What counts as one observation: copies of a clip count once, and clips of one visit are one animal seen once.

Twenty leopards copied ten times are twenty leopards, and a visit that was recorded as ten stills is one visit.
Otherwise a claim such as "recall at least 86 %" would grow with the number of files.

`find_copies`  Copies are left out of every figure. Two clips of one site, with one label and one decision, are
               copies if all their probabilities are the same float32 numbers: different footage does not give
               that by chance. A clip whose probabilities are all 0 or 1, or nearly, is none: rounding gives that.
`code_events`  Clips of an event stay in every figure, but bounds and intervals take them for one observation.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.footage.site_names import find_clip_values
from leopardnet.core.manifest import Manifest
from leopardnet.score.events import find_first_clips

Ints = NDArray[np.int64]
Texts = NDArray[np.object_]
LEAST = 1e-12  # probabilities below are cut off somewhere, so many are equal


def code_copies(probs: NDArray[np.float64], site_codes: Ints, *names: Texts) -> Ints:
    """Return a code of each clip, int64 [M], which copies share; probs: float64 [M, C], nan is a copy of nothing.

    names: object [M], in which copies do not differ either, such as labels and decisions.

    >>> p = np.array([[0.75, 0.25], [0.75, 0.25], [0.75, 0.25], [1.0, 0.0], [1.0, 0.0]])
    >>> code_copies(p, np.array([0, 0, 1, 0, 0])).tolist()
    [0, 0, 1, 2, 3]
    """
    p = probs.astype(np.float32)
    tells = np.isfinite(p).all(axis=1) & ((p > LEAST) & (p < 1)).any(axis=1)
    alone = np.where(tells, -1, np.arange(len(p)))
    columns = [site_codes, alone, *p.view(np.int32).T, *(pd.factorize(x.astype(object))[0] for x in names)]
    rows = pd.DataFrame(dict(enumerate(columns))).groupby(list(range(len(columns))), sort=False)
    return rows.ngroup().to_numpy().astype(np.int64)


def find_copies(codes: Ints, clip_ids: Texts) -> NDArray[np.bool_]:
    """Return which clips are a copy of one whose id comes before theirs, bool [M], whatever the order of rows.

    codes: of `code_copies`; clip_ids: object [M].

    >>> find_copies(np.array([0, 0, 1]), np.array(["b", "a", "c"], object)).tolist()
    [True, False, False]
    """
    order = np.argsort(clip_ids.astype(str), kind="stable")
    is_copy = np.zeros(len(codes), bool)
    is_copy[order] = pd.Series(codes[order]).duplicated().to_numpy()
    return is_copy


def add_times(table: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """Return predictions with site, time and `sequence_id` of the manifest, which may know more than they did."""
    site, at, sequence_id = (
        find_clip_values(manifest.table, x).reindex(table["clip_id"]).set_axis(table.index)
        for x in ("site", "captured_at", "sequence_id")
    )
    own = table["captured_at"] if "captured_at" in table.columns else at
    return table.assign(site=site, captured_at=at.where(at.notna(), own), sequence_id=sequence_id)


def code_events(site_codes: Ints, truth: Texts, table: pd.DataFrame) -> Ints | None:
    """Return the event of each clip as a code, int64 [M]; clips of one event have one site and one true label.

    truth: object [M]; table: M rows, of which `captured_at` and `sequence_id` are read where it has them. Events
    are those of `score.events.event_ids`, of each label alone, so that another animal does not prolong them. Clips
    without a time are of one event if they have the same `sequence_id`; all others are events of their own. None
    where no clip has either, so that nothing is known of events.

    >>> at = pd.to_datetime(["2021-07-01 10:00", "2021-07-01 10:20", "2021-07-01 10:40", None])
    >>> shown = np.array(["tiger", "deer", "tiger", "tiger"], object)
    >>> code_events(np.zeros(4, np.int64), shown, pd.DataFrame({"captured_at": at})).tolist()
    [0, 1, 2, 3]
    """
    n = len(site_codes)
    at = table["captured_at"] if "captured_at" in table.columns else pd.Series(pd.NaT, index=table.index)
    group = pd.MultiIndex.from_arrays([site_codes, pd.factorize(truth)[0]])
    code = pd.Series(pd.factorize(group)[0])
    has_sequences = "sequence_id" in table.columns and table["sequence_id"].notna().any()
    if not (at.notna().any() or has_sequences):
        return None
    clips = pd.DataFrame({"clip_id": np.arange(n), "site": code, "captured_at": at.to_numpy()})
    first = find_first_clips(clips)
    if has_sequences:
        sequences = pd.factorize(table["sequence_id"])[0]
        is_group = pd.isna(clips["captured_at"].to_numpy()) & (sequences >= 0)
        groups = pd.factorize(pd.MultiIndex.from_arrays([code[is_group], sequences[is_group]]))[0]
        first[is_group] = n + groups
    return pd.factorize(first)[0].astype(np.int64)
