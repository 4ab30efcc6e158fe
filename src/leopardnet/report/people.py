"""Clips of people and vehicles: their rows stay, their pictures are shown only where somebody asks for them."""

from __future__ import annotations

import pandas as pd

from leopardnet.core.tables import labels_of

PEOPLE = frozenset({"human", "humans", "person", "people", "homo sapiens", "vehicle", "vehicles"})


def is_person_or_vehicle(name: object) -> bool:
    """Whether a label, or the name of a species, means a person or a vehicle.

    >>> [is_person_or_vehicle(x) for x in ("Human", "homo_sapiens", "sika_deer", None)]
    [True, True, False, False]
    """
    return isinstance(name, str) and name.strip().lower().replace("_", " ") in PEOPLE


def clips_with_people(predictions: pd.DataFrame, *names: pd.Series[str]) -> frozenset[str]:
    """The `clip_id` of every clip that is a person or a vehicle: as decided, as the likeliest label, or by `names`.

    predictions: a predictions table. names: what else is known, such as true labels or species, each indexed by
    `clip_id`; a clip may stand in it several times.
    """
    labels = labels_of(predictions)
    is_one = predictions["decision"].map(is_person_or_vehicle).astype(bool)
    if any(map(is_person_or_vehicle, labels)):
        probs = predictions[[f"p_{name}" for name in labels]].fillna(-1.0)
        likeliest = probs.idxmax(axis=1).str.removeprefix("p_")
        is_one |= likeliest.map(is_person_or_vehicle).astype(bool) & predictions["status"].ne("unreadable")
    found = set(predictions.loc[is_one, "clip_id"])
    for series in names:
        found |= set(series.index[series.map(is_person_or_vehicle).astype(bool)])
    return frozenset(map(str, found))
