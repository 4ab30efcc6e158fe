"""Clips of people and vehicles: their rows stay, their pictures are shown only where somebody asks for them."""

from __future__ import annotations

import pandas as pd

from leopardnet.core.people import person_kind
from leopardnet.core.tables import labels_of


def _is_one(name: object) -> bool:
    return person_kind(name) is not None


def clips_with_people(predictions: pd.DataFrame, *names: pd.Series[str]) -> frozenset[str]:
    """The `clip_id` of every clip that is a person or a vehicle: as decided, as the likeliest label, or by `names`.

    predictions: a predictions table. names: what else is known, such as true labels or species, each indexed by
    `clip_id`; a clip may stand in it several times.
    """
    labels = labels_of(predictions)
    is_one = predictions["decision"].map(_is_one).astype(bool)
    if any(map(_is_one, labels)):
        probs = predictions[[f"p_{name}" for name in labels]].fillna(-1.0)
        likeliest = probs.idxmax(axis=1).str.removeprefix("p_")
        is_one |= likeliest.map(_is_one).astype(bool) & predictions["status"].ne("unreadable")
    found = set(predictions.loc[is_one, "clip_id"])
    for series in names:
        found |= set(series.index[series.map(_is_one).astype(bool)])
    return frozenset(map(str, found))
